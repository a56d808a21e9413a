"""Any bytes at all: rows or one sentence, whatever is cut off, flipped or called by a wrong name."""
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.files.child import said
from app.files.limits import BadFile, Limits, Options
from tests.conftest import SCALE
from tests.files.legacy import Sheet, xls
from tests.files.made import ODS_ROWS, ROWS, book
from tests.files.making import everything
from tests.files.opendocument import ods

STARTS = (b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"sep=", b"a,b\n", b"<", b"{", b"\0", b'"', b"\xd0\xcf\x11\xe0", b"PK\x03")
SEEDS: dict[str, Callable[[Path], Path]] = {
    "xlsx": book(rows=ROWS * 20), "xls": lambda path: xls(path, {"A": Sheet(ROWS * 20)}), "ods": lambda path: ods(path, {"A": ODS_ROWS * 20})}
LIMITS = Limits(memory=400 * 2**20, cpu=10, silence=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(STARTS), st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-16-le")))
@example(b"\xff\xfe", b"\n\0\n")
@example(b"", b"a\x80\n" * 3)
def test_bytes_give_rows_or_one_sentence(tmp_path, start, content):
    path = tmp_path / "any"
    path.write_bytes(start + content)

    *_, last = said(path, Options(), Limits())

    assert "end" in last or last["problem"].endswith(".")
    assert "of a kind we do not read" not in last.get("problem", ""), "an error nobody thought of"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=120), st.sampled_from(["utf-8", "utf-16", "cp1252", "gb18030", "shift_jis"]), st.sampled_from([",", ";", "\t", "|"]),
       st.integers(1, 5))
def test_a_person_may_choose_any_way_of_reading(tmp_path, text, encoding, delimiter, row):
    path = tmp_path / "any"
    path.write_bytes(text.encode("utf-8", "replace"))

    *_, last = said(path, Options(header_row=row, encoding=encoding, delimiter=delimiter), Limits())

    assert "end" in last or "of a kind we do not read" not in last["problem"]


@pytest.mark.attack
@pytest.mark.parametrize("kind", SEEDS)
@pytest.mark.parametrize("hurt", ["cut", "flipped", "inside"])
def test_a_hurt_workbook_gives_rows_or_one_sentence(tmp_path, kind, hurt):
    for seed in range(SCALE):
        path = SEEDS[kind](tmp_path / f"{kind}{seed}")
        HURT[hurt](path, random.Random(f"{kind}{hurt}{seed}"))
        assert sentence_of(path).endswith((".", "rows"))


def sentence_of(path: Path) -> str:
    try:
        return f"{len(everything(path, limits=LIMITS)[1])} rows"
    except BadFile as problem:
        return problem.detail


def cut(path: Path, chance: random.Random) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:chance.randrange(8, len(whole))])


def flip(path: Path, chance: random.Random) -> None:
    path.write_bytes(_flipped(path.read_bytes(), chance, 8))


def flip_inside(path: Path, chance: random.Random) -> None:
    """The parts of a ZIP file are hurt, the ZIP file itself is whole; of others the middle is."""
    if not zipfile.is_zipfile(path):
        flip(path, chance)
        return
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = chance.choice([name for name in parts if "sheet" in name or "content" in name or "workbook" in name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for one, content in parts.items():
            new.writestr(one, _flipped(content, chance, 4) if one == name else content)


def _flipped(content: bytes, chance: random.Random, times: int) -> bytes:
    hurt = bytearray(content)
    for _ in range(times):
        hurt[chance.randrange(min(8, len(hurt) - 1), len(hurt))] ^= 1 << chance.randrange(8)
    return bytes(hurt)


HURT = {"cut": cut, "flipped": flip, "inside": flip_inside}
