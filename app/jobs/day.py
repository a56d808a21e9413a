"""The last day of the jobs, hour by hour: tries that did it and tries that failed, and where the bars of a picture stand."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select, type_coerce
from sqlalchemy.orm import Session

from app.counting import counted
from app.extensions import Utc
from app.jobs.models import Attempt
from app.transaction import is_sqlite, now

HOUR = timedelta(hours=1)
HOURS = 24
LONGEST = HOUR          # a try takes no longer, so those that ended since then began an hour before at the earliest
CAP = 20_000            # the newest tries that are looked at
STEP, WIDTH, HEIGHT, MINI = 10, 7, 100, 24
OF_JOBS = Attempt.source == literal_column("'jobs'")                 # literally, or the index of these is not used
FAILED = Attempt.outcome.in_(("failed", "lapsed"))
DONE = and_(Attempt.outcome.is_not(None), Attempt.outcome.not_in(("failed", "lapsed", "returned", "cancelled")))
Bars = Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Day:
    """(when it began, how many tries did it, how many failed) of each hour, the oldest first; the last is the present one."""

    hours: Sequence[tuple[datetime, int, int]]
    is_capped: bool = False

    @property
    def count(self) -> int:
        return sum(done for _, done, _ in self.hours)

    @property
    def failed(self) -> int:
        return sum(failed for _, _, failed in self.hours)

    @property
    def top(self) -> int:
        return max([done for _, done, _ in self.hours] + [1])

    @property
    def worst(self) -> int:
        return max([failed for _, _, failed in self.hours] + [1])

    def bars(self) -> Bars:
        """(x, y, height) of the hours in which something was done."""
        return _bars([done for _, done, _ in self.hours], self.top, HEIGHT)

    def failures(self) -> Bars:
        """The same for what failed, on its own scale."""
        return _bars([failed for _, _, failed in self.hours], self.worst, MINI)

    @property
    def finding(self) -> str:
        """What the picture says, for those who do not see it."""
        finished, failed = counted(self.count, "job", capped=self.is_capped), counted(self.failed, "try", "tries")
        said = f"Bars by hour for a day. {finished} finished, at most {self.top:,} in an hour."
        return f"{said} {failed} failed." if self.failed else f"{said} None failed."


def day(session: Session) -> Day:
    """The last 24 hours, from the newest tries by their index; what is done no longer changes when a job is retried."""
    first = now(session).replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    tries = (select(_hour(session.connection()).label("hour"), case((DONE, 1), else_=0).label("done"),
                    case((FAILED, 1), else_=0).label("failed"))
             .where(OF_JOBS, Attempt.started_at >= first - LONGEST, Attempt.ended_at >= first)
             .order_by(Attempt.started_at.desc()).limit(CAP).subquery())
    rows = session.execute(select(tries.c.hour, func.sum(tries.c.done), func.sum(tries.c.failed), func.count())
                           .group_by(tries.c.hour)).all()
    found: dict[datetime, tuple[int, int]] = {at: (int(done), int(failed)) for at, done, failed, _ in rows}
    hours = [first + place * HOUR for place in range(HOURS)]
    return Day([(at, *found.get(at, (0, 0))) for at in hours], sum(row[3] for row in rows) >= CAP)


def lately(session: Session) -> int:
    """How many tries did their job in the last 60 minutes, no further than CAP."""
    since = now(session) - HOUR
    some = (select(Attempt.id).where(OF_JOBS, Attempt.started_at >= since - LONGEST, Attempt.ended_at >= since, DONE)
            .limit(CAP).subquery())
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def _bars(values: Sequence[int], top: int, height: int) -> Bars:
    tall = [(place, round(value / top * height, 1)) for place, value in enumerate(values) if value]
    return [(place * STEP + (STEP - WIDTH) / 2, round(height - one, 1), one) for place, one in tall]


def _hour(connection: Connection) -> ColumnElement[Any]:
    """The hour a try ended in."""
    if is_sqlite(connection):
        return type_coerce(func.strftime("%Y-%m-%d %H:00:00.000000", Attempt.ended_at), Utc)
    return type_coerce(func.date_trunc("hour", Attempt.ended_at), Utc)
