"""On the page of a record: the latest events about it."""
from flask import render_template, url_for
from markupsafe import Markup
from sqlalchemy import select

from app.audit import Actor
from app.extensions import db
from app.records.panels import Panel, Row
from app.records.resource import Resource
from app.webhooks import words
from app.webhooks.models import Event
from app.webhooks.receive import scoped

SHOWN = 5


def events(resource: Resource, row: Row, actor: Actor) -> Panel | None:
    """The last five, by the outside id of the record in its account; nothing for a record no provider knows. One statement."""
    outside = row.get("external_id")
    if not outside or not row.get("account") or not actor.may("webhooks.read"):
        return None
    keys = [scoped(row["account"], name) for name in (outside, f"{resource.name}:{outside}")]
    query = select(Event).where(Event.object_key.in_(keys)).order_by(Event.id.desc()).limit(SHOWN + 1)
    found = list(db.session.scalars(query))
    if not found:
        return None
    body = render_template("webhooks/panel.html", events=found[:SHOWN], words=words)
    return Panel("Events about it", Markup(body), f"{SHOWN}+" if len(found) > SHOWN else str(len(found)),  # noqa: S704  (escaped there)
                 url_for("webhooks.index", about=outside), aside=True)
