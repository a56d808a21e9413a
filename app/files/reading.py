"""Rows out of a file nobody has looked at yet, read in a child process under limits: the one way into an upload.

What the child says is JSON, one message a line: {"about": …}, {"rows": [[number, [cells]], …]} any number of times, and
{"end": rows, "told": …} or {"problem": sentence}. A file that kills, hangs or fills the child costs one BadFile with a sentence.
"""
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from app.config import ROOT
from app.files.cells import Cell
from app.files.limits import BadFile, Limits, Options

START = ("import sys, types; app = sys.modules['app'] = types.ModuleType('app'); app.__path__ = [sys.argv[1]]; "
         "from app.files.child import main; main()")
"""The child needs three modules of ours, not the whole application: it starts with an empty `app` package."""

LONGEST = 64 * 2**20
Row = tuple[int, list[Cell]]


@dataclass(frozen=True)
class About:
    """What was found out about a file. Rows are numbered as a spreadsheet program numbers them, from 1."""

    format: str                     # csv, xlsx, xlsb, xls or ods
    headers: tuple[str, ...]
    header_row: int
    sheet: str | None = None
    sheets: tuple[str, ...] = ()    # the hidden ones last
    hidden: tuple[str, ...] = ()    # sheets that cannot be seen
    hidden_columns: tuple[int, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    candidates: tuple[dict[str, Any], ...] = ()     # encodings it could be in: {"encoding", "samples"}


@dataclass(frozen=True)
class Reading:
    """A file being read: what it is, and its rows after the header, blank ones left out. Rows can be taken once.

    `told` is filled with the last row: how often something was met that is no cell, like "hidden rows".
    """

    about: About
    rows: Iterator[Row]
    told: dict[str, int]


@contextmanager
def read_rows(path: Path, options: Options | None = None, limits: Limits | None = None) -> Iterator[Reading]:
    """Read a file, row by row, in bounded memory. Raises BadFile with a sentence, also while rows are taken.

    The child ends with the block. Nothing of the file is parsed in this process.
    """
    chosen = limits or Limits()
    with _child(path, options or Options(), chosen) as (child, output):
        messages = _messages(child, output, chosen)
        about = next(messages, {}).get("about")
        if about is None:
            raise _death(child)
        told: dict[str, int] = {}
        yield Reading(_about(about), _rows(messages, child, told), told)


def _about(said: dict[str, Any]) -> About:
    found: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}
    return About(**found)


@contextmanager
def _child(path: Path, options: Options, limits: Limits) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    asked = json.dumps({"path": str(path), "options": asdict(options), "limits": asdict(limits)})
    child = subprocess.Popen([sys.executable, "-I", "-c", START, str(ROOT / "app"), asked], stdin=subprocess.DEVNULL,  # noqa: S603 (our own code)
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                             env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"})
    assert child.stdout is not None
    try:
        yield child, child.stdout
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def _rows(messages: Iterator[dict[str, Any]], child: "subprocess.Popen[bytes]", told: dict[str, int]) -> Iterator[Row]:
    for message in messages:
        if "end" in message:
            told.update(message["told"])
            return
        yield from message["rows"]
    raise _death(child)


def _messages(child: "subprocess.Popen[bytes]", output: IO[bytes], limits: Limits) -> Iterator[dict[str, Any]]:
    for line in _lines(child, output.fileno(), limits.silence):
        message: dict[str, Any] = json.loads(line)
        if "problem" in message:
            raise BadFile(message["problem"])
        yield message


def _lines(child: "subprocess.Popen[bytes]", pipe: int, silence: float) -> Iterator[bytes]:
    """Whole lines. Only time spent waiting counts: a slow reader of the rows is not the child's fault."""
    left = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while True:
            began = time.monotonic()
            while not waiting.select(timeout=min(1.0, silence)):
                if time.monotonic() - began > silence:
                    child.kill()
                    raise BadFile("Reading it takes too long. Save only the sheet with the data, as CSV, and upload that.")
            piece = os.read(pipe, 1 << 18)
            if not piece:
                return
            *lines, left = (left + piece).split(b"\n")
            if len(left) > LONGEST:
                raise BadFile("One row of the file is too long to be read.")
            yield from lines


def _death(child: "subprocess.Popen[bytes]") -> BadFile:
    """Why the child stopped in the middle."""
    code = child.wait()
    if code == -signal.SIGXCPU:
        return BadFile("Reading it takes too long. Save only the sheet with the data, as CSV, and upload that.")
    return BadFile("The reader gave up on it: the file is damaged, or made to need more memory than it may have. "
                   "Open it in a spreadsheet program, save it again as CSV, and upload that.")
