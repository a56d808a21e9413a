"""The command line as a whole: found by being there, helpful, and a sentence where something is wrong."""
from types import ModuleType

import click
import pytest

from app.cli import _speak, commands
from app.cli.privacy import _kept
from app.errors import Conflict, Invalid, Misconfigured
from app.extensions import db
from tests.nursery import ended, typed

PROMISED = {"user", "token", "demo", "endpoint", "import", "export", "worker", "drain", "sweep", "backup", "restore", "doctor", "db"}


@pytest.fixture
def run(app):
    """Run a command; returns what click's runner saw of it."""
    def invoke(*words):
        return app.test_cli_runner().invoke(args=list(words))
    return invoke


def leaves(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        elif command.callback and command.callback.__module__.startswith("app."):
            yield (*path, name), command


def test_every_promised_command_is_there(app):
    assert PROMISED - set(app.cli.commands) == set()


def test_every_command_says_what_it_does_and_what_its_options_mean(app):
    for path, command in leaves(app.cli):
        assert command.help, path
        assert command.help.split("\n")[0].endswith("."), path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)


def test_every_command_has_help_and_exits_with_zero(app, run):
    for path, _ in leaves(app.cli):
        assert run(*path, "--help").exit_code == 0, path


def test_wrong_usage_exits_with_two(app, run):
    for path, _ in leaves(app.cli):
        assert run(*path, "--no-such-option").exit_code == 2, path


@pytest.mark.parametrize("problem", [Conflict("Somebody has it."), Invalid("Look again.", errors={"name": "This is too long."}),
                                     Misconfigured("Set PORT.")])
def test_a_problem_is_a_sentence_and_exit_code_one(app, run, problem):
    def fail():
        raise problem
    found = click.command("failing")(fail)
    app.cli.add_command(found)
    _speak(found)
    try:
        ran = run("failing")
    finally:
        del app.cli.commands["failing"]
    assert ran.exit_code == 1
    assert ran.output.startswith(f"Error: {problem.detail}")
    assert "Traceback" not in ran.output
    assert all(sentence in ran.output for sentence in problem.errors.values())


def test_commands_of_a_group_are_not_commands_of_their_own():
    group = click.Group("things")
    inner = group.command("add")(lambda: None)
    module = ModuleType("things")
    vars(module).update(things=group, add=inner)
    assert commands(module) == [group]


def test_the_demo_says_what_it_made(run):
    ran = run("demo", "--orders", "12", "--json")
    assert ran.exit_code == 0, ran.output
    assert '"orders": 12' in ran.output.splitlines()[-1]
    again = run("demo", "--orders", "12")
    assert again.exit_code == 1
    assert "No demo was loaded" in again.output
    db.session.rollback()


ON_NOTHING = [("demo", "--orders", "3"), ("user", "list"), ("user", "add", "ada@example.com", "--role", "admin"), ("drain",), ("sweep", "--once"),
              ("endpoint", "add", "stripe", "--name", "Shop", "--secret", "whsec_" + "a" * 32)]
REFUSED = [("token", "add", "nobody@example.com", "--name", "laptop"), ("user", "link", "nobody@example.com"), ("erase", "7"),
           ("backup", "here.backup"), ("import", "customers", "pyproject.toml"), ("export", "orders", "-o", "/nope/x.csv"),
           ("restore", "pyproject.toml"), ("doctor",)]


@pytest.mark.alike
@pytest.mark.parametrize("words", [*ON_NOTHING, *REFUSED], ids=" ".join)
def test_every_command_speaks_in_sentences_on_an_installation_with_nothing_in_it(tmp_path, words):
    code = ended(typed({"INSTANCE_DIR": str(tmp_path / "instance"), "LOG_LEVEL": "ERROR"}, *words, err=tmp_path / "said"))

    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said
    assert code == 0 if words in ON_NOTHING else code in (1, 2), said
    assert words[0] in ("backup", "restore", "doctor") or "The tables are new" in said


def test_an_export_that_cannot_be_written_is_wrong_usage(run):
    ran = run("export", "orders", "-o", "/nope/orders.csv")
    assert (ran.exit_code, ran.output.splitlines()[-1]) == (2, "Error: /nope/orders.csv cannot be written: No such file or directory.")


def test_an_export_to_standard_output_is_the_file_and_nothing_else(run, app):
    ran = run("export", "customers", "--columns", "email", "--format", "csv", "-o", "-")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.strip("\ufeff\r\n") == "E-mail"
    assert ran.stderr == "-: 0 customers.\n"


def test_what_is_said_once_is_not_said_twice(run, user):
    assert run("user", "link", "nobody@example.com").output.startswith("Error: Nobody has an account with the address nobody@example.com.")
    user("viewer", email="ada@example.com")
    ran = run("user", "add", "ada@example.com", "--role", "viewer")
    assert ran.output == "Error: ada@example.com has an account already. Change its role, or choose another address.\n"


def test_what_is_kept_of_a_customer_is_counted_as_people_write_it():
    found = {"record": 1, "events": 0, "bodies": 1200, "changes": 2, "notes": 1}
    assert _kept(found) == "Would be erased of the customer: 1 field of the record, 1,200 stored posts, 2 changes, 1 note."
    assert _kept(dict.fromkeys(found, 0)) == "Nothing is kept of the customer any more."


def test_help_shows_what_is_ours_in_our_words(run):
    assert run("--help").output.startswith("Usage: ")
    ours, tables = run("--help").output, run("db", "--help").output
    assert "Backroom" in ours
    assert not [name for name in ("limiter", "shell", "routes") if f"\n  {name} " in ours]
    assert "upgrade" in tables
    assert "stamp" not in tables
    assert "what this version of Backroom needs" in run("db", "upgrade", "--help").output
