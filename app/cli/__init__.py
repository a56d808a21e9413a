"""The command line: `flask --app app …`. Every click command in a module of this package is one of ours."""
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import click
from flask import Flask
from flask.cli import with_appcontext

from app.config import Config, load
from app.errors import Misconfigured, Problem
from app.run import tables

HELP = "Backroom on the command line. Run it with the same INSTANCE_DIR, DATABASE_URL and PORT as the application."
FOREIGN = {"limiter", "routes", "run", "shell"}
"""Commands of the libraries we stand on: they work, and are for who changes Backroom."""
WITHOUT_TABLES = ("doctor", "backup", "restore", "worker")
"""Commands that say themselves what there is, or wait for it."""


def init_app(app: Flask) -> None:
    """Add every command of this package, found by being there. A Problem in one is a sentence and exit code 1."""
    for found in iter_modules(__path__):
        for command in commands(import_module(f"{__name__}.{found.name}")):
            _speak(command, command.name not in WITHOUT_TABLES)
            app.cli.add_command(command)
    app.cli.help = HELP
    for name in FOREIGN & set(app.cli.commands):
        app.cli.commands[name].hidden = True
    _name_the_migrations(app.cli.commands["db"])


def commands(module: ModuleType) -> list[click.Command]:
    """The commands a module declares, without those that belong to one of its groups."""
    declared = [value for value in vars(module).values() if isinstance(value, click.Command)]
    nested = {id(inner) for group in declared if isinstance(group, click.Group) for inner in group.commands.values()}
    return [command for command in declared if id(command) not in nested]


def settings() -> Config:
    """The settings from the environment. On the command line a wrong one is a sentence, elsewhere it is raised."""
    try:
        return load()
    except Misconfigured as problem:
        if click.get_current_context(silent=True) is None:
            raise
        raise click.ClickException(problem.detail) from None


def _speak(command: click.Command, needs_tables: bool = False) -> None:
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _speak(inner, needs_tables)
    elif command.callback is not None and not hasattr(command.callback, "speaks"):
        command.callback = with_appcontext(_speaking(command.callback, needs_tables))


def _name_the_migrations(group: click.Command) -> None:
    """The one of its commands that people need, in our words; the rest is for who changes the tables."""
    assert isinstance(group, click.Group)
    group.help, group.short_help = "The tables: bring them up to date.", None
    for name, command in group.commands.items():
        command.hidden = name != "upgrade"
    group.commands["upgrade"].help = "Bring the tables up to what this version of Backroom needs. Safe to repeat."


def _speaking(callback: Callable[..., Any], needs_tables: bool) -> Callable[..., Any]:
    @wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if needs_tables:
                tables.be_there(lambda sentence: click.echo(sentence, err=True))
            return callback(*args, **kwargs)
        except Problem as problem:
            raise click.ClickException(_sentence(problem)) from problem
    call.speaks = True  # type: ignore[attr-defined]
    return call


def _sentence(problem: Problem) -> str:
    """What to do next says what happened too, unless that has words of its own."""
    by_field = "".join(f"\n  {name}: {sentence}" for name, sentence in problem.errors.items())
    if problem.detail and problem.title == type(problem).title:
        return problem.detail + by_field
    return f"{problem.title}. {problem.detail}".strip() + by_field
