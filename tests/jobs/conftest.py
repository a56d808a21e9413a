"""The made-up queue and its tables, for the tests of queues and of the processes that serve them."""
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.audit import SYSTEM, Actor
from app.extensions import db
from app.jobs import registry
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.jobs.queue import Queue
from app.jobs.registry import Kind
from app.transaction import transaction
from tests.jobs.trials import Parcel, Trial, parcels_served


@pytest.fixture(scope="package")
def trial_tables(made: Flask) -> Iterator[None]:
    with made.app_context():
        Trial.metadata.create_all(db.engine)
    yield
    with made.app_context():
        db.session.remove()
        Trial.metadata.drop_all(db.engine)


@pytest.fixture
def parcels(trial_tables: None, app: Flask) -> Iterator[Queue]:
    """The queue of parcels, served."""
    with parcels_served() as queue:
        yield queue


@pytest.fixture
def send(parcels: Queue) -> Callable[..., list[int]]:
    """Add parcels: `send(3)`, `send("a", "a", None)` by object, `send(1, does="fail")`; gives their ids."""

    def add(*objects: object, **values: object) -> list[int]:
        keys = [None] * objects[0] if len(objects) == 1 and isinstance(objects[0], int) else objects
        with transaction() as session:
            return [session.execute(sa.insert(Parcel).values(object_key=key, **values).returning(Parcel.id)).scalar_one()
                    for key in keys]
    return add


@pytest.fixture
def parcel(app: Flask) -> Callable[[int], Parcel]:
    """A parcel as it is stored now."""

    def read(id: int) -> Parcel:
        db.session.rollback()
        return db.session.get_one(Parcel, id, populate_existing=True)
    return read


@pytest.fixture
def stored(app: Flask) -> Callable[[int], Job]:
    """A job as it is stored now."""

    def read(id: int) -> Job:
        db.session.rollback()
        return db.session.get_one(Job, id, populate_existing=True)
    return read


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Declare a kind of job, "trial.this", for this test: `kind(function, max_attempts=…)`."""

    def declare(function: Callable[..., Any], **options: Any) -> None:
        chosen: dict[str, Any] = {"queue": "default", "max_attempts": 5, "seconds": 30.0, "cron": None, "label": "Try", "page": ""}
        monkeypatch.setitem(registry._kinds, "trial.this", Kind("trial.this", function, **chosen | options))
    return declare


@pytest.fixture
def job(app: Flask) -> Callable[..., int]:
    """Queue a job and give it a state: `job(status="dead", last_error="No")`."""

    def make(name: str = "trial.says", *, key: str | None = None, by: Actor = SYSTEM, args: Any = None, **values: Any) -> int:
        with transaction() as session:
            id = enqueue(session, name, args, key=key, by=by).id
            if values:
                session.execute(sa.update(Job).where(Job.id == id).values(**values))
            return id
    return make
