"""The doorbell: it says only which queue, and nobody waits for it or fails by it."""
import time
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from app.extensions import db
from app.jobs import ring as ring_module
from app.jobs import sweep
from app.jobs.enqueue import enqueue, ring_after
from app.jobs.ring import ENOUGH, answers, connect, ring
from app.transaction import transaction


@pytest.fixture
def redis(valkey, monkeypatch):
    monkeypatch.setattr(ring_module, "_silent_until", 0.0)
    client = Redis.from_url(valkey)
    client.flushall()
    yield client
    client.flushall()
    client.close()


def messages(redis, queue="default"):
    return redis.lrange(f"rq:queue:{queue}", 0, -1)


def test_a_message_carries_the_name_of_a_queue_and_nothing_else(app, redis):
    assert ring("default")
    id, = messages(redis)
    data = redis.hget(f"rq:job:{id.decode()}", "data")
    assert zlib.decompress(data) == b'["app.jobs.drain.answer", null, ["default"], {}]'


def test_it_rings_after_the_commit_and_once_however_much_was_queued(app, redis):
    with transaction() as session:
        for _ in range(5):
            enqueue(session, "trial.says")
        assert messages(redis) == []
    assert len(messages(redis)) == 1


def test_it_does_not_ring_for_what_was_rolled_back(app, redis):
    with pytest.raises(ZeroDivisionError), transaction() as session:
        ring_after(session, "default")
        1 / 0  # noqa: B018
    assert messages(redis) == []


def test_a_round_of_the_sweeper_rings_once_for_each_queue_in_which_something_is_due(app, redis, parcels, send):
    send(3)
    with transaction() as session:
        enqueue(session, "trial.says")
        enqueue(session, "trial.chunks", run_at=datetime.now(UTC) + timedelta(hours=1))
    redis.flushall()     # the bells are lost

    assert sweep.sweep()["rung"] == 2
    assert [len(messages(redis, name)) for name in ("parcels", "default", "heavy")] == [1, 1, 0]


def test_bells_do_not_pile_up(app, redis):
    for _ in range(50):
        ring("default")
    assert len(messages(redis)) == ENOUGH


def test_without_redis_it_says_so_at_once_and_raises_nothing(app, monkeypatch, tmp_path):
    nobody_home(monkeypatch, tmp_path)
    before, began = missed(), time.monotonic()
    assert ring("default") is False
    assert not answers()
    assert time.monotonic() - began < 1
    assert missed() == before + 1


def test_redis_is_left_alone_for_a_moment_after_it_did_not_answer(app, monkeypatch, tmp_path):
    nobody_home(monkeypatch, tmp_path)
    ring("default")
    asked = []
    monkeypatch.setattr(ring_module, "connect", lambda *args: asked.append(args))
    assert ring("default") is False
    assert asked == []


def test_what_was_queued_while_redis_was_down_is_there(app, drain, stored, monkeypatch, tmp_path):
    nobody_home(monkeypatch, tmp_path)
    with transaction() as session:
        id = enqueue(session, "trial.says").id
    drain()
    assert stored(id).status == "done"


def nobody_home(monkeypatch, tmp_path):
    """A Redis that is not there."""
    monkeypatch.setattr(ring_module, "_silent_until", 0.0)
    monkeypatch.setattr(ring_module, "connect", lambda url, timeout: connect(f"unix://{tmp_path}/nobody.sock", timeout))
    db.session.rollback()


def missed():
    return ring_module.MISSED._value.get()
