"""The form of a record, made from its declaration: what a person types, kept as typed until the gate has read it."""
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms.form import BaseForm

from app import ui
from app.audit import Actor
from app.records import inputs, policy
from app.records.fields import Field, Lines, Money
from app.records.resource import Resource

Row = Mapping[str, Any]
Posted = MultiDict[str, str]
ADD, REMOVE = "add_line", "remove_line"


class RecordForm:
    """What a person may write about a record. Inputs hold texts; what is wrong with them the gate says."""

    def __init__(self, resource: Resource, fields: Sequence[Field], row: Row | None, posted: Posted | None) -> None:
        self.resource, self.fields, self.row = resource, fields, row
        self.is_sent = posted is not None       # it holds what somebody typed
        self.sentences: list[str] = []          # what is wrong with the whole
        self._form = BaseForm({field.name: inputs.made(field, row) for field in fields})
        self._form.process(posted, data=_data(fields, row))

    def __getitem__(self, name: str) -> Any:
        return self._form[name]

    def __contains__(self, name: str) -> bool:
        return name in self._form

    def inputs(self) -> list[tuple[str, list[list[Any]]]]:
        """The inputs by group, in declared order, an amount with its currency beside it; the lines are left to lines()."""
        groups: dict[str, list[list[Any]]] = {}
        beside = self._currencies()
        for field in self.fields:
            if field.kind != "lines" and field.name not in beside.values():
                names = filter(None, (field.name, beside.get(field.name)))
                groups.setdefault(field.group, []).append([self[name] for name in names])
        return list(groups.items())

    def _currencies(self) -> dict[str, str]:
        """By amount the currency that stands beside it: the first amount of several in one currency has it."""
        found: dict[str, str] = {}
        for field in self.fields:
            if isinstance(field, Money) and field.currency in self and field.currency not in found.values():
                found[field.name] = field.currency
        return found

    def lines(self) -> Any:
        """The input of the lines; None where there are none."""
        return next((self[field.name] for field in self.fields if field.kind == "lines"), None)

    def values(self) -> dict[str, Any]:
        """What was typed, by name, for the gate. What a provider keeps is left out, and what nobody touched."""
        return {field.name: typed(field, self[field.name]) for field in self.fields
                if not getattr(self[field.name], "kept", "") and not self._untouched(field)}

    def _untouched(self, field: Field) -> bool:
        """Some inputs show less than there is: of a moment its minutes, of what is neither yes nor no an open box.

        Sending them back as they came must not change the value.
        """
        if self.row is None or self.row.get(field.column) is not None and field.kind != "datetime":
            return False
        return field.kind in ("datetime", "boolean") and bool(self[field.name].data == shown(field, self.row))

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put what the gate said beside the inputs; what belongs to none of them stands above the form."""
        for name, sentence in errors.items():
            field = next((one for one in self.fields if name in (one.name, one.column)), None) or self.resource.field(name)
            if field is not None and field.name in self:
                self[field.name].errors = [sentence]
            else:
                self.sentences.append(sentence)

    def wrong(self) -> list[tuple[str, str, str]]:
        """(id, label, sentence) of each input that is wrong."""
        return [(self._first(field), field.title, str(self[field.name].errors[0]))
                for field in self.fields if self[field.name].errors]

    def _first(self, field: Field) -> str:
        if isinstance(field, Lines):
            return f"{field.name}-0-{field.fields[0].name}" if self[field.name].entries else field.name
        return str(self[field.name].id)


def build(resource: Resource, actor: Actor, row: Row | None = None, posted: Posted | None = None, keeper: str = "") -> RecordForm:
    """The form for `row` (None: a new record) with what was posted, else with what the record has.

    `keeper` is the live account that keeps the owned fields: they are shown, and cannot be changed here.
    """
    fields = [field for field in policy.writable(actor, resource) if field.kind != "json"]
    kept = {field.name for field in fields if field.owned and keeper}
    form = RecordForm(resource, fields, row, _with_kept(posted, kept, fields, row))
    for name in kept:
        form[name].kept = keeper
    return form


def shown(field: Field, row: Row) -> Any:
    """What the input of `field` holds for the value of `row`."""
    if isinstance(field, Lines):
        return [{part.name: shown(part, {**row, **line}) for part in field.fields} for line in row.get(field.name) or ()]
    if field.kind == "boolean":
        return bool(row.get(field.column))
    if field.kind == "choice":
        return row.get(field.column) or ""
    if field.kind == "datetime":
        return _local(row.get(field.column))
    return field.written(row)


def typed(field: Field, given: Any) -> Any:
    """What the gate gets for what stands in the input."""
    if isinstance(field, Lines):
        return [line for line in ({part.name: typed(part, entry[part.name]) for part in field.fields} for entry in given)
                if any(value not in (None, "") for value in line.values())]
    if field.kind == "datetime":
        return _with_offset(given.data or "")
    return given.data


def completed(resource: Resource, row: Row, posted: Posted, names: set[str]) -> Posted:
    """What was posted for the fields in `names`, and for all others what the record has."""
    known: Posted = MultiDict((name, value) for name, value in posted.items(multi=True)
                              if name in names or name.partition("-")[0] in names)
    for field in resource.fields:
        if field.name not in names and field.kind != "json":
            for name, value in _posted(field.name, shown(field, row)):
                known.add(name, value)
    return known


def sent(form: RecordForm, names: list[str]) -> list[tuple[str, str]]:
    """(name, value) of what a page has to send along so that these fields arrive again as they were typed."""
    found = []
    for field in form.fields:
        if field.name in names:
            found += _posted(field.name, form[field.name].data)
    return found


def _posted(name: str, value: Any) -> list[tuple[str, str]]:
    """As a browser sends it: lines one by one, a tick only where it is set."""
    if isinstance(value, list):
        return [pair for place, line in enumerate(value) for part, inner in line.items()
                for pair in _posted(f"{name}-{place}-{part}", inner)]
    if isinstance(value, bool):
        return [(name, "y")] if value else []
    return [(name, value or "")]


def pressed(posted: Posted) -> bool:
    """Whether the button that was pressed only adds or removes a line."""
    return ADD in posted or REMOVE in posted


def turn(form: RecordForm, posted: Posted) -> None:
    """Add an empty line, or take one out."""
    lines = form.lines()
    if lines is None:
        return
    if ADD in posted and len(lines.entries) < inputs.MOST_LINES:
        lines.append_entry()
    number = posted.get(REMOVE, "")
    if number.isdecimal() and int(number) < len(lines.entries):
        del lines.entries[int(number)]
        _number(lines)


def _number(lines: Any) -> None:
    """Give the entries their places again, in names and ids too."""
    for place, entry in enumerate(lines.entries):
        entry.name = entry.id = f"{lines.name}-{place}"
        for part in entry.form:
            part.name = part.id = f"{entry.name}-{part.short_name}"
            part.label.field_id = part.id


def _with_kept(posted: Posted | None, kept: set[str], fields: list[Field], row: Row | None) -> Posted | None:
    """What was posted, with kept fields as the record has them: a browser sends read-only inputs too."""
    if posted is None or row is None or not kept:
        return posted
    known = MultiDict((name, value) for name, value in posted.items(multi=True)
                      if name not in kept and name.partition("-")[0] not in kept)
    known.update({field.name: shown(field, row) for field in fields if field.name in kept and not isinstance(field, Lines)
                  and field.kind != "boolean"})
    return known


def _data(fields: Sequence[Field], row: Row | None) -> dict[str, Any]:
    source = row if row is not None else {field.column: _default(field) for field in fields}
    return {field.name: shown(field, source) for field in fields}


def _default(field: Field) -> Any:
    return field.default() if callable(field.default) else field.default


def _local(value: datetime | None) -> str:
    """As an input of type datetime-local has it, in the time zone of the reader."""
    return "" if value is None else value.astimezone(ui.zone()).replace(tzinfo=None).isoformat("T", "minutes")


def _with_offset(text: str) -> str:
    """The same moment with its offset, so that whoever reads it need not know the zone; what is no moment stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=ui.zone())).astimezone(UTC).isoformat()
