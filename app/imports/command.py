"""An import from one command: read, match, plan and apply, one after the other, in this process."""
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import BadRequest, Invalid, NotFound, Problem
from app.extensions import db
from app.files import cells
from app.files.limits import Options
from app.imports import mappings, match, read, run
from app.imports.choices import Choices
from app.imports.models import Import
from app.imports.noticing import decimal
from app.imports.refused import title
from app.imports.rules import Rules
from app.imports.targets import Target, keys, targets
from app.imports.upload import start
from app.jobs.steps import Here
from app.records import batches
from app.records.batches import ACCEPTED, REFUSED, SKIPPED, Batch, BatchRow
from app.records.registry import named
from app.records.resource import Resource
from app.transaction import lock, transaction

PAGE = 500
Report = dict[str, Any]


@dataclass(frozen=True)
class Wishes:
    """What was said on the command line, or by a program. `columns`: {heading: field}; the rest is as in the mapping kept under
    the name `saved`, else matched by itself. None: as kept there, else as usual.
    """

    mode: str | None = None
    key: str | None = None
    columns: Mapping[str, str] | None = None
    all_or_nothing: bool = False
    dry_run: bool = False
    options: Options = Options()       # how the file is read, as beside the columns
    blank: str | None = None
    decimal: str | None = None
    day_first: bool | None = None
    saved: str | None = None


def import_file(path: Path, resource: str, wishes: Wishes, *, by: Actor, is_kept: bool = False) -> Report:
    """Import the file and say what became of its rows, in the words of the interface that stays (`import --json`).

    Raises a Problem when it cannot even be begun: a right, a column or a key that is not there. What was only tried, or could
    not be begun, waits for nobody afterwards, unless it `is_kept` for somebody to go on with.
    """
    with path.open("rb") as file:
        import_id = start(file, path.name, resource, by=by, options=wishes.options)
    try:
        report = _imported(import_id, wishes, by)
    except Problem:
        run.stop(import_id, by=by)
        raise
    if wishes.dry_run and not is_kept:
        run.stop(import_id, by=by)
    return report


def _imported(import_id: int, wishes: Wishes, by: Actor) -> Report:
    steps = Here(by)
    read.read(steps, import_id)
    if (problem := _problem(import_id)) is not None:
        return _dry(wishes, _report("refused", errors=[{"row": None} | _error("", "", "", problem)]))
    _match(import_id, wishes, by)
    match.plan(steps, import_id)
    if not wishes.dry_run and _begin(import_id, wishes.all_or_nothing, by):
        run.apply(steps, import_id)
    return _result(import_id, wishes)


def _problem(import_id: int) -> str | None:
    imported = _fresh(import_id)
    return imported.problem if imported.stage == "unreadable" else None


def _match(import_id: int, wishes: Wishes, by: Actor) -> None:
    with transaction() as session:
        settle(session, lock(session, Import, import_id), wishes, by)


def settle(session: Session, imported: Import, wishes: Wishes, by: Actor) -> None:
    """Match the columns as wished, in the caller's transaction. Raises BadRequest where that cannot be followed."""
    resource = named(imported.resource)
    kept = _kept(session, imported, wishes.saved, by)
    fields = _fields(kept.fields, imported, resource, wishes.columns or {}, targets(by, resource))
    mark = wishes.decimal or kept.decimal or (None if _is_plain(imported) else ".")
    rules = (kept.rules or Rules()).fitting(fields, {target.name for target in targets(by, resource)})
    key = _key(resource, wishes) or kept.key or resource.key
    order = kept.day_first if wishes.day_first is None else wishes.day_first
    wanted = Choices(fields, wishes.mode or kept.mode, key, wishes.blank or kept.blank, mark, order, rules=rules)
    try:
        match.set_match(imported, session.get_one(Batch, imported.batch_id), wanted, by)
    except Invalid as wrong:
        raise BadRequest(" ".join(wrong.errors.values()), title="The columns cannot be matched") from None


def _kept(session: Session, imported: Import, saved: str | None, by: Actor) -> Choices:
    """What is kept under this name; without one, what is suggested. Raises BadRequest."""
    if saved is None:
        return Choices([column["field"] for column in imported.columns])
    try:
        return mappings.choices(imported, mappings.find(session, imported.resource, saved), by)
    except (Invalid, NotFound) as wrong:
        raise BadRequest(wrong.detail, title="The columns cannot be matched") from None


def _is_plain(imported: Import) -> bool:
    return decimal(read.of_kind(imported, "money", "integer")) is not None


def _fields(kept: Sequence[str | None], imported: Import, resource: Resource, said: Mapping[str, str],
            offered: Sequence[Target]) -> list[str | None]:
    headers, names = [column["header"] for column in imported.columns], {target.name for target in offered}
    for header, field in said.items():
        if header not in headers:
            raise BadRequest(f"There is no column {header!r}. There are {', '.join(headers)}.", title="--map cannot be followed")
        if field and field not in names:
            raise BadRequest(f"{resource.plural} have no field {field!r} to fill. There are {', '.join(sorted(names))}.",
                             title="--map cannot be followed")
    taken = {field for field in said.values() if field}
    return [said[column["header"]] or None if column["header"] in said else
            None if field in taken else field for column, field in zip(imported.columns, kept, strict=True)]


def _key(resource: Resource, wishes: Wishes) -> str | None:
    """The one that was said. Raises BadRequest."""
    known = [field.name for field in keys(resource)]
    if wishes.key is not None and wishes.key not in known:
        raise BadRequest(f"{resource.plural} cannot be found by {wishes.key!r}. Choose one of {', '.join(known)}.",
                         title="--key cannot be followed")
    return wishes.key


def _begin(import_id: int, all_or_nothing: bool, by: Actor) -> bool:
    """Whether there is something to apply, and it may be."""
    with transaction() as session:
        imported = lock(session, Import, import_id)
        batch = session.get_one(Batch, imported.batch_id)
        if not any(batch.plans.get(outcome) for outcome in ACCEPTED) or all_or_nothing and batches.refused(batch.plans):
            return False
        run.begin(session, imported, all_or_nothing)
        return True


def _result(import_id: int, wishes: Wishes) -> Report:
    imported = _fresh(import_id)
    batch = db.session.get_one(Batch, imported.batch_id)
    found = batch.outcomes if imported.stage == "done" else batch.plans
    refused = batches.refused(found)
    if refused and wishes.all_or_nothing:  # the good rows were left out as well
        found = {"skipped": batch.rows - refused, "invalid": refused}
    taken = any(found.get(kind) for kind in ACCEPTED)
    status = "done" if not refused else "done_with_refusals" if taken else "refused"
    left = (*SKIPPED, *ACCEPTED) if refused and wishes.all_or_nothing else SKIPPED
    return _dry(wishes, _report(status, batch.rows, found, list(_errors(imported, batch)), list(_skips(batch, left))))


def _report(status: str, rows: int = 0, found: Mapping[str, int] | None = None, errors: Sequence[Report] = (),
            skips: Sequence[Report] = ()) -> Report:
    counted = {kind: (found or {}).get(kind, 0) for kind in ACCEPTED}
    return {"status": status, "rows": rows, **counted, "skipped": batches.skipped(found or {}),
            "refused": batches.refused(found or {}), "errors": list(errors), "skips": list(skips)}


def _dry(wishes: Wishes, report: Report) -> Report:
    """A report on what would be done says so."""
    return report | {"dry_run": True} if wishes.dry_run else report


def _errors(imported: Import, batch: Batch) -> Iterator[Report]:
    for row in _rows(batch, REFUSED):
        for one in located(imported, row):
            yield {"row": row.number} | one


def _skips(batch: Batch, outcomes: Sequence[str]) -> Iterator[Report]:
    """One entry a skipped row: what is no mistake, but was not written either."""
    for row in _rows(batch, outcomes):
        left_out = "Left out, because other rows are refused." if row.outcome in ACCEPTED else "Left out."
        yield {"row": row.number, "message": (row.errors or {}).get("", left_out)}


def _rows(batch: Batch, outcomes: Sequence[str]) -> Iterator[BatchRow]:
    after = 0
    while rows := batches.page(db.session(), batch, outcomes, after, PAGE):
        yield from rows
        after = rows[-1].number
        db.session.expunge_all()


def located(imported: Import, row: BatchRow) -> list[Report]:
    """What is wrong with a row, and where: column, field, value and message of each."""
    places = {column["field"]: position for position, column in enumerate(imported.columns) if column["field"]}
    errors = row.errors or ({"": _why(row)} if row.outcome in REFUSED else {})
    return [_located(imported, row, name, sentence, places.get(name)) for name, sentence in errors.items()]


def _located(imported: Import, row: BatchRow, name: str, sentence: str, position: int | None) -> Report:
    if position is None:
        return _error(title(imported.resource, name), name, "", sentence)
    found = row.cells or []
    value = cells.text(found[position]) if position < len(found) else ""
    return _error(imported.columns[position]["header"], name, value, sentence)


def _why(row: BatchRow) -> str:
    sentences: dict[str | None, str] = {
        "missing": "There is no such record to change. Check the value it is found by, or create records too.",
        "forbidden": "You may not do this to this record."}
    return sentences.get(row.outcome, "This row was refused.")


def _error(column: str, field: str, value: str, message: str) -> Report:
    return {"column": column, "field": field, "value": value, "message": message}


def _fresh(import_id: int) -> Import:
    db.session.expire_all()
    return db.session.get_one(Import, import_id)
