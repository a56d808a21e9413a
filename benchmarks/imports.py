"""Imports of N orders × 12 columns through the whole way, beside django-import-export and the bare loop, in the same run.

    python -m benchmarks.imports [--rows 100000] [--peer 100000] [--many 1000000] [--rounds 3] [--db sqlite] [--db postgresql]

Ours reads the upload in its child, stages, matches, previews and applies every row, with audit and search. django-import-export
(bulk, skip unchanged; on SQLite) does its dry run, then its import, as its admin does. Bare reads, checks, looks up and writes.
Each is a process of its own, with a database of its own. Seconds are of CPU, of the process and its children, medians of the
rounds; PostgreSQL's own work is in nobody's. "same" is the same file again.
"""
import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from app import create_app
from app.audit import COMMAND_LINE
from app.config import ROOT, load
from app.extensions import db
from app.files.reading import read_rows
from app.files.writing import xlsx_writer
from app.imports import command, match, read, run, upload
from app.imports.command import Wishes
from app.imports.models import Import
from app.jobs.steps import Here
from app.records.batches import Batch
from app.transaction import lock, transaction
from benchmarks.gate import customers, installation, saves, work_off

PINNED = ("django==5.2.19", "django-import-export==4.4.3")
TOOLS = ROOT / "benchmarks" / ".data" / "import-export"
HEADS = ("Order number", "Customer email", "Status", "Payment", "Channel", "Total", "Currency", "Placed", "Street", "Postcode", "City", "Weight")
PEER_HEADS = ("number", "customer", "status", "payment_status", "channel", "total", "currency", "placed_at", "street", "postcode", "city", "weight")
PEOPLE = 5_000
START = datetime(2026, 1, 1, 8)  # noqa: DTZ001 (as a file says it)
READ_XLSX = """import openpyxl, sys
sheet = openpyxl.load_workbook(sys.argv[1], read_only=True, data_only=True).worksheets[0]
sheet.reset_dimensions()
print(sum(1 for row in sheet.iter_rows(values_only=True)))"""
PROMISED = {"beside django-import-export": 12, "the same file again": 20, "bare loop, sqlite": 9, "bare loop, postgresql": 5, "XLSX": 10,
            "many": 1.2, "mb": 200, "p99": 100}
Taken = dict[str, float]


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.imports", description="Measure imports.")
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--peer", type=int, default=100_000, help="Rows for django-import-export, which takes minutes; 0: without it.")
    options.add_argument("--many", type=int, default=1_000_000, help="What a row costs and takes of memory here, beside 10,000; 0: skip.")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    options.add_argument("--own", nargs=2, metavar=("FILE", "STEPS"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.own:
        return own(*asked.own)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for database in asked.db or ("sqlite", "postgresql"):
            print(report(database, beside(database, folder, asked.rows, asked.peer, asked.rounds), asked.rows), flush=True)
            print(saving(database, folder, asked.rows), flush=True)
            if asked.many:
                print(growing(database, folder, asked.many), flush=True)
        print(workbooks(folder, asked.rows, asked.rounds), flush=True)
    return 0


def order(n: int) -> tuple[Any, ...]:
    total = f"{n % 500 + 1}.{n % 100:02}"
    return (f"O-{n:07}", f"person{n * 7919 % PEOPLE:06}@example.com", ("placed", "packing", "shipped")[n % 3], ("pending", "paid")[n % 2],
            "shop", total, "EUR", str(START + timedelta(minutes=n)), f"Mühlgasse {n % 200}", f"{n % 99_999:05}", ("Graz", "Köln", "Łódź")[n % 3], n % 900)


def written(path: Path, rows: int, heads: tuple[str, ...] = HEADS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(order(n) for n in range(rows))
    return path


# -- in a process of its own


def own(file: str, steps: str) -> int:
    """Import the file and say on one line what each step took, and how much memory beyond that of the idle process."""
    with create_app(load()).app_context():
        idle, took = peak(), dict[str, float]()
        began, import_id = cpu(), _uploaded(Path(file))
        here = Here(COMMAND_LINE)
        read.read(here, import_id)
        began = _lap(took, "read", began)
        with transaction() as session:
            command.settle(session, lock(session, Import, import_id), Wishes(), COMMAND_LINE)
        match.plan(here, import_id)
        began = _lap(took, "preview", began)
        print("applying", flush=True)
        if steps == "all":
            with transaction() as session:
                run.begin(session, lock(session, Import, import_id), False)
            run.apply(here, import_id)
            _lap(took, "apply", began)
        batch = db.session.get_one(Batch, db.session.get_one(Import, import_id).batch_id)
        print(json.dumps({**took, "cpu": sum(took.values()), "mb": peak() - idle, "outcomes": batch.outcomes}))
    return 0


def _uploaded(path: Path) -> int:
    with path.open("rb") as file:
        return upload.start(file, path.name, "orders", by=COMMAND_LINE)


def _lap(took: dict[str, float], name: str, began: float) -> float:
    took[name] = cpu() - began
    return cpu()


def cpu() -> float:
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in found)


def peak() -> float:
    """The most memory this process has held, in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


# -- beside others


def beside(database: str, folder: Path, rows: int, peer: int, rounds: int) -> dict[str, list[Taken]]:
    """What each took, round by round: ours and bare by N rows, the peer by its own number."""
    taken: dict[str, list[Taken]] = {}
    file = written(folder / "orders.csv", rows)
    theirs = written(folder / "peer.csv", peer, PEER_HEADS) if peer and database == "sqlite" else None
    if theirs:
        tools()
    for _ in range(rounds):
        with installation(database):
            work_off(customers(PEOPLE))
            db.session.remove()
            spare = Path(os.environ["INSTANCE_DIR"]) / "spare"
            spare.mkdir()
            for again in ("new", "same"):
                taken.setdefault(f"Backroom, {again}", []).append(ours(file))
                taken.setdefault(f"bare loop, {again}", []).append(bare(_bare_database(database, spare), file))
                for word, tuned in (("django-import-export", "0"), ("django-import-export, its caches on", "1")) if theirs else ():
                    command_line = [str(TOOLS / "bin" / "python"), "-W", "ignore", str(ROOT / "benchmarks" / "peer_imports.py"), str(spare), str(theirs), tuned]
                    taken.setdefault(f"{word}, {again}", []).append(said(command_line) | {"rows": float(peer)})
            shutil.rmtree(spare)
    return taken


def _bare_database(database: str, spare: Path) -> str:
    """A database of its own for the bare loop, beside ours."""
    if database == "sqlite":
        return str(spare)
    import psycopg
    address = os.environ["DATABASE_URL"].replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS bare")
    return f"{address}{'&' if '?' in address else '?'}options=-csearch_path%3Dbare"


def ours(file: Path) -> Taken:
    return said([sys.executable, "-m", "benchmarks.imports", "--own", str(file), "all"])


def bare(database: str, file: Path) -> Taken:
    return said([sys.executable, str(ROOT / "benchmarks" / "bare_imports.py"), database, str(file)])


def said(command_line: list[str]) -> dict[str, Any]:
    """The last line of what a process says."""
    output = subprocess.run(command_line, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=7200).stdout
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def tools() -> None:
    """The environment the peer lives in."""
    if not (TOOLS / ".made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(TOOLS)], check=True)
        subprocess.run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "-q", *PINNED], check=True)
        (TOOLS / ".made").touch()


def a_row(taken: list[Taken], rows: int) -> float:
    """Microseconds of CPU a row, the median of the rounds."""
    return median(one["cpu"] / one.get("rows", rows) for one in taken) * 1e6


def report(database: str, taken: dict[str, list[Taken]], rows: int) -> str:
    lines = [f"### {rows:,} orders × 12 columns, {database}\n", "| | µs of CPU a row | beside Backroom |", "|---|--:|--:|"]
    for name, found in taken.items():
        mine = a_row(taken[f"Backroom, {name.rpartition(', ')[2]}"], rows)
        lines.append(f"| {name} | {a_row(found, rows):.0f} | {a_row(found, rows) / mine:.2f}× |")
    steps = ", ".join(f"{step} {median(one[step] for one in taken['Backroom, new']) / rows * 1e6:.0f}" for step in ("read", "preview", "apply"))
    lines.append(f"\nOf new rows: {steps} µs. Peak memory: {max(one['mb'] for found in taken.values() for one in found if 'mb' in one):.0f} MB above idle.")
    floor = a_row(taken["Backroom, new"], rows) / a_row(taken["bare loop, new"], rows)
    lines.append(_kept(f"the bare loop × {floor:.1f}", floor <= PROMISED[f"bare loop, {database}"], f"at most {PROMISED[f'bare loop, {database}']}×"))
    for word, least in (("new", PROMISED["beside django-import-export"]), ("same", PROMISED["the same file again"])):
        if f"django-import-export, {word}" in taken:
            ratio = a_row(taken[f"django-import-export, {word}"], rows) / a_row(taken[f"Backroom, {word}"], rows)
            lines.append(_kept(f"django-import-export ÷ {ratio:.1f} ({word})", ratio >= least, f"at least {least}×"))
    return "\n".join([*lines, ""])


def _kept(what: str, is_kept: bool, promise: str) -> str:
    return f"- {what}: {'kept' if is_kept else 'missed'} (promised {promise})"


# -- the rest


def saving(database: str, folder: Path, rows: int) -> str:
    """How long a form's save takes while another process applies an import."""
    with installation(database):
        work_off(customers(PEOPLE))
        db.session.remove()
        ours(written(folder / "first.csv", 1000))
        child = subprocess.Popen([sys.executable, "-m", "benchmarks.imports", "--own", str(written(folder / "beside.csv", rows)), "all"],
                                 cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        found = saves(100_000, 0.02, until=lambda: child.poll() is not None)
        child.communicate()
    return _kept(f"{database}: one save while an import applies {rows:,} rows, ms: {found}", found["p99"] <= PROMISED["p99"], "p99 of 100 ms")


def growing(database: str, folder: Path, many: int) -> str:
    """A row of a large file beside one of a small."""
    found = {}
    for rows in (10_000, many):
        with installation(database):
            work_off(customers(PEOPLE))
            db.session.remove()
            found[rows] = ours(written(folder / "grown.csv", rows))
    ratio = a_row([found[many]], many) / a_row([found[10_000]], 10_000)
    return "\n".join((_kept(f"{database}: a row of {many:,} beside one of 10,000 × {ratio:.2f}", ratio <= PROMISED["many"], "at most 1.2×"),
                      _kept(f"{database}: {found[many]['mb']:.0f} MB above idle at {many:,} rows", found[many]["mb"] < PROMISED["mb"], "200 MB")))


def workbooks(folder: Path, rows: int, rounds: int) -> str:
    """Reading a workbook, child and pipe included, beside openpyxl in a process of its own."""
    path, mine, theirs = folder / "orders.xlsx", list[float](), list[float]()
    with path.open("wb") as file:
        xlsx_writer(file, "Orders", HEADS, ((*row[:5], Decimal(row[5]), row[6], START + timedelta(minutes=n), *row[8:])
                                            for n in range(rows) for row in (order(n),)))
    for _ in range(rounds):
        began = cpu()
        with read_rows(path) as reading:
            assert sum(1 for _ in reading.rows) == rows
        mine.append(cpu() - began)
        began = cpu()
        subprocess.run([sys.executable, "-c", READ_XLSX, str(path)], check=True, capture_output=True)
        theirs.append(cpu() - began)
    ratio = median(theirs) / median(mine)
    return _kept(f"{rows:,} rows of XLSX: openpyxl {median(theirs):.1f} s ÷ {ratio:.1f} = {median(mine):.1f} s", ratio >= PROMISED["XLSX"], "at least 10×")


if __name__ == "__main__":
    sys.exit(main())
