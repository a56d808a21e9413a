"""What every measured program does: it reads the name of a page a line, fetches that page, and writes what it took as JSON.

Runs in the virtual environment of a peer as well as in ours, so it knows the standard library alone.
"""
import json
import sys
import time
from collections.abc import Callable
from typing import Any

Act = Callable[[], "tuple[int, bytes]"]     # fetches a page: its status and what it holds


def answer(pages: dict[str, Act], statements: Callable[[], int]) -> None:
    """Until standard input ends. `statements` counts those run so far."""
    out, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps({"pages": list(pages)}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(_taken(pages[line.strip()], statements)), file=out, flush=True)


def _taken(act: Act, statements: Callable[[], int]) -> dict[str, Any]:
    before, cpu, start = statements(), time.process_time(), time.perf_counter()
    status, body = act()
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    if status != 200:
        raise RuntimeError(f"answered {status}: {body[:300]!r}")
    return {"ms": took * 1000, "cpu_ms": cpu * 1000, "bytes": len(body), "statements": statements() - before}
