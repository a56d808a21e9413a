"""Our pages beside Flask-Admin, Django admin and the bare query, over the same orders, in the same run.

    python -m benchmarks.peers [--orders 1000000] [--few 10000] [--db sqlite] [--db postgresql] [--rounds 30] [--json FILE]

Each framework runs in a process of its own and fetches its pages through its own test client; the processes take turns, page by
page. The databases are filled once and kept in benchmarks/.data, as is the virtual environment of the peers. A page that has cost
a process --patience seconds is not asked for again, so that the whole ends by itself.
"""
import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from app.config import ROOT
from benchmarks.peers import stock

HERE = Path(__file__).parent
ENVIRONMENT = stock.KEPT / "peers"
LOCK = HERE / "requirements.lock"
PEERS = {"Flask-Admin": ("flask_admin_page.py",), "Flask-Admin, tuned": ("flask_admin_page.py", "tuned"),
         "Django admin": ("django_page.py",), "Django admin, tuned": ("django_page.py", "tuned")}
LEAST = 3
Taken = dict[str, float]


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="Measure list pages beside other frameworks.")
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--few", type=int, default=10_000, help="The small list the large one is compared with. Default: 10,000.")
    options.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--patience", type=float, default=20, help="Seconds one page may cost one program in all. Default: 20.")
    options.add_argument("--without-peers", action="store_true", help="Only ours and the bare query.")
    options.add_argument("--json", type=Path)
    asked = options.parse_args()
    if not asked.without_peers:
        install()
    results = {}
    for database in asked.db or ("sqlite", "postgresql"):
        with programs(database, asked.orders, asked.few, not asked.without_peers) as running:
            results[database] = measure(running, asked.rounds, asked.patience)
        print(markdown(database, asked.orders, asked.few, results[database]), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1))


def install() -> None:
    """The virtual environment of the peers, made once for each version of their lock file."""
    made = ENVIRONMENT / "made"
    if made.exists() and made.read_text() == LOCK.read_text():
        return
    python, uv = ENVIRONMENT / "bin" / "python", Path(sys.executable).parent / "uv"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", LOCK], check=True)
    made.write_text(LOCK.read_text())


class Program:
    """One process that fetches pages when told to."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(command, cwd=ROOT, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pages: list[str] = json.loads(self._line())["pages"]

    def fetch(self, page: str) -> Taken:
        assert self.process.stdin
        self.process.stdin.write(f"{page}\n")
        self.process.stdin.flush()
        taken: Taken = json.loads(self._line())
        return taken

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} has ended. What it said stands above.")
        return line

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextmanager
def programs(database: str, orders: int, few: int, peers: bool) -> Iterator[dict[str, Program]]:
    """Ours over the many orders and over the few, and the peers over the many; all end with this."""
    with ExitStack() as stack:
        many, small = (stack.enter_context(stock.server(database, number)) for number in (orders, few))
        started: dict[str, Program] = {}

        def start(name: str, command: list[str], environ: dict[str, str]) -> None:
            started[name] = Program(command, {**os.environ, **environ})
            stack.callback(started[name].close)
        ours = [sys.executable, "-m", "benchmarks.peers.backroom_page"]
        start("ours", [*ours, str(orders)], many)
        start("ours, few", [*ours, str(few)], small)
        for name, (script, *tuned) in PEERS.items() if peers else ():
            start(name, [str(ENVIRONMENT / "bin" / "python"), "-W", "ignore", str(HERE / script), address(many), str(orders), *tuned], {})
        yield started


def address(environ: dict[str, str]) -> str:
    """The database as SQLAlchemy writes it."""
    if "DATABASE_URL" in environ:
        return environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    return f"sqlite:///{environ['INSTANCE_DIR']}/backroom.db"


def measure(running: dict[str, Program], rounds: int, patience: float) -> dict[str, dict[str, Any]]:
    """By page, what each program took for it; a program that has been patient enough with a page is left out of further rounds."""
    pages = [page for page in running["ours"].pages if not page.startswith("bare ")]
    found: dict[str, dict[str, list[Taken]]] = {page: {} for page in pages}
    for number in range(rounds + 1):
        for page in pages:
            for name, program in running.items():
                for way in ("bare ", "") if name == "ours" else ("",):
                    kept = found[page].setdefault(f"{way}{name}", [])
                    spent = sum(one["ms"] for one in kept) / 1000
                    if len(kept) >= LEAST and spent > patience:
                        continue
                    taken = program.fetch(f"{way}{page}")
                    if number:      # the first round only warms up
                        kept.append(taken)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {page: {name: summary(taken) for name, taken in by_name.items()} for page, by_name in found.items()}


def summary(taken: list[Taken]) -> dict[str, float]:
    clock, cpu = ([one[what] for one in taken] for what in ("ms", "cpu_ms"))
    return {"ms": median(clock), "p95_ms": _p95(clock), "cpu_ms": median(cpu), "cpu_p95_ms": _p95(cpu),
            "kb": taken[-1]["bytes"] / 1000, "statements": median(one["statements"] for one in taken), "times": len(taken)}


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def markdown(database: str, orders: int, few: int, measured: dict[str, dict[str, Any]]) -> str:
    peers = [name for name in PEERS if name in next(iter(measured.values()))]
    shown = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
    heads = ["page", "bare ms", "ours ms (p95), CPU (p95)", "× bare", f"× of {few:,}", *(f"{name}: ms (× ours)" for name in peers)]
    lines = [f"### {shown}, {orders:,} orders, {orders // 10:,} customers", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for page, by_name in measured.items():
        ours = by_name["ours"]
        cells = [page, f"{by_name['bare ours']['ms']:.1f}", f"{ours['ms']:.1f} ({ours['p95_ms']:.1f}), {ours['cpu_ms']:.1f} ({ours['cpu_p95_ms']:.1f})",
                 f"{ours['ms'] / by_name['bare ours']['ms']:.1f}", f"{ours['ms'] / by_name['ours, few']['ms']:.2f}",
                 *(f"{by_name[name]['ms']:,.0f} ({by_name[name]['ms'] / ours['ms']:.1f})" for name in peers)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *weights(measured, peers), ""])


def weights(measured: dict[str, dict[str, Any]], peers: list[str]) -> list[str]:
    """What a page weighs and asks."""
    names = ["ours", *peers]
    lines = ["| page: KB of HTML, statements | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    return lines + [f"| {page} | " + " | ".join(f"{by_name[name]['kb']:.0f}, {by_name[name]['statements']:.0f}" for name in names) + " |"
                    for page, by_name in measured.items()]


if __name__ == "__main__":
    main()
