"""Templates: workbooks to fill in, that come back without a match by hand and without their example row."""
import io

import openpyxl
import pytest

from app.access import ROLES
from app.audit import COMMAND_LINE, Actor
from app.extensions import db
from app.imports import template
from app.imports.command import Wishes, import_file
from app.imports.models import Import
from app.records.registry import named
from tests.imports.flow import customers

NAMES = ("customers", "deliveries", "orders", "payments", "products", "subscriptions")
OPERATOR = Actor("staff", "Olaf", 1, grants=ROLES["operator"])


def made(resource, actor=COMMAND_LINE):
    file = io.BytesIO()
    template.write(named(resource), actor, file)
    return openpyxl.load_workbook(file)


def saved(book, path):
    book.save(path)
    return path


@pytest.mark.alike
def test_it_has_headings_notes_choices_and_an_example(app):
    sheet = made("orders").worksheets[0]
    headings = [cell.value for cell in sheet[1]]

    assert headings[:3] == ["Order number", "Customer, by E-mail", "Status"]
    assert sheet["A1"].comment.text == "Needed for every new row."
    assert sheet["B1"].comment.text == "May be left blank. The e-mail of the customer."
    rules = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation}
    assert rules["C2:C5000"] == '"Draft,Placed,Packing,Shipped,Delivered,Returned,Cancelled"'
    assert (sheet["A2"].value, sheet["A2"].number_format, sheet.column_dimensions["A"].number_format) == ("Example order number", "@", "@")


@pytest.mark.alike
def test_it_has_no_field_one_may_not_fill(app):
    assert "Ship to: phone" not in [cell.value for cell in made("orders", OPERATOR).worksheets[0][1]]
    assert "Ship to: phone" in [cell.value for cell in made("orders").worksheets[0][1]]


@pytest.mark.alike
@pytest.mark.parametrize("name", NAMES)
def test_its_columns_are_matched_and_its_example_is_left_out(app, name, tmp_path):
    path = saved(made(name), tmp_path / "template.xlsx")

    report = import_file(path, name, Wishes(dry_run=True), by=COMMAND_LINE)

    assert (report["rows"], report["skipped"], report["skips"]) == (1, 1, [{"row": 2, "message": template.EXAMPLE}])
    imported = db.session.query(Import).one()
    assert {column["sure"] for column in imported.columns} == {"certain"}
    assert imported.about["notes"] == ["Row 2 is the example of the template and is left out."]


def test_a_filled_template_is_imported_as_it_is(app, tmp_path):
    book = made("customers")
    book.worksheets[0].append(["ada@example.com", "Ada"])

    report = import_file(saved(book, tmp_path / "filled.xlsx"), "customers", Wishes(), by=COMMAND_LINE)

    assert (report["created"], report["skipped"], report["refused"]) == (1, 1, 0)
    assert list(db.session.scalars(db.select(customers.c.name))) == ["Ada"]


def test_an_example_that_was_filled_in_is_a_row(app, put):
    report = put("customers", "E-mail,Name\nexample@example.com,Ada\n")

    assert (report["created"], report["skipped"]) == (1, 0)


@pytest.mark.alike
def test_the_upload_form_leads_to_it(sign_in):
    client = sign_in("operator")

    assert 'href="/imports/templates/orders"' in client.get("/imports/new?resource=orders").text
    assert client.get("/imports/templates/orders").headers["Content-Disposition"] == "attachment; filename=orders-template.xlsx"
    assert sign_in("viewer").get("/imports/templates/orders").status_code == 403


@pytest.mark.alike
@pytest.mark.parametrize(("role", "offered"), [("operator", True), ("viewer", False)])
def test_a_list_offers_it_to_whoever_may_import(sign_in, role, offered):
    assert ('href="/imports/templates/customers"' in sign_in(role).get("/customers").text) == offered
