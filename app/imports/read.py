"""The second step of an import: the file is read in a child under limits, its rows staged, its columns matched."""
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from app.audit import Actor, Door
from app.errors import Conflict
from app.files.cells import Cell
from app.files.limits import BadFile, Limits, Options
from app.files.reading import Reading, read_rows
from app.files.storage import open_storage
from app.imports import mappings, template, totals
from app.imports.matching import Match, remembered, suggest
from app.imports.models import Import
from app.imports.notes import notes
from app.imports.noticing import Column, day_first, decimal, notice
from app.imports.rules import Rules
from app.imports.targets import keys, targets
from app.imports.upload import headings_before
from app.jobs.enqueue import enqueue
from app.jobs.steps import Steps
from app.records import batches
from app.records.batches import Batch
from app.records.registry import named
from app.transaction import lock, transaction

CHUNK = 1000
GONE = "The file is not kept any more. Upload it again."
LIMITS = Limits()
How = dict[str, Any]
Last = deque[tuple[int, list[Cell]]]


def read(steps: Steps, import_id: int) -> None:
    """Stage every row of the file. A file that cannot be read ends the import as unreadable, with a sentence.

    May be called again after a crash: it starts over.
    """
    with steps.transaction() as session:
        imported = lock(session, Import, import_id)
        if imported.stage != "read":
            return
        if imported.file is None:
            imported.stage, imported.problem = "unreadable", GONE
            return
        _clear(session, imported)
        file, options = imported.file, Options(**imported.options)
    try:
        with open_storage().local(file) as path, read_rows(path, options, LIMITS) as reading:
            columns = notice(reading.about.headers)
            last = _stage(steps, import_id, reading, columns)
    except BadFile as problem:
        _unreadable(steps, import_id, problem.detail)
        return
    matches, chosen, how = _matches(import_id, [column.facts() for column in columns], steps.actor)
    with steps.transaction() as session:
        imported = lock(session, Import, import_id)
        if imported.stage == "read":  # nobody cancelled it meanwhile
            examples = _examples(session, imported, reading.about.headers, steps.actor)
            told = {"notes": notes(imported.file_name, reading.about, reading.told, examples),
                    "totals": _totals(session, imported, last), "examples": examples}
            _found(session, imported, asdict(reading.about) | told | {"before": chosen}, columns, matches, how,
                   {target.name for target in targets(steps.actor, named(imported.resource))})


def again(import_id: int, options: Options, *, by: Actor) -> None:
    """Read the same file with other choices: sheet, heading row, encoding. Raises Conflict once rows were imported."""
    with transaction() as session:
        imported = lock(session, Import, import_id)
        if imported.stage not in ("match", "preview", "unreadable"):
            raise Conflict("This import is past that step. Upload the file again to read it in another way.")
        imported.stage, imported.problem, imported.options = "read", None, asdict(options)
        imported.job_id = enqueue(session, "imports.read", {"import_id": import_id}, key=f"import {import_id}", by=by).id


def _clear(session: Session, imported: Import) -> None:
    """Take out what an earlier reading staged."""
    if imported.batch_id is None:
        imported.batch_id = batches.open_batch(session, imported.resource, Door.IMPORT, door_id=imported.id).id
    else:
        batches.empty(session, session.get_one(Batch, imported.batch_id))


def _stage(steps: Steps, import_id: int, reading: Reading, columns: list[Column]) -> Last:
    """Returns the last rows."""
    done, rows, last = 0, _noticed(reading, columns), Last(maxlen=totals.LAST)
    while True:
        held = [row for _, row in zip(range(CHUNK), rows, strict=False)]
        done += len(held)
        last += [(number, cells) for number, cells, _ in held[-totals.LAST:]]
        if held:
            with steps.transaction(done=done) as session:
                batch_id = session.get_one(Import, import_id).batch_id
                batches.stage(session, session.get_one(Batch, batch_id), held)
        if len(held) < CHUNK:
            return last


def _noticed(reading: Reading, columns: list[Column]) -> Iterator[tuple[int, list[Cell], None]]:
    for number, cells in reading.rows:
        for column, cell in zip(columns, cells, strict=False):
            column.look(cell)
        yield number, cells, None


def _totals(session: Session, imported: Import, last: Last) -> dict[int, str]:
    """The rows at the end that look like totals, and why."""
    found = totals.by_word(list(last))
    batch = session.get_one(Batch, imported.batch_id)
    if found or batch.rows > totals.SUMMED or not totals.is_bare(list(last)):
        return found
    above = batches.page(session, batch, limit=batch.rows - 1)
    return totals.by_sum(list(last), (row.cells or [] for row in above))


def _examples(session: Session, imported: Import, headers: Sequence[str], actor: Actor) -> dict[int, str]:
    """The row at the beginning that is the example of our template, and that it is."""
    first = batches.page(session, session.get_one(Batch, imported.batch_id), limit=template.LOOKED_AT)
    known = template.examples(named(imported.resource), actor)
    return template.example_rows(headers, [(row.number, row.cells or []) for row in first], known)


def _unreadable(steps: Steps, import_id: int, sentence: str) -> None:
    with steps.transaction() as session:
        imported = lock(session, Import, import_id)
        if imported.stage == "read":
            imported.stage, imported.problem = "unreadable", sentence


def _matches(import_id: int, columns: list[dict[str, Any]], actor: Actor) -> tuple[list[Match], dict[str, Any], How]:
    """The match; how values were read and what else was chosen before for a file with these headings."""
    with transaction() as session:
        imported = session.get_one(Import, import_id)
        offered = targets(actor, named(imported.resource))
        for before in headings_before(imported):
            if (match := remembered(columns, before.columns, offered)) is not None:
                batch = session.get_one(Batch, before.batch_id)
                how = {"mode": batch.mode, "key": batch.key, "blank": before.blank, "rules": before.rules}
                return match, _chosen(batch, before), how
        kept = mappings.fitting(session, imported, [column["header"] for column in columns])
        if kept is not None and (match := remembered(columns, kept.chosen, offered)) is not None:
            return match, kept.read_as, kept.options | {"rules": kept.rules}
        return suggest(columns, offered), {}, {}


def _chosen(batch: Batch, before: Import) -> dict[str, Any]:
    """How the values of an earlier import were read, as far as that made a difference there."""
    numbers, days = of_kind(before, "money", "integer"), of_kind(before, "date", "datetime")
    return ({"decimal": batch.decimal} if any(one["marks"] or one["likely"] for one in numbers) else {}) | (
        {"day_first": batch.day_first} if any(one["day_order"] or one["unsure"] for one in days) else {})


def _found(session: Session, imported: Import, about: dict[str, Any], columns: list[Column], matches: list[Match], how: How,
           offered: set[str]) -> None:
    batch = session.get_one(Batch, imported.batch_id)
    imported.about = about
    imported.columns = [column.facts() | {"field": match.field, "sure": match.sure}
                        for column, match in zip(columns, matches, strict=True)]
    imported.stage = "match" if batch.rows else "unreadable"
    imported.problem = None if batch.rows else "There are headings in it, but no rows below them."
    resource, fields = named(imported.resource), {match.field for match in matches}
    rules = Rules.of(how.get("rules") or {}).fitting(fields, offered)
    imported.rules, imported.blank = rules.kept(), how.get("blank", "leave")
    filled = fields | {split.rest for split in rules.splits.values()}
    found = [key.name for key in keys(resource) if key.name in filled]
    batch.key = how["key"] if how.get("key") in found else next(iter(found), resource.key)
    batch.mode = how.get("mode", "upsert")
    known = read_as(imported)
    batch.decimal, batch.day_first = known[0] or ".", bool(known[1])


def read_as(imported: Import) -> tuple[str | None, bool | None]:
    """(decimal mark, whether days come first), as its values show or as was chosen before; None where a person has to say."""
    before = imported.about.get("before") or {}
    return (decimal(of_kind(imported, "money", "integer"), before.get("decimal")),
            day_first(of_kind(imported, "date", "datetime"), before.get("day_first")))


def of_kind(imported: Import, *kinds: str) -> list[dict[str, Any]]:
    """The columns matched with fields of these kinds."""
    resource = named(imported.resource)
    return [column for column in imported.columns
            if (field := resource.field(column["field"] or "")) is not None and field.kind in kinds]
