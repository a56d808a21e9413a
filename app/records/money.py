"""Money: whole minor units inside, a decimal string in major units outside, its currency always beside it."""
from decimal import Context, Decimal

from app.config import config

LARGEST = 2**63 - 1
EXACT = Context(prec=100)
PLACES = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
                     "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimals of the currencies that do not have two (ISO 4217)."""


def installation() -> str:
    """The currency of this installation, for records that do not say theirs."""
    return config().currency


def places(code: str | None) -> int:
    """How many decimals amounts in this currency have."""
    return PLACES.get(code or "", 2)


def to_minor(amount: Decimal, code: str | None) -> int:
    """12.50 EUR -> 1250. Raises ValueError with a sentence when the currency has fewer decimals, or the amount is too large."""
    digits = places(code)
    minor = amount.scaleb(digits, EXACT)
    whole = int(minor)
    if whole != minor:
        raise ValueError(f"This has more decimals than {code or 'the currency'} has. {_most(digits)}")
    if not -LARGEST <= whole <= LARGEST:
        raise ValueError("This amount is too large to keep. Write a smaller one.")
    return whole


def from_minor(minor: int, code: str | None) -> str:
    """1250 EUR -> "12.50"; exact at any size."""
    digits = places(code)
    if not digits:
        return str(minor)
    whole, rest = divmod(abs(minor), 10 ** digits)
    return f"{'-' if minor < 0 else ''}{whole}.{rest:0{digits}}"


def _most(digits: int) -> str:
    return f"Write at most {digits}." if digits else "Write a whole number."
