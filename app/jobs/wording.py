"""How an error reads: one line beside the row, and what a developer needs in the attempt."""
import traceback

from app.errors import Problem

LONGEST = 4_000


def said(error: BaseException) -> str:
    """One line for the list: what happened and what to do."""
    if isinstance(error, Problem):
        return ". ".join(part.rstrip(".") for part in (error.title, error.detail) if part)[:500] + "."
    return f"{type(error).__name__}: {error}".strip(": ")[:500]


def kept(error: BaseException) -> str:
    """What the attempt keeps: a Problem's sentence; of anything unforeseen, the end of its traceback."""
    if isinstance(error, Problem):
        return said(error)
    return "".join(traceback.format_exception(error))[-LONGEST:]
