"""The gate: one way in for everything, deciding change after change, writing many at once."""
from datetime import date

from sqlalchemy import select

from app.audit import Actor, Audit, Door
from app.extensions import db
from app.records.changes import Change, Source
from tests.records.gate import (
    API,
    EVENT,
    FORM,
    IMPORT,
    act,
    audits,
    customer,
    indexed,
    kinds,
    lines,
    order,
    payment,
    plans,
    row,
    rows,
    should_be_indexed,
)


def test_a_record_is_created_once_then_changed_then_left_alone(app, database):
    assert kinds(act(customer("Ada@x.org", name="Ada"))) == ["created"]
    assert kinds(act(customer("ada@X.org ", name="Ada L"))) == ["updated"]
    assert kinds(act(customer("ada@x.org", name=" Ada L "))) == ["unchanged"]
    found = row("customers", email="ada@x.org")
    assert (found["version"], found["revision"], found["name_key"]) == (2, 2, "ada l")
    assert audits() == [("customers", "created", 1, {}), ("customers", "updated", 2, {"name": ["Ada", "Ada L"]})]


def test_an_outcome_tells_what_a_new_record_was_given(app, database):
    [outcome] = act(customer("a@x.org", name="Ada", company=""))
    assert outcome.diff == {"email": [None, "a@x.org"], "name": [None, "Ada"]}
    assert outcome.id == row("customers")["id"]


def test_two_changes_of_one_record_in_a_batch_behave_as_one_after_the_other(app, database):
    outcomes = act(customer("a@x.org", name="1"), customer("a@x.org", name="2"), customer("a@x.org", name="2"))
    assert kinds(outcomes) == ["created", "updated", "unchanged"]
    assert {outcome.id for outcome in outcomes} == {row("customers")["id"]}
    assert [(action, version) for _, action, version, _ in audits()] == [("created", 1), ("updated", 2)]
    assert row("customers")["name"] == "2"


def test_an_order_may_name_a_customer_created_earlier_in_the_batch_but_not_later(app, database):
    outcomes = act(order("1", customer="b@x.org"), customer("b@x.org"), order("2", customer="B@x.org"))
    assert kinds(outcomes) == ["invalid", "created", "created"]
    assert outcomes[0].errors == {"customer": "No customer has the e-mail b@x.org. Correct it or create the customer first."}
    assert row("orders")["customer_id"] == row("customers")["id"] == outcomes[1].id
    assert outcomes[2].diff["customer_id"] == [None, outcomes[1].id]


def test_a_record_that_changed_its_key_is_found_by_the_new_one_only(app, database):
    act(customer("a@x.org"))
    assert kinds(act(customer("a@x.org", email="b@x.org"), customer("b@x.org", name="B"), customer("a@x.org", name="new"))
                 ) == ["updated", "updated", "created"]


def test_a_refused_row_loses_nothing_else(app, database):
    outcomes = act(customer("a@x.org"), customer("not an address"), order("1"), order("2", total="ten", status="lost"),
                   customer("b@x.org", colour="red"))
    assert kinds(outcomes) == ["created", "invalid", "created", "invalid", "invalid"]
    assert set(outcomes[3].errors) == {"total", "status"}
    assert outcomes[4].errors == {"colour": "Customers have no field “colour”. Leave it out or correct its name."}


def test_a_new_record_needs_what_is_required_and_gets_what_has_a_default(app, database):
    [without] = act(Change("products", {"sku": "A", "price": "1"}))
    assert without.errors == {"name": "This is missing. Fill it in."}
    [made] = act(Change("products", {"sku": "A", "price": "1", "name": "Ant", "is_active": ""}))
    assert made.kind == "created"
    assert (row("products")["is_active"], row("products")["currency"]) == (True, "EUR")


def test_a_required_field_cannot_be_emptied(app, database):
    [made] = act(order("1"))
    [outcome] = act(Change("orders", {"total": ""}, key={"id": made.id}))
    assert outcome.errors == {"total": "This is missing. Fill it in."}


def test_a_form_that_saw_an_older_version_is_refused_and_told_what_it_would_have_changed(app, database):
    [made] = act(customer("a@x.org", name="Ada"))
    act(customer("a@x.org", name="Ada L"))
    [outcome] = act(Change("customers", {"name": "Eda"}, key={"id": str(made.id)}, version=1), source=FORM)
    assert (outcome.kind, outcome.version, outcome.diff) == ("conflict", 2, {"name": ["Ada L", "Eda"]})
    assert row("customers")["name"] == "Ada L"


def test_a_form_sent_twice_is_saved_once(app, database):
    [made] = act(customer("a@x.org", name="Ada"))
    save = Change("customers", {"name": "Eda"}, key={"id": made.id}, version=1)
    assert kinds(act(save, save, source=FORM)) == ["updated", "unchanged"]
    assert kinds(act(save, source=FORM)) == ["unchanged"]


def test_only_says_whether_a_record_may_be_new(app, database):
    act(customer("a@x.org"))
    outcomes = act(Change("customers", {"email": "a@x.org"}, key={"email": "a@x.org"}, only="create"),
                   Change("customers", {"name": "x"}, key={"email": "b@x.org"}, only="update"),
                   Change("customers", {"name": "x"}, key={"id": 4711}))
    assert kinds(outcomes) == ["invalid", "missing", "missing"]
    assert outcomes[0].errors == {"email": "This customer is here already. Leave it out or change the key."}
    assert outcomes[1].errors == {"email": "There is no such customer. Correct it, or create it first."}


def test_a_key_that_belongs_to_another_record_is_refused(app, database):
    act(customer("a@x.org"), customer("b@x.org"))
    [outcome] = act(customer("b@x.org", email="A@x.org"))
    assert outcome.errors == {"email": "Another customer has this e-mail. Change one of them."}
    [outcome] = act(Change("customers", {"email": "A@x.org"}))
    assert outcome.errors == {"email": "Another customer has this e-mail. Change one of them."}


def test_two_records_may_trade_their_keys_in_one_batch(app, database):
    act(order("1", channel="a"), order("2", channel="b"))
    trade = [order("1", number="3"), order("2", number="1"), order("3", number="2")]
    assert kinds(act(*trade)) == ["updated"] * 3
    assert {found["number"]: found["channel"] for found in rows("orders")} == {"2": "a", "1": "b"}


def test_what_cannot_be_a_key_is_said_so(app, database):
    [outcome] = act(Change("customers", {"name": "x"}, key={"company": "x"}))
    assert outcome.errors == {"company": "Customers are not found by “company”. Use their email or id."}
    [outcome] = act(Change("customers", {}, key={"email": " "}))
    assert outcome.errors == {"email": "This is missing. Fill it in."}


def test_what_no_database_can_hold_is_an_error_on_its_field(app, database):
    outcomes = act(customer("a@x.org", name="\ud800"), customer("a@x.org", name="a\x00b"), Change("customers", {"name": "x"}, key={"id": 2**70}),
                   order("1", total="9" * 30), order("1", total="NaN"), order("1", total="1.005"), order("1", placed_at="0001-01-01T00:00+14:00"),
                   order("1", customer_id=99), order("1", weight=2**63), order("1", total_minor=2**63), order("1", total_minor=1.5),
                   customer("a@x.org", name=["a"]), Change("orders", {"total": {}}, key={"number": "1"}), order("1", note="a\ud800"))
    assert kinds(outcomes) == ["invalid"] * 14, outcomes
    assert all(said.endswith(".") for outcome in outcomes for said in outcome.errors.values())


def test_money_is_read_in_the_currency_of_the_record(app, database):
    change = lambda **values: Change("orders", values, key={"number": "1"})  # noqa: E731
    act(change(total="1500", currency="JPY"))
    assert row("orders")["total_minor"] == 1500
    outcomes = act(change(total="1500"), change(total_minor=1500), change(total="15.5"))
    assert kinds(outcomes) == ["unchanged", "unchanged", "invalid"]
    assert outcomes[2].errors == {"total": "This has more decimals than JPY has. Write a whole number."}
    assert kinds(act(change(total="15.55", currency="EUR"))) == ["updated"]


def test_numbers_and_days_are_read_as_the_source_writes_them(app, database):
    german = Source(Door.IMPORT, IMPORT.actor, reading=IMPORT.reading._replace(decimal=",", day_first=True))
    act(order("1", total="1.234,50", placed_at="5/6/2026 14:30"), source=german)
    found = row("orders")
    assert (found["total_minor"], found["placed_at"].isoformat()) == (123450, "2026-06-05T14:30:00+00:00")


def test_a_reference_takes_a_key_an_id_or_a_column(app, database):
    [ada, eda] = act(customer("a@x.org"), customer("e@x.org"))
    act(order("1", customer={"email": "a@x.org"}), order("2", customer=ada.id), order("3", customer_id=ada.id),
        order("4", customer={"id": eda.id}), source=API)
    assert [found["customer_id"] for found in rows("orders")] == [ada.id, ada.id, ada.id, eda.id]
    [outcome] = act(order("5", customer=4711), source=API)
    assert outcome.errors == {"customer": "No customer has the id 4711. Correct it or create the customer first."}
    [outcome] = act(order("5", customer={"name": "x"}), source=API)
    assert outcome.kind == "invalid"


def test_a_number_in_a_file_is_not_the_id_of_a_record(app, database):
    [made] = act(order("7001"))
    assert kinds(act(payment("paid", id="a", order=7001, amount_minor=1), payment("paid", id="b", order=made.id))) == ["created", "invalid"]
    assert row("payments")["order_id"] == made.id


def test_lines_belong_to_their_order(app, database):
    act(*(Change("products", {"name": sku, "price": "1"}, key={"sku": sku}) for sku in "AB"))
    two = [{"product": "A", "quantity": "1", "unit_price": "2.50"}, {"product": "B", "quantity": 2}]
    assert kinds(act(order("1", lines=two), order("1", lines=two), order("1", note="x"))) == ["created", "unchanged", "updated"]
    assert kinds(act(order("1", lines=two), order("1", lines=two[:1]), order("1", total="6"))) == ["unchanged", "updated", "updated"]
    [line] = lines()
    assert (line["position"], line["quantity"], line["unit_price_minor"]) == (1, 1, 250)
    assert len(audits()[4][3]["lines"][0]) == 2
    assert row("orders")["version"] == 4
    assert act(order("1", lines=[{"quantity": "1"}]))[0].errors == {"lines": "Line 1, product: This is missing. Fill it in."}
    assert act(order("1", lines=[{"product": "C"}]))[0].errors == {
        "lines": "Line 1, product: No product has the SKU C. Correct it or create the product first."}
    assert act(order("1", lines="A"))[0].errors == {"lines": "These are not lines. Give a list of them."}


def test_lines_may_name_products_created_in_the_same_batch(app, database):
    outcomes = act(Change("products", {"name": "A", "price": "1"}, key={"sku": "A"}), order("1", lines=[{"product": "A"}]),
                   order("1", lines=[{"product": "A", "quantity": 3}]))
    assert kinds(outcomes) == ["created", "created", "updated"]
    product = row("products")["id"]
    assert lines()[0]["product_id"] == product
    assert outcomes[1].diff["lines"][1][0]["product_id"] == product
    assert audits()[-1][3]["lines"][0][0]["product_id"] == product


def test_a_plan_says_what_apply_does_and_writes_nothing(app, database):
    changes = [customer("a@x.org"), order("1", customer="a@x.org"), customer("x"), customer("a@x.org", name="A")]
    planned = plans(*changes)
    assert rows("customers") == []
    assert audits() == []
    assert kinds(planned) == kinds(act(*changes)) == ["created", "created", "invalid", "updated"]
    assert [outcome.id for outcome in planned] == [None] * 4


def test_the_search_index_follows_in_the_same_transaction(app, database):
    act(customer("Ada@x.org", name="Ada Straße", phone="0301234"), customer("b@x.org"), order("ORD-1", city="Köln"))
    assert indexed("customers") == should_be_indexed("customers")
    assert "ada strasse" in next(iter(indexed("customers").values()))
    assert not any("0301234" in text for text in indexed("customers").values())
    act(customer("b@x.org", name="Bee"), customer("ada@x.org", note="not searched"), order("ORD-1", number="ORD-2"))
    assert indexed("customers") == should_be_indexed("customers")
    assert indexed("orders") == should_be_indexed("orders")


def test_sortable_text_keeps_its_casefolded_key(app, database):
    act(customer("a@x.org", name="Ärger", company="ACME"))
    act(customer("a@x.org", name="ÖL", company=None))
    found = row("customers")
    assert (found["name_key"], found["company_key"], found["email_key"]) == ("öl", None, "a@x.org")


def test_every_kind_of_field_is_kept_as_it_was_written(app, database):
    act(order("1", placed_at="2026-05-31T14:30:15.25+02:00", weight="1,250", note="a\r\nb"), customer("c@x.org"))
    act(Change("subscriptions", {"customer": "c@x.org", "amount": "9.90", "renews_at": "2026-07-01"}, key={"external_id": "sub_1"}))
    found = row("orders")
    assert (found["placed_at"].isoformat(), found["weight"], found["note"]) == ("2026-05-31T12:30:15.250000+00:00", 1250, "a\nb")
    assert row("subscriptions")["renews_at"] == date(2026, 7, 1)


def test_the_audit_names_the_door_the_actor_and_the_part(app, database):
    token = Actor("token", "warehouse", id=5, grants=("*",))
    act(Change("customers", {"name": "A"}, key={"email": "a@x.org"}, cause=881), source=Source(Door.IMPORT, token, door_id=12, request_id="r1"))
    act(payment("paid", 1, cause=900), source=EVENT)
    found = db.session.execute(select(Audit).order_by(Audit.id)).scalars().all()
    assert [(a.actor_kind, a.actor_id, a.actor, a.door, a.door_id, a.door_part, a.request_id) for a in found] == [
        ("token", 5, "warehouse", "import", 12, 881, "r1"), ("provider", None, "stripe", "event", 900, None, None)]


def test_all_that_is_wrong_with_a_new_record_is_said_in_one_round(app):
    [outcome] = act(Change("orders", {"number": "", "customer": "nobody@x.org", "total": "much", "weight": "x", "currency": "EUR",
                                      "lines": [{"product": "A", "quantity": "many"}, {"quantity": 0}]}), source=FORM)
    assert set(outcome.errors) == {"number", "customer", "total", "weight", "lines"}
    assert outcome.errors["customer"].startswith("No customer has the e-mail nobody@x.org.")
    assert outcome.errors["number"] == "This is missing. Fill it in."
    assert outcome.errors["lines"] == (
        "Line 1, quantity: This is not a whole number. Write it like 12. Line 1, product: No product has the SKU A. Correct it or create the product first. "
        "Line 2, quantity: This number is too small. Write 1 or more. Line 2, product: This is missing. Fill it in.")


def test_all_that_is_wrong_with_an_edit_is_said_in_one_round(app):
    act(order("1", status="draft"), order("2"))
    [outcome] = act(Change("orders", {"number": "2", "total": "", "customer": "nobody@x.org", "weight": "x", "status": "returned"}, key={"number": "1"}), source=FORM)
    assert set(outcome.errors) == {"number", "total", "customer", "weight", "status"}
    assert row("orders", number="1")["version"] == 1


def test_of_very_many_wrong_lines_the_first_are_told_and_the_rest_counted(app):
    [outcome] = act(order("1", lines=[{"product": "A"}] * 15))
    assert outcome.errors["lines"].count("No product has the SKU A.") == 10
    assert outcome.errors["lines"].endswith("5 more of the kind.")
