"""Spreadsheet programs run text that begins like a formula. We put a quote before it on the way out and take it off on the way in.

Only text is touched, never numbers, nor text that is a number or a telephone number: "-5" and "+49 30 1234" stay as they are,
a formula of one number can do nothing. After OWASP, CSV Injection.
"""
import re

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
HARMLESS = re.compile(r"[+-]\(?\d[\d ().,]*")


def defuse(text: str) -> str:
    """`text` so that no spreadsheet program takes it for a formula; `restore` gives it back unchanged."""
    return f"'{text}" if _runs(text.lstrip("'")) else text


def restore(text: str) -> str:
    """What `defuse` was given."""
    return text[1:] if text.startswith("'") and _runs(text.lstrip("'")) else text


def _runs(text: str) -> bool:
    return text.startswith(STARTS) and not HARMLESS.fullmatch(text)
