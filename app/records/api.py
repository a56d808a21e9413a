"""The REST API: the same query and the same gate as the pages, for programs that carry a token."""
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from sqlalchemy.orm import Session

from app.access import check, current_actor, public, requires
from app.audit import Actor, Door
from app.errors import Invalid
from app.extensions import csrf, db
from app.records import actions, bodies, changes, expanding, owners, policy, query, replies, represent, shapes, summary, upserts
from app.records.changes import Change, Source
from app.records.openapi import document
from app.records.problems import escaped, pointers, refuse
from app.records.rates import limited
from app.records.registry import named
from app.records.resource import Resource
from app.records.settle import blank
from app.records.shapes import Shape
from app.records.values import Reading

bp = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
limited(bp)

ID = "<int:id>"
SHAPING = ("fields", "expand")
PAGING = ("sort", "limit", "after", "before")


@bp.get("/openapi.json")
@public("it describes the API and holds no data")
def openapi() -> Response:
    """What the API can do for whoever asks, for programs that read OpenAPI 3.1. Without a token: what all may see."""
    response = jsonify(document(current_actor()))
    response.vary.add("Authorization")
    return response


@bp.get("/<resource:resource>")
@requires("{resource}.read")
def index(resource: str) -> Response:
    """A page of records."""
    kind, actor = named(resource), current_actor()
    shape = _shape(kind, actor)
    asked = query.parse(kind, request.args, actor, extra=SHAPING)
    page = query.page(db.session(), asked, lines=kind.lines is not None and shape.has(kind.lines.name))
    expanding.expand(db.session(), kind, page.rows, actor, shape)
    return represent.listed(asked, page, shape)


@bp.get(f"/<resource:resource>/{ID}")
@requires("{resource}.read")
def show(resource: str, id: int) -> Response:
    """One record."""
    kind, actor = named(resource), current_actor()
    bodies.only(*SHAPING)
    shape = _shape(kind, actor)
    row = query.one(db.session(), kind, id, actor)
    expanding.expand(db.session(), kind, [row], actor, shape)
    return represent.answered(kind, row, actor, shape=shape)


@bp.post("/<resource:resource>")
@requires("{resource}.create")
def create(resource: str) -> Response:
    """A new record."""
    kind = named(resource)
    change = _asked(kind, lambda given: Change(resource, given, only="create"))
    return _written(kind, lambda: change, 201)


@bp.patch(f"/<resource:resource>/{ID}")
@requires("{resource}.edit")
def change(resource: str, id: int) -> Response:
    """Change the fields that are sent; the others stay as they are (RFC 7396, one level deep)."""
    kind = named(resource)
    version = _agreed(kind, id)
    change = _asked(kind, lambda given: Change(resource, given, {"id": id}, version, only="update"))
    return _written(kind, lambda: change)


@bp.put(f"/<resource:resource>/{ID}")
@requires("{resource}.edit")
def replace(resource: str, id: int) -> Response:
    """Change the record to what is sent; fields left out get their default, as in a new record, or become empty."""
    kind = named(resource)
    row = query.one(db.session(), kind, id, current_actor())
    version = represent.agreed_version(row["version"])
    change = _asked(kind, lambda given: Change(resource, _whole(kind, row, given), {"id": id}, version, only="update"))
    return _written(kind, lambda: change)


@bp.delete(f"/<resource:resource>/{ID}")
@requires("{resource}.trash")
def trash(resource: str, id: int) -> Response:
    """Put the record into the trash."""
    kind = named(resource)
    version = _agreed(kind, id)
    return _written(kind, lambda: Change(resource, {"trashed_at": datetime.now(UTC)}, {"id": id}, version, only="update"))


@bp.post(f"/<resource:resource>/{ID}/restore")
@requires("{resource}.restore")
def restore(resource: str, id: int) -> Response:
    """Take the record out of the trash."""
    kind = named(resource)
    return _written(kind, lambda: Change(resource, {"trashed_at": None}, {"id": id}, _agreed(kind, id), only="update"))


@bp.get("/<resource:resource>/summary")
@requires("{resource}.read")
def summarise(resource: str) -> Response:
    """Counts and sums of the records a list would have."""
    kind, actor = named(resource), current_actor()
    _, words, asked = bodies.together(
        lambda: bodies.none_of(PAGING), lambda: _summed(kind, actor),
        lambda: query.parse(kind, request.args, actor, extra=summary.WORDS))
    return jsonify(summary.of(db.session(), asked, words))


def _summed(kind: Resource, actor: Actor) -> dict[str, str]:
    """What to group and sum by, as it was written. Raises BadRequest."""
    words = {name: bodies.once(name) or "" for name in summary.WORDS}
    summary.check(kind, actor, words)
    return words


@bp.post("/<resource:resource>/bulk")
@requires("{resource}.create")
def upsert(resource: str) -> Response:
    """Create or change up to 1,000 records, a result each: what is refused refuses nothing else."""
    kind, actor = named(resource), current_actor()
    check(actor, f"{resource}.edit")
    bodies.only()
    rows = bodies.several(kind, actor)
    source = _source(actor)
    if _wants_preview():
        planned = upserts.plan(db.session(), resource, rows, source)
        return _preferred(jsonify(represent.results(db.session(), kind, planned, actor)))
    return replies.once(actor, lambda session: upserts.upsert(session, resource, rows, source),
                        lambda found: jsonify(represent.results(db.session(), kind, found, actor)))


@bp.post(f"/<resource:resource>/{ID}/<action:action>")
@requires("{resource}.read")
def act(resource: str, id: int, action: str) -> Response:
    """Do one of its actions to a record. It takes the permission the action names."""
    kind, actor = named(resource), current_actor()
    bodies.only()
    found = actions.allowed(actor, kind, action)
    given = bodies.of_action(found)
    version = _agreed(kind, id) if "If-Match" in request.headers else None
    return replies.once_outside(actor, lambda: _acted(kind, id, action, given, version))


def _shape(resource: Resource, actor: Actor) -> Shape:
    return shapes.wanted(resource, actor, *(bodies.once(name) for name in SHAPING))


def _acted(resource: Resource, id: int, action: str, given: dict[str, Any], version: int | None) -> Response:
    actor = current_actor()
    try:
        said = actions.run(actor, resource, id, action, given, Reading(ids=True), version)
    except Invalid as error:
        raise Invalid(error.detail, errors={f"/{escaped(name)}": text for name, text in error.errors.items()}) from None
    row = query.one(db.session(), resource, id, actor)
    return jsonify({"detail": said, "data": represent.record(resource, row, actor)})


def _whole(resource: Resource, row: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What is given and, for each other field this person writes, its default. What a live provider keeps stays as it is."""
    kept, defaults = owners.is_live(db.session(), row.get("account") or ""), blank(resource)
    return {field.column: defaults[field.column] for field in policy.writable(current_actor(), resource)
            if field.name not in given and field.kind != "json" and not (field.owned and kept)} | given


def _agreed(resource: Resource, id: int) -> int:
    """The version the record has, if the program knows it. Raises NotFound too: what one may not see is not there."""
    version: int = query.one(db.session(), resource, id, current_actor())["version"]
    return represent.agreed_version(version)


def _asked(resource: Resource, make: Callable[[dict[str, Any]], Change]) -> Change:
    """The change the body asks for. Raises Invalid with all that is wrong: values of the wrong type, and what the gate says of
    the others, so that nobody mends a record in two rounds.
    """
    actor = current_actor()
    try:
        return make(bodies.values(resource, actor, bodies.body()))
    except bodies.Unfit as error:
        [outcome] = changes.plan(db.session(), [make(error.fit)], _source(actor))
        others = pointers(resource, outcome.errors) if outcome.kind == "invalid" else {}
        raise Invalid(error.detail, errors=others | error.errors) from None


def _source(actor: Actor) -> Source:
    return Source(Door.API, actor, request_id=g.request_id, reading=Reading(ids=True))


def _written(resource: Resource, make: Callable[[], Change], status: int = 200) -> Response:
    """Do the change and answer the record as it is now; only say what would happen if the program prefers a preview.

    The change is made within, so that a request answered before is answered again whatever became of the record since.
    """
    actor = current_actor()
    bodies.only()
    source = _source(actor)
    if _wants_preview():
        (outcome,) = changes.plan(db.session(), [make()], source)
        return _preferred(jsonify(represent.plan(db.session(), resource, outcome, actor)))
    return replies.once(actor, lambda session: _apply(session, resource, make(), source),
                        lambda id: represent.answered(resource, query.one(db.session(), resource, id, actor), actor, status))


def _apply(session: Session, resource: Resource, change: Change, source: Source) -> int:
    """The id of the record. Raises the Problem a refused change means; then nothing is written."""
    (outcome,) = changes.apply(session, [change], source)
    refuse(resource, outcome)
    if outcome.id is None:
        raise Invalid("Nothing was saved.")
    return outcome.id


def _preferred(response: Response) -> Response:
    response.headers["Preference-Applied"] = "handling=preview"
    return response


def _wants_preview() -> bool:
    """Prefer: handling=preview (RFC 7240; the value is ours)."""
    preferred = [part.strip().replace(" ", "").replace('"', "").lower() for header in request.headers.getlist("Prefer")
                 for part in header.replace(";", ",").split(",")]
    return "handling=preview" in preferred
