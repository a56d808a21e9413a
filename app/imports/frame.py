"""What every page of an import is made of: the import as its reader may see it, its steps, its file."""
from typing import Any

from flask import render_template

from app.access import check, current_actor
from app.extensions import db
from app.imports import asked
from app.imports.standing import Standing, standing
from app.imports.upload import twin
from app.records.registry import named

STEPS = ("File", "Columns", "Preview", "Run")
AT = {"read": 1, "unreadable": 0, "match": 1, "preview": 2, "apply": 3, "done": 4, "undo": 4, "undone": 4, "cancelled": 0}


def page(template: str, found: Standing, **values: Any) -> str:
    """The page of a step."""
    stage = found.imported.stage
    return render_template(template, found=found, imported=found.imported, resource=named(found.imported.resource), steps=STEPS,
                           at=AT[stage], letters=asked.LETTERS, before=twin(db.session(), found.imported), **values)


def standing_of(import_id: int) -> Standing:
    """Raises NotFound for what the reader may not see."""
    return standing(db.session(), import_id, current_actor())


def mine(import_id: int) -> Standing:
    """One that may be acted on. Raises NotFound or Forbidden."""
    found = standing_of(import_id)
    check(current_actor(), f"{found.imported.resource}.import")
    return found
