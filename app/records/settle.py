"""Values that are only understood beside the record and others: money, references, lines."""
from collections.abc import Mapping
from typing import Any

from app.records.batch import Batch
from app.records.fields import Currency
from app.records.held import awaited
from app.records.parse import Parsed, sentence
from app.records.registry import named
from app.records.relations import UNREAD, Line, Lines, Reference, Wanted
from app.records.resource import Resource
from app.records.rules import MISSING
from app.records.words import lower

Values = dict[str, Any]
SAID = 10             # things wrong with lines that are told one by one


class Settle:
    """Turns what was written into what is stored, for one batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.held, self.reports = batch, batch.held, batch.source.reports

    def settle(self, parsed: Parsed, row: Mapping[str, Any]) -> tuple[Values, dict[str, str]]:
        """The values to store, by column, and what is wrong with them, by name. `row` is the record as it is, or a blank one."""
        values, errors = parsed.values, parsed.errors
        emptied = self.emptied(parsed, row) if parsed.late else []
        values.update({column: row.get(column) for column in emptied})
        for name, field, value in parsed.late:
            try:
                self.late(field, value, row, values)
            except (ValueError, ArithmeticError) as error:
                errors[name] = sentence(error)
        for reference in parsed.shape.by_id:
            self.by_id(reference, row, values, errors)
        values.update(dict.fromkeys(emptied))
        if parsed.shape.resource.outside:
            self.identify(parsed, values)
        return values, errors

    def emptied(self, parsed: Parsed, row: Mapping[str, Any]) -> list[str]:
        """Currencies people leave empty that cannot be: the default fills them, or they are refused. The amounts beside them are
        read in the one there was, so that one thing is said once.
        """
        if self.reports:
            return []
        return [field.column for field in parsed.shape.resource.fields if isinstance(field, Currency)
                and field.column in parsed.values and parsed.values[field.column] is None
                and (field.required or row.get("id") is None)]

    def late(self, field: Any, value: Any, row: Mapping[str, Any], values: Values) -> None:
        if field.kind == "money":
            code = field.currency
            values[field.column] = field.settle(value, values[code] if code in values else row.get(code))
        elif field.kind == "reference":
            self.refer(field, value, row, values)
        else:
            self.lines(field, value, {**row, **values}, values)

    def lines(self, field: Lines, given: list[Line], row: Mapping[str, Any], values: Values) -> None:
        """All lines of a record. Raises ValueError that says all that is wrong with them."""
        settled = [self.line(field, number, line, row) for number, line in enumerate(given, 1)]
        wrong = [problem for _, errors in settled for problem in errors]
        if wrong:
            more = [f"{len(wrong) - SAID:,} more of the kind."] if len(wrong) > SAID else []
            raise ValueError(" ".join([*wrong[:SAID], *more]))
        values[field.column] = [line for line, _ in settled]

    def refer(self, field: Reference, wanted: Wanted, row: Mapping[str, Any], values: Values) -> None:
        """The id of whom somebody named; from providers, what to keep in mind when it is not here yet. Raises ValueError."""
        id = self.held.find(field.to, wanted, self.batch.source.account)
        if id is not None and (field.to, id) in self.held.out_of_sight:
            id = None
        if id is None and not (self.reports and field.loose and wanted.column != "id"):
            raise ValueError(nobody(field, wanted))
        if id is not None:
            self.forbid_trash(field, id, row)
        values[field.column] = id
        if field.loose:
            account = wanted.account if wanted.account is not None else self.batch.source.account or ""
            values[field.ref_column] = None if id is not None else awaited(wanted.column, wanted.value, account)

    def by_id(self, reference: Reference, row: Mapping[str, Any], values: Values, errors: dict[str, str]) -> None:
        """A reference given as an id has to lead somewhere; it ends any waiting."""
        id = values.get(reference.column)
        if id is not None:
            if id not in self.held.keys[reference.to]["id"] or (reference.to, id) in self.held.out_of_sight:
                errors[reference.column] = f"No {lower(named(reference.to).label)} has the id {id}. Choose another."
                return
            try:
                self.forbid_trash(reference, id, row)
            except ValueError as error:
                errors[reference.column] = str(error)
        if reference.loose:
            values.setdefault(reference.ref_column, None)

    def forbid_trash(self, field: Reference, id: int, row: Mapping[str, Any]) -> None:
        if not self.reports and row.get(field.column) != id and self.held.is_trashed(field.to, id):
            raise ValueError(f"This {lower(named(field.to).label)} is in the trash. Restore it first or choose another.")

    def line(self, lines: Lines, number: int, line: Line, row: Mapping[str, Any]) -> tuple[Values, list[str]]:
        """One line of a record, and what is wrong with it, in sentences that say which line."""
        values, wrong = dict.fromkeys(lines.columns) | line.values, [*line.errors]
        for field, value in line.late:
            try:
                self.late(field, value, row, values)
            except (ValueError, ArithmeticError) as error:
                wrong.append(f"Line {number}, {lower(field.title)}: {sentence(error)}")
                values[field.column] = UNREAD
        errors: dict[str, str] = {}
        for reference, _ in line.by_id:
            self.by_id(reference, {}, values, errors)
        wrong += [f"Line {number}: {problem}" for problem in errors.values()]
        for field in lines.fields:
            if values[field.column] is None:
                values[field.column] = field.default
                if field.required and field.default is None and not self.reports:
                    wrong.append(f"Line {number}, {lower(field.title)}: {MISSING}")
        return values, wrong

    def identify(self, parsed: Parsed, values: Values) -> None:
        """An outside id belongs to the account the source speaks of."""
        account = self.batch.account(parsed)
        if account is not None and values.get("external_id") is not None:
            values.setdefault("account", account)


def nobody(field: Reference, wanted: Wanted) -> str:
    """What is said of a record that is not here."""
    other = named(field.to)
    title, label = "id" if wanted.column == "id" else lower(other.require(wanted.column).title), lower(other.label)
    return f"No {label} has the {title} {wanted.value}. Correct it or create the {label} first."


def blank(resource: Resource) -> Values:
    """A record with nothing in it but defaults, calculated now."""
    values: Values = dict.fromkeys(column.name for column in resource.table.c)
    for field in resource.fields:
        values[field.column] = field.default() if callable(field.default) else field.default
    if resource.lines is not None:
        values[resource.lines.name] = []
    if resource.outside:
        values["account"] = ""
    return values
