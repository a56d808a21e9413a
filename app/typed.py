"""What a person typed into a form, with its labels: for a page that has what was sent, but not the form."""
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField
from wtforms.fields.core import UnboundField

F = TypeVar("F", bound=Callable[..., Any])
PLACE = re.compile(r"-(\d+)(?=-|\Z)")     # of one among others: lines-0-quantity, field-3
MOMENT = re.compile(r"\A(\d{4}-\d\d-\d\d)T(\d\d:\d\d)\Z")    # as an input of type datetime-local sends it
NONE: Mapping[str, str] = MappingProxyType({})
TICKED: Mapping[str, str] = MappingProxyType({"y": "Yes"})


class Asked(NamedTuple):
    """One input: its label ("{}" for the number of the line), what its choices are called, and whether it is a secret."""

    label: str
    words: Mapping[str, str] = NONE
    is_secret: bool = False


Questions = Mapping[str, Asked]         # by name of the input; lines-*-quantity stands for those of every line


def asks(source: type[FlaskForm] | Callable[..., Questions]) -> Callable[[F], F]:
    """Say what the form of a view asks: a FlaskForm, or a function that takes the words of the address.

    What is not named here (versions, tokens, keys) is carried along, and shown to nobody.
    """

    def mark(view: F) -> F:
        view.asks = source  # type: ignore[attr-defined]
        return view
    return mark


def questions(view: object, words: Mapping[str, Any]) -> Questions:
    """What the form of this view asks."""
    source: Any = getattr(view, "asks", None)
    if isinstance(source, type):
        return {name: _asked(field) for name, field in vars(source).items() if isinstance(field, UnboundField)}
    return {} if source is None else source(**words)


def question(asked: Questions, name: str) -> Asked | None:
    """What the input of this name asks; None for what nobody typed."""
    found, place = asked.get(PLACE.sub("-*", name)), PLACE.search(name)
    return found._replace(label=found.label.replace("{}", str(int(place[1]) + 1))) if found and place else found


def shown(asked: Questions, sent: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(label, value) of what was typed, as a person reads it. What was left empty is left out."""
    found = [(question(asked, name), value) for name, value in sent if value.strip()]
    return [(one.label, one.words.get(value, MOMENT.sub(r"\1 \2", value)))
            for one, value in found if one is not None and not one.is_secret]


def _asked(field: Any) -> Asked:
    choices = field.kwargs.get("choices") or ()
    words = TICKED if field.field_class is BooleanField else {str(one.value): one.label for one in choices}
    return Asked(field.args[0], words, issubclass(field.field_class, PasswordField))
