"""References: found, refused, or kept in mind until their target is here; and the trash."""
import pytest

from app.records.changes import Change
from tests.records.gate import (
    API,
    EVENT,
    FORM,
    IMPORT,
    UNDO,
    act,
    at,
    audits,
    customer,
    kinds,
    lines,
    order,
    payment,
    plans,
    row,
    rows,
    staff,
)


def subscription(customer, second=1, /, id="sub_1", **values):
    return Change("subscriptions", {"customer": customer, "amount_minor": 5, **values}, key={"external_id": id}, as_of=at(second))


def test_news_of_an_order_that_is_not_here_yet_is_kept_and_linked_when_it_comes(app, database):
    assert kinds(act(payment("paid", 1, order="ORD-1"), source=EVENT)) == ["created"]
    assert (row("payments")["order_id"], row("payments")["order_ref"]) == (None, "number=ORD-1")
    [made] = act(order("ORD-1"))
    found = row("payments")
    assert (found["order_id"], found["order_ref"], found["version"]) == (made.id, None, 2)
    assert audits()[-1] == ("payments", "updated", 2, {"order_id": [None, made.id], "order_ref": ["number=ORD-1", None]})


def test_it_is_linked_within_one_batch_as_well(app, database):
    outcomes = act(payment("paid", 1, order="ORD-1"), order("ORD-1"), payment("refunded", 2), source=EVENT)
    assert kinds(outcomes) == ["created", "created", "updated"]
    assert outcomes[2].version == 3
    assert row("payments")["order_id"] == row("orders")["id"]


def test_it_is_linked_when_a_record_takes_on_the_key(app, database):
    act(payment("paid", 1, order="ORD-1"), source=EVENT)
    act(order("ORD-2"))
    assert kinds(act(order("ORD-2", number="ORD-1"))) == ["updated"]
    assert row("payments")["order_id"] == row("orders")["id"]


def test_outside_keys_wait_within_their_account(app, database):
    act(subscription({"external_id": "cus_1"}), source=EVENT)
    assert row("subscriptions")["customer_ref"] == "external_id@stripe=cus_1"
    act(customer("p@x.org", external_id="cus_1"), source=EVENT._replace(account="paypal"))
    assert row("subscriptions")["customer_id"] is None
    act(customer("s@x.org", external_id="cus_1"), source=EVENT)
    assert row("subscriptions")["customer_id"] == row("customers", email="s@x.org")["id"]


def test_a_reference_by_outside_key_is_found_at_once_when_it_is_here(app, database):
    act(customer("s@x.org", external_id="cus_1"), source=EVENT)
    act(subscription({"external_id": "cus_1"}), source=EVENT)
    assert row("subscriptions")["customer_id"] == row("customers")["id"]
    act(subscription({"external_id": "cus_1", "account": "paypal"}, 2), source=EVENT)
    found = row("subscriptions")
    assert (found["customer_id"], found["customer_ref"]) == (None, "external_id@paypal=cus_1")


def test_lines_wait_for_their_products(app, database):
    news = Change("orders", {"total_minor": 5, "lines": [{"product": "A"}, {"product": "B", "quantity": 2}]}, key={"number": "1"}, as_of=at(1))
    assert kinds(act(news, source=EVENT)) == ["created"]
    assert [line["product_ref"] for line in lines()] == ["sku=A", "sku=B"]
    [made] = act(Change("products", {"name": "B", "price": "1"}, key={"sku": "B"}))
    assert [(line["product_id"], line["product_ref"], line["quantity"]) for line in lines()] == [(None, "sku=A", 1), (made.id, None, 2)]
    assert row("orders")["version"] == 2
    assert audits()[-1][:3] == ("orders", "updated", 2)


@pytest.mark.parametrize("source", [FORM, IMPORT, API], ids=lambda source: source.door)
def test_people_may_not_name_what_is_not_here(app, database, source):
    [outcome] = act(payment("paid", order="ORD-1"), source=source)
    assert outcome.errors == {"order": "No order has the order number ORD-1. Correct it or create the order first."}


def test_people_who_choose_another_end_the_waiting(app, database):
    act(payment("paid", 1, order="ORD-1"), source=EVENT)
    [made] = act(order("ORD-2"))
    assert kinds(act(Change("payments", {"order": "ORD-2"}, key={"external_id": "pi_1"}), source=FORM)) == ["updated"]
    act(order("ORD-1"))
    assert (row("payments")["order_id"], row("payments")["order_ref"]) == (made.id, None)


def test_newer_news_ends_the_waiting_older_news_does_not_bring_it_back(app, database):
    act(order("ORD-2"))
    news = payment("paid", 1, order="ORD-1"), payment(None, 3, order="ORD-2"), payment(None, 2, order="ORD-1")
    assert kinds(act(*news, source=EVENT)) == ["created", "updated", "stale"]
    assert row("payments")["order_ref"] is None


def test_a_plan_links_too(app, database):
    act(payment("paid", 1, order="ORD-1"), source=EVENT)
    changes = [order("ORD-1"), Change("payments", {"order": "ORD-1"}, key={"external_id": "pi_1"})]
    assert kinds(plans(*changes)) == kinds(act(*changes)) == ["created", "unchanged"]


def trash(email="a@x.org", when=at(1)):
    return Change("customers", {"trashed_at": when}, key={"email": email})


def test_trashing_and_restoring_are_changes_like_any_other(app, database):
    act(customer("a@x.org"))
    assert kinds(act(trash(), trash(when=at(2)), trash(when=None), trash(when=None), source=FORM)) == [
        "updated", "unchanged", "updated", "unchanged"]
    assert [action for _, action, _, _ in audits()] == ["created", "trashed", "restored"]


def test_what_is_in_the_trash_keeps_its_keys_and_is_left_alone(app, database):
    act(customer("a@x.org", name="A"), customer("b@x.org"))
    act(trash(), source=FORM)
    [edit] = act(customer("a@x.org", name="B"))
    assert (edit.kind, edit.errors) == ("invalid", {"email": "This customer is in the trash. Restore it first or change the key."})
    [taken] = act(customer("b@x.org", email="a@x.org"))
    assert taken.errors == {"email": "A customer in the trash has this e-mail. Restore it or change the key."}
    assert kinds(act(customer("a@x.org", name="A"))) == ["unchanged"]
    assert kinds(act(Change("customers", {"trashed_at": None, "name": "B"}, key={"email": "a@x.org"}))) == ["updated"]


def test_people_may_not_refer_to_the_trash_providers_may(app, database):
    act(customer("a@x.org"), order("1", customer="a@x.org"))
    act(trash(), source=FORM)
    [outcome] = act(order("2", customer="a@x.org"))
    assert outcome.errors == {"customer": "This customer is in the trash. Restore it first or choose another."}
    [by_id] = act(order("2", customer_id=row("customers")["id"]))
    assert by_id.errors == {"customer_id": "This customer is in the trash. Restore it first or choose another."}
    assert kinds(act(order("1", customer="a@x.org", note="kept"))) == ["updated"]
    assert kinds(act(order("2", customer="a@x.org"), source=EVENT)) == ["created"]


def test_the_trash_has_rights_of_its_own(app, database):
    act(customer("a@x.org"))
    assert kinds(act(trash(), source=staff("customers.trash"))) == ["forbidden"]
    assert kinds(act(Change("customers", {"trashed_at": at(1)}, key={"id": row("customers")["id"]}), source=staff("customers.edit"))) == ["updated"]
    assert kinds(act(trash(when=None), source=staff("customers.restore"))) == ["forbidden"]


def test_keys_of_every_alphabet_are_found_again(app, database):
    names = ["😀-1", "Ω=1", 'quo"te', "back\\slash", "percent%s", "{1,2}", "NULL", "100%"]
    act(*(payment("paid", 1, id=name, order=name) for name in names), source=EVENT)
    assert kinds(act(*(order(name) for name in names))) == ["created"] * len(names)
    assert kinds(act(*(order(name) for name in names))) == ["unchanged"] * len(names)
    assert all(found["order_id"] for found in rows("payments"))


def test_what_the_audit_kept_can_be_written_back(app, database):
    act(*(Change("products", {"name": sku, "price": "1"}, key={"sku": sku}) for sku in "AB"), customer("a@x.org"))
    act(order("1", lines=[{"product": "A"}], customer="a@x.org", placed_at="2026-05-31 14:30"))
    act(order("1", lines=[{"product": "B", "quantity": 2}], customer=None, placed_at=None, total="9", status="placed"))
    diff = audits()[-1][3]
    back = Change("orders", {column: old for column, (old, _) in diff.items()}, key={"number": "1"}, version=2)
    assert kinds(act(back, source=UNDO)) == ["updated"]
    found = row("orders")
    assert (found["total_minor"], found["status"], found["customer_id"]) == (1250, "draft", row("customers")["id"])
    assert found["placed_at"].isoformat() == "2026-05-31T14:30:00+00:00"
    assert [(line["product_id"], line["quantity"]) for line in lines()] == [(row("products", sku="A")["id"], 1)]


def test_a_strange_word_of_a_provider_harms_nobody(app, database):
    assert kinds(act(payment("paid", 1, word="\ud800\x00"), payment("paid", 1, id="b", word="evt"), source=EVENT)) == ["created", "created"]
