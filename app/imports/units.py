"""Units that the numbers of a file can be in, and what they are multiplied by to be in that of the field."""
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from app.records.fields import Field, Integer, Money
from app.records.values import TYPED, decimal_of

GRAMS = {"kg": Decimal(1000), "g": Decimal(1), "mg": Decimal("0.001"), "t": Decimal(1_000_000), "lb": Decimal("453.59237"),
         "oz": Decimal("28.349523125")}
"""The pound of 1959; the ounce is a sixteenth of it."""
PARTS = {"cents": Decimal("0.01"), "thousands": Decimal(1000)}
MOST = Decimal(10) ** 12


def known(field: Field) -> Mapping[str, Decimal]:
    """{unit: factor} that the numbers of this field can be in."""
    if isinstance(field, Money):
        return PARTS
    return GRAMS if isinstance(field, Integer) and field.unit == "g" else {}


def factor(field: Field, said: str) -> Decimal:
    """What to multiply by for a unit, or a number. Raises ValueError."""
    found = known(field).get(said.strip().casefold())
    if found is not None:
        return found
    try:
        number = decimal_of(said.strip(), TYPED, "1000")
    except ValueError:
        number = None
    if number is None or not 1 / MOST <= abs(number) <= MOST:
        words = "".join(f"{word}, " for word in known(field))
        raise ValueError(f"This is no unit to convert from. Write {words}or a number to multiply by, like 1000.")
    return number


def whole(value: Decimal) -> int:
    """Rounded as banks do: a pound is 454 grams."""
    return int(value.quantize(Decimal(1), ROUND_HALF_EVEN))
