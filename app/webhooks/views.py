"""The pages of the event log: the list, one event, and what a person may do to it."""
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for
from flask import redirect as go
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from app import audit
from app.access import can, current_actor, requires
from app.errors import NotFound
from app.extensions import db
from app.integrations.registry import provider, providers
from app.jobs import attempts
from app.records.panels import panel as register_panel
from app.transaction import transaction
from app.ui import mark, toast, zone
from app.webhooks import endpoint_views as endpoints
from app.webhooks import fixture as fixtures
from app.webhooks import happenings, kept_views, log, many, many_views, panel, payload, rejected_views, retry, story, words
from app.webhooks.asking import whom
from app.webhooks.models import Endpoint, Event, StoredReceipt, StoredSecret
from app.webhooks.process import first_receipt

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")
for pages in (endpoints, kept_views, many_views, rejected_views):
    bp.register_blueprint(pages.bp)
MOST = 50            # attempts and receipts shown on an event's page
OFFERED = {"retry": ("", "dead", "retrying", "done", "ignored"), "ignore": ("dead", "retrying", "waiting")}


@bp.get("")
@requires("webhooks.read")
def index() -> str:
    """The log, the newest first."""
    session: Session = db.session()
    known = {each.id: each for each in session.scalars(select(Endpoint))}
    question = log.asked(request.args, list(known.values()), zone())
    log.check(question, can(current_actor(), "webhooks.sensitive"))
    question = log.searched(session, question)
    page = log.page(session, question)
    touched = story.touched(session, [event.id for event in page.rows])
    return render_template("webhooks/index.html", nav="webhooks", page=page, question=question, endpoints=known, touched=touched,
                           counts=log.counts(session, question), views=log.VIEWS, words=words, providers=providers(),
                           address=_address, moment_of=datetime.fromisoformat, now=datetime.now(UTC), verbs=_verbs(question),
                           looked_at=log.LOOKED_AT)


@bp.get("/events/<int:event_id>")
@requires("webhooks.read")
def show(event_id: int) -> str:
    """One event: what it says, what came of it, and what a retry would do."""
    session: Session = db.session()
    event = _event(session, event_id)
    endpoint = session.get_one(Endpoint, event.endpoint_id)
    receipts = _receipts(session, event_id)
    body = _body(session, event_id) if can(current_actor(), "webhooks.sensitive") else None
    tried = attempts.latest(session, retry.TABLE, event_id, MOST)
    by = provider(endpoint.provider)
    return render_template(
        "webhooks/show.html", nav="webhooks", event=event, endpoint=endpoint, by=by, words=words,
        can_fetch=whom(by, event.account or endpoint.account) is not None,
        timeline=happenings.timeline(session, event_id, tried, receipts), receipts=receipts, body=body,
        tree=payload.tree(body) if body else None, raw=payload.raw,
        secret=_secret(session, receipts),
        others=_others(session, event), changed=story.changed(session, event_id, current_actor()),
        preview=_preview(session, event))


@bp.get("/events/<int:event_id>/body")
@requires("webhooks.manage")
def body(event_id: int) -> Response:
    """The very bytes, as a file: never shown as a page. Who fetched them is kept."""
    found = _body(db.session(), event_id)
    if found is None:
        raise NotFound(f"The body of event {event_id} is not kept.")
    with transaction() as session:
        audit.note(session, current_actor(), "webhooks.download", retry.TABLE, event_id, bytes=len(found))
    answer = Response(found, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="event-{event_id}.txt"'
    return answer


@bp.post("/events/<int:event_id>/fixture")
@requires("webhooks.manage")
def fixture(event_id: int) -> Response:
    """A dead event as files for whoever mends its provider."""
    made = fixtures.make(event_id, by=current_actor())
    answer = Response(made.content, content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer


@bp.post("/events/<int:event_id>/retry")
@requires("webhooks.retry")
def retry_event(event_id: int) -> AnyResponse:
    retry.retry(event_id, by=current_actor())
    toast(f"Event {event_id} is queued again.")
    return go(url_for(".show", event_id=event_id), 303)


@bp.post("/events/<int:event_id>/fetch")
@requires("webhooks.retry")
def fetch_event(event_id: int) -> AnyResponse:
    """Ask the provider how it stands now, and act on that."""
    retry.retry(event_id, by=current_actor(), latest=True)
    toast(f"Event {event_id} is queued again: what it is about is fetched first.")
    return go(url_for(".show", event_id=event_id), 303)


@bp.post("/events/<int:event_id>/ignore")
@requires("webhooks.ignore")
def ignore_event(event_id: int) -> AnyResponse:
    retry.ignore(event_id, by=current_actor())
    toast(f"Event {event_id} is ignored.", url=url_for(".retry_event", event_id=event_id), word="Retry it")
    return go(url_for(".show", event_id=event_id), 303)


def _address(question: log.Asked, endpoint: str = "webhooks.index", **new: object) -> str:
    """The list with the same filters, some of them changed or (None) taken away."""
    given: dict[str, Any] = {"status": question.status, **question.words, **new}
    query = {name: value for name, value in given.items() if value not in (None, "")}
    return url_for(endpoint) + (f"?{urlencode(query)}" if query else "")


def _event(session: Session, event_id: int) -> Event:
    found = session.get(Event, event_id) if event_id < 2**63 else None
    if found is None:
        raise NotFound(f"There is no event {event_id}.")
    return found


def _body(session: Session, event_id: int) -> bytes | None:
    found = first_receipt(session, [event_id]).get(event_id)
    return None if found is None else found[1]


def _receipts(session: Session, event_id: int) -> list[StoredReceipt]:
    mine = StoredReceipt.event_id == event_id
    return list(session.scalars(select(StoredReceipt).where(mine).order_by(StoredReceipt.id).limit(MOST)))


def _secret(session: Session, receipts: list[StoredReceipt]) -> StoredSecret | None:
    """What proved the first of them."""
    id = receipts[0].secret_id if receipts else None
    return None if id is None else session.get(StoredSecret, id)


def _others(session: Session, event: Event) -> int:
    """How many more events are about the same, up to 100."""
    if event.object_key is None:
        return 0
    same = select(Event.id).where(Event.object_key == event.object_key, Event.id != event.id).limit(100).subquery()
    return session.execute(select(func.count()).select_from(same)).scalar_one()


def _preview(session: Session, event: Event) -> story.Preview | None:
    """Not for what is under way, nor for what we do not act on."""
    nothing = event.status == "running" or event.kind is None and event.status == "done"
    return None if nothing else story.preview(session, event, current_actor())


def _verbs(question: log.Asked) -> list[tuple[str, str]]:
    """(word, address) of what this person may do to all that is shown; nothing without a filter."""
    actor, args = current_actor(), {"status": question.status, **question.words}
    if not (question.status or question.words):
        return []
    known = {name: value for name, value in args.items() if value}
    return [(verb.title(), f"{url_for(f'.many.ask_{verb}')}?{urlencode(known)}") for verb in many.VERBS
            if can(actor, f"webhooks.{verb}") and question.status in OFFERED[verb]]


mark("webhooks", select(Event.id).where(Event.status == "dead"), "dead")
register_panel("*", panel.events)
