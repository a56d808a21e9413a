"""Spreadsheet programs run text that begins like a formula: a quote goes before it on the way out, and comes off on the way in.

Only text is touched, never numbers, nor text that is a number or a telephone number: "-5" and "+49 30 1234" stay as they are,
a formula of one number can do nothing. After OWASP, CSV Injection.
"""
import re

from app.files.cells import ERRORS

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
SUSPECT = frozenset((*STARTS, "'", "#"))
"""How text begins that `defuse` or `shield` may change: what begins otherwise stays as it is."""
HARMLESS = re.compile(r"[+-]\(?\d[\d ().,]*")


def defuse(text: str) -> str:
    """`text` so that no spreadsheet program takes it for a formula or an error; `restore` gives it back unchanged."""
    return f"'{text}" if _runs(text.lstrip("'")) else text


def shield(text: str) -> str:
    """`text` for a cell that is text by its type: only what `restore` would take for our quote gets one."""
    return f"'{text}" if text in ERRORS or restore(text) != text else text


def restore(text: str) -> str:
    """What `defuse` or `shield` was given."""
    return text[1:] if text.startswith("'") and _runs(text.lstrip("'")) else text


def _runs(text: str) -> bool:
    return text.startswith(STARTS) and not HARMLESS.fullmatch(text) or text in ERRORS
