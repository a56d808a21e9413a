"""How counted things are written, everywhere: "1 row", "1,204 rows", "10,000+ orders"."""


def counted(number: int, one: str, many: str = "", capped: bool = False) -> str:
    """The number and what it counts; `many` is `one` with an s where it is not given. `capped`: at least that many."""
    return f"{number:,}{'+' if capped else ''} {one if number == 1 and not capped else many or f'{one}s'}"
