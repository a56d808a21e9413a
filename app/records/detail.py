"""The page of one record, for whoever shows it: opened, with a note that was not kept, with an undo that came too late."""
from typing import Any

from flask import render_template, request

from app.audit import Actor
from app.extensions import db
from app.records import actions, edit_views, history, labels, openings, panels, placeholders, policy, related, timeline
from app.records.resource import Resource

Row = dict[str, Any]


def page(resource: Resource, row: Row, actor: Actor, *, problem: str = "", since: str = "", draft: str = "",
         wrong: str = "") -> str:
    """The page. `problem` stands on top, with a link to what happened `since`; `draft` is a note not kept, `wrong` why not."""
    session, fields = db.session(), policy.readable(actor, resource)
    trashed = row["trashed_at"] is not None
    return render_template(
        "records/show.html", resource=resource, row=row, fields=fields, title=resource.text(row),
        history=history.part(session, resource, row, actor, request.args.get("before", "")),
        statuses=related.statuses(fields, row), groups=related.groups(resource, fields, row),
        related=related.related(session, resource, row, actor),
        panels=panels.panels(resource, row, actor), back=edit_views.way_back(resource), keeper=edit_views.keeper(row),
        key_of=lambda by: labels.key_of(resource, by, row), actions=actions.offered(actor, resource, row),
        empty=trashed and row["id"] in placeholders.among(session, resource, [row["id"]]),
        deleter=timeline.deleter(session, resource, row) if trashed else "",
        others=openings.others(session, resource, row["id"], actor), problem=problem, since=since, draft=draft, wrong=wrong)
