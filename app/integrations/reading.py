"""Reading payloads: what must be there and is not, or is of another kind, is said by its name; what is absent is left out."""
import re
from collections.abc import Mapping
from typing import Any

from app.integrations.provider import Unreadable, dig, shown

DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")


def minor(told: Any, name: str, currency: str, *, where: str = "", shift: Mapping[str, int] | None = None) -> int:
    """The whole number of smallest units under `name`, as ISO 4217 has them. Raises Unreadable.

    `shift`: for currencies of which the provider's smallest unit is another, how many decimals it lies from that of ISO 4217.
    """
    amount, by = dig(told, name), (shift or {}).get(currency, 0)
    if type(amount) is not int:
        raise Unreadable(f"{where}{name} must be a whole number, and {shown(amount)}.")
    found, rest = divmod(amount * 10 ** max(by, 0), 10 ** max(-by, 0))
    if rest:
        raise Unreadable(f"{where}{name} {shown(amount)}, no amount in {currency}.")
    return int(found)


def decimal(told: Any, name: str, *, where: str = "") -> str:
    """The amount in major units under `name`, as text like 12.50. Raises Unreadable."""
    amount = dig(told, name)
    text = str(amount) if isinstance(amount, str | int) and not isinstance(amount, bool) else ""
    if not DECIMAL.fullmatch(text):
        raise Unreadable(f"{where}{name} must be an amount like 12.50, and {shown(amount)}.")
    return text


def currency(told: Any, name: str = "currency", *, where: str = "") -> str:
    """The three letters under `name`, as we write them. Raises Unreadable."""
    code = dig(told, name)
    if not isinstance(code, str) or not re.fullmatch(r"[A-Za-z]{3}", code):
        raise Unreadable(f"{where}{name} must be the three letters of a currency, and {shown(code)}.")
    return code.upper()


def text(told: Any, name: str) -> str | None:
    """The text under `name` without blanks around it; None where there is none."""
    found = dig(told, name)
    return found.strip() or None if isinstance(found, str) else None


def said(**values: Any) -> dict[str, Any]:
    """Only what a payload says: an absent value is not an empty one."""
    return {name: value for name, value in values.items() if value is not None}


def no_currency(options: Mapping[str, str], name: str = "currency") -> dict[str, str]:
    """What is wrong with an option that names a currency, for `Provider.check_options`; empty is fine."""
    code = options.get(name, "")
    return {} if not code or re.fullmatch(r"[A-Za-z]{3}", code) else {name: "Give three letters, like EUR."}
