"""Exports of N orders to CSV and of fewer to XLSX, beside the bare loop, tablib and openpyxl in the same run.

    python -m benchmarks.exports [--orders 1000000] [--few 100000] [--rounds 3] [--db sqlite] [--db postgresql]

Each is a process of its own, one after the other, round after round. Seconds are of CPU, medians; memory is the peak above what
the process held before it began. tablib comes from an environment of its own, made when it is first needed.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from app import create_app
from app.audit import COMMAND_LINE
from app.config import ROOT, load
from app.exports import columns, run
from app.extensions import db
from app.records.registry import named
from benchmarks.lists import fill, installation

PINNED = ("tablib[xlsx]==3.9.0", "openpyxl==3.1.5", "psycopg[binary]==3.3.9")
TOOLS = ROOT / "benchmarks" / ".data" / "tablib"
NAMES = ("number", "customer", "status", "payment_status", "channel", "total", "currency", "placed_at", "city")
WAYS = {"csv": ("Backroom", "cursor and csv.writer", "tablib, CSV"), "xlsx": ("Backroom", "openpyxl, write-only", "tablib, XLSX")}
PROMISED = {"csv": ("cursor and csv.writer", 0.6), "xlsx": ("openpyxl, write-only", 8.0)}
MOST_MB = 150


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks.exports", description="Measure exports.")
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--few", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    options.add_argument("--own", nargs=5, metavar=("INSTANCE", "DATABASE", "FORMAT", "TARGET", "ROWS"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.own:
        return own(*asked.own)
    tools()
    missed = 0
    for database in asked.db or ("sqlite", "postgresql"):
        with installation(database) as app, tempfile.TemporaryDirectory() as folder:
            with app.app_context():
                fill(asked.orders)
                url = db.engine.url.set(drivername="postgresql").render_as_string(False) if database == "postgresql" else ""
            print(f"### {database}\n")
            place = Place(Path(app.instance_path), url, Path(folder))
            missed += report(place, {"csv": asked.orders, "xlsx": asked.few}, asked.rounds)
    return 1 if missed else 0


@dataclass(frozen=True)
class Place:
    """Where the orders are, and the files go."""

    instance: Path
    url: str            # of PostgreSQL; "" for SQLite
    folder: Path


def own(instance: str, url: str, format: str, target: str, most: str) -> int:
    """One export of ours, as the job writes it; what it took on one line."""
    environ = {"INSTANCE_DIR": instance, "SECRET_KEY": "benchmarks-only-" + "k" * 32, "DEMO": "0", "LOG_LEVEL": "ERROR"}
    app = create_app(load(environ | ({"DATABASE_URL": url} if url else {})))
    with app.app_context():
        orders = named("orders")
        found, chosen = run.asked(orders, f"id.lte={most}&sort=-id", COMMAND_LINE), columns.chosen(COMMAND_LINE, orders, NAMES)
        idle, began = peak(), time.process_time()
        with open(target, "wb") as file:
            run.write(file, found, chosen, format)
    print(json.dumps({"cpu": time.process_time() - began, "mb": peak() - idle}))
    return 0


def peak() -> float:
    """The most memory this process has held, in MB; the kernel's ru_maxrss would count that of its parent too."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def tools() -> None:
    """The environment tablib lives in."""
    made, wanted = TOOLS / ".made", "\n".join(PINNED)
    if not made.exists() or made.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(TOOLS)], check=True)
        subprocess.run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "-q", *PINNED], check=True)
        made.write_text(wanted)


def report(place: Place, sizes: dict[str, int], rounds: int) -> int:
    """Measure and print; returns how many promises were missed."""
    missed = 0
    for format, most in sizes.items():
        taken: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS[format]}
        for _ in range(rounds):
            for way in WAYS[format]:
                taken[way].append(measured(way, place, format, most))
        print(markdown(format, most, taken), flush=True)
        other, least = PROMISED[format]
        ratio = seconds(taken[other]) / seconds(taken["Backroom"])
        kept = ratio >= least and max(one["mb"] for one in taken["Backroom"]) < MOST_MB
        print(f"Promised: at least {least} times as fast as {other}, below {MOST_MB} MB. {'Kept' if kept else 'Missed'}: {ratio:.2f}.\n")
        missed += not kept
    return missed


def measured(way: str, place: Place, format: str, most: int) -> dict[str, Any]:
    target = str(place.folder / f"out.{format}")
    if way == "Backroom":
        command = [sys.executable, "-m", "benchmarks.exports", "--own", str(place.instance), place.url, format, target, str(most)]
    else:
        command = [str(TOOLS / "bin" / "python"), str(ROOT / "benchmarks" / "bare_exports.py"), way,
                   place.url or str(place.instance / "backroom.db"), target, str(most)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=3600).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def seconds(taken: list[dict[str, float]]) -> float:
    return median(one["cpu"] for one in taken)


def markdown(format: str, most: int, taken: dict[str, list[dict[str, float]]]) -> str:
    ours = seconds(taken["Backroom"])
    lines = [f"### {most:,} orders to {format.upper()}\n", "| | CPU s | rows a CPU s | peak MB | beside Backroom |", "|---|--:|--:|--:|--:|"]
    for way, found in taken.items():
        took = seconds(found)
        lines.append(f"| {way} | {took:.2f} | {most / took:,.0f} | {max(one['mb'] for one in found):.0f} | {took / ours:.2f}x |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
