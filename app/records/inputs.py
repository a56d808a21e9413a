"""The inputs of a form, each made from the field it fills: how a person types a text, an amount, a choice, a reference, lines."""
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from wtforms import BooleanField, FieldList, FormField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.form import BaseForm
from wtforms.widgets import TextInput

from app import ui
from app.records.fields import Choice, Field, Lines, Reference
from app.records.registry import named

Row = Mapping[str, Any]
MOST_LINES = 500


class Needed:
    """Marks an input that has to be filled in. It only says so: whether it was, the gate decides."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: object, field: object) -> None:
        """Nothing to check here."""


class LineForm(BaseForm):
    """One of the lines of a record."""

    def __init__(self, fields: Mapping[str, Any], formdata: Any = None, obj: Any = None, prefix: str = "", **values: Any) -> None:
        super().__init__(fields, prefix)
        self.process(formdata, obj, **values)


def made(field: Field, row: Row | None) -> Any:
    """The unbound input of this field, for a form of this record (None: a new one)."""
    maker = MAKERS.get(field.kind, _line_of_text)
    unbound = maker(field, row)
    unbound.kwargs.setdefault("label", field.title)
    unbound.kwargs.setdefault("description", field.hint)
    unbound.kwargs["validators"] = [Needed()] if field.required else []
    return unbound


def _line_of_text(field: Field, row: Row | None) -> Any:
    return StringField(render_kw={"autocomplete": "off"})


def _long_text(field: Field, row: Row | None) -> Any:
    return TextAreaField(render_kw={"rows": 3})


def _of_type(kind: str, **attributes: str) -> Callable[[Field, Row | None], Any]:
    def make(field: Field, row: Row | None) -> Any:
        return StringField(widget=_Typed(kind), render_kw={"autocomplete": "off", **attributes})
    return make


class _Typed(TextInput):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.input_type = kind


def _tick(field: Field, row: Row | None) -> Any:
    return BooleanField()


def _choice(field: Field, row: Row | None) -> Any:
    """The choices that can follow the one the record has; all of them for a new record."""
    assert isinstance(field, Choice)
    now = row.get(field.column) if row is not None else None
    open_ = field.names if now is None or field.transitions is None else (now, *field.transitions.get(now, ()))
    options = [SelectChoice(state.name, state.title) for state in field.choices if state.name in open_]
    if not field.required or (now is None and (row is not None or field.default is None)):
        options.insert(0, SelectChoice("", "Not chosen"))
    hint = field.hint
    if now is not None and field.transitions is not None and len(open_) == 1:
        hint = f"Nothing follows {field.state(now).title}."
    return SelectField(choices=options, validate_choice=False, description=hint)


def _reference(field: Field, row: Row | None) -> Any:
    assert isinstance(field, Reference)
    other = named(field.to)
    key = other.require(field.shown_by)
    return StringField(description=field.hint or f"By {ui.within(key.title)}.",
                       render_kw={"autocomplete": "off", "data-lookup": other.name, "list": f"{field.name}-list"})


def _lines(field: Field, row: Row | None) -> Any:
    assert isinstance(field, Lines)
    line: Any = partial(LineForm, {part.name: made(part, None) for part in field.fields})
    return FieldList(FormField(line), max_entries=MOST_LINES)


MAKERS: dict[str, Callable[[Field, Row | None], Any]] = {
    "longtext": _long_text, "email": _of_type("email"), "integer": _of_type("text", inputmode="numeric"),
    "money": _of_type("text", inputmode="decimal"), "date": _of_type("date"), "datetime": _of_type("datetime-local"),
    "boolean": _tick, "choice": _choice, "reference": _reference, "lines": _lines}
