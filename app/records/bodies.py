"""The body of a write through the API: JSON, read exactly, each value of the type its field has."""
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import g, request

from app.audit import Actor
from app.body import raw
from app.config import config
from app.errors import BadRequest, Invalid
from app.records import policy
from app.records.fields import Choice, Field, Lines, Reference
from app.records.problems import NotJson, WrongType, escaped
from app.records.resource import Action, Resource
from app.records.upserts import Amiss

JSON_TYPES = ("application/json", "application/merge-patch+json")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?\Z", re.ASCII)
NAMING = {"id": "This is not the id of a record. Send a whole number.", "account": "This is not text. Send a string.",
          "version": "This is not a version. Send the number the record had when you read it."}
"""Beside its key, what says which record a row of many means, and what is said where it is of the wrong type."""
KEPT_BY_US = ("id", "version", "created_at", "updated_at", "trashed_at", "account")
Object = dict[str, Any]


class Unfit(Invalid):
    """Some values are not of the type their field has; `fit` are the others, of which the gate may have something to say too."""

    def __init__(self, errors: dict[str, str], fit: Object) -> None:
        super().__init__("Nothing was saved. Correct what is named under errors and send it again.", errors=errors)
        self.fit = fit


def only(*known: str) -> None:
    """Raise BadRequest for every parameter in the address but these: none is ever ignored."""
    unknown = [name for name in request.args if name not in known]
    if unknown:
        said = f"There is no such parameter. {'Choose from ' + ', '.join(known) if known else 'This takes none'}."
        raise BadRequest("Some parameters are not known here.", errors=dict.fromkeys(unknown, said))


def none_of(names: Sequence[str]) -> None:
    """Raise BadRequest for each of these parameters: they would change nothing here."""
    if useless := [name for name in names if name in request.args]:
        raise BadRequest("Some parameters mean nothing here.", errors=dict.fromkeys(useless, "This takes none. Leave it out."))


def together(*readings: Callable[[], Any]) -> list[Any]:
    """What each of these reads. Where some raise BadRequest, one is raised with all that is wrong."""
    found, errors = [], dict[str, str]()
    for read in readings:
        try:
            found.append(read())
        except BadRequest as problem:
            errors = {**problem.errors, **errors}
    if errors:
        raise BadRequest("Some parameters cannot be read.", errors=errors)
    return found


def once(name: str) -> str | None:
    """The parameter of this name, None without it. Raises BadRequest where it stands twice: none is ever ignored."""
    if len(request.args.getlist(name)) > 1:
        raise BadRequest("Some parameters cannot be read.", errors={
            name: "This is given more than once. Separate values by commas."})
    return request.args.get(name)


def body() -> Object:
    """The JSON object of the request.

    Raises WrongType (415), TooLarge (413), NotJson (400) and Invalid (422) when it is JSON but no object. Numbers keep all
    their digits; NaN, a name given twice and what is nested too deep are not JSON to us (RFC 8259 leaves them open).
    """
    if request.mimetype not in JSON_TYPES:
        raise WrongType("Send JSON, with the header Content-Type: application/json.")
    g.body = raw(config().max_body_bytes)      # what an Idempotency-Key stands for
    found = parsed(g.body)
    if not isinstance(found, dict):
        raise Invalid("Send one JSON object: the fields of the record by name.", errors={"": "This is not an object."})
    return found


def parsed(data: bytes) -> Any:
    """The value this JSON text has. Raises NotJson."""
    try:
        return json.loads(data.decode("utf-8"), parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise NotJson(f"Send valid JSON in UTF-8. {_where(error)}") from None


def values(resource: Resource, actor: Actor, found: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a change, by field name. Raises Unfit with the errors of all fields, by JSON pointer."""
    writable = {field.name: field for field in policy.writable(actor, resource)}
    errors: dict[str, str] = {}
    given: dict[str, Any] = {}
    for name, value in found.items():
        if name not in writable:
            errors[f"/{escaped(name)}"] = _unknown(name)
        elif amiss := wrong(writable[name], value, f"/{escaped(name)}"):
            errors |= amiss
        else:
            given[name] = _plain(writable[name], value)
    if errors:
        raise Unfit(errors, given)
    return given


def several(resource: Resource, actor: Actor) -> list[Object | Amiss]:
    """The rows of {"data": [...]}: {name: value}, with what is not of its type. Raises Invalid where it is no list."""
    found = body()
    rows = found.pop("data", None)
    if found or not isinstance(rows, list):
        raise Invalid("Send {\"data\": [{…}, {…}]}: one object a record.", errors={"/data": "This is not a list."})
    return [_row(resource, actor, row) for row in rows]


def _row(resource: Resource, actor: Actor, row: Any) -> Object | Amiss:
    if not isinstance(row, dict):
        return Amiss({}, {"": "This is not an object. Send one with the fields of a record."})
    names = {name: row[name] for name in NAMING if name in row and (name != "account" or resource.outside)}
    errors = {f"/{name}": NAMING[name] for name, value in names.items()
              if type(value) is not (str if name == "account" else int) and (name == "id" or value is not None)}
    try:
        given = values(resource, actor, {name: value for name, value in row.items() if name not in names})
    except Unfit as error:
        errors, given = errors | error.errors, error.fit
    fit = {**{name: value for name, value in names.items() if f"/{name}" not in errors}, **given}
    return Amiss(fit, errors) if errors else fit


def of_action(action: Action) -> Object:
    """The values of an action; no body is an action without any. Raises Invalid with the errors by JSON pointer."""
    found = body() if request.content_length or request.headers.get("Transfer-Encoding") else {}
    fields = {field.name: field for field in action.fields}
    errors: dict[str, str] = {}
    for name, value in found.items():
        place = f"/{escaped(name)}"
        errors |= wrong(fields[name], value, place) if name in fields else {place: _unknown(name)}
    if errors:
        raise Invalid("Nothing was done. Correct what is named under errors and send it again.", errors=errors)
    return {name: _plain(fields[name], value) for name, value in found.items()}


def wrong(field: Field, value: Any, pointer: str) -> dict[str, str]:
    """What is not of the type the field has, by pointer. What the value itself may be, the gate says."""
    if value is None:
        return {}
    if isinstance(field, Lines):
        return _wrong_lines(field, value, pointer)
    if isinstance(field, Choice) and value not in field.names:
        return {pointer: f"This is not one of the choices. Write one of: {', '.join(field.names)}."}
    fits, sentence = TYPES.get(field.kind, (_text, "This is not text. Send a string."))
    return {} if fits(value) else {pointer: sentence.format(shown_by=getattr(field, "shown_by", ""))}


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return type(value) is int or (isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value())


def _amount(value: Any) -> bool:
    return isinstance(value, str | Decimal) or type(value) is int


def _reference(value: Any) -> bool:
    if isinstance(value, dict | str):
        return bool(value)
    return _whole(value)


TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "integer": (_whole, "This is not a whole number. Send a number like 12."),
    "money": (_amount, "This is not an amount. Send a string like \"12.50\"."),
    "boolean": (lambda value: isinstance(value, bool), "This is neither true nor false. Send one of the two."),
    "date": (lambda value: _text(value) and DATE.match(value) is not None,
             "This is not a date. Send a string like \"2026-05-31\"."),
    "datetime": (lambda value: _text(value) and DATE_TIME.match(value) is not None,
                 "This is not a moment. Send a string like \"2026-05-31T14:30:00Z\"."),
    "reference": (_reference, "This does not name one record. Send its id, or an object like {{\"{shown_by}\": …}}."),
}


def _wrong_lines(field: Lines, value: Any, pointer: str) -> dict[str, str]:
    if not isinstance(value, list):
        return {pointer: "These are not lines. Send a list of objects."}
    parts = {part.name: part for part in field.fields}
    errors: dict[str, str] = {}
    for number, line in enumerate(value):
        if not isinstance(line, dict):
            errors[f"{pointer}/{number}"] = "This is not a line. Send an object."
            continue
        for name, part in line.items():
            place = f"{pointer}/{number}/{escaped(name)}"
            errors |= wrong(parts[name], part, place) if name in parts else {place: _unknown(name)}
    return errors


def _unknown(name: str) -> str:
    if name in KEPT_BY_US:
        return "This is kept by Backroom. Leave it out."
    return "There is no such field to write. Leave it out or correct its name."


def _plain(field: Field, value: Any) -> Any:
    """As the gate wants it: a reference read from the API may be sent back as it came."""
    if isinstance(field, Lines):
        parts = {part.name: part for part in field.fields}
        return [{name: _plain(parts[name], part) for name, part in line.items()} for line in value or ()]
    if isinstance(field, Reference) and isinstance(value, dict):
        named = {"id": value["id"]} if "id" in value and value.keys() <= {"id", "key", "label"} else value
        return {name: _number(part) for name, part in named.items()}
    return _number(value) if field.kind in ("integer", "reference") else value


def _number(value: Any) -> Any:
    """7.0 is 7 in JSON."""
    return int(value) if isinstance(value, Decimal) and _whole(value) and abs(value) < 2**64 else value


def _once(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands twice in one object.")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON.")


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"It goes wrong in line {error.lineno}, column {error.colno}."
    if isinstance(error, RecursionError):
        return "It is nested too deep."
    return "" if isinstance(error, UnicodeDecodeError) or "digits" in str(error) else str(error)
