"""How an export writes values: the same everywhere (ISO 8601, a decimal point, UTC), or as people of a country write them."""
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from app.errors import BadRequest

DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar"}
ENCODINGS = {"utf-8-sig": "UTF-8 with a mark, as Excel needs it", "utf-8": "UTF-8 without a mark", "utf-16": "UTF-16"}
VALUES = {"iso": "2026-05-31 14:30 and 1234.50", "de": "31.05.2026 14:30 and 1234,50", "gb": "31/05/2026 14:30 and 1234.50",
          "us": "05/31/2026 2:30 PM and 1234.50", "fr": "31/05/2026 14:30 and 1234,50"}
LINES = {"rows": "A row for each line", "columns": "Columns for each line"}
DAYS = {"de": "%d.%m.%Y", "gb": "%d/%m/%Y", "us": "%m/%d/%Y", "fr": "%d/%m/%Y"}
CHOICES: dict[str, Mapping[str, str]] = {"delimiter": DELIMITERS, "encoding": ENCODINGS, "values": VALUES, "lines": LINES}


@dataclass(frozen=True)
class Style:
    """What may be chosen of a file beside its columns; what holds by itself reads back unchanged."""

    delimiter: str = ","
    encoding: str = "utf-8-sig"
    values: str = "iso"
    zone: str = "UTC"
    lines: str = "rows"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Style":
        """What is given by name, the rest as it is by itself. Raises BadRequest with what is wrong by name."""
        known = {field.name for field in fields(cls)}
        errors = {name: f"There is no such choice. There are {', '.join(sorted(known))}." for name in given if name not in known}
        for name, choices in CHOICES.items():
            if given.get(name, getattr(cls, name)) not in choices:
                errors[name] = f"Choose one of {', '.join(repr(choice)[1:-1] for choice in choices)}."
        if not _is_zone(given.get("zone", "UTC")):
            errors["zone"] = "This is no time zone. Write one like Europe/Berlin."
        if errors:
            raise BadRequest(" ".join(errors.values()), errors=errors, title="This cannot be exported")
        return cls(**{name: value for name, value in given.items() if name in known})

    @property
    def chosen(self) -> dict[str, str]:
        """What differs from what holds by itself."""
        usual = asdict(Style())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    @property
    def is_local(self) -> bool:
        return self.values != "iso"

    @property
    def is_utc(self) -> bool:
        return self.zone == "UTC"

    @cached_property
    def at(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def amount(self, value: Decimal) -> Decimal | str:
        return str(value).replace(".", ",") if self.values in ("de", "fr") else value

    def day(self, value: date | None) -> str:
        if value is None:
            return ""
        return value.strftime(DAYS[self.values]) if self.is_local else value.isoformat()

    def moment(self, value: datetime | None) -> str:
        """In the chosen zone; as ISO with its distance from UTC, so that it can be read back."""
        if value is None:
            return ""
        local = value.astimezone(self.at)
        if not self.is_local:
            return local.isoformat(" ", "auto" if local.second or local.microsecond else "minutes")
        clock = f"{local:%M:%S}" if local.second or local.microsecond else f"{local:%M}"
        if self.values == "us":
            return f"{self.day(local)} {local.hour % 12 or 12}:{clock} {'PM' if local.hour > 11 else 'AM'}"
        return f"{self.day(local)} {local:%H}:{clock}"

    def wall(self, value: datetime) -> datetime:
        """What a clock there shows: a workbook knows no zones."""
        return value.astimezone(UTC if self.is_utc else self.at).replace(tzinfo=None)


PLAIN = Style()


def _is_zone(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False
