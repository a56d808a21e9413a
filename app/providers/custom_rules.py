"""What becomes of the events of a custom endpoint: which become changes of which record type, and where each field stands.

Kept as JSON, one object a rule:

    {"when": "invoice.*", "do": "upsert", "resource": "payments",
     "fields": {"amount": {"at": "data.total", "unit": "minor"}, "status": {"at": "data.state", "words": {"captured": "paid"}}}}

Of several rules that fit, one that names the event wholly goes before one with a star, and a longer one before a shorter.
"""
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.integrations.provider import Unreadable, from_epoch, from_iso, shown
from app.integrations.reading import DECIMAL
from app.providers.custom_paths import Path, path
from app.records.fields import Choice, Currency, Field
from app.records.registry import named, resources
from app.records.resource import Resource

UPSERT, TRASH, IGNORE = "upsert", "trash", "ignore"
DEEDS = {UPSERT: "Create or change", TRASH: "Move to the trash", IGNORE: "Ignore"}
UNITS = {"money": {"major": "12.50", "minor": "1250, the smallest unit"},
         "reference": {"id": "Their ID", "key": "What we show of it"}}
"""What a value may be counted or named in; the first holds unless said."""
MOST_RULES, MOST_WORDS, LONGEST = 50, 100, 200
MILLIS = 1e11          # from here on, a number of seconds would lie beyond the year 5000
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
UNTOLD = ("lines", "json")


@dataclass(frozen=True)
class Mapped:
    """Where one field stands, and in what."""

    at: Path
    unit: str = ""
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    where: str = ""


@dataclass(frozen=True)
class Rule:
    when: str
    do: str
    resource: str = ""
    fields: Mapping[str, Mapped] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> str | None:
        return None if self.do == IGNORE else f"{self.resource}.{'trashed' if self.do == TRASH else 'changed'}"

    def fits(self, said: str) -> bool:
        """Whether the event is called like this; a star stands for anything. In a time that grows with the word alone."""
        first, *others = self.when.split("*")
        if not others:
            return said == first
        last, at = others.pop(), len(first)
        if not said.startswith(first) or not said.endswith(last) or len(said) < len(first) + len(last):
            return False
        end = len(said) - len(last)
        for each in others:
            found = said.find(each, at, end)
            if found < 0:
                return False
            at = found + len(each)
        return True


def mappable(resource: Resource) -> list[Field]:
    """The fields a rule may fill. The outside id is found for the whole event."""
    return [each for each in resource.fields if each.kind not in UNTOLD and each.column != "external_id"]


def targets() -> list[Resource]:
    """The record types a rule may be about: those that know outside ids."""
    return [each for each in resources() if each.outside]


def load(text: str) -> list[dict[str, Any]]:
    """The rules as they are kept, each with text alone. Raises ValueError with a sentence."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        raise ValueError("The rules must be JSON.") from None
    if not isinstance(found, list) or len(found) > MOST_RULES or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"The rules must be a list of at most {MOST_RULES} objects.")
    return found


def dump(rules: list[dict[str, Any]]) -> str:
    return json.dumps(sorted(rules, key=_precedence), ensure_ascii=False, separators=(",", ":")) if rules else ""


def read(text: str) -> tuple[Rule, ...]:
    """The rules, those first that go before others. Raises ValueError with a sentence that says which is wrong."""
    found = []
    for number, raw in enumerate(load(text), 1):
        errors: dict[str, str] = {}
        found.append(rule(raw, errors))
        for name, sentence in errors.items():
            raise ValueError(f"Rule {number}, {name}: {sentence}")
    return tuple(sorted(found, key=lambda each: _precedence({"when": each.when})))


def rule(raw: Mapping[str, Any], errors: dict[str, str]) -> Rule:
    """One rule; what is wrong goes to `errors`: `when`, `do`, `resource`, `at-<field>`, `unit-<field>`, `words-<field>`."""
    when, do, about = (raw.get(name) for name in ("when", "do", "resource"))
    if not isinstance(when, str) or not when.strip() or len(when) > LONGEST or when.count("*") > 5:
        errors["when"] = "Give the type of the event, like invoice.paid or invoice.*."
    if do not in DEEDS:
        errors["do"] = "Choose one of the list."
    if do == IGNORE or errors:
        return Rule(str(when).strip(), IGNORE)
    known = {each.name: each for each in targets()}
    if not isinstance(about, str) or about not in known:
        errors["resource"] = "Choose one of the list."
        return Rule(str(when).strip(), IGNORE)
    told = raw.get("fields") or {}
    if not isinstance(told, dict):
        errors["fields"] = "These must be an object."
        told = {}
    mapped = {} if do == TRASH else _fields(known[about], told, errors)
    return Rule(str(when).strip(), str(do), about, mapped)


def chosen(rules: tuple[Rule, ...], said: str) -> Rule | None:
    """The rule an event of this type goes by."""
    return next((each for each in rules if each.fits(said)), None)


def values(rule: Rule, payload: Any) -> dict[str, Any]:
    """What the payload says of the fields; one it does not name is left out. Raises Unreadable with the path in the sentence."""
    resource, found = named(rule.resource), {}
    for name, mapped in rule.fields.items():
        told = resource.require(name)
        value = _value(told, mapped, mapped.at.of(payload))
        if value is not None:
            found[told.column if told.kind == "money" and mapped.unit == "minor" else told.name] = value
    return found


def moment(value: Any, name: str) -> datetime:
    """A moment as text, or in seconds or milliseconds since 1970. Raises Unreadable, about `name`."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{9,13}(\.[0-9]{1,6})?", value):
        value = float(value)
    if isinstance(value, int | float) and MILLIS <= value < MILLIS * 1e3:
        value = value / 1000
    return from_epoch(value, name) if isinstance(value, int | float) else from_iso(value, name)


def text_of(value: Any) -> str | None:
    """A single value as text; None for what is none, or empty."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip() or None if isinstance(value, str | int | float) else None


def _precedence(raw: Mapping[str, Any]) -> tuple[bool, int, str]:
    when = str(raw.get("when", ""))
    return "*" in when, -len(when), when


def _fields(resource: Resource, told: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Mapped]:
    known = {each.name: each for each in mappable(resource)}
    found = {}
    for name, raw in told.items():
        if name not in known or not isinstance(raw, dict):
            errors[f"at-{name[:40]}"] = f"{resource.label} have no such field."
        else:
            found[name] = _mapped(known[name], raw, errors)
    if not told:
        errors["fields"] = "Say at least where one field stands."
    return found


def _mapped(told: Field, raw: Mapping[str, Any], errors: dict[str, str]) -> Mapped:
    at, unit, words = raw.get("at"), raw.get("unit") or "", raw.get("words") or {}
    try:
        where = path(at if isinstance(at, str) else "")
    except ValueError as error:
        errors[f"at-{told.name}"] = str(error)
        where = Path()
    if unit and unit not in UNITS.get(told.kind, {}):
        errors[f"unit-{told.name}"] = "Choose one of the list."
    if not _are_words(words):
        errors[f"words-{told.name}"] = f"Write at most {MOST_WORDS} lines like captured = paid."
        words = {}
    strange = sorted(set(words.values()) - set(told.names)) if isinstance(told, Choice) else []
    if strange:
        errors[f"words-{told.name}"] = f"{strange[0][:40]} is none of ours. There are {', '.join(told.names)}."  # type: ignore[attr-defined]
    return Mapped(where, str(unit), words, str(at))


def _are_words(words: Any) -> bool:
    return (isinstance(words, dict) and len(words) <= MOST_WORDS
            and all(isinstance(ours, str) and len(theirs) <= LONGEST and len(ours) <= LONGEST for theirs, ours in words.items()))


def _value(told: Field, mapped: Mapped, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise Unreadable(f"{mapped.where} must be a single value, and {shown(value)}.")
    text = text_of(value)
    if mapped.words:
        text = mapped.words.get(text or "")        # an unknown word is not said
    if text is None:
        return None
    if told.kind == "money":
        return _money(mapped, text)
    if told.kind == "reference":
        return text if mapped.unit == "key" else {"external_id": text}
    if told.kind in ("date", "datetime"):
        return _when(told, mapped, value)
    return text.upper() if isinstance(told, Currency) else text


def _money(mapped: Mapped, text: str) -> int | str:
    if mapped.unit == "minor":
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise Unreadable(f"{mapped.where} must be a whole number of the smallest unit, and {shown(text)}.")
        return int(text)
    if not DECIMAL.fullmatch(text):
        raise Unreadable(f"{mapped.where} must be an amount like 12.50, and {shown(text)}.")
    return text


def _when(told: Field, mapped: Mapped, value: Any) -> date | datetime | str:
    if told.kind == "date" and isinstance(value, str) and ISO_DAY.match(value):
        return value[:10]
    found = moment(value, mapped.where)
    return found.date() if told.kind == "date" else found
