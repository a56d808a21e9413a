"""What pages and programs are shown of an export: its file, its filters in words, the time zones there are."""
from zoneinfo import available_timezones

from flask import send_file
from werkzeug.wrappers import Response

from app import ui
from app.access import current_actor
from app.errors import BadRequest, Forbidden
from app.exports import run
from app.exports.models import Export
from app.files.storage import open_storage
from app.records.registry import named

KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
FILES = {"csv": "CSV", "xlsx": "Excel (XLSX)", "jsonl": "JSON lines"}
NOWHERE = ("Etc/", "SystemV/", "posix/", "right/", "US/")


def file_of(export: Export) -> Response:
    """The answer that carries the file."""
    assert export.file is not None
    name = f"{export.resource}-{export.created_at:%Y-%m-%d}-{export.id}.{export.format}"
    response = send_file(open_storage().open(export.file), KINDS[export.format], as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "no-store"
    if export.size is not None:
        response.content_length = export.size
    return response


def filters(resource: str, asked: str) -> list[tuple[str, str]]:
    """What a list was narrowed to, as a person reads it; nothing if they may not read that any more."""
    try:
        found = run.asked(named(resource), asked, current_actor())
    except (BadRequest, Forbidden):
        return []
    shown = [(one.title, one.shown) for one in found.filters]
    shown += [("Search", found.search)] if found.search else []
    return shown + ([("Trash", "only what is in it" if found.trashed == "only" else "with it")] if found.trashed else [])


def zones(chosen: str) -> list[str]:
    """UTC, the reader's own zone and the one chosen, then all people live in."""
    own = str(ui.zone())
    every = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(NOWHERE))
    return list(dict.fromkeys(["UTC", own, chosen, *every]))
