"""What the tests of imports can ask for."""
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import COMMAND_LINE, Actor
from app.extensions import db
from app.imports.command import Wishes, import_file
from app.records.registry import named
from tests.imports.flow import confirmed, sent

HEADINGS = "Email,Name,Country,Note"


@pytest.fixture
def put(app: Flask, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Import text as a CSV file by the command, and give its report: `put("customers", "Email,Name\\na@example.com,Ada\\n")`."""

    def run(resource: str, content: str, *, by: Actor = COMMAND_LINE, name: str = "file.csv", **wishes: Any) -> dict[str, Any]:
        path = tmp_path / name
        path.write_text(content, newline="")
        return import_file(path, resource, Wishes(**wishes), by=by)
    return run


@pytest.fixture
def kept(app: Flask) -> Callable[..., list[dict[str, Any]]]:
    """Every record of a resource, oldest first: `kept("customers")`."""

    def rows(resource: str) -> list[dict[str, Any]]:
        db.session.rollback()
        table = named(resource).table
        return [dict(row) for row in db.session.execute(select(table).order_by(table.c.id)).mappings()]
    return rows


@pytest.fixture
def previewed(app, drain) -> Callable[..., int]:
    """An import that has come to its preview."""
    def make(content: str, **choices: object) -> int:
        import_id = sent(content)
        drain()
        confirmed(import_id, **choices)
        drain()
        return import_id
    return make
