"""The tries at one row of a queue as pages show them: counted on when somebody put the row back with all its tries."""
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.jobs.models import Attempt

RETURNED = "returned"


@dataclass(frozen=True)
class Numbered:
    """One try and its place among all of them. `again`: the first after somebody put the row back."""

    attempt: Attempt
    number: int
    again: bool


def latest(session: Session, table: str, row_id: int, most: int) -> list[Numbered]:
    """The latest tries at this row, the newest first. One that was given back untried leaves its number to the next."""
    counts = func.sum(case((Attempt.outcome == RETURNED, 0), else_=1)).over(order_by=Attempt.id, rows=(None, -1))
    before = func.lag(Attempt.outcome).over(order_by=Attempt.id)
    query = (select(Attempt, 1 + func.coalesce(counts, 0), before)
             .where(Attempt.source == table, Attempt.row_id == row_id).order_by(Attempt.id.desc()).limit(most))
    return [Numbered(attempt, number, attempt.number == 1 and outcome not in (None, RETURNED))
            for attempt, number, outcome in session.execute(query)]
