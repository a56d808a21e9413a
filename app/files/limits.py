"""What a file may cost us at most, how a person wants it read, and the one error that says a file cannot be read."""
from dataclasses import dataclass

from app.errors import Problem


class BadFile(Problem):
    """The file itself is at fault: trying again does not help, another file does."""

    status, title = 422, "This file cannot be read"


@dataclass(frozen=True)
class Limits:
    """Bounds of one reading. Sizes in bytes, times in seconds."""

    size: int = 50_000_000          # of the file
    unpacked: int = 1_000_000_000   # of everything in a workbook together
    ratio: int = 200               # unpacked to packed, of one part larger than `plain`
    plain: int = 10 * 2**20
    rows: int = 1_000_000
    columns: int = 200
    cells: int = 20_000_000
    text: int = 100_000            # characters of one cell
    memory: int = 1_200 * 2**20    # address space of the child
    cpu: int = 120
    silence: float = 60.0          # without a word from the child


@dataclass(frozen=True)
class Options:
    """What a person chose; None: find out."""

    sheet: str | None = None
    header_row: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
