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


def init_app(app: Flask) -> None:
    """Add every command of this package, found by being there. A Problem in one is a sentence and exit code 1."""
    for found in iter_modules(__path__):
        for command in commands(import_module(f"{__name__}.{found.name}")):
            _speak(command)
            app.cli.add_command(command)


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


def _speak(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _speak(inner)
    elif command.callback is not None:
        command.callback = _speaking(with_appcontext(command.callback))


def _speaking(callback: Callable[..., Any]) -> Callable[..., Any]:
    if hasattr(callback, "speaks"):
        return callback

    @wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except Problem as problem:
            raise click.ClickException(_sentence(problem)) from problem
    call.speaks = True  # type: ignore[attr-defined]
    return call


def _sentence(problem: Problem) -> str:
    by_field = "".join(f"\n  {name}: {sentence}" for name, sentence in problem.errors.items())
    return f"{problem.title}. {problem.detail}".strip() + by_field
