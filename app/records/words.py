"""Titles within sentences."""


def lower(title: str) -> str:
    """"Order number" -> "order number"; "SKU" stays."""
    return title if title[:2].isupper() and title[:2].isalpha() else title[:1].lower() + title[1:]


def an(label: str) -> str:
    """"Order" -> "An order", "Payment" -> "A payment"."""
    label = lower(label)
    return f"A{'n' if label[:1] in 'aeiou' else ''} {label}"
