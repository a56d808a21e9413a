"""On the page of a record: the latest calls made for it."""
from flask import render_template, url_for
from markupsafe import Markup

from app.audit import Actor
from app.extensions import db
from app.integrations import call_log, words
from app.records.panels import Panel, Row
from app.records.resource import Resource

SHOWN = 5


def calls(resource: Resource, row: Row, actor: Actor) -> Panel | None:
    """The last five; nothing for a record nobody was asked about. One statement."""
    if not actor.may("integrations.read"):
        return None
    found = call_log.of_record(db.session(), resource.name, row["id"], SHOWN + 1)
    if not found:
        return None
    body = render_template("integrations/panel.html", calls=found[:SHOWN], words=words)
    return Panel("Calls", Markup(body), f"{SHOWN}+" if len(found) > SHOWN else str(len(found)),  # noqa: S704  (escaped there)
                 url_for("integrations.calls.index", record=f"{resource.name}/{row['id']}"), aside=True)
