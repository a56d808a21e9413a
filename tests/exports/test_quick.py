"""The quick way into a file writes what the plain one writes, byte by byte, for values as ugly as they come."""
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import COMMAND_LINE, SYSTEM, Actor
from app.exports import columns, quick, reading, run, whole
from app.exports.style import PLAIN, Style
from app.extensions import db
from app.files import writing
from app.files.writing import csv_writer, xlsx_writer
from app.records import query
from app.records.bare import Bare
from app.records.filters import arguments
from app.records.registry import named
from tests.exports.making import make

UGLY = ("007", "12345678901234567890", "=cmd|' /C calc'!A0", "'=1", "'", "+49 30 1", "-2+3", "@home", "#N/A", "🧾 ü <&> \"x\"", "a;b,c",
        "_x000D_", "1E+5", "true", " x", None, "plain", "x" * 120)
AMOUNTS = (("EUR", "-5.50"), ("EUR", "0"), ("EUR", "0.05"), ("EUR", "1.00"), ("EUR", "12345678901234567.89"), ("EUR", "9999999999999.99"),
           ("EUR", "-10000000000000.00"), ("JPY", "1500"), ("JPY", "-1"), ("KWD", "1.234"), ("CLF", "0.0001"))
MOMENTS = ("2026-05-31", "2026-05-31 14:30", "2026-05-31 23:59:59", "1900-02-28 12:00", "1900-03-01", "1970-01-01 00:00:00.000001",
           "2026-03-29 01:30", None, "9999-12-31 12:00:01")
STYLES = (PLAIN, Style(zone="Europe/Berlin"), Style(values="de", delimiter=";"), Style(values="us", zone="America/New_York"),
          Style(encoding="utf-16", values="fr"))


@pytest.fixture
def ugly(app):
    make({"email": "ada@example.com", "name": "=Ada", "phone": "+49 1", "country": "DE"}, {"email": "bob@example.com", "name": "Bob"})
    make(*({"number": f"{number:05}", "customer": ("ada@example.com", "bob@example.com", None)[number % 3],
            "currency": AMOUNTS[number % len(AMOUNTS)][0], "total": AMOUNTS[number % len(AMOUNTS)][1], "street": UGLY[number % len(UGLY)],
            "note": "two\nlines" if number % 5 == 0 else UGLY[-number % len(UGLY)], "placed_at": MOMENTS[number % len(MOMENTS)],
            "weight": str(number) if number % 2 else None} for number in range(60)), resource="orders")
    make({"tracking_number": "=P1", "eta": "2026-05-31", "order": "00001"}, {"tracking_number": "P2"}, resource="deliveries")


def plain(resource: str, asked: str, names: Sequence[str], format: str, style: Style, by: Actor) -> bytes:
    """The file as it is written record by record."""
    found, chosen, file = run.asked(named(resource), asked, by), columns.chosen(by, named(resource), names), io.BytesIO()
    with query.snapshot(db.session()) as connection:
        written = map(columns.values(chosen, format == "xlsx", style), reading.rows(connection, found, chosen, lambda done: None))
        heads = columns.headings(chosen, style, format == "xlsx")
        if format == "xlsx":
            xlsx_writer(file, named(resource).plural, heads, written, is_local=style.is_local)
        else:
            csv_writer(file, heads, written, style.delimiter, style.encoding)
    return file.getvalue()


def quickly(resource: str, asked: str, names: Sequence[str], format: str, style: Style, by: Actor) -> bytes:
    file = io.BytesIO()
    run.write(file, run.asked(named(resource), asked, by), columns.chosen(by, named(resource), names), format, style=style)
    return file.getvalue()


def same(*asked: Any) -> None:
    one, other = quickly(*asked), plain(*asked)
    if asked[3] == "xlsx":
        one, other = (zipfile.ZipFile(io.BytesIO(file)).read("xl/worksheets/sheet1.xml") for file in (one, other))
    assert one.splitlines() == other.splitlines()


def every(resource: str) -> list[str]:
    return [one.name for one in columns.offered(COMMAND_LINE, named(resource)) if one.of is None and one.kind != "lines"]


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_every_column_of_every_value_is_written_as_before_in_every_style(ugly, monkeypatch, format):
    monkeypatch.setattr(quick, "SIZE", 7)       # so that blocks differ in what they hold
    monkeypatch.setattr(writing, "MEASURED", 7)
    monkeypatch.setattr(whole, "MOST", 80)      # and what is kept has to make room

    for style in STYLES:
        for resource in ("orders", "customers", "deliveries"):
            same(resource, "", every(resource), format, style, COMMAND_LINE)


def test_it_finds_the_same_rows_in_the_same_order(ugly):
    for asked in ("sort=placed_at", "sort=-total", "currency=EUR&sort=-total", "q=00007", "q=000&sort=-placed_at",
                  "customer.country=DE&sort=number", "trashed=only", "status=shipped"):
        same("orders", asked, ["number", "customer", "customer.name"], "csv", PLAIN, COMMAND_LINE)


def test_it_shows_nobody_what_they_may_not_see(ugly):
    german = Actor("staff", "G", 9, ("*.read", "*.export"), {"customers": "country=DE"})
    blind = Actor("staff", "B", 9, ("orders.*",))

    for actor, names in ((german, ["number", "customer", "customer.name"]), (blind, ["number", "customer"])):
        same("orders", "sort=id", names, "csv", PLAIN, actor)
        assert b"bob@" not in quickly("orders", "", names, "csv", PLAIN, actor)
    with query.snapshot(db.session()) as connection:
        bare = Bare(connection, query.parse(named("orders"), arguments("sort=id"), blind))
        bare.leaf(named("orders").require("phone"))
        bare.leaf(named("customers").require("email"), *named("orders").references)
        assert {tuple(row) for rows in bare.blocks(7) for row in rows} == {(None, None)}


def test_it_asks_for_all_rows_at_once(ugly):
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", listener := lambda *args: asked.append(args[2]))
    try:
        quickly("orders", "", ["number", "customer", "customer.name"], "csv", PLAIN, SYSTEM)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", listener)

    assert len([statement for statement in asked if "FROM orders" in statement]) == 1
