"""Exports of N orders to CSV and of fewer to XLSX, beside the bare loop, tablib and openpyxl in the same run, on SQLite.

    python -m benchmarks.exports [--orders 1000000] [--few 100000] [--rounds 3]

Each is a process of its own, one after the other, round after round. Seconds are of CPU, medians; memory is the peak above what
the process held before it began. tablib comes from an environment of its own, made when it is first needed.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from app import create_app
from app.audit import COMMAND_LINE
from app.config import ROOT, load
from app.exports import columns, run
from app.records.registry import named
from benchmarks.lists import fill, installation

PINNED = ("tablib[xlsx]==3.9.0", "openpyxl==3.1.5")
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
    options.add_argument("--db", action="append", help="Only sqlite is measured: the loops beside it read its file.")
    options.add_argument("--own", nargs=4, metavar=("INSTANCE", "FORMAT", "TARGET", "ROWS"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.own:
        return own(*asked.own)
    if asked.db and "sqlite" not in asked.db:
        return 0
    with installation("sqlite") as app, tempfile.TemporaryDirectory() as folder:
        with app.app_context():
            fill(asked.orders)
        tools()
        return report(Path(app.instance_path), Path(folder), {"csv": asked.orders, "xlsx": asked.few}, asked.rounds)


def own(instance: str, format: str, target: str, most: str) -> int:
    """One export of ours, as the job writes it; what it took on one line."""
    app = create_app(load({"INSTANCE_DIR": instance, "SECRET_KEY": "benchmarks-only-" + "k" * 32, "DEMO": "0", "LOG_LEVEL": "ERROR"}))
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
    if not (TOOLS / ".made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(TOOLS)], check=True)
        subprocess.run([str(TOOLS / "bin" / "python"), "-m", "pip", "install", "-q", *PINNED], check=True)
        (TOOLS / ".made").touch()


def report(instance: Path, folder: Path, sizes: dict[str, int], rounds: int) -> int:
    missed = 0
    for format, most in sizes.items():
        taken: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS[format]}
        for _ in range(rounds):
            for way in WAYS[format]:
                taken[way].append(measured(way, instance, format, folder / f"out.{format}", most))
        print(markdown(format, most, taken), flush=True)
        other, least = PROMISED[format]
        ratio = seconds(taken[other]) / seconds(taken["Backroom"])
        kept = ratio >= least and max(one["mb"] for one in taken["Backroom"]) < MOST_MB
        print(f"Promised: at least {least} times as fast as {other}, below {MOST_MB} MB. {'Kept' if kept else 'Missed'}: {ratio:.2f}.\n")
        missed += not kept
    return 1 if missed else 0


def measured(way: str, instance: Path, format: str, target: Path, most: int) -> dict[str, Any]:
    if way == "Backroom":
        command = [sys.executable, "-m", "benchmarks.exports", "--own", str(instance), format, str(target), str(most)]
    else:
        command = [str(TOOLS / "bin" / "python"), str(ROOT / "benchmarks" / "bare_exports.py"), way, str(instance / "backroom.db"),
                   str(target), str(most)]
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
