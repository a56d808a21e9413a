"""Events worked off a second by one worker of ours, beside RQ's default Worker doing the same `apply` for one event a job.

    python -m benchmarks.processing [--events 5000] [--jobs 200] [--rounds 3] [--db sqlite] [--db postgresql]

Both workers have the application loaded before the clock starts, read the same kind of event from the same tables and write
payments through the gate; RQ's forks for each job, as it does by default. The sides take turns. Prints Markdown, then JSON.
"""
import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from statistics import median
from typing import Any

from flask import Flask
from rq import Queue, Worker
from sqlalchemy import func, select

from app import create_app
from app.audit import COMMAND_LINE
from app.config import ROOT, config
from app.extensions import db
from app.integrations.provider import Receipt
from app.integrations.signing import hmac_base64
from app.jobs.ring import connect, ring
from app.jobs.worker import _listener
from app.providers.standard import _key
from app.records.changes import apply
from app.run.valkey import Valkey
from app.transaction import transaction
from app.webhooks import endpoints, live
from app.webhooks.models import Endpoint, Event
from app.webhooks.process import as_received, changes, first_receipt, source
from app.webhooks.receive import receive
from benchmarks.gate import installation

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OBJECTS = 200
QUEUE = "benchmark"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    options = _options()
    if options.work:
        print(json.dumps(work(options.work)))
        return
    results = [run(database, options) for database in options.db or ("sqlite", "postgresql")]
    print(_markdown(results, options))
    print(json.dumps({"benchmark": "processing", "events": options.events, "jobs": options.jobs, "rounds": options.rounds, "results": results}))


def run(database: str, options: argparse.Namespace) -> dict[str, Any]:
    """Both sides in turns. Raises unless each event had its effect."""
    rates: dict[str, list[float]] = {"ours": [], "rq": []}
    with installation(database) as app:
        valkey = Valkey(config().instance_dir / "valkey", config().socket_path)
        valkey.start()
        try:
            endpoint = endpoints.add("standard", "Benchmark", [SECRET], by=COMMAND_LINE)
            for number in range(options.rounds):
                _receive(app, endpoint, f"ours-{number}", options.events)
                rates["ours"].append(_worked("ours", options.events))
                _receive(app, endpoint, f"rq-{number}", options.jobs)
                _enqueue(f"rq-{number}-")
                rates["rq"].append(_worked("rq", options.jobs))
        finally:
            valkey.stop()
    found = {side: round(median(each), 1) for side, each in rates.items()}
    return {"database": database, **found, "ratio": round(found["ours"] / found["rq"], 1)}


def _receive(app: Flask, endpoint: Endpoint, prefix: str, count: int) -> None:
    """Take so many events in, as if they had been posted; nobody works on them yet."""
    def one(number: int) -> None:
        with app.app_context():
            receive("standard", endpoint.token, _post(f"{prefix}-{number}", number))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(count)))
    connect(config().redis, 0.2).flushall()     # nor has a bell rung


def _post(id: str, number: int) -> Receipt:
    data = {"id": f"PAY-{number % OBJECTS}", "amount": f"{number}.00", "currency": "EUR", "method": id}
    at = datetime.now(UTC)
    body = json.dumps({"type": "payments.updated", "timestamp": (BEGAN + timedelta(seconds=number)).isoformat(), "data": data}).encode()
    signature = hmac_base64("sha256", b".".join((id.encode(), str(int(at.timestamp())).encode(), body)), _key)(SECRET)
    headers = {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": f"v1,{signature}"}
    return Receipt("POST", "", headers, body, None, at)


def _enqueue(prefix: str) -> None:
    """A job for each of these events; for our own queue they are done."""
    events = Event.__table__
    with transaction() as session:
        which = events.c.dedupe_key.like(f"{prefix}%")
        ids = list(session.execute(select(events.c.id).where(which)).scalars())
        session.execute(events.update().where(which).values(status="done", outcome="benchmark"))  # type: ignore[attr-defined]
    queue = Queue(QUEUE, connection=connect(config().redis, 5), serializer="json")
    for id in ids:
        queue.enqueue("benchmarks.processing.act", id, result_ttl=0)


def _worked(side: str, count: int) -> float:
    """Let a worker of this side work everything off; events a second."""
    db.session.remove()
    done = subprocess.run([sys.executable, "-m", "benchmarks.processing", "--work", side], cwd=ROOT, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    if told["left"]:
        raise SystemExit(f"{side} left {told['left']} of {count}. {done.stderr[-2000:]}")
    return count / float(told["seconds"])


def work(side: str) -> dict[str, float]:
    """Be the worker: until nothing is left."""
    app = create_app()
    import_module("benchmarks.processing")      # under this name RQ's job asks for it
    logging.getLogger("rq").setLevel(logging.CRITICAL)
    with app.app_context():
        select_one()
        db.engine.dispose()
        began = time.perf_counter()
        if side == "ours":
            ring("webhooks")
            _listener(["webhooks"], False).work(burst=True, logging_level="CRITICAL")
        else:
            queue = Queue(QUEUE, connection=connect(config().redis, 5), serializer="json")
            Worker([queue], connection=queue.connection, serializer="json").work(burst=True, logging_level="CRITICAL")
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "left": waiting() if side == "ours" else _failed()}


def select_one() -> None:
    db.session.execute(select(1))
    db.session.remove()


def waiting() -> int:
    return int(db.session.execute(select(func.count()).select_from(Event).where(Event.status != "done")).scalar_one())


def _failed() -> int:
    queue = Queue(QUEUE, connection=connect(config().redis, 5), serializer="json")
    return len(queue) + len(queue.failed_job_registry)


def act(id: int) -> None:
    """RQ's job: what one event says, through the gate."""
    session = db.session()
    event = session.get_one(Event, id)
    endpoint = live.by_ids(session.connection(), [event.endpoint_id])[event.endpoint_id]
    stored, body = first_receipt(session, [id])[id]
    told = changes(event, endpoint, as_received(stored, body, endpoint))
    session.rollback()
    with transaction() as writing:
        outcomes = apply(writing, told, source(endpoint))
    if any(outcome.errors for outcome in outcomes):
        raise RuntimeError(outcomes)


def _markdown(results: Sequence[dict[str, Any]], options: argparse.Namespace) -> str:
    lines = [f"### Events worked off a second by one worker ({options.rounds} rounds, {options.events:,} events and {options.jobs:,} jobs)", "",
             "| database | RQ, an event a job | Backroom | times |", "|---|---|---|---|"]
    lines += [f"| {each['database']} | {each['rq']:,.0f} | {each['ours']:,.0f} | {each['ratio']} |" for each in results]
    return "\n".join(lines) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", choices=("ours", "rq"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    main()
