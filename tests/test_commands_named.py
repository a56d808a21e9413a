"""The commands our sentences name are such as work when they are typed."""
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from app import commands
from app.config import ROOT


@pytest.fixture
def made(tmp_path):
    """A Python with a flask beside it, as in a virtual environment."""
    def make(folder):
        place = tmp_path / folder
        place.mkdir(parents=True)
        for name in ("python", "flask"):
            (place / name).write_text("")
        return place / "python"
    return make


def test_it_is_said_from_where_one_stands(made, tmp_path):
    assert commands._flask(made(".venv/bin"), tmp_path, None) == ".venv/bin/flask"


def test_from_elsewhere_it_is_said_in_full(made, tmp_path):
    python = made("a b/bin")
    assert shlex.split(commands._flask(python, tmp_path / "other", None)) == [str(python.with_name("flask"))]


def test_one_that_is_on_the_path_is_called_by_its_name_and_another_ones_is_not(made, tmp_path):
    ours, theirs = made("ours"), made("theirs")
    assert commands._flask(ours, tmp_path, str(ours.with_name("flask"))) == "flask"
    assert commands._flask(ours, tmp_path, str(theirs.with_name("flask"))) == "ours/flask"


def test_a_python_without_one_runs_it_as_a_module(tmp_path):
    assert commands._flask(tmp_path / "python3", tmp_path, None) == f"{tmp_path}/python3 -m flask"


def test_what_is_said_works_when_it_is_typed():
    ran = subprocess.run([*shlex.split(commands.line("doctor --help"))], cwd=Path.cwd(), capture_output=True, text=True, check=False,
                         env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)})
    assert ran.returncode == 0, ran.stderr
    assert "Usage: " in ran.stdout


def test_no_sentence_names_a_flask_that_may_not_be_there():
    """Only `commands.line` says how to call it."""
    own = ROOT / "app" / "commands.py"
    sources = [path for folder in ("app", "templates") for path in (ROOT / folder).rglob("*.*") if path.suffix in (".py", ".html")]
    said = [path.name for path in sources if path != own and re.search(r"[^`]flask --app", path.read_text())]
    assert said == []
