"""The third step of an import: a person says what the columns mean; then every row is planned."""
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import Conflict, Invalid
from app.extensions import db
from app.imports.choices import Choices
from app.imports.meant import wrong_rules
from app.imports.models import Import
from app.imports.read import of_kind, read_as
from app.imports.rules import Rules
from app.imports.shaping import shaper
from app.imports.targets import ID, keys, targets
from app.jobs.enqueue import enqueue
from app.jobs.steps import Steps
from app.records import batch_steps, batches
from app.records.batches import Batch, Shape
from app.records.registry import named
from app.transaction import lock, transaction

MODES = ("create", "update", "upsert")
Then = Callable[[Session, Import, Batch], None]


def match(import_id: int, choices: Choices, *, by: Actor, then: Then | None = None) -> None:
    """Keep what the columns mean and queue the plan. Raises Invalid, or Conflict once the import has gone on.

    `then` is called in the same transaction, once the choices are written.
    """
    with transaction() as session:
        imported = lock(session, Import, import_id)
        batch = session.get_one(Batch, imported.batch_id)
        set_match(imported, batch, choices, by)
        if then is not None:
            then(session, imported, batch)
        batches.forget(session, batch)
        imported.job_id = enqueue(session, "imports.plan", {"import_id": import_id}, key=f"import {import_id}", by=by).id


def set_match(imported: Import, batch: Batch, choices: Choices, by: Actor) -> None:
    """Write the choices into the import, checked."""
    if imported.stage not in ("match", "preview"):
        raise Conflict("This import is past that step. Upload the file again to match its columns in another way.")
    rules = rules_of(imported, choices, by)
    errors = _wrong(imported, choices, rules, by)
    if errors:
        raise Invalid("Some choices are missing.", errors=errors)
    imported.rules = rules.kept()
    imported.columns = [column | {"field": field} for column, field in zip(imported.columns, choices.fields, strict=True)]
    known = read_as(imported)
    if choices.decimal is None and known[0] is None:
        errors["decimal"] = "Some numbers can be read in two ways. Say which sign stands before the decimals."
    if choices.day_first is None and known[1] is None:
        errors["day_first"] = f"{_unsure(imported)} can be read in two ways. Say whether days or months come first."
    if errors:
        raise Invalid("Some choices are missing.", errors=errors)
    batch.mode, batch.key, imported.blank = choices.mode, choices.key, choices.blank
    batch.decimal = choices.decimal or known[0] or "."
    batch.day_first = bool(known[1] if choices.day_first is None else choices.day_first)
    imported.about = imported.about | {"take_totals": choices.totals}
    imported.stage, imported.problem = "preview", None


def plan(steps: Steps, import_id: int) -> None:
    """Plan every row. After a crash it goes on where it was."""
    batch_steps.plan(steps, partial(held, import_id=import_id), shape_of, "preview", "preview", left_out)


def held(session: Session, import_id: int) -> tuple[Import, Batch]:
    """The import, locked, and its batch."""
    imported = lock(session, Import, import_id)
    return imported, session.get_one(Batch, imported.batch_id)


def shape_of(imported: Import, batch: Batch) -> Shape:
    """How the rows of this import become changes."""
    return shaper(imported.columns, batch, imported.blank, imported.about.get("format") == "csv",
                  Rules.of(imported.rules))


def left_out(imported: Import) -> dict[int, str]:
    """{number of a row that is left out: why}: the example of a template; what looks like a total, unless that is wanted."""
    found = {} if imported.about.get("take_totals") else imported.about.get("totals", {})
    return {int(number): why for number, why in (found | imported.about.get("examples", {})).items()}


def is_planned(batch: Batch) -> bool:
    """Whether every row has a plan."""
    planned: int = sum(batch.plans.values())
    return planned == batch.rows > 0


def rules_of(imported: Import, choices: Choices, by: Actor) -> Rules:
    """What was said of the values; where nothing was, what the import has already and still fits."""
    offered = {target.name for target in targets(by, named(imported.resource))}
    return choices.rules or Rules.of(imported.rules).fitting(choices.fields, offered)


def _wrong(imported: Import, choices: Choices, rules: Rules, by: Actor) -> dict[str, str]:
    resource = named(imported.resource)
    offered, chosen = targets(by, resource), [field for field in choices.fields if field]
    errors: dict[str, str] = {}
    if len(choices.fields) != len(imported.columns):
        errors[""] = "The file has other columns than this page shows. Load it again."
    for position, field in enumerate(choices.fields):
        if field and field not in {target.name for target in offered}:
            errors[f"field-{position}"] = "This field cannot be filled from a file. Choose another one."
        elif field and field in choices.fields[:position]:
            errors[f"field-{position}"] = "Another column is matched with this field already. Choose one of the two."
    if not [field for field in chosen if field not in (ID.name, "account")]:
        errors[""] = "No column is matched with a field. Match at least one."
    places = {field: position for position, field in enumerate(choices.fields) if field}
    chosen += [split.rest for split in rules.splits.values()]
    known = {target.name: target.field for target in offered}
    errors = errors or wrong_rules(db.session(), rules, known, places, by)
    return errors | _wrong_key(resource, choices, chosen)


def _wrong_key(resource: Any, choices: Choices, chosen: list[str]) -> dict[str, str]:
    if choices.mode not in MODES or choices.blank not in ("leave", "clear") or choices.decimal not in (None, ".", ","):
        return {"": "This choice is not offered. Load the page again."}
    known = {field.name: field.title for field in keys(resource)}
    if choices.key not in known and (choices.key is not None or choices.mode != "create"):
        return {"key": "Records cannot be found by this field. Choose another one."}
    if choices.key is not None and choices.key not in chosen and choices.mode != "create":
        return {"key": f"No column is matched with {known[choices.key]}, so records cannot be found. Match one, or create only."}
    return {}


def _unsure(imported: Import) -> str:
    return next((column["unsure"] for column in of_kind(imported, "date", "datetime") if column["unsure"]), "A day")
