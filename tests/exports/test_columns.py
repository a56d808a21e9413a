"""Columns: in the order that was asked for, of other records and of lines, and written as people of a country write."""
import io
import json
from datetime import datetime

import openpyxl
import pytest
import sqlalchemy as sa

from app.audit import COMMAND_LINE, Actor
from app.errors import BadRequest, Forbidden, NotFound
from app.exports import run
from app.exports.columns import offered
from app.exports.style import Style
from app.extensions import db
from app.records.registry import named
from tests.exports.making import content, export, make, table

MANAGER = Actor("staff", "Mara", 1, ("*.read", "*.export", "*.sensitive"))


@pytest.fixture
def shop(app):
    make({"email": "ada@example.com", "name": "Ada", "phone": "+49 1", "country": "DE"}, {"email": "bob@example.com", "name": "=Bob", "country": "FR"})
    make({"sku": "TEA", "name": "Tea", "price": "3", "currency": "EUR"}, {"sku": "CUP", "name": "Cup", "price": "4", "currency": "EUR"}, resource="products")
    make({"number": "1", "total": "-5.50", "currency": "EUR", "customer": "ada@example.com", "placed_at": "2026-07-31 22:30",
          "lines": [{"product": "TEA", "quantity": 2, "unit_price": "3"}, {"product": "CUP", "quantity": 1, "unit_price": "4.20"}]},
         {"number": "2", "total": "1234.50", "currency": "EUR", "customer": "bob@example.com"}, {"number": "3", "total": "0", "currency": "EUR"}, resource="orders")


def test_columns_stand_in_the_order_they_were_asked_for(shop):
    assert table(export("customer.name", "number", "customer", "customer.country", query="sort=id")) == [
        ["Customer: Name", "Order number", "Customer", "Customer: Country"], ["Ada", "1", "ada@example.com", "DE"],
        ["'=Bob", "2", "bob@example.com", "FR"], ["", "3", "", ""]]


def test_what_records_refer_to_is_read_at_once_for_a_thousand_of_them(shop):
    make(*({"number": f"n{number}", "total": "1", "customer": "ada@example.com"} for number in range(60)), resource="orders")
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", listener := lambda *args: asked.append(args[2]))
    try:
        export("number", "customer.name", "customer.country", "lines.product")
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", listener)

    assert len([statement for statement in asked if "FROM customers" in statement]) == 1
    assert len([statement for statement in asked if "parent_id" in statement]) == 1


def test_fields_of_other_records_take_the_rights_to_see_them(shop):
    for grants, name in ((("*.read", "*.export"), "customer.phone"), (("orders.*",), "customer.name")):
        actor = Actor("staff", "O", 8, grants)
        assert name not in [column.name for column in offered(actor, named("orders"))]
        with pytest.raises(BadRequest):
            export("number", name, by=actor)


def test_records_one_may_not_see_are_empty_beside_those_one_may(shop):
    german = Actor("staff", "G", 9, MANAGER.grants, {"customers": "country=DE"})

    assert table(export("number", "customer.name", query="sort=id", by=german))[1:] == [["1", "Ada"], ["2", ""], ["3", ""]]


def test_a_file_for_somebody_who_saw_more_or_other_records_is_refused(shop):
    wide = run.start("orders", "", ["number", "customer.name"], "csv", by=MANAGER)
    narrow = run.start("orders", "", ["number"], "csv", by=Actor("staff", "Mara", 1, MANAGER.grants, {"orders": "channel=web"}))

    for now, id in (({"customers": "country=DE"}, wide), ({"orders": "channel=web"}, wide), ({"orders": "channel=shopify"}, narrow)):
        with pytest.raises(Forbidden, match="Make an export of your own"):
            run.take(id, by=Actor("staff", "Mara", 1, MANAGER.grants, now))
    assert run.take(narrow, by=Actor("staff", "Mara", 1, MANAGER.grants, {"orders": "channel=web"})).file


def test_a_right_taken_away_meanwhile_is_missed_at_the_download(shop):
    id = run.start("orders", "customer.phone=%2B49+1", ["number"], "csv", by=MANAGER)

    with pytest.raises(Forbidden, match="narrowed by a field you may not see"):
        run.take(id, by=Actor("staff", "Mara", 1, ("*.read", "*.export")))


def test_lines_are_rows_of_their_own(shop):
    assert table(export("number", "lines.product", "lines.unit_price", query="sort=id")) == [
        ["Order number", "Lines: Product", "Lines: Unit price"], ["1", "TEA", "3.00"], ["1", "CUP", "4.20"], ["2", "", ""], ["3", "", ""]]


def test_lines_are_columns_as_many_as_the_longest_has(shop):
    rows = table(export("lines.product", "number", "lines.quantity", query="sort=id", style=Style(lines="columns")))

    assert rows[0] == ["Lines 1: Product", "Lines 1: Quantity", "Lines 2: Product", "Lines 2: Quantity", "Order number"]
    assert rows[1:] == [["TEA", "2", "CUP", "1", "1"], ["", "", "", "", "2"], ["", "", "", "", "3"]]


def test_json_lines_name_columns_of_others_and_of_lines(shop):
    first = json.loads(export("number", "customer.email", "lines.quantity", query="sort=id", format="jsonl").splitlines()[0])

    assert first == {"number": "1", "customer.email": "ada@example.com", "lines.quantity": 2}


@pytest.mark.parametrize(("values", "expected"), [
    ("iso", ["-5.50", "2026-08-01 00:30+02:00"]), ("de", ["-5,50", "01.08.2026 00:30"]), ("gb", ["-5.50", "01/08/2026 00:30"]),
    ("us", ["-5.50", "08/01/2026 12:30 AM"]), ("fr", ["-5,50", "01/08/2026 00:30"])])
def test_days_and_numbers_are_written_as_one_country_or_all_write_them(shop, values, expected):
    style = Style(values=values, zone="Europe/Berlin", delimiter=";")

    heads, row = table(export("total", "placed_at", query="number=1", style=style), delimiter=";")

    assert row == expected
    assert heads[1] == ("Placed" if values == "iso" else "Placed (Europe/Berlin)")


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8-sig", b"\xef\xbb\xbf"), ("utf-8", b"N"), ("utf-16", b"\xff\xfe")])
def test_a_file_has_the_encoding_and_the_delimiter_that_were_chosen(shop, encoding, mark):
    file = export("name", "email", resource="customers", query="name=Ada", style=Style(encoding=encoding, delimiter="\t"))

    assert file.startswith(mark)
    assert table(file, encoding, "\t")[1] == ["Ada", "ada@example.com"]


def test_a_workbook_shows_moments_of_the_zone_as_real_ones_and_can_be_filtered(shop):
    file = export("number", "placed_at", format="xlsx", query="number=1", style=Style(zone="Europe/Berlin", values="de"))

    sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
    assert (sheet["B1"].value, sheet["B2"].value) == ("Placed (Europe/Berlin)", datetime(2026, 8, 1, 0, 30))  # noqa: DTZ001 (a workbook knows no zones)
    assert (sheet["B2"].number_format, sheet.freeze_panes, sheet.auto_filter.ref) == ("m/d/yy h:mm", "A2", "A1:B2")
    assert sheet.column_dimensions["B"].width > sheet.column_dimensions["A"].width > 8


@pytest.mark.parametrize("wrong", [{"delimiter": "x"}, {"zone": "Mars/Base"}, {"values": "xx"}, {"colour": "red"}])
def test_a_style_there_is_none_of_is_refused_by_name(app, wrong):
    with pytest.raises(BadRequest) as refused:
        Style.of(wrong)
    assert list(refused.value.errors) == list(wrong)


def test_few_rows_are_there_at_once_and_more_wait_for_a_job(shop, monkeypatch, drain):
    at_once = run.start("orders", "", ["number"], "csv", by=COMMAND_LINE)
    monkeypatch.setattr(run, "AT_ONCE", 2)
    later = run.start("orders", "", ["number"], "csv", by=COMMAND_LINE)

    assert len(table(content(at_once))) == 4
    with pytest.raises(NotFound, match="how far it is"):
        run.take(later, by=COMMAND_LINE)
    drain()
    assert content(later) == content(at_once)
