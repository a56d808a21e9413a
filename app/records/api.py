"""The REST API: the same query and the same gate as the pages, for programs that carry a token."""
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from app.access import current_actor, public, requires
from app.audit import Door
from app.errors import Invalid
from app.extensions import csrf, db
from app.records import bodies, changes, policy, query, replies, represent
from app.records.changes import Change, Outcome, Source
from app.records.openapi import document
from app.records.problems import pointers, refuse
from app.records.registry import named
from app.records.resource import Resource
from app.records.values import Reading
from app.transaction import repeated, transaction

bp = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)

__all__ = ["bp", "replies"]
ID = "<int:id>"


@bp.get("/openapi.json")
@public("it describes the API and holds no data")
def openapi() -> Response:
    """What the API can do, for programs that read OpenAPI 3.1."""
    return jsonify(document())


@bp.get("/<resource:resource>")
@requires("{resource}.read")
def index(resource: str) -> Response:
    """A page of records."""
    kind, actor = named(resource), current_actor()
    names = represent.chosen(kind, actor, request.args.get("fields"))
    asked = query.parse(kind, request.args, actor, extra=("fields",))
    lines = kind.lines is not None and (names is None or kind.lines.name in names)
    return represent.listed(asked, query.page(db.session(), asked, lines=lines), names)


@bp.get(f"/<resource:resource>/{ID}")
@requires("{resource}.read")
def show(resource: str, id: int) -> Response:
    """One record."""
    kind, actor = named(resource), current_actor()
    bodies.only("fields")
    names = represent.chosen(kind, actor, request.args.get("fields"))
    return represent.answered(kind, query.one(db.session(), kind, id, actor), actor, names=names)


@bp.post("/<resource:resource>")
@requires("{resource}.create")
def create(resource: str) -> Response:
    """A new record."""
    kind = named(resource)
    given = bodies.values(kind, current_actor(), bodies.body())
    return _written(kind, Change(resource, given, only="create"), 201)


@bp.patch(f"/<resource:resource>/{ID}")
@requires("{resource}.edit")
def change(resource: str, id: int) -> Response:
    """Change the fields that are sent; the others stay as they are (RFC 7396, one level deep)."""
    kind = named(resource)
    version = _agreed(kind, id)
    given = bodies.values(kind, current_actor(), bodies.body())
    return _written(kind, Change(resource, given, {"id": id}, version, only="update"))


@bp.put(f"/<resource:resource>/{ID}")
@requires("{resource}.edit")
def replace(resource: str, id: int) -> Response:
    """Change the record to what is sent; fields left out become empty."""
    kind, actor = named(resource), current_actor()
    version = _agreed(kind, id)
    blank: dict[str, Any] = {field.name: [] if field is kind.lines else None for field in policy.writable(actor, kind)}
    given = bodies.values(kind, actor, bodies.body())
    return _written(kind, Change(resource, blank | given, {"id": id}, version, only="update"))


@bp.delete(f"/<resource:resource>/{ID}")
@requires("{resource}.trash")
def trash(resource: str, id: int) -> Response:
    """Put the record into the trash."""
    kind = named(resource)
    return _written(kind, Change(resource, {"trashed_at": datetime.now(UTC)}, {"id": id}, _agreed(kind, id), only="update"))


@bp.post(f"/<resource:resource>/{ID}/restore")
@requires("{resource}.restore")
def restore(resource: str, id: int) -> Response:
    """Take the record out of the trash."""
    kind = named(resource)
    return _written(kind, Change(resource, {"trashed_at": None}, {"id": id}, _agreed(kind, id), only="update"))


def _agreed(resource: Resource, id: int) -> int:
    """The version the record has, if the program knows it. Raises NotFound too: what one may not see is not there."""
    version: int = query.one(db.session(), resource, id, current_actor())["version"]
    return represent.agreed_version(version)


def _written(resource: Resource, change: Change, status: int = 200) -> Response:
    """Make the change and answer the record as it is now; only say what would happen if the program prefers a preview."""
    actor = current_actor()
    bodies.only()
    source = Source(Door.API, actor, request_id=g.request_id, reading=Reading(ids=True))
    if _wants_preview():
        (outcome,) = changes.plan(db.session(), [change], source)
        response = jsonify(represent.plan(resource, outcome, pointers(resource, outcome.errors)))
        response.headers["Preference-Applied"] = "handling=preview"
        return response
    outcome = _apply(resource, change, source)
    if outcome.id is None:
        raise Invalid("Nothing was saved.")
    row = query.one(db.session(), resource, outcome.id, actor)
    return represent.answered(resource, row, actor, status)


@repeated
def _apply(resource: Resource, change: Change, source: Source) -> Outcome:
    """Raises the Problem a refused change means; then nothing is written."""
    with transaction() as session:
        (outcome,) = changes.apply(session, [change], source)
        refuse(resource, outcome)
        return outcome


def _wants_preview() -> bool:
    """Prefer: handling=preview (RFC 7240; the value is ours)."""
    preferred = [part.strip().replace(" ", "").replace('"', "").lower() for header in request.headers.getlist("Prefer")
                 for part in header.replace(";", ",").split(",")]
    return "handling=preview" in preferred
