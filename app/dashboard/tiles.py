"""What waits for a person, from every room: each tile is a few cheap questions and says what to press."""
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from flask import url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import notices, ui
from app.audit import Actor
from app.commerce.deliveries import deliveries
from app.commerce.payments import payments
from app.commerce.subscriptions import subscriptions
from app.imports import standing
from app.jobs.models import Job
from app.records import answers, checking, query
from app.records.query import Count
from app.records.resource import Resource
from app.webhooks.models import Event

LATELY = timedelta(days=14)
CAP = 1_000         # dead rows counted exactly
ORDER = ("bad", "wait", "mute")
SHEET = "file-earmark-spreadsheet-fill"
IMPORTS = {
    "stuck": ("bad", "file-earmark-x-fill", "The import of {file} did not finish", "{count} imports did not finish",
              "It goes on from where it stopped.", "Open import"),
    "refused": ("wait", SHEET, "{refused} in {file}", "{refused} in {count} files",
                "Mend them in a file of their own and upload it.", "Mend rows"),
    "waiting": ("mute", SHEET, "{file} waits for you", "{count} files wait for you", "Nothing is written yet.", "Go on"),
}
"""Tone, icon, title of one and of several, text and button of the tiles of imports, by what they need."""


@dataclass(frozen=True)
class Tile:
    """One line: the mark, what it is, a sentence more, and the button. `dismiss`: the notice it tells of."""

    tone: str
    icon: str
    title: str
    text: str = ""
    url: str = ""
    word: str = ""
    dismiss: int | None = None


Maker = Callable[[Session, Actor], Iterable[Tile]]
F = TypeVar("F", bound=Maker)
_makers: list[tuple[str, Maker]] = []


def tile(needs: str) -> Callable[[F], F]:
    """Register what makes tiles for whoever holds `needs`."""

    def register(make: F) -> F:
        _makers.append((needs, make))
        return make
    return register


def tiles(session: Session, actor: Actor) -> list[Tile]:
    """All that waits for this person, the worst first."""
    made = [one for needs, make in _makers if actor.may(needs) for one in make(session, actor)]
    return sorted(made, key=lambda one: ORDER.index(one.tone) if one.tone in ORDER else len(ORDER))


@tile("webhooks.read")
def dead_events(session: Session, actor: Actor) -> Iterable[Tile]:
    count, oldest = _dead(session, Event, Event.received_at)
    if count.number:
        may = actor.may("webhooks.retry")
        then = "Nothing more happens to them by itself." if may else "A person with the permission webhooks.retry has to look."
        yield Tile("bad", "exclamation-octagon-fill", f"{_many(count, 'webhook event is', 'webhook events are')} dead",
                   f"The oldest came on {ui.moment(oldest)}. {then}",
                   url_for("webhooks.index", status="dead"), "Review events" if may else "See events")


@tile("jobs.read")
def dead_jobs(session: Session, actor: Actor) -> Iterable[Tile]:
    count, oldest = _dead(session, Job, Job.created_at)
    if count.number:
        yield Tile("bad", "gear-fill", f"{_many(count, 'job is', 'jobs are')} dead",
                   f"Out of tries. The oldest was asked for on {ui.moment(oldest)}.",
                   url_for("jobs.index", status="dead"), "Review jobs")


@tile("imports.read")
def imports(session: Session, actor: Actor) -> Iterable[Tile]:
    """Imports of the last two weeks that stopped, left rows behind, or wait for a choice: one tile for each of the three."""
    for need, found in standing.needy(session, actor).items():
        if found:
            yield _imports(need, found)


@tile("*.read")
def checks(session: Session, actor: Actor) -> Iterable[Tile]:
    """One tile for all that cannot be right: what it is if it is one thing, else how many."""
    found = [one for one in checking.results(session, actor) if one.count.number]
    if not found:
        return
    said = [f"{ui.number(one.count.number)}{'+' if one.count.capped else ''} {ui.within(one.check.title)}" for one in found]
    worst = min((one.check.tone for one in found), key=ORDER.index)
    title = "Records contradict each other" if len(found) > 1 else found[0].check.title
    url = url_for("records.checks") if len(found) > 1 else url_for("records.check", name=found[0].check.name)
    yield Tile(worst, "clipboard-check", title, "; ".join(said) + ".", url, "Review records")


@tile("payments.read")
def failed_payments(session: Session, actor: Actor) -> Iterable[Tile]:
    yield from _records(session, actor, payments, {"status": "disputed"}, "bad", "question-octagon-fill",
                        ("payment is disputed", "payments are disputed"), "The money is held until somebody answers.",
                        "Review payments")
    since = (datetime.now(UTC) - LATELY).date().isoformat()
    yield from _records(session, actor, payments, {"status": "failed", "updated_at.gte": since}, "bad", "credit-card-fill",
                        ("payment failed", "payments failed"), "In the last two weeks.", "Review payments")


@tile("deliveries.read")
def held_up_deliveries(session: Session, actor: Actor) -> Iterable[Tile]:
    yield from _records(session, actor, deliveries, {"status": "held_up"}, "wait", "truck",
                        ("delivery is held up", "deliveries are held up"),
                        "The carrier waits for something, like a better address.", "Review deliveries")
    since = (datetime.now(UTC) - LATELY).date().isoformat()
    yield from _records(session, actor, deliveries, {"status": "lost", "updated_at.gte": since}, "bad", "box-seam-fill",
                        ("delivery is lost", "deliveries are lost"), "In the last two weeks.", "Review deliveries")


@tile("subscriptions.read")
def overdue_subscriptions(session: Session, actor: Actor) -> Iterable[Tile]:
    yield from _records(session, actor, subscriptions, {"status": "past_due"}, "wait", "hourglass-split",
                        ("subscription is past due", "subscriptions are past due"), "Their last payment did not come.",
                        "Review subscriptions")


@tile("dashboard.read")
def told(session: Session, actor: Actor) -> Iterable[Tile]:
    icons = {"bad": "exclamation-octagon-fill", "wait": "exclamation-triangle-fill"}
    for one in notices.opened(session, actor):
        again = f" Told {one.times} times, last on {ui.moment(one.last_at)}." if one.times > 1 else ""
        yield Tile(one.tone, icons.get(one.tone, "info-circle-fill"), one.title, f"{one.detail}{again}".strip(), one.url,
                   "Open" if one.url else "", one.id)


def _dead(session: Session, queue: Any, since: Any) -> tuple[Count, datetime | None]:
    """How many rows of a queue wait for a person, as far as counting is cheap, and since when."""
    some = select(since.label("at")).where(queue.status == "dead").order_by(queue.id).limit(CAP + 1).subquery()
    number, oldest = session.execute(select(func.count(), func.min(some.c.at))).one()
    return Count(min(number, CAP), number > CAP), oldest


def _records(session: Session, actor: Actor, resource: Resource, filters: dict[str, str], tone: str, icon: str,
             words: tuple[str, str], text: str, word: str) -> Iterable[Tile]:
    """A tile for the records these filters find; its button opens the list with the same filters."""
    asked = query.parse(resource, MultiDict(filters), actor)
    count = answers.asked(session, asked, "tile", lambda: query.count(session, asked))
    if count.number:
        values: dict[str, Any] = dict(filters)
        yield Tile(tone, icon, _many(count, *words), text, url_for("records.index", resource=resource.name, **values), word)


def _imports(need: str, found: Sequence[standing.Standing]) -> Tile:
    """One tile for all imports with the same need: of one file its page, of several their list."""
    tone, icon, one, many, text, word = IMPORTS[need]
    rows = sum(each.refused for each in found)
    refused = f"{rows:,} {'row is' if rows == 1 else 'rows are'} refused"
    if len(found) == 1:
        return Tile(tone, icon, one.format(file=found[0].imported.file_name, refused=refused), text,
                    url_for("imports.show", import_id=found[0].imported.id), word)
    return Tile(tone, icon, many.format(count=f"{len(found):,}", refused=refused), text, url_for("imports.index", needs=need),
                "Review imports")


def _many(count: Count, one: str, many: str) -> str:
    return f"{count.number:,}{'+' if count.capped else ''} {one if count.number == 1 and not count.capped else many}"
