"""A record as the API shows it, its ETag, and the links of a list."""
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from flask import Response, jsonify, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.errors import BadRequest, PreconditionFailed, PreconditionRequired
from app.records import bulk, expanding, labels, policy, problems
from app.records.change import Outcome
from app.records.expanding import Some
from app.records.fields import Field, Lines, Reference
from app.records.query import Page, Query, Row
from app.records.registry import named
from app.records.resource import Resource
from app.records.settle import blank
from app.records.shapes import ALWAYS, MOMENTS, Shape

WHOLE = Shape()
TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
TAGS = re.compile(rf"{TAG.pattern}(\s*,\s*{TAG.pattern})*\Z")


def record(resource: Resource, row: Row, actor: Actor, shape: Shape = WHOLE) -> dict[str, Any]:
    """The JSON of one record: what the actor may read of it, cut to the shape, with the records that were read beside it."""
    fields = policy.readable(actor, resource)
    whole = {"id": row["id"], "version": row["version"], **{field.name: _value(field, row, actor, shape) for field in fields}}
    if resource.outside:
        whole["account"] = row["account"]
    whole |= {moment.name: moment.json(row) for moment in MOMENTS}
    whole |= {name: _some(some, row["id"], actor, inner) for name, inner in shape.within.items()
              if isinstance(some := expanding.beside(row, name), Some)}
    return whole if shape.names is None else {name: value for name, value in whole.items() if name in ALWAYS or shape.has(name)}


def _value(field: Field, row: Row, actor: Actor, shape: Shape) -> Any:
    if field.name not in shape.within:
        return field.json(row) if shape.has(field.name) else None
    inner = shape.within[field.name]
    if isinstance(field, Lines):
        return [{part.name: _value(part, {**row, **line}, actor, inner) for part in field.fields if inner.has(part.name)}
                for line in row[field.name]]
    there = expanding.beside(row, field.name)
    return record(named(field.to), there, actor, inner) if there and isinstance(field, Reference) else field.json(row)


def _some(some: Some, id: int, actor: Actor, shape: Shape) -> dict[str, Any]:
    """Those that refer to a record, and where all of them are, unless these are all."""
    address = url_for("api.index", resource=some.resource.name, _external=True, **{some.by.name: str(id)}) if some.more else None
    return {"data": [record(some.resource, one, actor, shape) for one in some.rows], "all": address}


def plan(session: Session, resource: Resource, outcome: Outcome, actor: Actor) -> dict[str, Any]:
    """What a write would do: the answer to Prefer: handling=preview, the values as the API shows them."""
    return results(session, resource, [outcome], actor)["data"][0]  # type: ignore[no-any-return]


def results(session: Session, resource: Resource, outcomes: Sequence[Outcome], actor: Actor) -> dict[str, Any]:
    """What became of each row of a bulk upsert, in its order; pointers are within the row.

    1 statement, 1 more for each resource referred to.
    """
    ids = [one.id for one in outcomes if one.diff and one.id is not None and one.id > 0]
    found = session.execute(select(resource.table).where(bulk.among(session.connection(), resource.table.c.id, ids))).mappings()
    rows = {row["id"]: dict(row) for row in found} if ids else {}
    sides = [_sides(resource, one, rows.get(one.id)) for one in outcomes]
    labels.label(session, resource, [side for pair in sides for side in pair], actor)
    return {"data": [_result(resource, one, *pair) for one, pair in zip(outcomes, sides, strict=True)]}


def _sides(resource: Resource, outcome: Outcome, row: Row | None) -> tuple[Row, Row]:
    """The record before and after, with lines of their own to be labelled; one that is not there yet has its defaults."""
    old, new = (labels.turned(resource, blank(resource) if row is None else row, outcome.diff, side) for side in (0, 1))
    for side in (old, new):
        for name in (field.name for field in resource.fields if isinstance(field, Lines) and field.name in outcome.diff):
            side[name] = [dict(line) for line in side[name] or ()]
    return old, new


def _result(resource: Resource, outcome: Outcome, old: Row, new: Row) -> dict[str, Any]:
    errors = {name if name.startswith("/") else problems.pointer(resource, name): text for name, text in outcome.errors.items()}
    fields = [resource.field(column) for column in outcome.diff]
    names = dict.fromkeys(field.name if field else column for field, column in zip(fields, outcome.diff, strict=True))
    return {
        "outcome": outcome.kind, "id": outcome.id if outcome.id and outcome.id > 0 else None, "version": outcome.version,
        "changes": [_difference(resource, name, old, new) for name in names],
        "errors": [{"pointer": pointer, "detail": sentence} for pointer, sentence in errors.items()]}


def _difference(resource: Resource, name: str, old: Row, new: Row) -> dict[str, Any]:
    field = resource.field(name)
    if field is None:
        return {"field": name, "old": plain(old[name]), "new": plain(new[name])}
    return {"field": name, "old": field.json(old), "new": field.json(new)}


def plain(value: Any) -> Any:
    """A stored value as JSON has it."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if value is None or isinstance(value, str | int | bool):
        return value
    return MOMENTS[0].json({"created_at": value}) if hasattr(value, "hour") else str(value)


def answered(resource: Resource, row: Row, actor: Actor, status: int = 200, shape: Shape = WHOLE) -> Response:
    """The record with its ETag; 304 where the program has this version already.

    What is expanded changes without the record, so the tag tells the answer apart as well: "7-1f0c…".
    """
    response = jsonify(record(resource, row, actor, shape))
    response.status_code = status
    beside = f"-{sha256(response.get_data()).hexdigest()[:16]}" if shape.expands else ""
    response.set_etag(f"{row['version']}{beside}")
    response.vary.add("Authorization")
    if status == 201:
        response.headers["Location"] = url_for("api.show", resource=resource.name, id=row["id"], _external=True)
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response


def listed(query: Query, page: Page, shape: Shape) -> Response:
    """The envelope of a list, with the same links as headers (RFC 8288)."""
    links = {"first": _url(query, {}), "prev": page.previous and _url(query, {"before": page.previous}),
             "next": page.next and _url(query, {"after": page.next}), "last": _url(query, {"before": page.last})}
    response = jsonify({"data": [record(query.resource, row, query.actor, shape) for row in page.rows],
                        "next": links["next"], "previous": links["prev"]})
    response.headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)
    response.vary.add("Authorization")
    return response


def _url(query: Query, place: Mapping[str, str]) -> str:
    shaped = [(name, request.args[name]) for name in ("fields", "expand") if name in request.args]
    args = MultiDict([*query.args.items(multi=True), *shaped, *place.items()])
    return url_for("api.index", resource=query.resource.name, _external=True, **args.to_dict(flat=False))  # type: ignore[arg-type]


def agreed_version(current: int) -> int:
    """`current`, if If-Match names it (RFC 9110 section 13.1.1). Raises PreconditionRequired without the header,
    PreconditionFailed for another version, BadRequest when it holds no ETag.

    `*` names no version and is refused too: a write must say what it has seen. What stands behind the version ("7-1f0c…")
    is of records around this one, which it does not change.
    """
    header = request.headers.get("If-Match", "").strip()
    if header == "*":
        raise PreconditionRequired("If-Match: * would write over whatever somebody else has saved. Read the record and send the "
                                   "ETag it has then, like If-Match: \"7\".")
    if not header:
        raise PreconditionRequired("Read the record, then send its ETag in the header If-Match: nobody's change is lost then.")
    if not TAGS.match(header):
        raise BadRequest("Send the ETag as you got it, in its quotation marks.",
                         errors={"If-Match": "This is not an ETag. Write it like \"7\"."})
    tags = TAG.findall(header)
    if all(weak for weak, _ in tags):
        raise PreconditionFailed("Nothing was saved: If-Match compares strong ETags. Send it as it was given, without W/, like "
                                 "\"7\".", title="This ETag is weak")
    if str(current) not in (tag.partition("-")[0] for weak, tag in tags if not weak):
        raise PreconditionFailed("Nothing was saved. Read the record again and send your change with its new ETag.")
    return current
