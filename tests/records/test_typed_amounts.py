"""Amounts as people type them into forms: a comma is read where it can mean one thing, and asked about where it can mean two."""
import pytest

from tests.client import form_token
from tests.records import gate
from tests.records.gate import act, customer, order


@pytest.fixture
def edit(app, sign_in):
    act(customer("ada@example.com", name="Ada Whitcombe"), order("ORD-1", customer="ada@example.com", total="10", currency="EUR"))
    [row] = gate.rows("orders")
    client = sign_in("operator")

    def send(total):
        page = client.get(f"/orders/{row['id']}/edit")
        return client.post(f"/orders/{row['id']}", data={"csrf_token": form_token(page), "version": row["version"], "number": "ORD-1",
                                                         "customer": "ada@example.com", "status": row["status"], "currency": "EUR", "total": total})
    return send


@pytest.mark.parametrize(("typed", "minor"), [("12,50", 1250), ("12.50", 1250), ("1.000,50", 100050), ("1,000.50", 100050), ("1500", 150000)])
def test_what_can_be_one_number_is_that_number(edit, typed, minor):
    assert edit(typed).status_code == 303
    assert gate.rows("orders")[0]["total_minor"] == minor


@pytest.mark.parametrize("typed", ["1,500", "12,345"])
def test_what_can_be_two_is_refused_and_says_how_to_write_it(edit, typed):
    answer = edit(typed)
    assert answer.status_code == 422
    assert "This can be read as" in answer.text
    assert gate.rows("orders")[0]["total_minor"] == 1000


def test_a_search_that_finds_nothing_leads_to_the_orders_of_the_customer_it_names(edit, sign_in):
    page = sign_in("viewer").get("/orders?q=Whitcombe").text
    assert "1 order matches whose customer is found by it." in page
    assert "/orders?customer.contains=Whitcombe" in page
