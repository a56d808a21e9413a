"""The files to deploy by name variables, commands and files that are there, and hold no secret."""
import re
import runpy
import shlex
from configparser import ConfigParser

import pytest
import yaml

from app.config import ROOT
from app.extensions import db
from app.run import tables

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text())
OURS = ("web", "worker", "sweep")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
THEIRS = re.compile(r"FSSPEC_S3_(ENDPOINT_URL|KEY|SECRET)|PYTHONDONTWRITEBYTECODE")     # read by what we stand on
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()


def unit(path):
    parser = ConfigParser(interpolation=None)
    parser.read(path)
    return parser


def read_by_us():
    sources = "\n".join((ROOT / path).read_text() for path in ("app/config.py", "app/run/health.py"))
    return set(re.findall(r'"([A-Z][A-Z_]{3,})"', sources))


def settings_of(path):
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", path.read_text(), flags=re.MULTILINE))


def named():
    """Every variable the files set for our processes, and where."""
    yield from ((name, "backroom.env.example") for name in settings_of(DEPLOY / "backroom.env.example"))
    yield from ((name, f"compose {service}") for service in OURS for name in COMPOSE["services"][service]["environment"])
    yield from ((unit(path)["Service"]["Environment"].partition("=")[0], path.name) for path in UNITS)
    yield from ((name, "Containerfile") for line in re.findall(r"^ENV (.*)$", CONTAINERFILE, flags=re.MULTILINE)
                for name in re.findall(r"(\w+)=", line))


def commands():
    """What each file starts, as words."""
    yield from (COMPOSE["services"][service]["command"] for service in OURS)
    yield from (shlex.split(unit(path)["Service"]["ExecStart"]) for path in UNITS)
    yield yaml.safe_load(re.findall(r"^CMD (.*)$", CONTAINERFILE, flags=re.MULTILINE)[0])
    yield from map(shlex.split, re.findall(r"(flask --app app [^&\n]*)", (DEPLOY / "compose.yml").read_text()))


def test_every_variable_they_set_is_read():
    known = read_by_us()
    assert [(name, where) for name, where in named() if name not in known and not THEIRS.fullmatch(name)] == []


@pytest.mark.alike
def test_every_command_they_start_exists(made):
    started = set()
    for words in commands():
        program, rest = words[0].rpartition("/")[2], list(words[1:])
        if program == "flask":
            assert rest[:2] == ["--app", "app"]
            assert rest[2] in made.cli.commands
            started.add(rest[2])
        else:
            assert (program, rest) == ("gunicorn", ["-c", "deploy/gunicorn.conf.py", "app:create_app()"])
            started.add("web")
    assert started == {"web", "worker", "sweep", "db", "user"}
    assert {path.stem for path in UNITS} == {f"backroom-{name}" for name in OURS}


def test_the_image_holds_what_runs_and_runs_as_nobody_in_particular():
    for source in re.findall(r"^COPY (\S+)", CONTAINERFILE, flags=re.MULTILINE):
        assert (ROOT / source).exists(), source
    assert "--require-hashes -r requirements.lock" in CONTAINERFILE
    assert re.findall(r"^USER (\w+)$", CONTAINERFILE, flags=re.MULTILINE) == ["backroom"]
    assert {unit(path)["Service"]["User"] for path in UNITS} == {"backroom"}


def test_they_hold_no_secret():
    example = settings_of(DEPLOY / "backroom.env.example")
    assert example["SECRET_KEY"] == example["METRICS_TOKEN"] == example["FSSPEC_S3_SECRET"] == ""
    for service in COMPOSE["services"].values():
        secret = [value for name, value in service.get("environment", {}).items() if re.search("PASSWORD|SECRET|DATABASE_URL|MC_HOST", name)]
        assert [value for value in secret if ":?" not in value] == []


def test_the_valkey_they_start_keeps_what_it_is_given():
    words = COMPOSE["services"]["queue"]["command"]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert (options["--maxmemory-policy"], options["--appendonly"], options["--timeout"]) == ("noeviction", "yes", "0")


def test_the_web_server_starts_on_tables_of_its_own_and_not_on_others(app, environ, monkeypatch):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tables, "_fitted", set())
    conf = runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))
    conf["on_starting"](None)
    assert tables._fitted == {str(db.engine.url)}

    monkeypatch.setattr(tables, "revision", lambda: "0003")
    with pytest.raises(SystemExit, match="db upgrade"):
        conf["on_starting"](None)
