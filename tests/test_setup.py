"""Setting up: what the Makefile promises on a fresh machine, and that the lock files are whole."""
import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import ROOT

TARGETS = {"run", "test", "lint", "bench", "chaos", "attack", "screenshots", "lock"}
LOCKS = ("requirements.lock", "requirements-dev.lock")


def make(*arguments, folder=ROOT, **environ):
    return subprocess.run(["make", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": str(folder), **environ})


@pytest.fixture
def clone(tmp_path):
    """What git would give a stranger of the files that set-up needs."""
    for name in ("Makefile", *LOCKS):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def python(folder, said):
    """A program that behaves like a Python: it fails on whatever mentions `said`."""
    path = folder / "python-like"
    path.write_text(f'#!/bin/sh\ncase "$2" in *{said}*) exit 1;; esac\nexec python3 "$@"\n')
    path.chmod(0o755)
    return str(path)


def pins(name):
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE))


def wanted(name):
    return {line.split("[")[0].strip() for line in (ROOT / name).read_text().splitlines() if line and line[0] not in "#-"}


def test_make_alone_lists_every_target_with_a_line_about_it():
    listed = re.findall(r"^  make (\S+) +(\S.*)$", make().stdout, flags=re.MULTILINE)
    assert {name for name, _ in listed} >= TARGETS
    assert all(len(about) > 10 for _, about in listed)


@pytest.mark.parametrize("target", ["run", "test"])
def test_an_old_python_is_one_sentence(clone, target):
    refused = make(target, f"PYTHON={python(clone, 'version_info')}", folder=clone)
    assert refused.returncode != 0
    assert refused.stdout.count("\n") <= 2   # make says which folder it is in
    assert "needs Python 3.11 or newer" in refused.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("target", ["run", "test"])
def test_a_python_without_venv_is_one_sentence_that_names_the_cure(clone, target):
    refused = make(target, f"PYTHON={python(clone, 'ensurepip')}", folder=clone)
    assert refused.returncode != 0
    assert "apt-get install python3-venv" in refused.stderr
    assert not (clone / ".venv").exists()


def test_what_is_set_up_already_is_not_set_up_again(clone):
    (clone / ".venv").mkdir()
    for stamp in (".made", ".runtime", ".dev"):
        (clone / ".venv" / stamp).touch()
    planned = make("--dry-run", "test", folder=clone).stdout
    assert "pytest" in planned
    assert "install" not in planned


def test_a_changed_lock_is_installed_at_the_next_run(clone):
    (clone / ".venv").mkdir()
    for stamp in (".made", ".runtime", ".dev"):
        (clone / ".venv" / stamp).touch()
    os.utime(clone / "requirements.lock", (2**31, 2**31))
    assert "--require-hashes -r requirements.lock" in make("--dry-run", "run", folder=clone).stdout


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_no_lock_knows_an_index(name):
    text = (ROOT / name).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 40
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|index-url|find-links|file:", text)


@pytest.mark.parametrize(("asked", "locked"), [("requirements.in", "requirements.lock"), ("requirements-dev.in", "requirements-dev.lock")])
def test_everything_asked_for_is_locked(asked, locked):
    assert wanted(asked) - set(pins(locked)) == set()


def test_tests_run_on_the_very_versions_that_run_in_production():
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: (version, dev.get(name)) for name, version in runtime.items() if dev.get(name) != version} == {}


def test_whatever_the_code_imports_is_asked_for():
    """A package that only another one brings may be gone with its next version."""
    provides = {"flask_sqlalchemy": "flask-sqlalchemy", "flask_migrate": "flask-migrate", "flask_login": "flask-login",
                "flask_wtf": "flask-wtf", "flask_limiter": "flask-limiter", "flask_babel": "flask-babel", "yaml": "pyyaml",
                "flask_bootstrap": "bootstrap-flask", "psycopg": "psycopg", "prometheus_client": "prometheus-client",
                "python_calamine_plus": "python-calamine-plus", "rustpy_xlsxwriter": "rustpy-xlsxwriter", "alembic": "flask-migrate",
                "werkzeug": "flask", "jinja2": "flask", "markupsafe": "flask", "click": "flask", "itsdangerous": "flask",
                "charset_normalizer": "charset-normalizer", "wtforms": "wtforms", "dateutil": "python-dateutil", "urllib3": "requests"}
    own, here = {"app"}, wanted("requirements.in")
    found = {module for path in (ROOT / "app").rglob("*.py") for node in ast.parse(path.read_text()).body for module in _imported(node)}
    outside = {module for module in found if module not in own and not _is_standard(module)}
    assert {module for module in outside if provides.get(module, module) not in here} == set()


def _imported(node):
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()


def _is_standard(module):
    return module in sys.stdlib_module_names


def test_continuous_integration_runs_lint_and_the_tests_the_readme_names():
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "CI=true" in script
    assert "chromium" in script
    assert "make lint" in script
    assert "make test" in script
    assert "make test" in (ROOT / "README.md").read_text()


def test_what_a_build_leaves_behind_is_not_committed():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".venv/", "instance/", "__pycache__/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".hypothesis/"} <= set(ignored)
    assert Path(ROOT / "LICENSE").read_text().startswith("MIT License")
