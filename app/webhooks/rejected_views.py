"""The page of posts that proved nothing: the one to look at when a provider says it cannot deliver."""
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import newest
from app.access import can, current_actor, requires
from app.errors import BadRequest
from app.extensions import db
from app.webhooks import payload
from app.webhooks.models import Body, Endpoint, StoredReceipt

bp = Blueprint("rejected", __name__, url_prefix="/rejected")
FIRST = 400      # bytes shown of each
PARAMETERS = ("endpoint", "address", "after", "before")


@bp.get("")
@requires("webhooks.read")
def index() -> str:
    """Rejected receipts, the newest first."""
    session: Session = db.session()
    known = {each.id: each for each in session.scalars(select(Endpoint).order_by(Endpoint.name))}
    given, place = _read()
    page = newest.page(session, StoredReceipt, _conditions(given, list(known)), **place)
    shown = _bodies(session, [each.body_id for each in page.rows]) if can(current_actor(), "webhooks.sensitive") else {}
    return render_template("webhooks/rejected.html", nav="webhooks", endpoints=known, page=page, given=given, first=shown,
                           address=lambda **new: _address(given, **new))


def _read() -> tuple[dict[str, str], dict[str, int]]:
    """The filters and the place. Raises BadRequest for what it does not know or cannot read."""
    errors = {name: "This list has no such filter." for name in request.args if name not in PARAMETERS}
    given = {name: value.strip()[:100] for name, value in request.args.items() if value.strip()}
    if newest.whole(given.get("endpoint", "0")) is None:
        errors["endpoint"] = "Give a whole number."
    place = newest.place(given, errors)
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    return {name: given[name] for name in ("endpoint", "address") if name in given}, place


def _conditions(given: dict[str, str], endpoints: list[int]) -> list[Any]:
    chosen = [int(given["endpoint"])] if "endpoint" in given else endpoints
    address = [StoredReceipt.remote_ip == given["address"]] if "address" in given else []
    return [StoredReceipt.verdict == "rejected", StoredReceipt.endpoint_id.in_(chosen), *address]


def _bodies(session: Session, ids: list[int | None]) -> dict[int, str]:
    """The first bytes of each, as text."""
    rows = session.execute(select(Body.id, Body.content).where(Body.id.in_([id for id in ids if id is not None])))
    return {row.id: payload.raw(row.content[:FIRST]) for row in rows if row.content}


def _address(given: dict[str, str], **new: object) -> str:
    query = {name: value for name, value in {**given, **new}.items() if value not in (None, "")}
    return url_for(".index") + (f"?{urlencode(query)}" if query else "")
