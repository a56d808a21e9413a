"""The page on which columns get their meaning: words of the file, what every row has, parts of cells, and mappings that are kept."""
import io
import json
import re

import pytest
from sqlalchemy import select

from app.errors import BadRequest, NotFound
from app.extensions import db
from app.imports import mappings
from app.imports.models import Import, Mapping
from app.records.registry import named
from tests.imports.flow import change
from tests.records.api_client import Program

ORDERS = "Order number,Buyer,Status,Total,Weight,Place\nA-1,ACME Ltd,Plced,5,2,10115 Berlin\nA-2,ada@example.com,on the road,6,3,\nA-3,,on the road,7,,50667 Köln\n"
CHOSEN = {"mode": "upsert", "key": "number", "blank": "leave", "field-0": "number", "field-1": "customer", "field-2": "status", "field-3": "total",
          "field-4": "weight", "field-5": "postcode"}
SAID = {"said-status-0": "on the road", "word-status-0": "shipped", "said-status-1": "Plced", "word-status-1": "placed",
        "said-customer-0": "ACME Ltd", "word-customer-0": "ada@example.com"}
MORE = SAID | {"same-currency": "eur", "unit-4": "kg", "split-5": "blank", "at-5": "first", "rest-5": "city"}


def send(client, content=ORDERS):
    sent = client.post("/imports", data={"resource": "orders", "file": (io.BytesIO(content.encode()), "orders.csv")}, content_type="multipart/form-data")
    return sent.location


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def chosen(answer, name):
    """What is chosen, or typed, in an input of the page."""
    if found := re.search(rf'<input[^>]* name="{name}" value="([^"]*)"', answer.text):
        return found[1]
    options = answer.text.partition(f'name="{name}"')[2].partition("</select>")[0]
    return next(iter(re.findall(r'value="([^"]*)" selected', options)), "")


@pytest.fixture
def at_columns(sign_in, drain):
    def go(content=ORDERS):
        client = sign_in("operator")
        change("ada@example.com", company="ACME Ltd", name="Ada")
        url = send(client, content)
        drain()
        return client, url
    return go


def orders():
    db.session.rollback()
    table = named("orders").table
    return db.session.execute(select(table.c.number, table.c.status, table.c.total_minor, table.c.currency, table.c.weight, table.c.postcode,
                                     table.c.city, table.c.customer_id).order_by(table.c.number)).all()


def test_from_words_nobody_knows_to_records_and_remembered(at_columns, drain):
    client, url = at_columns()

    page = client.post(f"{url}/columns", data=CHOSEN | {"look": "1"})

    assert page.status_code == 200
    assert "2 rows on the road" in text(page)
    assert (chosen(page, "word-status-0"), chosen(page, "word-status-1")) == ("", "placed")     # the second is a guess
    assert (chosen(page, "word-customer-0"), "A guess" in page.text) == ("ada@example.com", True)
    client.post(f"{url}/columns", data=CHOSEN | MORE)
    drain()
    client.post(f"{url}/run", data={"all": "1"})
    drain()
    ada = db.session.scalar(select(named("customers").table.c.id))
    assert orders() == [("A-1", "placed", 500, "EUR", 2000, "10115", "Berlin", ada), ("A-2", "shipped", 600, "EUR", 3000, None, None, ada),
                        ("A-3", "shipped", 700, "EUR", None, "50667", "Köln", None)]

    again = send(client, "Place,Status,Order number,Buyer,Total,Weight\n1 X,on the road,A-4,ACME Ltd,1,1\n")
    drain()
    page = client.get(again)
    assert (chosen(page, "field-0"), chosen(page, "split-0"), chosen(page, "rest-0")) == ("postcode", "blank", "city")
    assert (chosen(page, "word-status-0"), chosen(page, "same-currency"), chosen(page, "unit-5")) == ("shipped", "eur", "kg")


@pytest.mark.alike
@pytest.mark.parametrize(("said", "name", "sentence"), [
    ({"same-total": "much", "field-3": ""}, "same-total", "This is not a number"), ({"same-total": "5"}, "same-total", "has a column already"),
    ({"default-4": "heavy"}, "default-4", "This is not a whole number"), ({"unit-4": "stone"}, "unit-4", "This is no unit to convert from"),
    ({"split-5": "other", "sign-5": "", "rest-5": "city"}, "split-5", "Type what stands between the two parts"),
    ({"split-5": "blank", "rest-5": ""}, "split-5", "Choose the field of the second part"),
    ({"split-5": "blank", "rest-5": "total"}, "rest-5", "This field has a column already"),
    ({"said-customer-0": "ACME Ltd", "word-customer-0": "bob@example.com"}, "word-customer-0", "No customer has the e-mail bob@example.com"),
    ({"said-customer-0": "ACME Ltd", "word-customer-0": "bob"}, "word-customer-0", "This is not an e-mail address"), ({"keep": "7"}, "keep", "with a letter in it")])
def test_what_cannot_be_is_said_beside_what_was_typed(at_columns, said, name, sentence):
    client, url = at_columns()

    answer = client.post(f"{url}/columns", data=CHOSEN | MORE | {"split-5": "", "rest-5": ""} | said)

    assert answer.status_code == 422
    assert sentence in text(answer)
    assert "to settle before the preview" in text(answer)
    assert chosen(answer, name) == said.get(name, "")
    assert chosen(answer, "same-currency") == "eur"
    assert db.session.scalar(select(Import.stage)) == "match"


@pytest.mark.alike
def test_the_preview_says_what_words_mean_and_what_changes_without_a_column(at_columns, drain):
    client, url = at_columns("Order number,Total,Status\nA-1,5,Plced\n")
    said = {"mode": "upsert", "key": "number", "blank": "leave", "field-0": "number", "field-1": "total", "field-2": "status",
            "said-status-0": "Plced", "word-status-0": "placed"}
    client.post(f"{url}/columns", data=said | {"same-currency": "EUR"})
    drain()
    assert "Plced means Placed" in text(client.get(url))
    client.post(f"{url}/run")
    drain()

    url = send(client, "Order number,Total,Status\nA-1,5,Plced\n")
    drain()
    client.post(f"{url}/columns", data=said | {"same-currency": "USD"})
    drain()

    assert "Currency EUR → is now USD" in text(client.get(url))


@pytest.mark.alike
def test_a_word_can_mean_nothing_and_stay_open(at_columns, drain):
    client, url = at_columns()
    client.post(f"{url}/columns", data=CHOSEN | SAID | {"word-customer-0": "(blank)", "word-status-0": "", "same-currency": "EUR"})
    drain()

    assert chosen(client.get(f"{url}/columns"), "word-customer-0") == "(blank)"
    preview = text(client.get(url))
    assert "Refused 2" in preview
    assert "on the road" in preview


def test_a_mapping_is_kept_under_a_name_and_used_for_another_file(at_columns, drain):
    client, url = at_columns()
    client.post(f"{url}/columns", data=CHOSEN | MORE | {"keep": "  The  Shop "})
    drain()
    assert "The Shop" in client.get("/imports/mappings").text

    other = send(client, "Order number,Buyer,Status,Total,Weight,Place,Extra\nA-9,ACME Ltd,on the road,1,1,1 X,x\n")
    drain()
    kept = db.session.scalar(select(Mapping.id))
    page = client.get(f"{other}/columns?mapping={kept}")
    assert (chosen(page, "unit-4"), chosen(page, "rest-5"), chosen(page, "field-6")) == ("kg", "city", "")
    lacking = send(client, "Order number,Total\nA-9,1\n")
    drain()
    page = client.get(f"{lacking}/columns?mapping={kept}")
    assert page.status_code == 422
    assert "needs the columns Buyer, Status, Weight, Place, which the file does not have" in page.text

    client.post(f"/imports/mappings/{kept}/remove")
    assert "No mapping is kept yet" in client.get("/imports/mappings").text
    assert client.post(f"/imports/mappings/{kept}/remove").status_code == 404


@pytest.mark.alike
def test_a_name_is_one_however_it_is_written(at_columns, drain):
    client, url = at_columns()
    for name in ("Shop", "SHOP"):
        client.post(f"{url}/columns", data=CHOSEN | MORE | {"keep": name})
        drain()

    assert [one.name for one in mappings.of(db.session(), "orders")] == ["Shop"]
    assert mappings.find(db.session(), "orders", " shop ").rules["units"] == {"weight": "kg"}
    with pytest.raises(NotFound, match="no mapping “shop” for customers"):
        mappings.find(db.session(), "customers", "shop")


@pytest.mark.alike
def test_nobody_removes_or_sees_mappings_who_may_not_import(at_columns, drain, sign_in):
    client, url = at_columns()
    client.post(f"{url}/columns", data=CHOSEN | MORE | {"keep": "Shop"})

    viewer = sign_in("viewer")

    assert "Shop" not in viewer.get("/imports/mappings").text
    assert viewer.post(f"/imports/mappings/{db.session.scalar(select(Mapping.id))}/remove").status_code == 403


def test_programs_use_a_mapping_by_its_name(at_columns, drain, token, put):
    client, url = at_columns()
    client.post(f"{url}/columns", data=CHOSEN | MORE | {"keep": "Shop"})
    drain()
    program = Program(client.application, token("operator"))

    asked = ask(program, saved_mapping="shop")
    drain()

    assert json.loads(program.get(asked.headers["Location"].partition("/api/v1")[2]).data)["counts"]["refused"] == 0
    assert [(row.number, row.status, row.weight, row.city) for row in orders()] == [
        ("A-1", "placed", 2000, "Berlin"), ("A-2", "shipped", 3000, None), ("A-3", "shipped", None, "Köln")]
    assert put("orders", ORDERS, saved="Shop")["unchanged"] == 3
    assert put("orders", ORDERS)["refused"] == 3                        # without it nothing is remembered for a program
    assert put("orders", ORDERS, saved="Shop", columns={"Status": ""}, mode="create")["refused"] == 3
    assert "There is no mapping “Shop 2” for orders." in json.loads(ask(program, saved_mapping="Shop 2").data)["errors"][0]["detail"]
    with pytest.raises(BadRequest, match="needs the columns Buyer"):
        put("orders", "Order number,Total\nA-1,5\n", saved="Shop")


def ask(program, **parts):
    return program.app.test_client().post("/api/v1/imports", data={"resource": "orders", "file": (io.BytesIO(ORDERS.encode()), "orders.csv"), **parts},
                                          headers={"Authorization": f"Bearer {program.token}"}, content_type="multipart/form-data")
