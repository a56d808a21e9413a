"""Processes are killed, frozen and stopped while they work. Nothing is lost, nothing is done twice."""
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.jobs.enqueue import enqueue
from app.jobs.models import Attempt, Job
from app.transaction import transaction
from tests.chaos.conftest import SCALE, children, statuses, workers, workers_ready
from tests.jobs.trials import effects
from tests.wait import wait_for


def queue_it(name, args=None):
    with transaction() as session:
        return enqueue(session, name, args).id


def all_done(count):
    return lambda: statuses() == {"done": count}


def test_workers_are_killed_again_and_again_in_the_middle_of_it(start, bell, send):
    count = 300 * SCALE if SCALE > 1 else 120
    sent = send(count, does="slow")
    pool = start("all", "2", TRIAL_SLOW="0.004")
    workers_ready(2)
    for _ in range(1 + SCALE // 4):     # who dies young again and again is started later and later
        done = statuses().get("done", 0)
        for pid in random.sample(wait_for(two_workers), 2):
            os.kill(pid, signal.SIGKILL)
        wait_for(more_than(done, count), within=60)
    wait_for(all_done(count), within=60 * SCALE)
    assert effects() == dict.fromkeys(sent, 1)
    assert pool.is_running()


@pytest.mark.alike
def test_redis_dies_and_comes_back(start, bell, send):
    start("all", "2")
    workers_ready(2)
    bell._process.kill()
    bell._process.wait()
    sent = send(100)
    wait_for(all_done(100), within=60)         # the sweeper's children did it
    bell.start()
    wait_for(lambda: bell._client.smembers("rq:workers"))   # the workers are back
    sent += send(100)
    wait_for(all_done(200), within=60)
    assert effects() == dict.fromkeys(sent, 1)


@pytest.mark.alike
def test_without_redis_the_sweeper_works_in_children_under_the_same_limits(start, send, parcel, stored):
    sent = send(150)
    killer, = send(1, does="kill", max_attempts=2)
    heavy = queue_it("trial.chunks", {"total": 5})
    start("sweep")
    wait_for(lambda: statuses() == {"done": 150, "dead": 1}, within=60)
    wait_for(lambda: stored(heavy).status == "done", within=60)
    assert effects() == dict.fromkeys(sent, 1)
    assert effects("chunks") == dict.fromkeys(range(5), 1)
    assert parcel(killer).attempts == 2


def test_a_worker_frozen_past_its_lease_writes_nothing_when_it_wakes(start, bell, stored, tmp_path):
    sign = tmp_path / "began"
    id = queue_it("trial.waits", {"sign": str(sign)})
    start("all", "2")
    frozen = int(wait_for(lambda: read(sign)))
    os.kill(frozen, signal.SIGSTOP)
    second = int(wait_for(lambda: read(sign) != str(frozen) and read(sign), within=30))
    Path(f"{sign}.go").touch()
    wait_for(lambda: stored(id).status == "done")
    os.kill(frozen, signal.SIGCONT)

    assert second != frozen
    wait_for(lambda: os.path.exists(f"/proc/{frozen}") and is_idle(frozen), within=20)
    assert effects("waits") == {id: 1}
    db.session.rollback()
    outcomes = db.session.execute(sa.select(Attempt.outcome).where(Attempt.source == "jobs").order_by(Attempt.id)).scalars().all()
    assert outcomes == ["lapsed", "done"]


def test_a_worker_frozen_inside_a_transaction_is_killed_and_its_work_done_by_others(start, bell, send, parcel):
    freezer, = send(1, does="freeze once", max_attempts=5)
    sent = send(20)
    pool = start("all", "2")
    wait_for(lambda: statuses().get("done", 0) == 21, within=60)
    assert effects() == dict.fromkeys([freezer, *sent], 1)
    assert parcel(freezer).attempts == 2
    assert pool.is_running()


@pytest.mark.alike
def test_work_that_takes_longer_than_it_may_is_stopped_and_says_so(start, bell, stored):
    id = queue_it("trial.sleep", {"seconds": 3600})
    start("all", "1")
    wait_for(lambda: stored(id).status == "dead", within=60)
    assert stored(id).attempts == 2
    assert stored(id).last_error == "It took longer than it may and was stopped."


@pytest.mark.alike
def test_told_to_stop_workers_finish_or_give_back_what_they_hold(start, bell, send, stored):
    sent = send(200, does="slow")
    id = queue_it("trial.chunks", {"total": 60, "pause": 0.05})
    pool = start("all", "2", TRIAL_SLOW="0.01")
    wait_for(lambda: statuses().get("running") and (stored(id).progress_done or 0) > 2, within=60)
    began = time.monotonic()
    pool.term()
    assert pool.wait(12) == 0
    assert time.monotonic() - began < 10
    assert "running" not in statuses() | statuses(Job)
    assert stored(id).attempts == 0
    assert 0 < stored(id).progress_done < 60

    start("all", "2", TRIAL_SLOW="0.001")
    wait_for(lambda: statuses() == {"done": 200} and stored(id).status == "done", within=60)
    assert effects() == dict.fromkeys(sent, 1)
    assert effects("chunks") == dict.fromkeys(range(60), 1)


@pytest.mark.alike
def test_told_twice_to_stop_workers_strand_nothing(start, bell, send):
    send(200, does="slow")
    pool = start("all", "2", TRIAL_SLOW="0.02")
    wait_for(lambda: statuses().get("running"), within=60)
    for _ in range(3):
        for pid in [*children(pool.pid), pool.pid]:
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.3)  # RQ takes two signals within a second for one
    pool.wait(12)
    start("all", "2", TRIAL_SLOW="0.001")
    wait_for(all_done(200), within=60)
    assert set(effects().values()) == {1}


@pytest.mark.alike
def test_workers_whose_pool_was_killed_leave(start, bell):
    pool = start("worker", "2")
    workers_ready(3)
    left = children(pool.pid)
    os.kill(pool.pid, signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in left), within=30)


def test_drain_needs_no_redis_and_no_other_process(start, send, parcel):
    sent = send(120)
    killer, = send(1, does="kill", max_attempts=2)
    later, = send(1, run_at=datetime(2999, 1, 1, tzinfo=UTC))
    assert start("drain").wait(60) == 0
    assert effects() == dict.fromkeys(sent, 1)
    assert (parcel(killer).status, parcel(killer).attempts) == ("dead", 2)
    assert parcel(killer).last_error == "The worker was killed by SIGKILL."
    assert parcel(later).status == "waiting"


def more_than(done: int, count: int) -> Callable[[], bool]:
    return lambda: statuses().get("done", 0) > done or statuses() == {"done": count}


def two_workers() -> list[int]:
    return found if len(found := workers()) > 1 else []


def read(sign: Path) -> str:
    return sign.read_text() if sign.exists() else ""


def is_idle(pid: int) -> bool:
    """Whether the process waits for its next bell."""
    return Path(f"/proc/{pid}/wchan").read_text() not in ("", "0") or Path(f"/proc/{pid}/stat").read_text().split()[2] == "S"
