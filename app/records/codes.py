"""Codes the world agreed on: countries (ISO 3166) and currencies in use (ISO 4217), as Babel's tables have them."""
from functools import cache

from babel import Locale
from babel.core import get_global

from app.records.money import PLACES

NO_COUNTRIES = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))     # groups of them, unknown ones, tests


@cache
def countries() -> frozenset[str]:
    """Two letters each."""
    return frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()) - NO_COUNTRIES


@cache
def currencies() -> frozenset[str]:
    """Those some country pays with today, and the units of account we know the decimals of."""
    used = get_global("territory_currencies")
    return frozenset(code for held in used.values() for code, _, end, tender in held if end is None and tender) | PLACES.keys()
