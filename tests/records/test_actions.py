"""Actions: declared by a resource, done by whoever registered, the same on pages and for programs."""
import pytest

from app.access import ROLES
from app.audit import Actor
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.extensions import db
from app.records import actions
from app.records.fields import Boolean, Choice, Currency, DateTime, Integer, Money, Reference, State, Text
from app.records.registry import named
from app.records.resource import Action
from app.records.values import Reading
from tests.records import gate
from tests.records.gate import EVENT, act, customer, order, payment
from tests.records.pages import get, inline, post, read

MANAGER = Actor("staff", "mina", 1, ROLES["manager"])
VIEWER = Actor("staff", "vera", 2, ROLES["viewer"])


@pytest.fixture
def refunds(monkeypatch):
    """Somebody who does refunds, of payments that are paid; what they were asked for."""
    asked = []

    def do(actor, resource, row, values):
        if values["amount_minor"] > row["amount_minor"]:
            raise Invalid("Nothing was sent.", errors={"amount": "This is more than was paid. Write 10.00 or less."})
        asked.append((actor.name, resource.name, row["id"], values))
        return f"Payment {row['external_id']} is refunded"
    monkeypatch.setattr(actions, "_doers", {})
    actions.action("payments", "refund", when=lambda row: row["status"] == "paid")(do)
    return asked


@pytest.fixture
def paid(app):
    """The id of a payment of 10.00 EUR."""
    act(payment("paid", 1), source=EVENT)
    return gate.row("payments")["id"]


def run(id, body, actor=MANAGER, **values):
    return actions.run(actor, named("payments"), id, "refund", body, Reading(ids=True), **values)


def test_an_action_nobody_does_is_nowhere(paid, sign_in, monkeypatch):
    monkeypatch.setattr(actions, "_doers", {})
    client = sign_in()

    assert not any("/refund" in link for link in get(client, f"/payments/{paid}").links())
    assert client.get(f"/payments/{paid}/refund").status_code == 404
    assert client.post(f"/payments/{paid}/refund", data={"version": "1"}).status_code == 404
    with pytest.raises(NotFound):
        run(paid, {"amount": "1"})


def test_the_page_of_a_record_offers_what_may_and_can_be_done(refunds, paid, sign_in):
    path = f"/payments/{paid}"

    assert f"{path}/refund" in get(sign_in("manager"), path).links()
    assert f"{path}/refund" not in get(sign_in("operator"), path).links(), "without the permission"
    assert sign_in("operator").get(f"{path}/refund").status_code == 403
    act(payment("refunded", 2), source=EVENT)
    assert f"{path}/refund" not in get(sign_in("manager"), path).links(), "when it cannot be done"
    assert sign_in("manager").get(f"{path}/refund").status_code == 409
    assert sign_in("manager").get("/orders/1/refund").status_code == 404, "orders declare no such action"


def test_an_action_is_asked_for_by_a_form_made_from_its_fields_and_answers_with_a_toast(refunds, paid, sign_in):
    client, path = sign_in("manager"), f"/payments/{paid}"

    page = get(client, f"{path}/refund")
    answer = post(client, f"{path}/refund", {**page.form(f"{path}/refund"), "amount": "2.50", "reason": "Broken"})

    assert "Refund payment pi_1" in page.text
    assert not inline(page.html)
    assert answer.location == path
    assert "Payment pi_1 is refunded" in get(client, path).text
    assert refunds == [("Manager", "payments", paid, {"amount_minor": 250, "reason": "Broken"})]


def test_the_list_one_came_from_is_remembered_through_an_action(refunds, paid, sign_in):
    client, path, at = sign_in("manager"), f"/payments/{paid}", "/payments?status=paid&sort=-amount"
    record = read(client.get(path, headers={"Referer": f"http://localhost{at}"}))

    asks = get(client, record.link("/refund"))
    answer = post(client, f"{path}/refund", {**asks.form(f"{path}/refund"), "amount": "2.50"})

    assert at in asks.links()
    assert at in get(client, answer.location).links()


@pytest.mark.parametrize(("amount", "sentence"), [
    ("much", "This is not a number"), ("99", "This is more than was paid")])
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(refunds, paid, sign_in, amount, sentence):
    client, path = sign_in("manager"), f"/payments/{paid}/refund"
    form = {**get(client, path).form(path), "amount": amount, "reason": "Broken"}

    page = read(client.post(path, data=form), 422)

    assert sentence in page.text
    assert page.form(path)["reason"] == "Broken"
    assert page.every("input", id="amount", aria_invalid="true")
    assert refunds == []


def test_what_an_action_must_be_told_is_asked_for(app):
    must = Action("close", fields=(Text("why", required=True),))
    with pytest.raises(Invalid) as caught:
        actions.read(db.session(), MANAGER, must, {}, {"why": " "}, Reading(ids=True))
    assert caught.value.errors == {"why": "This is missing. Fill it in."}


def test_an_action_on_what_has_changed_since_is_refused_and_says_who_changed_it(refunds, paid, sign_in):
    client, path = sign_in("manager"), f"/payments/{paid}/refund"
    form = {**get(client, path).form(path), "amount": "1"}
    act(payment("paid", 2, method="card"), source=EVENT)

    page = read(client.post(path, data=form), 409)

    assert "stripe changed this meanwhile" in page.text
    assert page.form(path)["version"] == "2", "the next press knows what it sees"
    assert refunds == []


def test_a_form_of_an_action_that_is_too_old_is_shown_again(refunds, paid, sign_in):
    client, path = sign_in("manager"), f"/payments/{paid}/refund"
    client.with_token = False

    answer = client.post(path, data={"version": "1", "amount": "1"}, headers={"Sec-Fetch-Site": "same-origin"})

    assert read(answer, 400).form(path)["amount"] == "1"
    assert refunds == []


def test_a_program_runs_an_action_with_a_body_and_gets_its_errors_by_field(refunds, paid):
    assert run(paid, {"amount": "1.00"}) == "Payment pi_1 is refunded"
    assert refunds == [("mina", "payments", paid, {"amount_minor": 100, "reason": None})]
    with pytest.raises(Invalid) as refused:
        run(paid, {"amount": "x", "colour": "red"})
    assert set(refused.value.errors) == {"amount", "colour"}
    with pytest.raises(Forbidden):
        run(paid, {"amount": "1"}, actor=VIEWER)
    with pytest.raises(Conflict):
        run(paid, {"amount": "1"}, version=7)
    with pytest.raises(NotFound):
        run(99, {"amount": "1"})


def test_nothing_is_done_to_what_is_in_the_trash_or_out_of_sight(refunds, paid, sign_in):
    scoped = Actor("staff", "mina", 1, ROLES["manager"], {"payments": "status=failed"})
    with pytest.raises(NotFound):
        run(paid, {"amount": "1"}, actor=scoped)
    sign_in().post(f"/payments/{paid}/trash")
    with pytest.raises(Conflict):
        run(paid, {"amount": "1"})
    assert refunds == []


def test_one_function_may_do_an_action_of_every_resource_that_declares_it(paid, monkeypatch):
    monkeypatch.setattr(actions, "_doers", {})
    actions.action("*", "refund")(lambda actor, resource, row, values: "Done")

    assert [one.name for one in actions.registered(named("payments"))] == ["refund"]
    assert actions.registered(named("orders")) == []


def test_the_values_an_action_gets_are_read_like_those_of_a_record(app):
    act(customer("ada@acme.example"))
    act(order("ORD-1"), order("ORD-2"))
    declared = Action("invoice", fields=(
        Money("amount"), Currency("currency"), Integer("copies", default=1), Boolean("paid"), DateTime("at"),
        Choice("by", choices=(State("mail"), State("post"))), Reference("order", to="orders", shown_by="number"), Text("word")))
    second = gate.row("orders", number="ORD-2")["id"]

    def read_(body, actor=MANAGER):
        return actions.read(db.session(), actor, declared, {"currency": "EUR"}, body, Reading(ids=True))

    values = read_({"amount": "1000", "currency": "jpy", "paid": True, "by": "Mail", "order": "ORD-2", "word": " hi "})
    assert values == {"amount_minor": 1000, "currency": "JPY", "copies": 1, "paid": True, "at": None, "by": "mail",
                      "order_id": second, "word": "hi"}
    assert read_({"order": {"id": second}, "currency": "EUR"})["order_id"] == second
    with pytest.raises(Invalid) as refused:
        read_({"order": "ORD-9", "by": "pigeon"})
    assert refused.value.errors["order"] == "No order has the order number ORD-9. Correct it or choose another."
    assert "by" in refused.value.errors
    with pytest.raises(Invalid):
        read_({"order": "ORD-2"}, Actor("staff", "mina", 1, ROLES["manager"], {"orders": "number=ORD-1"}))
