"""What the page of jobs says at a glance: numbers on top, the last day by the hour, and what each worker does."""
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import cache
from app.extensions import db
from app.jobs import day, queues, ring
from app.jobs.doing import doing
from app.jobs.models import Attempt, Job, Worker
from app.jobs.queue import claim
from app.transaction import now, transaction
from tests.records.stock import statements

MOST = 16       # statements the page of jobs may cost with its frame, the clock of PostgreSQL asked among them


@pytest.fixture(autouse=True)
def _fresh(trial_tables):
    for name in ("redis", "pulse", "dead jobs", "jobs lately", "jobs day"):
        cache.drop(name)


@pytest.fixture
def tried(app):
    """Keep a try that ended so many minutes ago: `tried(90, "failed")`."""

    def keep(minutes, outcome="done", source="jobs"):
        with transaction() as session:
            ended = now(session) - timedelta(minutes=minutes)
            session.add(Attempt(source=source, row_id=1, number=1, token=1, worker="me", started_at=ended - timedelta(seconds=5),
                                ended_at=ended, outcome=outcome))
    return keep


def tally(text):
    """(label, value) of the numbers on top."""
    found, = re.findall(r'<dl class="facts tally".*?</dl>', text, re.S)
    return {label: re.sub(r"<[^>]+>", "", value) for label, value in re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", found)}


@pytest.mark.alike
def test_the_numbers_on_top_count_whatever_the_filters_say(job, tried, sign_in):
    job(status="dead")
    job(attempts=2)
    job()
    job(status="running")
    tried(5)
    tried(70)
    numbers = tally(sign_in("viewer").get("/jobs?kind=jobs.prune").text)
    assert list(numbers) == ["Queued", "Retrying", "Running", "Dead", "Oldest due", "Done, last hour", "Workers alive", "Redis"]
    assert [numbers[name] for name in ("Queued", "Retrying", "Running", "Dead", "Done, last hour")] == ["1"] * 5
    assert numbers["Oldest due"].endswith(" s")


@pytest.mark.alike
def test_without_redis_the_page_is_there_and_says_so(job, sign_in, app, monkeypatch):
    job()
    monkeypatch.setattr(ring, "connect", lambda url, patience, real=ring.connect: real("redis://127.0.0.1:1/0", patience))
    page = sign_in("viewer").get("/jobs")
    assert page.status_code == 200
    assert (tally(page.text)["Redis"], tally(page.text)["Queued"]) == ("Silent", "1")


def test_the_last_day_counts_tries_of_jobs_by_the_hour_they_ended_in(tried):
    for minutes, outcome in ((0, "done"), (0, "failed"), (0, "returned"), (0, "cancelled"), (180, "done"), (180, "lapsed"), (180, "updated"),
                             (60 * 25, "done")):
        tried(minutes, outcome)
    tried(0, "done", source="webhook_events")
    found = day.day(db.session())
    assert len(found.hours) == 24
    assert [(done, failed) for _, done, failed in found.hours if done or failed] == [(2, 1), (1, 1)]
    assert (found.count, found.failed, found.is_capped) == (3, 2, False)


def test_no_more_of_the_last_day_is_looked_at_than_promised(tried, monkeypatch):
    monkeypatch.setattr(day, "CAP", 2)
    for _ in range(3):
        tried(0)
    found = day.day(db.session())
    assert (found.count, found.is_capped, day.lately(db.session())) == (2, True, 2)
    assert "2+ jobs finished" in found.finding


def test_the_last_day_is_found_by_an_index_of_its_own(app):
    plan = sa.select(Attempt.id).where(day.OF_JOBS, Attempt.started_at >= now(db.session()) - timedelta(days=1))
    text = str(plan.compile(db.engine, compile_kwargs={"literal_binds": True}))
    if db.engine.dialect.name == "sqlite":
        told = " ".join(row[3] for row in db.session.execute(sa.text(f"EXPLAIN QUERY PLAN {text}")))
    else:
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        told = " ".join(row[0] for row in db.session.execute(sa.text(f"EXPLAIN {text}")))
    db.session.rollback()
    assert "ix_attempts_of_jobs" in told


def test_each_worker_says_what_it_has_in_hand_and_since_when(job, send, parcels, sign_in):
    id = job("trial.chunks")
    send(3)
    with transaction() as session:
        for name in ("here:1:a", "here:2:b", "here:3:c"):
            session.add(Worker(name=name, queues="default", started_at=now(session), seen_at=now(session)))
    claim(queues.named("heavy"), "here:1:a")
    claim(parcels, "here:2:b")
    session = db.session()
    found = doing(session, session.scalars(sa.select(Worker)).all())
    assert {name: (one.table, one.count, one.kind) for name, one in found.items()} == {
        "here:1:a": ("jobs", 1, "trial.chunks"), "here:2:b": ("trial_parcels", 3, None)}
    assert all(one.since for one in found.values())
    text = sign_in("viewer").get("/jobs").text
    assert re.search(rf'data-label="Does now"><a href="/jobs/{id}">[^<]*{id}</a> <span class="dim">since ', text)
    assert 'data-label="Does now">3 trial parcels' in text
    assert 'data-label="Does now"><span class="dim-2">Nothing</span>' in text


@pytest.mark.alike
def test_the_page_costs_the_same_however_much_there_is(job, sign_in):
    client, costs = sign_in("viewer"), []
    for number in range(2):
        for name in ("redis", "pulse", "jobs lately", "jobs day"):
            cache.drop(name)
        job(key=str(number), status="running")
        with transaction() as session:
            session.execute(sa.update(Job).values(lease_owner="here:1:a"))
            session.merge(Worker(name=f"here:{number}:a", queues="default", started_at=now(session), seen_at=now(session)))
        with statements() as seen:
            assert client.get("/jobs?kind=trial.says").status_code == 200
        costs.append(len(seen))
    assert costs[0] == costs[1]
    assert costs[0] <= MOST


@pytest.mark.alike
def test_the_picture_is_told_in_words_and_as_a_table(tried, sign_in):
    tried(0)
    tried(0, "failed")
    client = sign_in("viewer")
    text = client.get("/jobs").text
    assert 'role="img" aria-label="Bars by hour for a day. 1 job finished, at most 1 in an hour. 1 try failed."' in text
    assert "Show as a table" in text
    assert "The last 24 hours" not in client.get("/jobs?status=dead").text
