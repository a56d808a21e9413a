"""The first step of an import: the file goes into storage, unread, and a job is queued that reads it."""
import re
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.config import config
from app.errors import BadRequest
from app.extensions import db
from app.files.limits import Options
from app.files.storage import Readable, fresh_name, open_storage
from app.imports.models import Import
from app.jobs.enqueue import enqueue
from app.records.registry import named
from app.transaction import transaction

UNREAD = ("unreadable", "cancelled")


def upload(stream: Readable, file_name: str, resource: str, *, by: Actor) -> int:
    """Keep the file and queue its reading; returns the id of the import. Nothing is kept if it is empty or too large."""
    import_id = start(stream, file_name, resource, by=by)
    with transaction() as session:
        imported = session.get_one(Import, import_id)
        imported.job_id = enqueue(session, "imports.read", {"import_id": import_id}, key=f"import {import_id}", by=by).id
    return import_id


def start(stream: Readable, file_name: str, resource: str, *, by: Actor, options: Options | None = None) -> int:
    """Keep the file as a new import, with nobody told to read it yet. Raises Forbidden, BadRequest or TooLarge."""
    check(by, f"{named(resource).name}.import")
    storage = open_storage()
    kept = storage.save(stream, fresh_name("imports", ""), most=config().max_upload_bytes)
    try:
        if not kept.size:
            raise BadRequest("The file is empty. Choose another one.", title="There is nothing to import")
        with transaction() as session:
            imported = Import(resource=resource, stage="read", file_name=shown_name(file_name), file=kept.name, size=kept.size,
                              sha256=kept.sha256, options=asdict(options or Options()), about={}, columns=[], blank="leave",
                              created_by_kind=by.kind, created_by_id=by.id, created_by=by.name)
            session.add(imported)
            session.flush()
            audit.note(session, by, "imports.upload", "imports", imported.id, file=imported.file_name, resource=resource)
            return imported.id
    except BaseException:
        storage.delete(kept.name)
        raise


def shown_name(file_name: str) -> str:
    """What we call the file on pages: without folders and characters that cannot be seen. Never used to open anything."""
    name = re.split(r"[/\\]", file_name)[-1]
    return "".join(letter for letter in name if letter.isprintable()).strip()[-120:] or "file"


def twin(session: Session, imported: Import) -> Import | None:
    """The latest import before this one of the very same file into the same resource, as far as it got to records."""
    return session.scalars(select(Import).where(
        Import.sha256 == imported.sha256, Import.resource == imported.resource, Import.id < imported.id,
        Import.stage.in_(("apply", "done", "undo", "undone"))).order_by(Import.id.desc()).limit(1)).first()


def headings_before(imported: Import, limit: int = 20) -> list[Import]:
    """The latest imports into the same resource whose columns a person settled: their choices are remembered."""
    return list(db.session.scalars(select(Import).where(
        Import.resource == imported.resource, Import.id != imported.id, Import.stage.in_(("preview", "apply", "done")))
        .order_by(Import.id.desc()).limit(limit)))
