"""From the form beside the columns to what was chosen there."""
from collections.abc import Mapping, Sequence

from app.imports.choices import Choices
from app.imports.meant import NUMERIC
from app.imports.rules import Rules, Split, folded
from app.imports.words import BLANK
from app.records.fields import Field

NAMED = {"blank": " ", "comma": ",", "semicolon": ";", "slash": "/", "hyphen": "-", "bar": "|", "line": "\n"}
WORDS = {"blank": "a blank", "comma": "a comma", "semicolon": "a semicolon", "slash": "a slash", "hyphen": "a hyphen",
         "bar": "a bar", "line": "a line break", "other": "something else:"}
"""What a cell can be split at."""


def choices(form: Mapping[str, str], width: int, fields: Mapping[str, Field], before: Rules) -> Choices:
    """`fields`: what can be filled, by name; `before`: the rules there are: what the page did not show of their words stays."""
    order = {"day": True, "month": False}.get(form.get("day_first", ""))
    chosen = [form.get(f"field-{position}") or None for position in range(width)]
    return Choices(chosen, form.get("mode", "upsert"), form.get("key") or None, form.get("blank", "leave"),
                   form.get("decimal") or None, order, form.get("totals") == "1", rules(form, chosen, fields, before))


def rules(form: Mapping[str, str], chosen: Sequence[str | None], fields: Mapping[str, Field], before: Rules) -> Rules:
    """What was said of the values. What belongs to a field that has no column any more is let go."""
    places = {field: position for position, field in enumerate(chosen) if field and field in fields}
    splits = {name: _split(form, position) for name, position in places.items() if form.get(f"split-{position}") in WORDS}
    filled = {*places, *(split.rest for split in splits.values())}
    return Rules(
        {name: text for name in fields if (text := form.get(f"same-{name}", "").strip())},
        _typed(form, "default", places),
        {name: text for name, text in _typed(form, "treat", places).items() if text in ("leave", "clear")},
        {name: text for name, text in _typed(form, "unit", places).items() if fields[name].kind in NUMERIC},
        splits, _words(form, {name: words for name, words in before.words.items() if name in filled}, filled & set(fields)))


def _typed(form: Mapping[str, str], what: str, places: Mapping[str, int]) -> dict[str, str]:
    return {name: text for name, position in places.items() if (text := form.get(f"{what}-{position}", "").strip())}


def _split(form: Mapping[str, str], position: int) -> Split:
    named = form.get(f"split-{position}", "")
    return Split(NAMED.get(named, form.get(f"sign-{position}", "")), "last" if form.get(f"at-{position}") == "last" else "first",
                 form.get(f"rest-{position}", ""))


def _words(form: Mapping[str, str], before: Mapping[str, Mapping[str, str | None]],
           filled: set[str]) -> dict[str, dict[str, str | None]]:
    found = {name: dict(words) for name, words in before.items()}
    for input_, value in form.items():
        _, name, number = (*input_.split("-"), "", "")[:3]
        if not input_.startswith("word-") or name not in filled:
            continue
        written = folded(form.get(f"said-{name}-{number}", ""))
        found.setdefault(name, {}).pop(written, None)
        if written and value.strip():
            found[name][written] = None if value.strip().casefold() == BLANK else value.strip()
    return {name: words for name, words in found.items() if words}
