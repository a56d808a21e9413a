"""Webhooks through real HTTP while everything is killed, frozen and flushed, with poison among them: none lost, each once."""
import os
import random
import signal
import socket
import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from redis import RedisError

from app.audit import Audit
from app.commerce.payments import Payment
from app.extensions import db
from app.jobs.models import Attempt
from app.transaction import transaction
from app.webhooks.models import Event, StoredReceipt
from tests.chaos.conftest import SCALE, children, statuses, workers
from tests.chaos.storm import COPIES, Happening, Senders, happenings, latest
from tests.wait import wait_for
from tests.webhooks.conftest import endpoint, post  # noqa: F401  (fixtures)

OBJECTS, EVENTS, POISON = (20 * SCALE, 250 * SCALE, 2 * SCALE) if SCALE > 1 else (10, 100, 3)
FROZEN = 2.5          # seconds: longer than a lease
PATIENCE = 120 * SCALE
TRIES = {"kill": 5, "raise": 5, "hang": 2}
ENDS = ("created", "updated", "unchanged", "stale")


@pytest.fixture
def web(start):
    """The port of a gunicorn of three processes, and that process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start("web", PORT=str(port), WEB_WORKERS="3")
    wait_for(lambda: answers(port))
    return port, server


def answers(port):
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_of_a_storm_of_events_none_is_lost_each_counts_once_and_only_poison_is_dead(start, bell, web, endpoint):  # noqa: F811
    port, server = web
    happened = happenings(EVENTS, OBJECTS, POISON)
    receipts = happened * COPIES
    random.shuffle(receipts)
    first, path = [one for one in happened if one.is_poison] + receipts[:len(receipts) // 2], endpoint("standard").path
    random.shuffle(first)

    die(bell)                                       # Redis is absent
    with Senders(port, path, first).sending(16):
        pass
    let_poison_end_soon()
    pool = start("all", "3")                        # the sweeper's children begin
    wait_for(lambda: statuses(Event).get("done", 0) > EVENTS / 20, within=PATIENCE)

    second = Senders(port, path, receipts[len(receipts) // 2:])
    with second.sending(16):
        bell.start()
        for disturb in disturbances(bell, server):
            before = progress(second)
            disturb()
            wait_for(lambda: progress(second) > before or is_over(), within=PATIENCE)  # noqa: B023
        pool.kill()
    start("all", "3")
    wait_for(is_over, within=PATIENCE)

    assert_that_all_is_as_it_must_be(happened, len(first) + second.acknowledged)


def test_a_worker_frozen_over_an_event_ends_nothing_when_it_wakes(start, bell, post, tmp_path):  # noqa: F811
    """The next one has the event in hand by then: only the token of the lease tells the two apart."""
    post("payment_paid", "standard", id="freeze:1")
    start("all", "2", TRIAL_SIGNS=str(tmp_path), TRIAL_PATIENCE="60", TRIAL_SECONDS="60")
    frozen = int(wait_for(lambda: read(tmp_path / "first")))
    wait_for((tmp_path / "second").exists)
    os.kill(frozen, signal.SIGCONT)
    os.kill(frozen, signal.SIGTERM)      # what is in hand it finishes
    wait_for(lambda: not os.path.exists(f"/proc/{frozen}"))
    (tmp_path / "go").touch()
    wait_for(lambda: statuses(Event) == {"done": 1})

    assert attempts_by_event() == {stored()[0].id: ["lapsed", "created"]}
    assert rows(sa.select(Audit.version).where(Audit.resource == "payments")) == [(1,)]


def disturbances(bell, server):
    """What happens to them, in any order."""
    def kill_worker() -> None:
        one_dies(workers())

    def kill_web() -> None:
        one_dies(children(server.pid))

    def flush() -> None:
        with suppress(RedisError):
            bell._client.flushall()

    def restart_redis() -> None:
        die(bell)
        bell.start()

    found = [kill_worker, kill_worker, freeze, kill_web, flush, restart_redis] * (1 + SCALE // 2)
    random.shuffle(found)
    return found


def freeze() -> None:
    """A worker sleeps through its lease and wakes up none the wiser."""
    pid = random.choice(workers() or [0])
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(FROZEN)               # that is what is tried
            os.kill(pid, signal.SIGCONT)


def one_dies(pids: list[int]) -> None:
    with suppress(ProcessLookupError, IndexError):
        os.kill(random.choice(pids), signal.SIGKILL)


def die(bell: Any) -> None:
    bell._process.kill()
    bell._process.wait()


def let_poison_end_soon() -> None:
    """Fewer tries for what is here, innocent or not: a neighbour that went down with a killer each time would be dead with it."""
    with transaction() as session:
        session.execute(sa.update(Event).values(max_attempts=TRIES["kill"]))
        session.execute(sa.update(Event).where(Event.dedupe_key.like("hang:%")).values(max_attempts=TRIES["hang"]))


def progress(senders: Senders) -> int:
    found = statuses(Event)
    return senders.acknowledged + found.get("done", 0) + found.get("dead", 0)


def is_over() -> bool:
    found = statuses(Event)
    return found.get("done", 0) + found.get("dead", 0) == EVENTS


def assert_that_all_is_as_it_must_be(happened: list[Happening], acknowledged: int) -> None:
    events = stored()
    assert sorted(each.dedupe_key for each in events) == sorted(one.id for one in happened)
    assert {each.dedupe_key for each in events if each.status == "dead"} == {one.id for one in happened if one.is_poison}
    assert_receipts(acknowledged)
    assert payments() == latest(happened)
    changed = Counter(id for (id,) in rows(sa.select(Audit.door_id).where(Audit.resource == "payments")))
    assert changed == {each.id: 1 for each in events if each.outcome in ("created", "updated")}
    versions = rows(sa.select(Payment.id, Payment.version, sa.func.count(), sa.func.max(Audit.version))
                    .join(Audit, sa.and_(Audit.resource == "payments", Audit.record_id == Payment.id)).group_by(Payment.id, Payment.version))
    assert [row for row in versions if not row[1] == row[2] == row[3]] == []
    ended = {id: [outcome for outcome in outcomes if outcome in ENDS] for id, outcomes in attempts_by_event().items()}
    assert ended == {each.id: [each.outcome] if each.status == "done" else [] for each in events}


def assert_receipts(acknowledged: int) -> None:
    """One of each event is its first. Those that died between commit and answer were sent again."""
    found = Counter(verdict for (verdict,) in rows(sa.select(StoredReceipt.verdict)))
    assert found["ok"] == EVENTS
    assert found["ok"] + found["duplicate"] >= acknowledged


def payments() -> dict[str, dict[str, str]]:
    """payment → field → value, of what was ever said of it."""
    names = ("amount_minor", "currency", "status", "method", "said")
    found = {}
    for id, minor, currency, status, method, said in rows(sa.select(Payment.external_id, *(getattr(Payment, name) for name in names))):
        values = {"amount": f"{Decimal(minor or 0) / 100:.2f}", "currency": currency, "status": status, "method": method}
        found[id] = {name: value for name, value in values.items() if f'"{name}' in said}
    return found


def attempts_by_event() -> dict[int, list[str | None]]:
    found: dict[int, list[str | None]] = {}
    for id, outcome in rows(sa.select(Attempt.row_id, Attempt.outcome).where(Attempt.source == "webhook_events").order_by(Attempt.id)):
        found.setdefault(id, []).append(outcome)
    return found


def stored() -> list[Any]:
    return rows(sa.select(Event.id, Event.dedupe_key, Event.status, Event.outcome))


def rows(query: Any) -> list[Any]:
    db.session.rollback()
    found = list(db.session.execute(query).all())
    db.session.rollback()
    return found


def read(sign: Path) -> str:
    return sign.read_text() if sign.exists() else ""
