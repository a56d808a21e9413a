"""An export from the button to the file: asked for, written at once or by a job, taken away by those who may."""
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, BinaryIO

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import BadRequest, Forbidden, NotFound
from app.exports import columns, quick, reading
from app.exports.columns import Column
from app.exports.models import Export
from app.exports.reading import Progress
from app.exports.style import PLAIN, Style
from app.extensions import db
from app.files.storage import fresh_name, open_storage
from app.files.writing import csv_writer, jsonl_writer, xlsx_writer
from app.jobs.enqueue import enqueue
from app.jobs.work import Work
from app.records import query
from app.records.filters import arguments
from app.records.query import Query
from app.records.registry import named
from app.records.resource import Resource
from app.transaction import now, transaction

FORMATS = ("csv", "xlsx", "jsonl")
QUICK = {"csv": quick.to_csv, "xlsx": quick.to_xlsx}
KEPT = timedelta(days=7)
AT_ONCE = 2_000     # rows
PAGING = ("limit", "after", "before", "count")


def start(resource: str, query_string: str, names: Sequence[str], format: str, style: Style = PLAIN, *, by: Actor,
          at_once: bool = True, definition_id: int | None = None) -> int:
    """Ask for the list this query shows, whole, as a file; returns the id of the export.

    Up to AT_ONCE rows are there when this returns; more are written by a job. Raises Forbidden without `<resource>.export`,
    BadRequest for a query, column or format that cannot be had.
    """
    export = wanted(resource, query_string, names, format, style, by=by)
    export.definition_id = definition_id
    found = asked(named(resource), query_string, by)
    if at_once and not query.count(db.session(), found, cap=AT_ONCE).capped:
        return _written(export, found, by)
    with transaction() as session:
        return queue(session, export, by=by)


def wanted(resource: str, query_string: str, names: Sequence[str], format: str, style: Style = PLAIN, *, by: Actor) -> Export:
    """The export, checked with the rights `by` has now and not yet kept. Raises Forbidden and BadRequest."""
    asked(named(resource), query_string, by)
    columns.chosen(by, named(resource), names)
    if format not in FORMATS:
        raise BadRequest("A file is csv, xlsx or jsonl.", errors={"format": "Choose one of csv, xlsx, jsonl."})
    return Export(resource=resource, query=query_string, columns=list(names), format=format, style=style.chosen,
                  scopes=dict(by.scopes), created_by_kind=by.kind, created_by_id=by.id, created_by=by.name)


def queue(session: Session, export: Export, *, by: Actor) -> int:
    """Let a job write it, once the caller's transaction is through. Returns its id."""
    session.add(export)
    session.flush()
    export.job_id = enqueue(session, "exports.run", {"export_id": export.id}, by=by).id
    _note(session, "exports.start", export, by)
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
    actor, resource, storage, style = work.actor, named(export.resource), open_storage(), Style.of(export.style)
    found, chosen = asked(resource, export.query, actor), columns.chosen(actor, resource, export.columns)
    scopes, total = dict(actor.scopes), query.count(db.session(), found, cap=None).number
    name = fresh_name("exports", f".{export.format}")
    with storage.writing(name) as file:
        rows = write(file, found, chosen, export.format, lambda done: work.progress(done, total), style)
    try:
        with work.transaction(done=total, total=total) as session:
            is_ours = _shown(session, export_id, name, rows, storage.size(name), scopes)
    except BaseException:
        storage.delete(name)
        raise
    if not is_ours:
        storage.delete(name)


def write(file: BinaryIO, found: Query, chosen: Sequence[Column], format: str, progress: Progress = lambda done: None,
          style: Style = PLAIN) -> int:
    """Write every row the query finds as of one moment, in bounded memory; returns how many."""
    with query.snapshot(db.session()) as connection:
        if format in QUICK and quick.serves(chosen):
            return QUICK[format](file, connection, found, chosen, progress, style)
        chosen = reading.laid_out(connection, found, chosen, style)
        rows = reading.rows(connection, found, chosen, progress)
        if format == "jsonl":
            return jsonl_writer(file, map(columns.objects(chosen), rows))
        sheet = format == "xlsx"
        headings, written = columns.headings(chosen, style, sheet), map(columns.values(chosen, sheet, style), rows)
        if sheet:
            return xlsx_writer(file, found.resource.plural, headings, written, is_local=style.is_local)
        return csv_writer(file, headings, written, style.delimiter, style.encoding)


def take(export_id: int, *, by: Actor) -> Export:
    """The export, for `by` to download, with the rights they have now; noted in the trail. Raises NotFound or Forbidden."""
    export = visible(db.session(), export_id, by)
    may_have(export, by)
    with transaction() as session:
        if export.finished_at is None:
            raise NotFound("Its page says how far it is, or why it could not be written.", title="The file is not there yet")
        if export.file is None or export.expires_at is None or export.expires_at < now(session):
            raise NotFound("Files are deleted seven days after they were written. Open the export and press Export again to have "
                           "the list as it is now.", title="This file is not kept any more")
        _note(session, "exports.download", export, by, rows=export.rows)
    return export


def may_have(export: Export, by: Actor) -> None:
    """Raise Forbidden where `by` may not see all that is in the file, whoever it was written for."""
    resource = named(export.resource)
    check(by, f"{export.resource}.export")
    known = {column.name: column for column in columns.offered(by, resource)}
    if hidden := [name for name in export.columns if name not in known]:
        raise Forbidden(f"The file has columns you may not see: {', '.join(hidden)}.")
    touched = {export.resource, *(column.by.to for name in export.columns if (column := known[name]).by)}
    if any(by.scopes.get(one) and by.scopes[one] != export.scopes.get(one) for one in touched):
        raise Forbidden("The file may hold records you may not see. Make an export of your own.")
    try:
        asked(resource, export.query, by)
    except BadRequest:
        raise Forbidden("The list was narrowed by a field you may not see. Make an export of your own.") from None


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


def _written(export: Export, found: Query, by: Actor) -> int:
    """Write it now; nobody hears of it before its file is whole."""
    storage, name, style = open_storage(), fresh_name("exports", f".{export.format}"), Style.of(export.style)
    with storage.writing(name) as file:
        export.rows = write(file, found, columns.chosen(by, found.resource, export.columns), export.format, style=style)
    export.file, export.size = name, storage.size(name)
    try:
        with transaction() as session:
            export.created_at = export.finished_at = now(session)
            export.expires_at = export.created_at + KEPT
            session.add(export)
            session.flush()
            _note(session, "exports.start", export, by, rows=export.rows)
            return export.id
    except BaseException:
        storage.delete(name)
        raise


def _note(session: Session, deed: str, export: Export, by: Actor, **more: Any) -> None:
    audit.note(session, by, deed, "exports", export.id, resource=export.resource, query=export.query, columns=export.columns,
               format=export.format, **more)


def _shown(session: Session, export_id: int, name: str, rows: int, size: int, scopes: dict[str, str]) -> bool:
    """Compare and set: of two tries at one export, one shows its file, and mails whoever waits for it."""
    moment = now(session)
    set_ = update(Export).where(Export.id == export_id, Export.file.is_(None), Export.finished_at.is_(None)).values(
        file=name, rows=rows, size=size, scopes=scopes, finished_at=moment, expires_at=moment + KEPT).returning(Export.mail_to)
    shown = session.execute(set_).first()
    if shown is not None and shown.mail_to is not None:
        enqueue(session, "exports.mail", {"export_id": export_id}, key=str(export_id))
    return shown is not None
