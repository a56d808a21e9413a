"""All benchmarks one after the other, in Markdown: `make bench`, or some: `make bench ARGS="gate lists --quick"`."""
import argparse
import platform
import subprocess
import sys
import time

from app.config import ROOT

BENCHMARKS = {     # what each measures; and how, when it should be quick
    "exports": ["--orders", "20000", "--few", "5000", "--rounds", "1"],
    "gate": ["--rows", "10000", "--rounds", "2"],
    "imports": ["--rows", "2000", "--peer", "500", "--many", "0", "--rounds", "1"],
    "lists": ["--orders", "20000", "--rounds", "10"],
    "peers": ["--orders", "20000", "--few", "2000", "--rounds", "3"],
    "processing": ["--events", "500", "--jobs", "30", "--rounds", "1"],
    "receipts": ["--requests", "500", "--rounds", "2"],
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*BENCHMARKS, []], help=f"Which: {', '.join(BENCHMARKS)}. Default: all.")
    parser.add_argument("--quick", action="store_true", help="Small numbers: to see that they run, not to quote.")
    parser.add_argument("--db", action="append", choices=("sqlite", "postgresql"), help="Only this database. Default: both.")
    wishes = parser.parse_args()
    databases = [word for name in wishes.db or () for word in ("--db", name)]
    print(f"Measured on {time.strftime('%Y-%m-%d')} with Python {platform.python_version()} on {platform.machine()}.\n", flush=True)
    failed = 0
    for name in wishes.names or BENCHMARKS:
        print(f"## {name.capitalize()}\n", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(BENCHMARKS[name] if wishes.quick else ()), *databases]
        failed += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
        print(flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
