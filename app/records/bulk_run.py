"""A bulk change from the button to the records, and back: confirmed, its ids written down, planned, applied, undone."""
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor, Door
from app.errors import BadRequest, Conflict, Invalid
from app.jobs import mend
from app.jobs.asked import is_over
from app.jobs.enqueue import enqueue
from app.records import batches
from app.records.batches import REFUSED, Batch, open_batch, rows_table, stage
from app.records.bulk_changes import BulkChange
from app.records.fields import Field
from app.records.registry import named
from app.records.save import alone
from app.records.selecting import LARGEST, RIGHTS, Selection, count, offered
from app.records.values import TYPED
from app.records.words import an, lower
from app.transaction import lock, transaction

Values = Mapping[str, Any]
STEPS = {"choose": "plan", "plan": "plan", "apply": "apply", "undo": "undo"}
"""The job that works on each stage."""
LATE = "Stop came too late: it had ended before. Undo takes back what was written."
TOO_MANY = f"At most {LARGEST:,} records can be changed at once. Narrow the list with filters, and do one part after the other."


def start(selection: Selection, deed: str, values: Values, *, by: Actor, once: str | None = None) -> int:
    """Keep what was confirmed and queue the preview; returns the id of the bulk change. Nothing is written to a record.

    The ids chosen by hand are kept here, those of a filter by the job. `once` names the form: sent twice, it is one bulk
    change. Raises Forbidden, Invalid whose `errors` are by field, and Conflict when nothing or too much was chosen.
    """
    resource = selection.resource
    if deed not in RIGHTS:
        raise BadRequest(f"This cannot be done in bulk. Choose from {', '.join(RIGHTS)}.")
    check_right(by, resource.name, deed)
    wrong = _wrong(selection, deed, values, by)
    if wrong:
        raise Invalid("Some values cannot be set.", errors=wrong)
    with transaction() as session:
        if once is not None and (made := _made(session, once, by)) is not None:
            return made
        _check_count(session, selection, by)
        bulk = _opened(session, resource.name, deed, dict(values), by, once)
        batch = session.get_one(Batch, bulk.batch_id)
        if selection.everything:
            bulk.query, bulk.stage = selection.list, "choose"
        else:
            stage(session, batch, ((number, [id], None) for number, id in enumerate(selection.ids, 1)))
        _queue(session, bulk, "plan", by)
        audit.note(session, by, "bulk.start", "bulk_changes", bulk.id, resource=resource.name, deed=deed, query=bulk.query,
                   fields=sorted(values))
        return bulk.id


def again(bulk_id: int, *, by: Actor) -> int:
    """Preview what was refused once more, as a bulk change of its own; pressed twice it is one. Raises Conflict."""
    with transaction() as session:
        old, batch = held(session, bulk_id, by)
        once = f"again {bulk_id}"
        if (made := _made(session, once, by)) is not None:
            return made
        if old.stage != "done" or not batches.refused(batch.outcomes):
            raise Conflict("Nothing of this bulk change was refused, or it has not ended.")
        bulk = _opened(session, old.resource, old.deed, old.values, by, once)
        new = session.get_one(Batch, bulk.batch_id)
        refused = select(literal(new.id), func.row_number().over(order_by=rows_table.c.number), rows_table.c.cells).where(
            rows_table.c.batch_id == batch.id, rows_table.c.outcome.in_(REFUSED))
        session.execute(rows_table.insert().from_select(["batch_id", "number", "cells"], refused))
        new.rows = batches.refused(batch.outcomes)
        _queue(session, bulk, "plan", by)
        audit.note(session, by, "bulk.start", "bulk_changes", bulk.id, resource=bulk.resource, deed=bulk.deed, refused_by=bulk_id)
        return bulk.id


def run(bulk_id: int, *, by: Actor) -> None:
    """Queue the writing. Pressing it twice runs it once. Raises Conflict when there is no finished preview to run."""
    with transaction() as session:
        bulk, batch = held(session, bulk_id, by)
        if bulk.stage in ("apply", "done"):
            return
        if bulk.stage != "review" or not batch.plans.get("updated"):
            raise Conflict("There is no preview to run, or nothing would change. Load the page to see where it is.")
        bulk.stage = "apply"
        _queue(session, bulk, "apply", by)
        audit.note(session, by, "bulk.run", "bulk_changes", bulk_id, resource=bulk.resource, records=batch.plans["updated"])


def undo(bulk_id: int, *, by: Actor) -> None:
    """Queue taking back what was written, where nobody has changed it since. Pressing it twice undoes it once.

    Raises Conflict while it still runs.
    """
    with transaction() as session:
        bulk, _ = held(session, bulk_id, by)
        if bulk.stage in ("undo", "undone"):
            return
        if bulk.stage != "done" and not (bulk.stage == "apply" and is_over(session, bulk)):
            raise Conflict("Only a bulk change that has ended can be undone. Stop it first, or wait.")
        bulk.stage = "undo"
        _queue(session, bulk, "undo", by)
        audit.note(session, by, "bulk.undo", "bulk_changes", bulk_id, resource=bulk.resource)


def stop(bulk_id: int, *, by: Actor) -> None:
    """Give it up before it has run, or stop the run after the chunk in hand: what is written stays. Twice is once.

    Raises Conflict when all of it was written before.
    """
    with transaction() as session:
        bulk, _ = held(session, bulk_id, by)
        job_id = None if is_over(session, bulk) else bulk.job_id
        if bulk.stage in ("choose", "plan", "review"):
            bulk.stage, bulk.finished_at = "cancelled", datetime.now(UTC)
        elif bulk.stage in ("done", "undone"):
            raise Conflict(LATE)
        elif job_id is None:
            return
        if job_id is not None:
            with suppress(Conflict):  # it has died: a job that is done has left its stage before, and we hold that
                mend.end(session, job_id, by=by)
        audit.note(session, by, "bulk.stop", "bulk_changes", bulk_id, resource=bulk.resource)


def go_on(bulk_id: int, *, by: Actor) -> None:
    """Queue the step again that was stopped or died; what is committed is not repeated. Twice is once."""
    with transaction() as session:
        bulk, _ = held(session, bulk_id, by)
        if bulk.stage in STEPS and is_over(session, bulk):
            _queue(session, bulk, STEPS[bulk.stage], by)


def held(session: Session, bulk_id: int, by: Actor) -> tuple[BulkChange, Batch]:
    """The bulk change, locked, and its batch. Raises NotFound, and Forbidden for whoever may not make such changes now."""
    bulk = lock(session, BulkChange, bulk_id)
    check_right(by, bulk.resource, bulk.deed)
    return bulk, session.get_one(Batch, bulk.batch_id)


def check_right(by: Actor, resource: str, deed: str) -> None:
    """Raise Forbidden unless `by` may do this to many records."""
    check(by, f"{resource}.bulk")
    check(by, f"{resource}.{RIGHTS[deed]}")


def _wrong(selection: Selection, deed: str, values: Values, by: Actor) -> dict[str, str]:
    """What is wrong with the values, by field name; the rest shows in the preview, record by record."""
    if deed not in ("edit", "status"):
        return {"": "Nothing can be set here."} if values else {}
    fields = {field.name: field for field in offered(selection.resource, by, deed)}
    errors = {name: "This cannot be set in many records at once." for name in values if name not in fields}
    for name, field in fields.items():
        if name in values:
            try:
                value = field.converter(TYPED)(values[name])
                if value is None and field.required:
                    errors[name] = _empty(field, deed)
            except ValueError as error:
                errors[name] = str(error)
    return errors or ({} if values else {"": "Tick at least one field to set."})


def _empty(field: Field, deed: str) -> str:
    """What to do where nothing was filled in and something has to be."""
    what = f"{'Choose' if field.kind in ('choice', 'reference', 'boolean') else 'Fill in'} {lower(an(field.title))}"
    return f"{what}, or do not tick it." if deed == "edit" else f"{what}."


def _check_count(session: Session, selection: Selection, by: Actor) -> None:
    if not selection.everything and not selection.ids:
        raise Conflict("No record is chosen. Go back to the list and choose some.", title="Nothing is chosen")
    if selection.everything and count(session, selection.asked(by)).capped:
        raise Conflict(TOO_MANY, title="These are too many at once")


def _made(session: Session, once: str, by: Actor) -> int | None:
    """What the same form made before; one at a time for each form."""
    alone(session, once)
    found = session.scalar(select(BulkChange).where(BulkChange.once == once))
    if found is not None and not found.is_of(by):
        raise Conflict("Somebody else has done this already. Look among the bulk changes.")
    return None if found is None else found.id


def _opened(session: Session, resource: str, deed: str, values: dict[str, Any], by: Actor, once: str | None) -> BulkChange:
    bulk = BulkChange(resource=named(resource).name, deed="edit" if deed == "status" else deed, values=values, stage="plan",
                      once=once, created_by_kind=by.kind, created_by_id=by.id, created_by=by.name)
    session.add(bulk)
    session.flush()
    bulk.batch_id = open_batch(session, resource, Door.BULK, door_id=bulk.id, mode="update").id
    return bulk


def _queue(session: Session, bulk: BulkChange, step: str, by: Actor) -> None:
    bulk.job_id = enqueue(session, f"bulk.{step}", {"bulk_id": bulk.id}, key=f"bulk {bulk.id}", by=by).id
