"""What was exported and is imported again unchanged changes nothing: every record type, CSV and XLSX, values as ugly as they come."""
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.audit import COMMAND_LINE, Actor, Door
from app.exports import columns, run
from app.extensions import db
from app.imports.command import Wishes, import_file
from app.records import policy
from app.records.changes import Change, Source, apply
from app.records.fields import Choice, Field, Integer, Reference
from app.records.registry import named
from app.transaction import transaction
from tests.records.stock import NAMES

UGLY = ["007", "01067", "12345678901234567890", "=cmd|' /C calc'!A0", "+49 30 1", "-5", "-2+3", "@home", "'=1", "''", "1E+5", "1,5", "2026-05-31",
        "yes", "NULL", "#N/A", "_x000D_", 'say "x"', "a;b,c\td", "Ünï 🦊 code", "a|b"]
GATE = Source(Door.FORM, COMMAND_LINE)
EVENT = Source(Door.EVENT, Actor("provider", "ugly"), account="ugly")
TEXTS = st.sampled_from(UGLY) | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS, "longtext": TEXTS | st.just("two\nlines"), "boolean": st.sampled_from(["yes", "no"]),
    "money": st.decimals(-99_999, 99_999, places=2).map(str), "date": st.dates(date(1950, 1, 1), date(2080, 1, 1)).map(date.isoformat),
    "datetime": st.datetimes(datetime(1950, 1, 1), datetime(2080, 1, 1)).map(lambda at: at.replace(microsecond=0).isoformat(" "))  # noqa: DTZ001 (as people write it)
    | st.just("2026-05-31 00:00"), "currency": st.sampled_from(["EUR", "JPY", "USD"])}


def values(field: Field) -> st.SearchStrategy[Any]:
    if isinstance(field, Choice):
        return st.sampled_from(field.names)
    if isinstance(field, Integer):
        return st.integers(max(field.least, -999), min(field.most, 10**12)).map(str)
    if field.name == "currency":
        return KINDS["currency"]
    return st.none() | KINDS[field.kind]


def records(name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows with a value for each field that people write; what the key is made of differs by itself."""
    resource = named(name)
    plain = [field for field in policy.readable(COMMAND_LINE, resource)
             if not isinstance(field, Reference) and field.kind not in ("lines", "json", "email") and field.name != resource.key and not field.unique]
    return st.lists(st.fixed_dictionaries({field.name: values(field) for field in plain}), min_size=4, max_size=12)


def keyed(name: str, number: int) -> dict[str, Any]:
    """What makes it one record: a key with zeros before it, or an address."""
    resource = named(name)
    unique = [field for field in resource.fields if field.unique or field.name == resource.key]
    return {field.name: f"u{number}@example.com" if field.kind == "email" else f"000{number}" for field in unique}


@pytest.mark.alike
@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_every_row_is_unchanged(app, tmp_path, name, format, data):
    resource, path = named(name), tmp_path / f"out.{format}"
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {resource.table.name}")
    rows = [{**row, **keyed(name, number)} for number, row in enumerate(data.draw(records(name)))]
    made = sum(accepted(name, row) for row in rows)
    with path.open("wb") as file:
        run.write(file, run.asked(resource, "", COMMAND_LINE), columns.usual(COMMAND_LINE, resource), format)

    report = import_file(path, name, Wishes(), by=COMMAND_LINE)

    assert (report["errors"], report["rows"], report["unchanged"]) == ([], made, made), rows


def accepted(name: str, row: dict[str, Any]) -> bool:
    """Make it if the gate lets it in, as a provider reports it where only they can."""
    filled = {field: value for field, value in row.items() if value is not None}
    with transaction() as session:
        [outcome] = apply(session, [Change(name, filled)], GATE)
    if outcome.kind == "created" or not named(name).outside:
        return outcome.kind == "created"
    key = {"external_id": filled.pop("external_id", filled.get(named(name).key))}
    with transaction() as session:
        [outcome] = apply(session, [Change(name, filled, key=key)], EVENT)
    return outcome.kind == "created"
