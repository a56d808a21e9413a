"""What each worker does at this moment, by the leases it holds."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from app.jobs import queues
from app.jobs.models import Attempt, Job, Worker


@dataclass(frozen=True)
class Doing:
    """So many rows of a table, the first of them `id`; `kind` of a job."""

    table: str
    id: int
    count: int
    kind: str | None
    since: datetime | None


def doing(session: Session, workers: Sequence[Worker]) -> dict[str, Doing]:
    """By the names of those that have anything in hand. Two statements, one while nobody has."""
    held = _held(session, [worker.name for worker in workers])
    if not held:
        return {}
    begun = _begun(session, held)
    return {name: Doing(table, id, count, *begun.get((table, id), (None, None))) for name, (table, id, count) in held.items()}


def _held(session: Session, names: Sequence[str]) -> dict[str, tuple[str, int, int]]:
    tables = {queue.table.name: queue.table for queue in queues.registered()}
    parts = [select(table.c.lease_owner, literal(name), func.min(table.c.id), func.count())
             .where(table.c.status == "running", table.c.lease_owner.in_(names)).group_by(table.c.lease_owner)
             for name, table in tables.items()]
    rows = session.execute(union_all(*parts)) if names else ()
    return {owner: (table, id, count) for owner, table, id, count in rows}


def _begun(session: Session, held: Mapping[str, tuple[str, int, int]]) -> dict[tuple[str, int], tuple[str | None, datetime]]:
    """The kind of each job, and since when it is tried, by table and id."""
    these = [and_(Attempt.source == table, Attempt.row_id == id) for table, id, _ in held.values()]
    rows = session.execute(select(Attempt.source, Attempt.row_id, Job.kind, Attempt.started_at)
                           .outerjoin(Job, and_(Attempt.source == "jobs", Job.id == Attempt.row_id))
                           .where(or_(*these), Attempt.ended_at.is_(None)))
    return {(source, id): (kind, started_at) for source, id, kind, started_at in rows}
