"""An export from the button to the file: asked for, written by a job, taken away by those who may."""
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import BinaryIO

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Forbidden, NotFound
from app.exports import columns
from app.exports.models import Export
from app.extensions import db
from app.files.storage import fresh_name, open_storage
from app.files.writing import csv_writer, jsonl_writer, xlsx_writer
from app.jobs.enqueue import enqueue
from app.jobs.work import Work
from app.records import query
from app.records.fields import Field
from app.records.filters import arguments
from app.records.query import Query, Row
from app.records.registry import named
from app.records.resource import Resource
from app.transaction import now, transaction

FORMATS = ("csv", "xlsx", "jsonl")
KEPT = timedelta(days=7)
PAGING = ("limit", "after", "before", "count")
Progress = Callable[[int], None]


def start(resource: str, query_string: str, names: Sequence[str], format: str, *, by: Actor) -> int:
    """Ask for the list this query shows, whole, as a file; returns the id of the export.

    Raises Forbidden without `<resource>.export`, BadRequest for a query or column that cannot be had.
    """
    asked(named(resource), query_string, by)
    columns.chosen(by, named(resource), names)
    with transaction() as session:
        export = Export(resource=resource, query=query_string, columns=list(names), format=format, created_by_kind=by.kind,
                        created_by_id=by.id, created_by=by.name)
        session.add(export)
        session.flush()
        export.job_id = enqueue(session, "exports.run", {"export_id": export.id}, by=by).id
        audit.note(session, by, "exports.start", "exports", export.id, resource=resource, query=query_string, columns=list(names),
                   format=format)
        return export.id


def asked(resource: Resource, query_string: str, by: Actor) -> Query:
    """The query of an export, with the rights `by` has now. Raises Forbidden or BadRequest."""
    check(by, f"{resource.name}.export")
    args = query.tidied(arguments(query_string))
    for name in PAGING:
        args.poplist(name)
    return query.parse(resource, args, by)


def run(work: Work, export_id: int) -> None:
    """Write the file and say where it is. Starts over after a crash; what an earlier try left behind is not shown to anybody."""
    export = db.session.get_one(Export, export_id)
    if export.file is not None:
        return
    actor, resource, storage = work.actor, named(export.resource), open_storage()
    found, fields = asked(resource, export.query, actor), columns.chosen(actor, resource, export.columns)
    total = query.count(db.session(), found, cap=None).number
    name = fresh_name("exports", f".{export.format}")
    with storage.writing(name) as file:
        rows = write(file, found, fields, export.format, lambda done: work.progress(done, total))
    try:
        with work.transaction(done=rows, total=rows) as session:
            is_ours = _shown(session, export_id, name, rows, storage.size(name))
    except BaseException:
        storage.delete(name)
        raise
    if not is_ours:
        storage.delete(name)


def write(file: BinaryIO, found: Query, fields: Sequence[Field], format: str, progress: Progress = lambda done: None) -> int:
    """Write every row the query finds, in bounded memory; returns how many."""
    rows = _told(query.stream(db.session(), found, fields), progress)
    if format == "jsonl":
        return jsonl_writer(file, map(columns.objects(fields), rows))
    headers, values = [field.title for field in fields], columns.values(fields, format == "xlsx")
    if format == "xlsx":
        return xlsx_writer(file, found.resource.plural, headers, map(values, rows))
    return csv_writer(file, headers, map(values, rows))


def take(export_id: int, *, by: Actor) -> Export:
    """The export, for `by` to download, with the rights they have now; noted in the trail. Raises NotFound or Forbidden."""
    export = visible(db.session(), export_id, by)
    resource = named(export.resource)
    check(by, f"{export.resource}.export")
    readable = {field.name for field in columns.offered(by, resource)}
    if hidden := [name for name in export.columns if name not in readable]:
        raise Forbidden(f"The file has columns you may not see: {', '.join(hidden)}.")
    if by.scopes.get(export.resource) and not export.is_of(by):
        raise Forbidden("The file may hold records you may not see. Make an export of your own.")
    with transaction() as session:
        if export.file is None or export.expires_at is None or export.expires_at < now(session):
            raise NotFound("The file is not there yet, or not kept any more. Export again.")
        audit.note(session, by, "exports.download", "exports", export_id, resource=export.resource, rows=export.rows)
    return export


def visible(session: Session, export_id: int, by: Actor) -> Export:
    """The export if `by` may know of it: their own, or any with the right to all exports. Raises NotFound."""
    export = session.get(Export, export_id)
    if export is None or not (export.is_of(by) or by.may("exports.export")):
        raise NotFound("There is no such export, or it is somebody else's.")
    return export


def forget_old() -> int:
    """Delete the files that are past their time; their rows stay. Returns how many."""
    with transaction() as session:
        moment = now(session)
        gone = list(session.scalars(select(Export).where(Export.file.is_not(None), Export.expires_at < moment).limit(500)))
        files = [export.file for export in gone if export.file]
        for export in gone:
            export.file = None
    for name in files:
        open_storage().delete(name)
    return len(files)


def _told(chunks: Iterator[list[Row]], progress: Progress) -> Iterator[Row]:
    done = 0
    for chunk in chunks:
        yield from chunk
        done += len(chunk)
        progress(done)


def _shown(session: Session, export_id: int, name: str, rows: int, size: int) -> bool:
    """Compare and set: of two tries at one export, one shows its file."""
    moment = now(session)
    set_ = update(Export).where(Export.id == export_id, Export.file.is_(None), Export.finished_at.is_(None)).values(
        file=name, rows=rows, size=size, finished_at=moment, expires_at=moment + KEPT)
    return bool(session.execute(set_).rowcount)  # type: ignore[attr-defined]
