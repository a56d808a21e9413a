"""What people fill in to teach a custom endpoint: how it is proven and where things stand, and one rule."""
from collections.abc import Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length, Optional

from app.integrations.registry import provider
from app.providers.custom_rules import DEEDS, IGNORE, LONGEST, MOST_WORDS, UNITS, mappable
from app.records.fields import Choice
from app.records.resource import Resource
from app.typed import NONE, Asked, Questions
from app.webhooks import forms
from app.webhooks.endpoint_settings import OPTION
from app.webhooks.forms import GIVEN, PLAIN

RULES = f"{OPTION}rules"
PROOF = ("proof", "header", "prefix")
SIGNATURE = ("signed", "clock", "part", "encoding", "algorithm", "key")
READING = ("type", "id", "object", "at", "items")
LARGEST_BODY = 200_000
WORDED = ("choice", "text", "boolean")


class Try(FlaskForm):
    """The post a setup is tried on. `seen` is the mark of the config the rest of the form was filled from."""

    seen = HiddenField()
    event_id = SelectField("An earlier event", validators=[Optional()], validate_choice=False,
                           description="Of this endpoint, the newest first.")
    body = TextAreaField("Or paste a body", validators=[Optional(), Length(max=LARGEST_BODY)],
                         render_kw=PLAIN | {"rows": "8", "spellcheck": "false"})
    headers = TextAreaField("And its headers", validators=[Optional(), Length(max=20_000)],
                            description="One a line, like X-Signature: …", render_kw=PLAIN | {"rows": "3", "spellcheck": "false"})


def setting(held: Mapping[str, str], events: list[tuple[str, str]], seen: str) -> FlaskForm:
    """How it is proven and where things stand, filled with what holds; `events`: (id, label) of those to try it on."""
    fields = {OPTION + each.name: forms.option(each) for each in provider("custom").options if each.name != "rules"}
    return _made(Try, fields, dict(held) | {"seen": seen}, events)


def ruling(about: Resource | None, raw: Mapping[str, Any], events: list[tuple[str, str]], seen: str) -> FlaskForm:
    """One rule about this record type; None: it ignores what it names."""
    fields: dict[str, Any] = {"when": StringField("Type of the event", validators=[GIVEN, Length(max=LONGEST)], render_kw=PLAIN,
                                                  description="As the sender writes it. A star stands for anything: invoice.*")}
    data: dict[str, Any] = {"when": raw.get("when", ""), "do": raw.get("do", "upsert"), "seen": seen}
    if about is None:
        fields["do"] = HiddenField(default=IGNORE)
        data["do"] = IGNORE
        return _made(Try, fields, data, events)
    deeds = [SelectChoice(value, label) for value, label in DEEDS.items() if value != IGNORE]
    fields["do"] = SelectField("What becomes of it", choices=deeds,
                               description="The trash takes the record alone; fields are left as they are.")
    for each in mappable(about):
        kept = raw.get("fields", {}).get(each.name, {})
        fields[f"at-{each.name}"] = StringField(each.title, validators=[Optional(), Length(max=LONGEST)], render_kw=PLAIN)
        data[f"at-{each.name}"] = kept.get("at", "")
        if each.kind in UNITS:
            units = [SelectChoice(value, label) for value, label in UNITS[each.kind].items()]
            fields[f"unit-{each.name}"] = SelectField(f"{each.title} is given as", choices=units)
            data[f"unit-{each.name}"] = kept.get("unit") or next(iter(UNITS[each.kind]))
        if each.kind in WORDED:
            ours = f"Ours: {', '.join(each.names)}." if isinstance(each, Choice) else "Empty: as it stands there."
            fields[f"words-{each.name}"] = TextAreaField(f"Words of {each.title}", validators=[Optional(), Length(max=20_000)],
                                                         description=f"One a line, like captured = paid. {ours}",
                                                         render_kw=PLAIN | {"rows": "3", "spellcheck": "false"})
            data[f"words-{each.name}"] = "\n".join(f"{theirs} = {ours}" for theirs, ours in kept.get("words", {}).items())
    return _made(Try, fields, data, events)


def ruled(form: FlaskForm, about: Resource | None) -> dict[str, Any]:
    """The rule a person filled in, as it is kept. What is wrong in it is for custom_rules.py to say."""
    found: dict[str, Any] = {"when": _typed(form, "when"), "do": _typed(form, "do")}
    if about is None:
        return found
    filled = {each.name: _field(form, each.name) for each in mappable(about) if _typed(form, f"at-{each.name}")}
    return found | {"resource": about.name} | ({"fields": filled} if filled else {})


def questions(**_: object) -> Questions:
    """The labels of everything these forms ask, whatever they are about."""
    own = {OPTION + each.name: Asked(each.label, dict(each.choices)) for each in provider("custom").options}
    return own | {"when": Asked("Type of the event", NONE), "do": Asked("What becomes of it", DEEDS)}


def _field(form: FlaskForm, name: str) -> dict[str, Any]:
    unit, lines = _typed(form, f"unit-{name}"), _typed(form, f"words-{name}").splitlines()
    pairs = [line.rpartition("=") for line in lines if line.strip()][:MOST_WORDS + 1]
    words = {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
    return {"at": _typed(form, f"at-{name}")} | ({"unit": unit} if unit else {}) | ({"words": words} if words else {})


def _typed(form: FlaskForm, name: str) -> str:
    return str(form[name].data or "").strip() if name in form else ""


def _made(kind: type[FlaskForm], fields: Mapping[str, Any], data: dict[str, Any], events: list[tuple[str, str]]) -> FlaskForm:
    found: FlaskForm = type("Taught", (kind,), dict(fields))(data=data)
    found.event_id.choices = [SelectChoice("", "None: the body below"), *(SelectChoice(id, label) for id, label in events)]
    return found
