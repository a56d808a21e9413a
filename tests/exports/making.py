"""What tests of exports begin with: records by the gate, an export as rows, people with rights."""
import csv
import io
from typing import Any

from app.audit import COMMAND_LINE, Actor, Door
from app.exports import run
from app.exports.models import Export
from app.exports.style import PLAIN, Style
from app.extensions import db
from app.files.storage import open_storage
from app.records.changes import Change, Source, apply
from app.transaction import transaction

GATE = Source(Door.FORM, COMMAND_LINE)


def make(*rows: dict[str, Any], resource: str = "customers") -> list[int]:
    with transaction() as session:
        outcomes = apply(session, [Change(resource, row) for row in rows], GATE)
    assert all(outcome.id for outcome in outcomes), outcomes
    return [outcome.id for outcome in outcomes if outcome.id]


def content(export_id: int) -> bytes:
    db.session.expire_all()
    export = db.session.get_one(Export, export_id)
    assert export.file is not None
    with open_storage().open(export.file) as file:
        return file.read()


def export(*names: str, query: str = "", format: str = "csv", style: Style = PLAIN, by: Actor = COMMAND_LINE,
           resource: str = "orders") -> bytes:
    """The file, written at once."""
    return content(run.start(resource, query, names, format, style, by=by))


def table(file: bytes, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode(encoding), newline=""), delimiter=delimiter))
