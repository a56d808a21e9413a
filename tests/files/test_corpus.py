"""Files as people have them, one a case: the rows or the sentence each has to give.

Text files lie in `corpus/`, each beside the JSON of what is expected; workbooks are made here.
"""
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.files.child import said
from app.files.limits import BadFile, Limits, Options
from app.files.reading import read_rows
from tests.files.made import MADE

CORPUS = Path(__file__).parent / "corpus"
TEXTS = {path.stem: path for path in sorted(CORPUS.iterdir()) if path.suffix != ".json"}


def in_process(path: Path, options: Options) -> dict[str, Any]:
    """What the child would say, without starting one: {"about", "rows", "told"} or {"sentence"}."""
    messages = list(said(path, options, Limits()))
    if "problem" in messages[-1]:
        return {"sentence": messages[-1]["problem"]}
    rows = [[number, cells] for message in messages for number, cells in message.get("rows", ())]
    return {"about": messages[0]["about"], "rows": rows, "told": messages[-1]["told"]}


def in_a_child(path: Path, options: Options) -> dict[str, Any]:
    try:
        with read_rows(path, options) as reading:
            rows = [[number, cells] for number, cells in reading.rows]
            return {"about": json.loads(json.dumps(vars(reading.about))), "rows": rows, "told": reading.told}
    except BadFile as problem:
        return {"sentence": problem.detail}


def agree(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if "sentence" in expected:
        assert re.match(re.escape(expected["sentence"]), found.get("sentence", "no sentence, but rows")), found
        return
    assert "about" in found, found
    assert found["rows"] == expected["rows"]
    assert list(found["about"]["headers"]) == expected["headers"]
    assert found["about"]["header_row"] == expected.get("header_row", 1)
    assert {name: found["about"].get(name) for name in expected.get("about", {})} == expected.get("about", {})
    assert found["told"] == expected.get("told", {})


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_file_of_the_corpus_reads_as_it_should(name):
    expected = json.loads((CORPUS / f"{name}.json").read_text())

    agree(in_process(TEXTS[name], Options(**expected.get("options", {}))), expected)


@pytest.mark.parametrize("name", MADE)
def test_a_workbook_of_the_corpus_reads_as_it_should(tmp_path, name):
    make: Callable[[Path], Path]
    make, expected = MADE[name]

    agree(in_process(make(tmp_path / "file"), Options(**expected.get("options", {}))), expected)


@pytest.mark.parametrize("name", ["xlsx_of_every_type", "xls_of_every_type", "ods_of_every_type", "xls_with_a_password"])
def test_a_child_says_the_same(tmp_path, name):
    make, expected = MADE[name]

    agree(in_a_child(make(tmp_path / "file"), Options()), expected)


def test_the_corpus_is_as_large_as_it_says():
    assert len(TEXTS) + len(MADE) >= 60
