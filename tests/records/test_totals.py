"""The totals row of a list: what its columns come to, by currency, for whoever may see them, at a cost that is known before."""
import re

import pytest

from app.records import bounds, summary
from app.records.registry import named
from tests.records.pages import get
from tests.records.stock import put, statements


def order(id, total=100_00, currency="EUR", **values):
    return {"id": id, "number": f"O-{id}", "status": "placed", "total_minor": total, "currency": currency, **values}


def foot(page):
    """The words of the totals row, "" without one."""
    found = re.search(r"<tfoot.*?</tfoot>", page.html, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip() if found else ""


def test_a_list_that_is_all_there_is_has_its_totals_at_no_cost(app, sign_in):
    put("orders", order(1, 1284_50), order(2, 100_05), order(3, 2_000, "JPY"), order(4, None))
    client = sign_in()
    get(client, "/orders")
    with statements() as seen:
        page = get(client, "/orders")

    assert "1,384.55 EUR" in foot(page)
    assert "2,000 JPY" in foot(page)
    assert not [text for text, _ in seen if "sum(" in text and "generations" not in text]


def test_one_row_and_columns_nobody_adds_up_have_no_totals(app, sign_in):
    put("orders", order(1))
    put("customers", {"id": 1, "email": "a@x.org"}, {"id": 2, "email": "b@x.org"})
    client = sign_in()
    assert foot(get(client, "/orders")) == ""
    assert foot(get(client, "/customers")) == ""


def test_a_longer_list_adds_up_when_it_is_asked_for_all_that_match(app, sign_in):
    put("orders", *(order(id, 10_00, "EUR" if id % 2 else "USD", channel="web" if id < 61 else "shop") for id in range(1, 101)))
    client = sign_in()

    page = get(client, "/orders?channel=web")
    assert foot(page) == "Show totals"
    page = get(client, page.link("totals=1").partition("#")[0])
    assert "300.00 EUR" in foot(page)
    assert "300.00 USD" in foot(page)
    assert "of 60 orders" in foot(page)
    assert "totals=1" in page.link("after="), "the next page shows them too"
    page = get(client, page.link("after="))
    assert "300.00 EUR" in foot(page), "of all that match, not of what is left"


def test_a_sum_larger_than_any_column_holds_is_exact(app, sign_in):
    put("orders", *(order(id, 2**63 - 1) for id in range(1, 61)))

    assert f"{(2**63 - 1) * 60 // 100:,}" in foot(get(sign_in(), "/orders?totals=1"))


def test_plain_numbers_are_added_with_their_unit(app, sign_in):
    put("orders", order(1, weight=900), order(2, weight=1100))
    client = sign_in()
    client.post("/orders/columns", data={"column": ["number", "weight"], "page_size": "50"})

    assert "2,000 g" in foot(get(client, "/orders"))


def test_what_takes_too_long_is_said_instead(app, sign_in, monkeypatch):
    put("orders", *(order(id) for id in range(1, 201)))
    monkeypatch.setattr(summary, "_read", stop)

    assert "stopped before it was done" in foot(get(sign_in(), "/orders?totals=1"))


def stop(*_):
    raise bounds.TooLong


@pytest.mark.parametrize("name", ["total", "currency"])
def test_an_amount_is_not_added_up_for_whom_may_not_see_it_or_its_currency(app, sign_in, monkeypatch, name):
    put("orders", order(1), order(2))
    monkeypatch.setitem(vars(named("orders").require(name)), "sensitive", True)

    assert foot(get(sign_in("operator"), "/orders")) == ""
    assert foot(get(sign_in("operator"), "/orders?totals=1")) == ""
    assert "200.00 EUR" in foot(get(sign_in("manager"), "/orders"))
