"""How endpoints are: what came in the last day, hour by hour, what failed, and whether one fell silent, by its own history."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from app.counting import counted
from app.extensions import Utc
from app.integrations.provider import TEST
from app.transaction import is_sqlite
from app.webhooks.models import Endpoint, Event, Hour, StoredReceipt

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HISTORY = timedelta(days=28)
ENOUGH = 20                  # events before a pause means anything
SHORTEST = timedelta(hours=6)
LONGER = 2                   # times the longest pause of its history, and it is silent
SLACK = 1_000                # ids that may be out of the order of time
CAP = 20_000                 # events that are looked at one by one: those of hours that are not counted yet, and dead ones
STEP, WIDTH, HEIGHT = 10, 7, 100
Hours = Sequence[tuple[datetime, int, int]]


@dataclass(frozen=True)
class Silence:
    """Since when nothing came, and what is usual."""

    since: datetime
    a_day: float

    @property
    def sentence(self) -> str:
        usual = f"{self.a_day:,.0f} a day" if self.a_day >= 1.5 else f"{self.a_day * 7:,.0f} a week"
        return f"No event for {_long(datetime.now(UTC) - self.since)}, usually {usual}."


@dataclass(frozen=True)
class Health:
    """One endpoint at this moment. `hours`: (when it began, events, dead of them) of the last 24, the oldest first.

    `is_capped`: it has more, which are not counted by the hour yet.
    """

    last_at: datetime | None
    hours: Hours
    is_capped: bool
    a_day: float | None          # None: too little history to say
    rejected: int                # posts turned away in the last day, as far as they are kept
    silence: Silence | None

    @property
    def count(self) -> int:
        return sum(count for _, count, _ in self.hours)

    @property
    def dead(self) -> int:
        return sum(dead for _, _, dead in self.hours)

    @property
    def share(self) -> float:
        """Of a hundred events of the last day, how many are dead."""
        return 100 * self.dead / self.count if self.count else 0.0

    @property
    def top(self) -> int:
        return max([count for _, count, _ in self.hours] + [1])

    def bars(self) -> list[tuple[float, float, float, float]]:
        """(x, y, height, height of what is dead) of each hour."""
        return [(place * STEP + (STEP - WIDTH) / 2, HEIGHT - HEIGHT * count / self.top, HEIGHT * count / self.top,
                 HEIGHT * dead / self.top) for place, (_, count, dead) in enumerate(self.hours)]

    @property
    def finding(self) -> str:
        """What the picture says, for those who do not see it."""
        events = counted(self.count, "event", capped=self.is_capped)
        return f"Bars by hour for a day. {events}, at most {self.top:,} in an hour; {self.dead:,} are dead."


def health(session: Session, endpoint: Endpoint) -> Health:
    """How this one is, from small statements that cost the same however much comes in."""
    now = datetime.now(UTC)
    last, history = last_heard(session, [endpoint.id]).get(endpoint.id), _histories(session, [endpoint.id], now)[endpoint.id]
    rejected = session.execute(select(func.coalesce(func.sum(1 + StoredReceipt.more), 0)).where(
        StoredReceipt.endpoint_id == endpoint.id, StoredReceipt.verdict == "rejected",
        StoredReceipt.received_at >= now - DAY)).scalar_one()
    silence = _silence(history, last, now) if endpoint.is_enabled else None
    return Health(last, *_last_day(session, endpoint.id, now), _a_day(history, last), int(rejected), silence)


def last_heard(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """When the newest event of each came. One statement, one look at an index for each."""
    other = aliased(Event)
    newest = (select(other.id).where(other.endpoint_id == Endpoint.id, other.said != TEST).order_by(other.id.desc()).limit(1)
              .correlate(Endpoint).scalar_subquery())       # the first from the end, never a walk over all of them
    rows = session.execute(select(Endpoint.id, Event.received_at).join(Event, Event.id == newest).where(Endpoint.id.in_(ids)))
    return {id: at for id, at in rows}  # noqa: C416  (rows are not pairs to mypy)


def silences(session: Session) -> list[tuple[Endpoint, Silence]]:
    """Every endpoint that fell silent, by its own history. Three statements."""
    now = datetime.now(UTC)
    endpoints = list(session.scalars(select(Endpoint).where(Endpoint.is_enabled.is_(True)).order_by(Endpoint.id)))
    ids = [each.id for each in endpoints]
    last, histories = last_heard(session, ids), _histories(session, ids, now)
    found = [(each, _silence(histories[each.id], last.get(each.id), now)) for each in endpoints]
    return [(each, silence) for each, silence in found if silence is not None]


def roll(session: Session, since: datetime | None = None) -> datetime | None:
    """Count the events of each endpoint by the hour, for a day from `since` on, or from the last hour counted; safe to repeat.

    Returns where to go on, None once that is the present: one day is as much as a transaction should hold others up for.
    """
    connection, now = session.connection(), datetime.now(UTC)
    since = since or _rolled_to(session, now)
    if since is None:
        return None
    until, hour = since + DAY, _hour(connection).label("began_at")
    counts = (select(Event.endpoint_id, hour, func.count()).where(*_since(since), Event.received_at < until, Event.said != TEST)
              .group_by(Event.endpoint_id, literal_column("began_at")))
    statement: Any = (sqlite.insert if is_sqlite(connection) else postgresql.insert)(Hour).from_select(
        ["endpoint_id", "began_at", "events"], counts)
    session.execute(statement.on_conflict_do_update(index_elements=["endpoint_id", "began_at"],
                                                    set_={"events": statement.excluded.events}))
    return until if until < now else None


def _rolled_to(session: Session, now: datetime) -> datetime | None:
    """The hour to count from: one before the last that was counted, for it may have gone on; None where nothing ever came."""
    latest: datetime | None = session.scalar(select(func.max(Hour.began_at)))
    begins = latest or session.scalar(select(Event.received_at).order_by(Event.received_at).limit(1))
    return None if begins is None else max(begins - HOUR, now - HISTORY).replace(minute=0, second=0, microsecond=0)


def _histories(session: Session, ids: Sequence[int], now: datetime,
               since: datetime | None = None) -> dict[int, list[tuple[datetime, int]]]:
    """(hour, events) of each since then or in four weeks, the oldest first; hours without are not among them. One statement."""
    found: dict[int, list[tuple[datetime, int]]] = {id: [] for id in ids}
    rows = session.execute(select(Hour.endpoint_id, Hour.began_at, Hour.events).order_by(Hour.endpoint_id, Hour.began_at)
                           .where(Hour.endpoint_id.in_(ids), Hour.began_at >= (since or now - HISTORY)))
    for id, began_at, events in rows:
        found[id].append((began_at, events))
    return found


def _silence(history: Sequence[tuple[datetime, int]], last: datetime | None, now: datetime) -> Silence | None:
    """None while the pause is not much longer than the longest it ever made."""
    a_day = _a_day(history, last)
    if a_day is None or last is None:
        return None
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(history)]
    bound = max([SHORTEST, *(LONGER * pause for pause in pauses)])
    return Silence(last, a_day) if now - last >= bound else None


def _a_day(history: Sequence[tuple[datetime, int]], last: datetime | None) -> float | None:
    """How many are usual, from the first to the last that came; None for too few to say."""
    count = sum(events for _, events in history)
    if count < ENOUGH or last is None:
        return None
    return count / max(1.0, (last - history[0][0]) / DAY)


def _last_day(session: Session, endpoint_id: int, now: datetime) -> tuple[Hours, bool]:
    """The hours, and whether there are more events: hours that are over were counted, so only the latest are looked at."""
    first = now.replace(minute=0, second=0, microsecond=0) - 23 * HOUR
    counted_ones = dict(_histories(session, [endpoint_id], now, since=first)[endpoint_id])
    latest = max(counted_ones, default=first)        # it may have gone on since
    fresh = _by_hour(session, endpoint_id, latest, Event.endpoint_id == endpoint_id)
    dead = _by_hour(session, endpoint_id, first, Event.status == "dead")
    events = {at: number for at, number in counted_ones.items() if at < latest} | fresh
    hours = (first + place * HOUR for place in range(24))
    return [(at, events.get(at, 0), min(dead.get(at, 0), events.get(at, 0))) for at in hours], sum(fresh.values()) >= CAP


def _by_hour(session: Session, endpoint_id: int, since: datetime, among: ColumnElement[bool]) -> dict[datetime, int]:
    """How many of the newest events since then, `among` those an index knows, are of this endpoint, by the hour."""
    hour = _hour(session.connection()).label("began_at")
    newest = (select(Event.endpoint_id, hour).where(*_since(since), among, Event.said != TEST).order_by(Event.id.desc())
              .limit(CAP).subquery())
    rows = session.execute(select(newest.c.began_at, func.count()).where(newest.c.endpoint_id == endpoint_id)
                           .group_by(newest.c.began_at))
    return {at: number for at, number in rows}  # noqa: C416  (rows are not pairs to mypy)


def _since(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The time decides; ids rise with it, so they say where to begin to look."""
    first = select(Event.id).where(Event.received_at >= at).order_by(Event.received_at, Event.id).limit(1).scalar_subquery()
    return Event.received_at >= at, Event.id >= func.coalesce(first, 0) - SLACK


def _hour(connection: Connection) -> ColumnElement[datetime]:
    """The hour an event came in."""
    if is_sqlite(connection):
        return type_coerce(func.strftime("%Y-%m-%d %H:00:00.000000", Event.received_at), Utc)
    return type_coerce(func.date_trunc("hour", Event.received_at), Utc)


def _long(by: timedelta) -> str:
    days, hours = by // DAY, by // HOUR
    return counted(days, "day") if days >= 2 else counted(hours, "hour")
