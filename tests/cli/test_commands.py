"""The command line as a whole: found by being there, helpful, and a sentence where something is wrong."""
from types import ModuleType

import click
import pytest

from app.cli import _speak, commands
from app.errors import Conflict, Invalid, Misconfigured
from app.extensions import db

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
    assert ran.output.startswith(f"Error: {problem.title}. {problem.detail}")
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
