"""Workbooks we export hold what the database holds, value by value, as other programs open them."""
import csv
import io
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from openpyxl.utils.escape import unescape

from app.extensions import db
from app.files.guard import restore
from app.records import money
from app.records.registry import named
from tests.exports.making import export, make

pytestmark = pytest.mark.attack
OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
TEXTS = ("007", "12345678901234567890", "=cmd|' /C calc'!A0", "'=1", "''", "+49 30 1", "-2+3", "@SUM(A1)", "#N/A", "'#REF!", "🧾👩🏽‍🚀", "ü <&> \"x\"",
         "two\nlines", "_x000D_", "1E+5", "TRUE", "2026-05-31", "1/2", "a\tb" , "x" * 200, None)
AMOUNTS = (("EUR", 0), ("EUR", -550), ("EUR", 1), ("EUR", 99999999999999), ("EUR", -(10**14)), ("JPY", 1500), ("JPY", -1), ("KWD", 1234),
           ("EUR", 2**62), ("EUR", None))
MOMENTS = ("2026-05-31 00:00", "2026-05-31 23:59:59", "1900-03-01", "2026-03-29 01:30", "9999-12-31 12:00:01", None)
NAMES = ("number", "street", "note", "total", "currency", "placed_at", "weight", "customer", "customer.name")


@pytest.fixture
def kept(app) -> list[tuple[Any, ...]]:
    """Orders in which every ugly value stands beside each kind of amount and moment; what the database has of them."""
    make({"email": "ada@example.com", "name": "=Ada"})
    rows = [{"number": f"{number:06}", "street": text and " ".join(text.split()), "note": text, "currency": code, "total_minor": minor, "placed_at": at,
             "weight": number, "customer": "ada@example.com" if number % 2 else None}
            for number, (text, (code, minor), at) in enumerate(product(TEXTS, AMOUNTS, MOMENTS)) if minor is not None or number % 7 == 0]
    make(*({name: value for name, value in row.items() if value is not None} | ({} if row["total_minor"] is not None else {"total": "1"})
           for row in rows), resource="orders")
    table, people = named("orders").table, named("customers").table
    asked = sa.select(table.c.number, table.c.street, table.c.note, table.c.total_minor, table.c.currency, table.c.placed_at, table.c.weight,
                      people.c.email, people.c.name).outerjoin(people, people.c.id == table.c.customer_id).order_by(table.c.id)
    return [tuple(row) for row in db.session.execute(asked)]


def shown(row: Sequence[Any]) -> tuple[Any, ...]:
    """What a workbook has to show for it: real numbers and moments, unless a spreadsheet cannot keep their digits."""
    minor, code, at = row[3], row[4], row[5]
    written = None if minor is None else money.from_minor(minor, code)
    return (row[0], row[1], row[2], written if minor is None or abs(minor) >= 10**15 else Decimal(written or "0"), code,
            None if at is None else at.astimezone(UTC).replace(tzinfo=None), *row[6:])


def test_openpyxl_reads_what_the_database_has(kept):
    sheet = openpyxl.load_workbook(io.BytesIO(export(*NAMES, query="sort=id", format="xlsx"))).worksheets[0]

    for cells, row in zip(sheet.iter_rows(min_row=2), kept, strict=True):
        for cell, value in zip(cells, shown(row), strict=True):
            if isinstance(value, Decimal):
                assert (cell.data_type, Decimal(repr(cell.value))) == ("n", value)
            elif isinstance(value, str):
                read = unescape(str(cell.value))
                assert restore(read) == value
                assert read == value or value.startswith(("'", "#"))     # a quote of ours, where an import would take one off
            else:
                assert cell.value == value
            assert cell.data_type != "f"


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not here")
def test_libreoffice_reads_what_the_database_has(kept, tmp_path):
    """It turns the workbook into text, numbers and moments in full: the filter's options are those of its CSV export."""
    (tmp_path / "orders.xlsx").write_bytes(export(*NAMES, query="sort=id", format="xlsx"))
    subprocess.run([str(OFFICE), f"-env:UserInstallation={(tmp_path / 'office').as_uri()}", "--headless", "--convert-to",
                    "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,false,false", "--outdir", str(tmp_path), str(tmp_path / "orders.xlsx")],
                   check=True, capture_output=True, timeout=300)
    with Path(tmp_path / "orders.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]

    assert len(rows) == len(kept)
    for found, row in zip(rows, kept, strict=True):
        for place, (cell, value) in enumerate(zip(found, shown(row), strict=True)):
            if isinstance(value, Decimal):
                assert Decimal(cell) == value
            elif place != 5:
                assert restore(cell) == ("" if value is None else str(value))


def test_the_days_of_all_kinds_are_days(app):
    make({"tracking_number": "=1", "eta": "2026-05-31"}, {"tracking_number": "2"}, resource="deliveries")

    sheet = openpyxl.load_workbook(io.BytesIO(export("tracking_number", "eta", resource="deliveries", query="sort=-eta", format="xlsx"))).worksheets[0]

    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [["=1", datetime(2026, 5, 31)], ["2", None]]  # noqa: DTZ001
    assert sheet["B2"].number_format == "yyyy-mm-dd"
