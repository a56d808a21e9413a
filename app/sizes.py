"""How sizes are written, everywhere: by thousands, as file managers count."""

UNITS = ("bytes", "KB", "MB", "GB", "TB")


def size(value: int | None) -> str:
    """ "1.2 MB", "50 MB"; nothing reads as a dash."""
    if value is None:
        return "—"
    amount, unit = float(value), 0
    while amount >= 1000 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{value:,} bytes" if unit == 0 else f"{f'{amount:.1f}'.removesuffix('.0')} {UNITS[unit]}"
