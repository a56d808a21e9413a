"""News: what providers report is newer, older or of the same moment, field by field; whose outside ids are whose."""
import json
from datetime import timedelta

from app.audit import Door
from app.records.changes import Change, Source
from tests.records.gate import EVENT, FORM, IMPORT, STRIPE, act, at, audits, customer, kinds, order, payment, plans, row, rows

PAYPAL = Source(Door.EVENT, STRIPE, account="paypal")


def clocks(**by):
    return json.loads(row("payments", **by)["said"])


def test_older_news_is_stale_in_any_order(app, database):
    assert kinds(act(payment("paid", 20), payment("pending", 10), source=EVENT)) == ["created", "stale"]
    assert kinds(act(payment("pending", 10), source=EVENT)) == ["stale"]
    assert row("payments")["status"] == "paid"


def test_news_that_changes_nothing_still_ages_what_came_before(app, database):
    outcomes = act(payment("paid", 10), payment("paid", 20), payment("failed", 15), source=EVENT)
    assert kinds(outcomes) == ["created", "unchanged", "stale"]
    assert kinds(act(payment("paid", 30), source=EVENT)) == ["unchanged"]
    assert kinds(act(payment("failed", 25), source=EVENT)) == ["stale"]
    found = row("payments")
    assert (found["version"], found["revision"] > 1, len(audits())) == (1, True, 1)


def test_unchanged_news_does_not_say_the_record_was_changed(app, database):
    act(payment("paid", 10), source=EVENT)
    before = row("payments")["updated_at"]
    act(payment("paid", 20), payment("paid", 10, id="pi_2"), source=EVENT)
    assert row("payments", external_id="pi_1")["updated_at"] == before


def test_news_writes_only_the_fields_it_is_newer_for(app, database):
    act(payment("paid", 20), payment(None, 30, amount_minor=900), source=EVENT)
    [outcome] = act(payment("refunded", 25, amount_minor=800), source=EVENT)
    assert outcome.diff == {"status": ["paid", "refunded"]}
    found = row("payments")
    assert (found["status"], found["amount_minor"]) == ("refunded", 900)
    assert clocks()["status"] == [at(25).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "", 5]


def test_a_first_report_may_leave_required_fields_open(app, database):
    assert kinds(act(payment(None, 10, method="card"), source=EVENT)) == ["created"]
    assert kinds(act(payment("paid", 5), source=EVENT)) == ["updated"]
    found = row("payments")
    assert (found["method"], found["status"], found["amount_minor"]) == ("card", "paid", 1000)


def test_of_two_reports_of_one_moment_the_later_in_life_wins(app, database):
    assert kinds(act(payment("paid", 10), payment("pending", 10), payment("refunded", 10), source=EVENT)) == ["created", "stale", "updated"]


def test_what_was_reported_with_the_later_state_goes_with_it(app, database):
    act(payment("paid", 10, word="z", method="card"), payment("refunded", 10, word="a", method="bank"), source=EVENT)
    assert row("payments")["method"] == "bank"
    assert kinds(act(payment("paid", 10, word="z", method="card"), source=EVENT)) == ["stale"]


def test_a_tie_is_for_the_provider_to_decide_if_it_can_be_asked(app, database):
    act(payment("paid", 10, amount_minor=1, word="evt_1"), source=EVENT)
    tie = payment("paid", 10, amount_minor=2, word="evt_2", ask=True)
    assert kinds(plans(tie, source=EVENT)) == kinds(act(tie, source=EVENT)) == ["tie"]
    assert row("payments")["amount_minor"] == 1
    assert kinds(act(payment("paid", 10, amount_minor=1, word="evt_0", ask=True), source=EVENT)) == ["unchanged"]
    assert kinds(act(payment("refunded", 10, amount_minor=2, word="evt_2", ask=True), source=EVENT)) == ["updated"]


def test_otherwise_the_greater_word_wins_whichever_comes_first(app, database):
    one, two = (payment("paid", 10, amount_minor=n, word=f"evt_{n}") for n in (1, 2))
    assert kinds(act(one, two, source=EVENT)) == ["created", "updated"]
    assert kinds(act(one._replace(key={"external_id": "b"}), source=EVENT)) == ["created"]
    other = [change._replace(key={"external_id": "c"}) for change in (two, one, two)]
    assert kinds(act(*other, source=EVENT)) == ["created", "stale", "unchanged"]
    assert [found["amount_minor"] for found in rows("payments")] == [2, 1, 2]


def test_a_moment_is_the_same_in_every_zone(app, database):
    act(payment("paid", 10), source=EVENT)
    from_tokyo = payment("failed")._replace(as_of=at(9).astimezone(None) - timedelta(seconds=1))
    assert kinds(act(from_tokyo, source=EVENT)) == ["stale"]


def test_an_outside_id_is_known_once_an_account(app, database):
    act(payment("paid", 1), source=EVENT)
    assert kinds(act(payment("failed", 1), source=PAYPAL)) == ["created"]
    assert [(found["account"], found["status"]) for found in rows("payments")] == [("stripe", "paid"), ("paypal", "failed")]
    named = payment("refunded", 2)._replace(key={"external_id": "pi_1", "account": "paypal"})
    assert kinds(act(named, source=EVENT)) == ["updated"]
    assert row("payments", account="paypal")["status"] == "refunded"


def test_who_speaks_for_no_account_means_the_one_record_there_is(app, database, live):
    act(payment("paid", 1), source=EVENT)
    edit = Change("payments", {"order": None, "method": "card"}, key={"external_id": "pi_1"})
    assert act(edit)[0].errors == {"method": "This is kept by the provider. Change it there, or detach the record first."}
    act(payment("paid", 1), source=PAYPAL)
    assert act(edit)[0].errors == {"external_id": "Several accounts have a record with this id. Name the account as well."}
    assert kinds(act(payment("paid", id="pi_9"))) == ["created"]
    assert row("payments", external_id="pi_9")["account"] == ""


def test_no_account_is_an_account_too(app, database):
    act(customer("a@x.org", external_id="c1"))
    [outcome] = act(customer("b@x.org", external_id="c1"))
    assert outcome.errors == {"external_id": "Another customer has this customer ID. Change one of them."}


def test_a_provider_takes_over_what_people_wrote_down_before_it_spoke(app, database):
    act(payment("pending", id="pi_1"), order("1001", note="by hand"))
    assert kinds(act(payment("paid", 5), source=EVENT)) == ["updated"]
    assert (row("payments")["account"], row("payments")["status"]) == ("stripe", "paid")
    shop = Change("orders", {"number": "1001", "total_minor": 99}, key={"external_id": "77"}, as_of=at(1))
    assert kinds(act(shop, source=EVENT)) == ["updated"]
    assert (row("orders")["external_id"], row("orders")["account"], row("orders")["note"]) == ("77", "stripe", "by hand")


def test_a_detached_record_is_not_taken_back(app, database, live):
    act(payment("paid", 5), source=EVENT)
    [detached] = act(Change("payments", {"account": ""}, key={"external_id": "pi_1"}), source=FORM)
    assert detached.diff == {"account": ["stripe", ""]}
    assert kinds(act(Change("payments", {"method": "cash"}, key={"id": detached.id}), source=FORM)) == ["updated"]
    assert kinds(act(payment("refunded", 6), source=EVENT)) == ["created"]
    assert [found["account"] for found in rows("payments")] == ["", "stripe"]


def test_two_records_of_two_accounts_are_never_merged_by_their_number(app, database):
    shop = Change("orders", {"number": "1001", "total_minor": 99}, key={"external_id": "77"}, as_of=at(1))
    assert kinds(act(shop, source=EVENT)) == ["created"]
    [outcome] = act(shop, source=PAYPAL)
    assert outcome.errors == {"number": "Another order has this order number. Change one of them."}


def test_staff_obey_transitions_and_ownership_providers_do_not(app, database, live):
    [made] = act(order("1"))
    save = lambda **values: act(Change("orders", values, key={"id": made.id}), source=FORM)[0]  # noqa: E731
    assert save(status="shipped").errors == {"status": "An order cannot go from Draft to Shipped. Choose Placed or Cancelled."}
    assert save(status="placed").kind == "updated"
    act(Change("orders", {"external_id": "ord_1", "status": "draft"}, key={"number": "1"}, as_of=at(1)), source=EVENT)
    assert save(total="13", note="hm").errors == {"total": "This is kept by the provider. Change it there, or detach the record first."}
    assert save(total="12.50", note="hm").kind == "updated"


def test_news_reaches_a_record_in_the_trash_and_leaves_it_there(app, database):
    act(payment("paid", 1), source=EVENT)
    act(Change("payments", {"trashed_at": at(50)}, key={"external_id": "pi_1"}), source=FORM)
    assert kinds(act(payment("refunded", 2), source=EVENT)) == ["updated"]
    found = row("payments")
    assert (found["status"], found["trashed_at"]) == ("refunded", at(50))


def test_the_changes_of_one_event_stand_or_fall_together(app, database):
    outcomes = act(payment("paid", 1, id="a", cause=1), payment("paid", 1, id="b", cause=2), payment("paid", 1, id="c", currency="EURO", cause=1),
                   payment("refunded", 2, id="b", cause=2), payment("refunded", 2, id="b"), source=EVENT)
    assert kinds(outcomes) == ["invalid", "created", "invalid", "updated", "unchanged"]
    assert outcomes[0].errors == {"": "This belongs together with a change that was refused. Mend that one first."}
    assert set(outcomes[2].errors) == {"currency"}
    assert [found["external_id"] for found in rows("payments")] == ["b"]


def test_what_a_fallen_cause_changed_is_as_before(app, database):
    act(customer("a@x.org", name="A"))
    bad = [Change("customers", {"name": "B", "email": "b@x.org"}, key={"email": "a@x.org"}, cause=7),
           order("1", customer="b@x.org")._replace(cause=7), customer("nobody")._replace(cause=7)]
    outcomes = act(*bad, customer("a@x.org", note="still here"), order("1"))
    assert kinds(outcomes) == ["invalid"] * 3 + ["updated", "created"]
    found = row("customers")
    assert (found["email"], found["name"], found["note"], found["version"]) == ("a@x.org", "A", "still here", 2)


def test_a_stale_part_refuses_nothing(app, database):
    act(payment("paid", 5, id="a"), source=EVENT)
    outcomes = act(payment("pending", 1, id="a", cause=1), payment("paid", 1, id="b", cause=1), source=EVENT)
    assert kinds(outcomes) == ["stale", "created"]


def test_an_import_does_not_ask_for_clocks(app, database):
    act(payment("paid", 5), source=EVENT)
    act(Change("payments", {"account": ""}, key={"external_id": "pi_1"}))
    assert kinds(act(payment("refunded"), source=IMPORT)) == ["updated"]
    assert clocks()["status"][0] == at(5).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
