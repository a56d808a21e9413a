"""Exports: the list as it is, by the job, for those who may; a file that is harmless and reads back as it was."""
import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.audit import COMMAND_LINE, Actor, Audit, Door
from app.errors import BadRequest, Forbidden, NotFound
from app.exports import columns, run
from app.exports.models import Export
from app.extensions import db
from app.files.guard import restore
from app.files.storage import open_storage
from app.imports.command import Wishes, import_file
from app.jobs.models import Job
from app.records.changes import Change, Source, apply
from app.records.registry import named
from app.transaction import now, transaction

GATE = Source(Door.FORM, COMMAND_LINE)
MANAGER = Actor("staff", "Mara", 1, ("*.read", "*.export", "*.sensitive"))


def make(*rows: dict[str, Any], resource: str = "customers") -> list[int]:
    with transaction() as session:
        outcomes = apply(session, [Change(resource, row) for row in rows], GATE)
    assert all(outcome.id for outcome in outcomes), outcomes
    return [outcome.id for outcome in outcomes if outcome.id]


def lines(export_id: int) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content(export_id).decode("utf-8-sig"), newline="")))


def content(export_id: int) -> bytes:
    db.session.expire_all()
    export = db.session.get_one(Export, export_id)
    assert export.file is not None
    with open_storage().open(export.file) as file:
        return file.read()


def start(names: list[str], query: str = "", format: str = "csv", by: Actor = COMMAND_LINE, resource: str = "customers") -> int:
    return run.start(resource, query, names, format, by=by, at_once=False)


def test_a_list_becomes_a_file_with_its_filters_and_its_order(app, drain):
    make(*({"email": f"c{n}@example.com", "name": f"N{n}", "country": "DE" if n % 2 else "FR"} for n in range(5)))
    export_id = start(["email", "name"], "country=DE&sort=-email&limit=1")

    drain()

    assert lines(export_id) == [["E-mail", "Name"], ["c3@example.com", "N3"], ["c1@example.com", "N1"]]
    export = db.session.get_one(Export, export_id)
    assert (export.rows, export.size, db.session.get_one(Job, export.job_id).status) == (2, len(content(export_id)), "done")


def test_an_unknown_filter_or_column_is_refused_at_once(app):
    for names, query in ((["email"], "shoe=42"), (["shoe"], ""), ([], "")):
        with pytest.raises(BadRequest):
            start(names, query)

    assert db.session.scalars(select(Export)).all() == []


def test_only_who_may_export_can_ask(app):
    with pytest.raises(Forbidden):
        start(["email"], by=Actor("staff", "Vera", 7, ("*.read",)))


def test_a_sensitive_column_needs_its_right_also_when_the_job_runs(app, drain, user):
    operator = Actor("staff", "Olaf", 8, ("*.read", "*.export"))
    with pytest.raises(BadRequest, match="phone"):
        start(["email", "phone"], by=operator)
    manager = user("manager")
    export_id = start(["email", "phone"], by=Actor("staff", "Mara", manager, ("*.read", "*.export", "*.sensitive")))
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE users SET role = 'viewer' WHERE id = {manager}")

    drain()

    export = db.session.get_one(Export, export_id)
    assert (export.file, db.session.get_one(Job, export.job_id).status) == (None, "dead")


def test_the_rights_are_asked_again_at_the_download(app, drain):
    export_id = start(["email", "phone"], by=COMMAND_LINE)
    drain()

    assert run.take(export_id, by=MANAGER).file
    for actor, problem in ((Actor("staff", "V", 7, ("*.read",)), NotFound), (Actor("staff", "O", 8, ("*.read", "*.export")), Forbidden),
                           (Actor("staff", "S", 9, MANAGER.grants, {"customers": "country=DE"}), Forbidden),
                           (Actor("staff", "R", 10, ("customers.read", "customers.export", "customers.sensitive")), NotFound)):
        with pytest.raises(problem):
            run.take(export_id, by=actor)


def test_starting_and_downloading_are_in_the_trail(app, drain):
    export_id = start(["email"])
    drain()
    run.take(export_id, by=MANAGER)

    notes = db.session.scalars(select(Audit).where(Audit.resource == "exports").order_by(Audit.id)).all()

    assert [(note.action, note.actor, note.record_id) for note in notes] == [
        ("exports.start", "command line", export_id), ("exports.download", "Mara", export_id)]
    assert json.loads(notes[0].diff)["columns"] == ["email"]


def test_a_file_past_its_time_is_gone_and_says_so(app, drain):
    export_id = start(["email"])
    drain()
    name = db.session.get_one(Export, export_id).file or ""
    with transaction() as session:
        session.execute(update(Export).values(expires_at=now(session)))

    assert run.forget_old() == 1

    assert not open_storage().exists(name)
    with pytest.raises(NotFound):
        run.take(export_id, by=COMMAND_LINE)


def test_text_that_would_run_as_a_formula_is_harmless_and_numbers_are_numbers(app, drain):
    make({"number": "1", "total": "-5.50", "currency": "EUR", "city": "=1+2", "street": "@SUM(A1)", "note": "-2+3", "phone": "+49 30 1"},
         resource="orders")
    export_id = start(["total", "city", "street", "note", "phone"], resource="orders")

    drain()

    assert lines(export_id)[1] == ["-5.50", "'=1+2", "'@SUM(A1)", "'-2+3", "+49 30 1"]


def test_a_workbook_has_text_as_text_and_amounts_as_numbers(app, drain):
    make({"number": "0012", "total": "1284.50", "currency": "EUR", "city": "=1+2", "placed_at": "2026-05-31 14:30"}, resource="orders")
    export_id = start(["number", "total", "city", "placed_at"], format="xlsx", resource="orders")

    drain()

    book = openpyxl.load_workbook(io.BytesIO(content(export_id)))
    (heads, row) = book.worksheets[0].iter_rows(values_only=True)
    assert (heads, row) == (("Order number", "Total", "City", "Placed"), ("0012", 1284.5, "=1+2", datetime(2026, 5, 31, 14, 30)))  # noqa: DTZ001 (a workbook knows no zones)
    assert book.worksheets[0]["C2"].data_type == "s"
    assert book.worksheets[0]["B2"].number_format == "#,##0.00"
    assert book.worksheets[0].freeze_panes == "A2"


def test_json_lines_say_what_the_api_says(app, drain):
    [customer] = make({"email": "a@example.com"})
    [order] = make({"number": "1", "total": "5", "currency": "EUR", "customer": "a@example.com"}, resource="orders")
    export_id = start(["id", "customer", "total"], format="jsonl", resource="orders")

    drain()

    assert json.loads(content(export_id)) == {
        "id": order, "customer": {"id": customer, "key": "a@example.com", "label": "a@example.com"}, "total": "5.00"}


def test_a_second_try_shows_one_file_only(app, drain):
    export_id = start(["email"])
    drain()
    first = db.session.get_one(Export, export_id).file
    with transaction() as session:
        again = session.get_one(Job, session.get_one(Export, export_id).job_id)
        again.status, again.run_at = "waiting", now(session)

    drain()

    db.session.expire_all()
    assert db.session.get_one(Export, export_id).file == first


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30) | st.sampled_from(
    ["=1+2", "'=1", "''=x", "+49 30 123", "-5", "@home", "#N/A", "'#REF!", "_x000D_", "a;b", 'say "x"', "01067", "1E+5", "yes", "'"])
CUSTOMERS = st.lists(st.fixed_dictionaries({"name": WORDS, "company": WORDS, "note": WORDS | st.just("two\nlines")}), min_size=1, max_size=8)


@pytest.mark.alike
@pytest.mark.parametrize("format", ["csv", "xlsx"])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=CUSTOMERS)
def test_what_was_exported_reads_back_as_it_was(app, tmp_path, format, rows):
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM customers")
    made = accepted([{"email": f"c{number}@example.com", **row} for number, row in enumerate(rows)])
    path = tmp_path / f"out.{format}"
    write(path, "customers", format)

    report = import_file(path, "customers", Wishes(), by=COMMAND_LINE)

    assert (report["unchanged"], report["rows"], report["errors"]) == (made, made, [])


def accepted(rows: list[dict[str, Any]]) -> int:
    """Make what can be made; the gate refuses some characters. Returns how many there are."""
    with transaction() as session:
        outcomes = apply(session, [Change("customers", row) for row in rows], GATE)
    return sum(outcome.kind == "created" for outcome in outcomes)


def write(path: Path, resource: str, format: str) -> None:
    kind = named(resource)
    with path.open("wb") as file:
        run.write(file, run.asked(kind, "", COMMAND_LINE), columns.usual(COMMAND_LINE, kind), format)


ORDERS = [{"number": f"{n:04}", "total": f"{n * 1234 - 5000}.{n % 100:02}", "currency": ("EUR", "USD")[n % 2], "status": "placed",
           "placed_at": f"2026-0{n % 9 + 1}-1{n % 9} 0{n % 9}:30:0{n % 9}", "weight": str(n * 100), "note": f"=note {n}", "postcode": f"0{n}"}
          for n in range(30)]


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_orders_with_all_kinds_of_values_read_back_unchanged(app, tmp_path, format):
    make({"email": "a@example.com"})
    make(*(row | {"customer": "a@example.com"} for row in ORDERS), resource="orders")
    make({"number": "jpy", "total": "1500", "currency": "JPY"}, {"number": "kwd", "total": "1.234", "currency": "KWD"}, resource="orders")
    path = tmp_path / f"orders.{format}"
    write(path, "orders", format)

    report = import_file(path, "orders", Wishes(), by=COMMAND_LINE)

    assert (report["unchanged"], report["errors"]) == (32, [])


def test_payments_of_two_accounts_read_back_unchanged(app, tmp_path):
    with transaction() as session:
        for account in ("stripe", "paypal"):
            apply(session, [Change("payments", {"amount_minor": 500, "currency": "EUR", "status": "paid"}, key={"external_id": "p1"})],
                  Source(Door.EVENT, COMMAND_LINE, account=account))
    path = tmp_path / "payments.csv"
    write(path, "payments", "csv")

    report = import_file(path, "payments", Wishes(), by=COMMAND_LINE)

    assert (report["unchanged"], report["errors"]) == (2, [])


def test_the_guard_is_taken_off_by_the_import_and_nothing_else_is():
    assert [restore(text) for text in ("'=1", "'plain", "''=1", "'+49 30 1")] == ["=1", "'plain", "'=1", "'+49 30 1"]


def test_the_command_writes_a_whole_file_or_none(app: Flask, tmp_path: Path):
    make({"email": "a@example.com", "name": "Ada"})
    path = tmp_path / "out.csv"

    good = call(app, "customers", "--columns", "email,name", "--filter", "email=a@example.com", "-o", str(path), "--json")
    bad = call(app, "customers", "--columns", "shoe", "-o", str(tmp_path / "bad.csv"))

    assert json.loads(good.output) == {"file": str(path), "rows": 1, "columns": ["email", "name"], "format": "csv"}
    assert path.read_bytes() == b"\xef\xbb\xbfE-mail,Name\r\na@example.com,Ada\r\n"
    assert (good.exit_code, bad.exit_code, [file.name for file in tmp_path.iterdir()]) == (0, 2, ["out.csv"])


@pytest.mark.parametrize(("arguments", "code"), [
    (["shoes", "-o", "x"], 2), (["customers", "--filter", "shoe=1", "-o", "x"], 2), (["customers", "--as", "no@example.com", "-o", "x"], 2),
    (["customers"], 2)])
def test_wrong_usage_of_the_command_is_exit_code_two(app, tmp_path, monkeypatch, arguments, code):
    monkeypatch.chdir(tmp_path)

    assert call(app, *arguments).exit_code == code


def call(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["export", *arguments])


