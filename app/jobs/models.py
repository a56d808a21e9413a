"""Rows that are work: what makes a table a queue, the jobs table, every try, the schedules, and the workers that are alive."""
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model

STATUSES = ("waiting", "running", "done", "dead", "cancelled")


class Queued:
    """What makes a table a queue. Add `queue_indexes(…)` to its __table_args__ and register a Queue for it.

    Every column has a default in the database: insert a row and it is waiting, due at once.
    """

    status: Mapped[str] = mapped_column(server_default="waiting")               # waiting running done dead cancelled
    run_at: Mapped[datetime] = mapped_column(server_default=func.now())         # not before this moment
    priority: Mapped[int] = mapped_column(Integer, server_default=text("0"))    # smaller goes first
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))    # counted when claimed, so a killer row ends too
    max_attempts: Mapped[int] = mapped_column(Integer, server_default=text("10"))
    lease_owner: Mapped[str | None]
    lease_token: Mapped[int] = mapped_column(server_default=text("0"))          # of the latest claim; the fence compares it
    lease_until: Mapped[datetime | None]
    outcome: Mapped[str | None]                                                 # what came of it: updated, stale, ignored …
    last_error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


def queue_indexes(table: str, *leading: str, object_key: str | None = None) -> tuple[Index, ...]:
    """The indexes of a queue. `leading`: columns that tell its queues apart. `object_key`: at most one row of it runs."""
    def partial(name: str, *columns: str, status: str, unique: bool = False) -> Index:
        where = text(f"status = '{status}'")
        return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)

    found = (
        partial(f"ix_{table}_waiting", *leading, "priority", "run_at", "id", status="waiting"),
        partial(f"ix_{table}_running", "lease_until", status="running"),
        Index(f"ix_{table}_status", "status", "id"),
    )
    if object_key is None:
        return found
    return (*found, Index(f"ix_{table}_{object_key}", object_key, "id"),
            partial(f"uq_{table}_one_running_an_object", object_key, status="running", unique=True))


class Job(Queued, Model):
    """One function to run later, with everything a person wants to know about it."""

    __tablename__ = "jobs"
    __table_args__ = (
        *queue_indexes("jobs", "queue"),
        Index("uq_jobs_one_open_a_key", "kind", "key", unique=True,
              sqlite_where=text("status IN ('waiting', 'running')"), postgresql_where=text("status IN ('waiting', 'running')")),
        Index("ix_jobs_kind", "kind", "id"),
        UniqueConstraint("schedule_id", "fire_at"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    kind: Mapped[str]
    queue: Mapped[str] = mapped_column(server_default="default")
    args: Mapped[dict[str, Any]]
    key: Mapped[str | None]                        # one open job of a kind and key
    cursor: Mapped[dict[str, Any] | None]          # where to go on, committed with each chunk
    result: Mapped[dict[str, Any] | None]
    progress_done: Mapped[int | None]
    progress_total: Mapped[int | None]
    progress_note: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by_kind: Mapped[str | None]
    created_by_id: Mapped[int | None]
    created_by: Mapped[str | None]                 # their name, as shown
    schedule_id: Mapped[int | None] = mapped_column(Id, ForeignKey("schedules.id", ondelete="SET NULL"))
    fire_at: Mapped[datetime | None]               # the moment of the schedule this job stands for


class Attempt(Model):
    """One try at a row of a queue. Written when it is claimed; `ended_at` is empty while it runs."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_row", "source", "row_id", "id"), Index("ix_attempts_started_at", "started_at"),
        Index("ix_attempts_of_jobs", "source", "started_at", sqlite_where=text("source = 'jobs'"),
              postgresql_where=text("source = 'jobs'")),      # few among those of events, for the page of jobs
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    source: Mapped[str]                            # the table: jobs, webhook_events
    row_id: Mapped[int]
    number: Mapped[int] = mapped_column(Integer)
    token: Mapped[int]
    worker: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]                    # what came of it, or: failed returned lapsed
    error: Mapped[str | None]


class Schedule(Model):
    """A job that comes again. Any number of sweepers fire it once: unique (schedule, moment) on the jobs."""

    __tablename__ = "schedules"
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    args: Mapped[dict[str, Any]]
    cron: Mapped[str]                              # five fields, minute first
    time_zone: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    next_at: Mapped[datetime]
    last_at: Mapped[datetime | None]
    created_by_kind: Mapped[str | None]
    created_by_id: Mapped[int | None]
    created_by: Mapped[str | None]


class Worker(Model):
    """A process that works. One that was not seen for two leases is gone."""

    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)   # host:pid:random
    queues: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    done: Mapped[int] = mapped_column(server_default=text("0"))
