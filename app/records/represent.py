"""A record as the API shows it, its ETag, and the links of a list."""
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.errors import BadRequest, PreconditionFailed, PreconditionRequired
from app.records import bulk, labels, policy, problems
from app.records.change import Outcome
from app.records.fields import DateTime, Field, Lines
from app.records.query import Page, Query, Row
from app.records.resource import Resource
from app.records.settle import blank

ALWAYS = ("id", "version", "updated_at")
MOMENTS = tuple(DateTime(name) for name in ("created_at", "updated_at", "trashed_at"))
TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
TAGS = re.compile(rf"{TAG.pattern}(\s*,\s*{TAG.pattern})*\Z")


def chosen(resource: Resource, actor: Actor, wanted: str | None) -> set[str] | None:
    """The members that fields= asks for; None = all. Raises BadRequest for one there is none of, or not to be seen."""
    if wanted is None:
        return None
    names = [name.strip() for name in wanted.split(",")]
    known = [*members(resource, policy.readable(actor, resource))]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadRequest("Some parameters cannot be read.",
                         errors={"fields": f"There is no field {unknown[0]!r}. Choose from {', '.join(known)}."})
    return {*names, *ALWAYS}


def members(resource: Resource, fields: Sequence[Field]) -> list[str]:
    """The names of all members a record has in the API, in order."""
    return ["id", "version", *(field.name for field in fields), *(["account"] if resource.outside else []),
            *(moment.name for moment in MOMENTS)]


def record(resource: Resource, row: Row, actor: Actor, names: set[str] | None = None) -> dict[str, Any]:
    """The JSON of one record: what the actor may read of it, cut to `names`."""
    fields = policy.readable(actor, resource)
    whole = {"id": row["id"], "version": row["version"], **{field.name: field.json(row) for field in fields}}
    if resource.outside:
        whole["account"] = row["account"]
    whole |= {moment.name: moment.json(row) for moment in MOMENTS}
    return whole if names is None else {name: value for name, value in whole.items() if name in names}


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


def answered(resource: Resource, row: Row, actor: Actor, status: int = 200, names: set[str] | None = None) -> Response:
    """The record with its ETag; 304 where the program has this version already."""
    response = jsonify(record(resource, row, actor, names))
    response.status_code = status
    response.set_etag(str(row["version"]))
    response.vary.add("Authorization")
    if status == 201:
        response.headers["Location"] = url_for("api.show", resource=resource.name, id=row["id"])
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response


def listed(query: Query, page: Page, names: set[str] | None) -> Response:
    """The envelope of a list, with the same links as headers (RFC 8288)."""
    links = {"first": _url(query, {}), "prev": page.previous and _url(query, {"before": page.previous}),
             "next": page.next and _url(query, {"after": page.next}), "last": _url(query, {"before": page.last})}
    response = jsonify({"data": [record(query.resource, row, query.actor, names) for row in page.rows],
                        "next": links["next"], "previous": links["prev"]})
    response.headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items() if url)
    response.vary.add("Authorization")
    return response


def _url(query: Query, place: Mapping[str, str]) -> str:
    args = MultiDict([*query.args.items(multi=True), *([("fields", request.args["fields"])] if "fields" in request.args else []),
                      *place.items()])
    return url_for("api.index", resource=query.resource.name, _external=True, **args.to_dict(flat=False))  # type: ignore[arg-type]


def agreed_version(current: int) -> int:
    """`current`, if If-Match names it (RFC 9110 section 13.1.1). Raises PreconditionRequired without the header,
    PreconditionFailed for another version, BadRequest when it holds no ETag.

    `*` names no version and is refused too: a write must say what it has seen.
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
    if str(current) not in (tag for weak, tag in TAG.findall(header) if not weak):
        raise PreconditionFailed("Nothing was saved. Read the record again and send your change with its new ETag.")
    return current
