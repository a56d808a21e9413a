"""Two weeks by day, as bars: the numbers, and where the marks stand in a picture of 100 units height."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, case, false, func, select
from sqlalchemy.orm import Session

from app import ui
from app.audit import Actor
from app.commerce.orders import Order, orders
from app.config import config
from app.records import answers, money, policy
from app.records.resource import Resource

DAYS = 14
STEP, WIDTH = 10, 7               # of a bar in the picture
HEIGHT, MINI = 100, 24
TAKEN = ("paid", "part_refunded", "refunded", "disputed")


@dataclass(frozen=True)
class Day:
    """How many, and how many went wrong; `total` is written in the currency of the installation, "" if it may not be seen."""

    date: date
    count: int
    failed: int
    total: str


@dataclass(frozen=True)
class Chart:
    """The days, the oldest first; the last is today."""

    days: tuple[Day, ...]

    @property
    def today(self) -> Day:
        return self.days[-1]

    @property
    def count(self) -> int:
        return sum(day.count for day in self.days)

    @property
    def failed(self) -> int:
        return sum(day.failed for day in self.days)

    @property
    def top(self) -> int:
        return rounded(max(day.count for day in self.days))

    @property
    def worst(self) -> int:
        return rounded(max(day.failed for day in self.days))

    def bars(self) -> list[tuple[float, float, float]]:
        """(x, y, height) of each day."""
        return _bars([day.count for day in self.days], self.top, HEIGHT)

    def failures(self) -> list[tuple[float, float, float]]:
        """The same for what went wrong, on its own scale; days without are left out."""
        return [bar for bar in _bars([day.failed for day in self.days], self.worst, MINI) if bar[2]]

    def finding(self, plural: str) -> str:
        """What the picture says, for those who do not see it."""
        before = [day.count for day in self.days[:-1]]
        said = (f"Bars by day for two weeks. Between {min(before):,} and {max(before):,} {plural} a day; "
                f"{self.today.count:,} so far today.")
        return f"{said} The payment of {self.failed:,} failed." if self.failed else said


@dataclass(frozen=True)
class Series:
    """What is counted by day: by the moment in `at`; what of it counts, what of it failed, and the money field to add up."""

    name: str
    resource: Resource
    at: Any
    amount: str
    counted: ColumnElement[bool]
    failed: ColumnElement[bool]


PLACED = Order.status.not_in(("draft", "cancelled"))
ORDERS = Series("orders", orders, Order.placed_at, "total", PLACED, PLACED & (Order.payment_status == "failed"))
PAID = Series("paid", orders, Order.placed_at, "total", PLACED & Order.payment_status.in_(TAKEN), false())


def orders_by_day(session: Session, actor: Actor) -> Chart | None:
    """Orders by the day they were placed, and those whose payment failed; None for whoever may not see orders."""
    return _chart(session, actor, ORDERS)


def paid_by_day(session: Session, actor: Actor) -> Chart | None:
    """The orders of each day that are paid by now; None for whoever may not see orders."""
    return _chart(session, actor, PAID)


def rounded(most: int) -> int:
    """The top of a scale: the next of 2, 4, 10, 20, 40, 100 …, so that half of it is a whole number too."""
    unit = 1
    while True:
        for times in (2, 4, 10):
            if times * unit >= most:
                return times * unit
        unit *= 10


def _bars(values: Sequence[int], top: int, height: int) -> list[tuple[float, float, float]]:
    tall = [round(value / top * height, 1) for value in values]
    return [(at * STEP + (STEP - WIDTH) / 2, round(height - one, 1), one) for at, one in enumerate(tall)]


def _chart(session: Session, actor: Actor, series: Series) -> Chart | None:
    """One statement over the index of `at`, kept for all who see the same rows until one of them is written."""
    resource = series.resource
    if not actor.may(f"{resource.name}.read"):
        return None
    seen, today = resource.require(series.amount) in policy.readable(actor, resource), datetime.now(ui.zone()).date()
    scope = policy.scope(actor, resource)
    return answers.kept(session, actor, answers.behind(resource.name), ("chart", series.name, str(ui.zone()), today),
                        lambda: _counted(session, series, scope, today, seen))


def _counted(session: Session, series: Series, scope: ColumnElement[bool] | None, today: date, seen: bool) -> Chart:
    table, currency = series.resource.table, config().currency
    money_of = series.resource.require(series.amount).column
    dates = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    edges = [_starts(one) for one in [*dates, today + timedelta(days=1)]]
    columns: list[ColumnElement[int]] = []
    for first, after in pairwise(edges):
        here = (series.at >= first) & (series.at < after)
        columns += [_sum(here & series.counted, 1), _sum(here & series.failed, 1),
                    _sum(here & series.counted & (table.c.currency == currency), table.c[money_of])]
    where = [series.at >= edges[0], series.at < edges[-1], table.c.trashed_at.is_(None), *([] if scope is None else [scope])]
    found = [int(value or 0) for value in session.execute(select(*columns).where(*where)).one()]
    return Chart(tuple(Day(one, found[3 * at], found[3 * at + 1],
                           f"{money.from_minor(found[3 * at + 2], currency)} {currency}" if seen else "")
                       for at, one in enumerate(dates)))


def _sum(condition: ColumnElement[bool], value: Any) -> ColumnElement[int]:
    return func.sum(case((condition, value), else_=0))


def _starts(day: date) -> datetime:
    return datetime.combine(day, time(), ui.zone()).astimezone(UTC)
