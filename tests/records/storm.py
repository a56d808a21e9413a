"""Many processes that write overlapping batches at once."""
import multiprocessing
import random
import time
from collections import Counter
from multiprocessing.synchronize import Barrier
from queue import Queue
from typing import NamedTuple

from flask import Flask

from app.extensions import db
from app.records.changes import Change, apply
from app.transaction import transaction
from tests.records.gate import EVENT, at


def batch(rng: random.Random, keys: int, size: int, refer: bool) -> list[Change]:
    """Changes of three resources over a few keys, in no order; if they `refer` to each other, mostly to what is not here yet."""
    return [one(rng, rng.randrange(keys), refer) for _ in range(size)]


def one(rng: random.Random, n: int, refer: bool) -> Change:
    pick = rng.choice
    match pick("cop"):
        case "c":
            return Change("customers", {"name": f"name {rng.randrange(9)}"}, {"email": f"p{n}@x.org"}, as_of=at(rng.randrange(1000)))
        case "o":
            return Change("orders", {"customer": pick([f"p{n}@x.org" if refer else None, None]), "total_minor": rng.randrange(9), "note": str(rng.randrange(9))},
                          {"number": f"O{n}"})
    return Change("payments", {"status": pick(["pending", "paid", "refunded"]), "amount_minor": 5, "order": pick([f"O{n}" if refer else None, None])},
                  {"external_id": f"pi_{n}"}, as_of=at(rng.randrange(1000)))


class Report(NamedTuple):
    """What became of the changes of one process: outcomes by kind, seconds its slowest batch took."""

    kinds: Counter[str]
    slowest: float


def storm(app: Flask, processes: int, rounds: int, size: int, keys: int) -> list[Report]:
    """Let them all begin at once; return what each has to say."""
    db.session.remove()
    db.engine.dispose()                                 # a connection is never shared with a child
    fork = multiprocessing.get_context("fork")
    barrier, reports = fork.Barrier(processes), fork.Queue()
    running = [fork.Process(target=_work, args=(app, seed, rounds, size, keys, barrier, reports)) for seed in range(processes)]
    for process in running:
        process.start()
    try:
        return [reports.get(timeout=100) for _ in running]
    finally:
        for process in running:
            process.join(5)
            process.kill()


def _work(app: Flask, seed: int, rounds: int, size: int, keys: int, barrier: Barrier, reports: "Queue[Report]") -> None:
    rng, kinds, slowest = random.Random(seed), Counter[str](), 0.0
    with app.app_context():
        barrier.wait()
        for n in range(rounds):
            began = time.monotonic()
            try:
                with transaction() as session:
                    outcomes = apply(session, batch(rng, keys, size, refer=n % 2 == 0), EVENT._replace(door_id=seed * 1000 + n))
                kinds.update(outcome.kind for outcome in outcomes)
                kinds.update(f"refused: {outcome.errors['']}" for outcome in outcomes if "" in outcome.errors)
            except Exception as error:
                kinds[f"raised: {error!r}"] += 1
            slowest = max(slowest, time.monotonic() - began)
    reports.put(Report(kinds, slowest))
