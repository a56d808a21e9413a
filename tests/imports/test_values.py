"""Values of all kinds, from the cell of a file to the record."""
import re
from datetime import UTC, date, datetime

import openpyxl
import pytest

from app.audit import COMMAND_LINE
from app.errors import BadRequest
from app.imports.command import Wishes, import_file
from app.records.values import Reading, moment_of
from tests.imports.test_command import counts, errors


def test_orders_find_their_customer_and_amounts_their_currency(put, kept):
    put("customers", "email\nada@example.com\n")

    report = put("orders", "Order number;Customer email;Status;Total;Currency;Date\n"
                           "1001;ada@example.com;Placed;1.284,50;EUR;31.05.2026\n"
                           "1002;ada@example.com;draft;12,5;EUR;01.06.2026 14:30\n"
                           "1003;eve@example.com;draft;1,00;EUR;02.06.2026\n")

    assert counts(report) == {"created": 2, "refused": 1}
    assert errors(report) == [(4, "Customer email", "customer", "eve@example.com")]
    first, second = kept("orders")
    assert (first["total_minor"], first["currency"], first["status"], first["placed_at"]) == (
        128450, "EUR", "placed", datetime(2026, 5, 31, tzinfo=UTC))
    assert (second["total_minor"], second["placed_at"]) == (1250, datetime(2026, 6, 1, 14, 30, tzinfo=UTC))
    assert first["customer_id"] == kept("customers")[0]["id"]


def test_days_that_can_be_read_in_two_ways_are_not_guessed(put):
    with pytest.raises(BadRequest) as problem:
        put("orders", "order number,total,currency,placed at\n1,5,EUR,05/06/2026\n2,5,EUR,07/08/2026\n",
            columns={"placed at": "placed_at"})

    assert "05/06/2026 can be read in two ways" in problem.value.detail


@pytest.mark.parametrize(("days", "first"), [(("05/06/2026", "31/05/2026"), date(2026, 6, 5)),
                                             (("05/06/2026", "05/31/2026"), date(2026, 5, 6))])
def test_one_day_after_the_twelfth_proves_the_order_for_all(put, kept, days, first):
    rows = "".join(f"{number},5,EUR,{day}\n" for number, day in enumerate(days))

    put("orders", f"order number,total,currency,placed\n{rows}")

    assert kept("orders")[0]["placed_at"].date() == first


@pytest.mark.parametrize(("first", "wrong", "sentence"), [
    ("31/05/2026", "05/31/2026", "with the day first. Write it like 31/05/2026 14:30, or 2026-05-31 14:30."),
    ("05/31/2026", "31/31/2026", "with the month first. Write it like 05/31/2026 14:30, or 2026-05-31 14:30."),
    ("2026-05-31", "soon", "This is not a date and time. Write it like 2026-05-31 14:30.")])
def test_a_wrong_day_is_told_the_order_days_are_read_in(app, first, wrong, sentence):
    reading = Reading(day_first=first.startswith("31/"))

    with pytest.raises(ValueError, match=re.escape(sentence)):
        moment_of(wrong, reading)


def test_a_formula_without_a_value_is_refused_with_the_cure(app, tmp_path):
    book = openpyxl.Workbook()
    for row in (["order number", "total", "currency"], ["1", "=2*3", "EUR"], ["2", 5, "EUR"]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "a.xlsx")

    report = import_file(tmp_path / "a.xlsx", "orders", Wishes(), by=COMMAND_LINE)

    assert (counts(report), errors(report)) == ({"created": 1, "refused": 1}, [(2, "total", "total", "=2*3")])
    assert "save it once" in report["errors"][0]["message"]


def test_typed_cells_of_a_workbook_mean_what_they_show(put, kept, tmp_path):
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["order number", "total", "currency", "postcode", "weight", "placed"],
                [1001, 1284.5, "EUR", "01067", 1400, date(2026, 5, 31)],
                ["1002", "3,5", "EUR", 1067, 350.0, datetime(2026, 5, 31, 14, 30)]):  # noqa: DTZ001 (a workbook knows no zones)
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")

    report = import_file(tmp_path / "a.xlsx", "orders", Wishes(), by=COMMAND_LINE)

    assert counts(report) == {"created": 2}
    first, second = kept("orders")
    assert (first["number"], first["total_minor"], first["postcode"], first["weight"]) == ("1001", 128450, "01067", 1400)
    assert (second["total_minor"], second["postcode"], second["weight"]) == (350, "1067", 350)
    assert [row["placed_at"] for row in (first, second)] == [
        datetime(2026, 5, 31, tzinfo=UTC), datetime(2026, 5, 31, 14, 30, tzinfo=UTC)]


def test_numbers_a_spreadsheet_has_rounded_are_refused_with_advice(put, tmp_path):
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["order number", "total", "currency"], [12345678901234567890, 5, "EUR"]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")

    reports = [import_file(tmp_path / "a.xlsx", "orders", Wishes(), by=COMMAND_LINE),
               put("orders", "order number,total,currency\n1.23457E+13,5,EUR\n")]

    for report in reports:
        assert counts(report) == {"refused": 1}
        assert "lost its last ones" in report["errors"][0]["message"]


def test_an_error_of_the_spreadsheet_is_an_error_of_its_cell(put):
    report = put("orders", "order number,total,currency\n1,#REF!,EUR\n")

    assert errors(report) == [(2, "total", "total", "#REF!")]
    assert "shows the error #REF!" in report["errors"][0]["message"]


def test_a_row_with_more_cells_than_headings_is_refused(put):
    report = put("customers", "email,name\na@example.com,Ada,Lovelace\nb@example.com,Bob\n")

    assert counts(report) == {"created": 1, "refused": 1}
    assert "A quote may be missing" in report["errors"][0]["message"]
