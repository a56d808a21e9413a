"""Sums a provider tells in parts, and states that follow from them: in whatever order the reports come, the end is the same."""
import json
from itertools import permutations

from app.records.changes import Change
from tests.records.gate import EVENT, FORM, act, audits, kinds, payment, plans, row

PAID = payment("paid", 10)


def back(id, amount, second, status="part_refunded", **said):
    """News of one refund, which does not say the sum of all."""
    return payment(None, second, **said)._replace(values={"status": status, "currency": "EUR"}, parts={"refunded_minor": (id, amount)})


def afresh(number, changes):
    return [each._replace(key={"external_id": f"pi_{number}"}) for each in changes]


def ends(*changes):
    """How a payment stands in the end, after every order of these, one by one and in one batch."""
    found = set()
    for number, mine in enumerate(permutations(changes)):
        one, batch = afresh(2 * number, mine), afresh(2 * number + 1, mine)
        for each in one:
            act(each, source=EVENT)
        act(*batch, source=EVENT)
        for key in (one[0].key, batch[0].key):
            stands = row("payments", **key)
            found.add((stands["status"], stands["refunded_minor"], stands["said"]))
    return found


def test_parts_add_up_and_when_they_are_all_of_it_it_is_refunded(app, database):
    [(status, refunded, _)] = ends(PAID, back("r1", 400, 20), back("r2", 600, 30))
    assert (status, refunded) == ("refunded", 1000)


def test_parts_of_one_moment_and_parts_told_twice_count_once_each(app, database):
    [(status, refunded, _)] = ends(PAID, back("r1", 400, 20, word="a"), back("r2", 600, 20, word="b"), back("r1", 400, 20, word="a"))
    assert (status, refunded) == ("refunded", 1000)


def test_a_part_that_is_not_the_whole_leaves_a_part(app, database):
    [(status, refunded, _)] = ends(PAID, back("r1", 400, 20), payment("paid", 12))
    assert (status, refunded) == ("part_refunded", 400)


def test_a_sum_that_is_told_as_such_is_compared_as_well(app, database):
    whole = payment(None, 30)._replace(values={"status": "part_refunded", "refunded_minor": 1000})
    [(status, refunded, _)] = ends(PAID, payment(None, 20)._replace(values={"status": "part_refunded", "refunded_minor": 400}), whole)
    assert (status, refunded) == ("refunded", 1000)


def test_a_refund_that_failed_takes_its_part_back(app, database):
    [(status, refunded, _)] = ends(PAID, back("r1", 400, 20), back("r2", 600, 25), back("r1 failed", -400, 30, "paid"))
    assert (status, refunded) == ("paid", 600)


def test_what_is_whole_no_more_is_a_part_again(app, database):
    [(status, refunded, _)] = ends(PAID, back("r1", 1000, 20), back("r1", 300, 30))
    assert (status, refunded) == ("part_refunded", 300)


def test_nor_is_it_whole_once_the_payment_turns_out_to_be_larger(app, database):
    [(status, refunded, _)] = ends(PAID, back("r3", 1000, 20), payment(None, 30)._replace(values={"amount_minor": 5000}))
    assert (status, refunded) == ("part_refunded", 1000)


def test_an_older_word_of_the_same_part_is_stale_and_a_repeated_one_changes_nothing(app, database):
    act(PAID, back("r1", 400, 30), source=EVENT)
    older, again = act(back("r1", 900, 20), back("r1", 400, 30), source=EVENT)
    assert (older.kind, again.kind) == ("stale", "unchanged")
    assert row("payments")["refunded_minor"] == 400


def test_a_repeated_word_is_no_contradiction_though_it_amounts_to_more(app, database):
    act(PAID, back("r1", 1000, 20, word="z"), source=EVENT)
    assert row("payments")["status"] == "refunded"
    assert kinds(act(back("r1", 1000, 20, word="z", ask=True), source=EVENT)) == ["unchanged"]
    assert len(audits()) == 2


def test_a_preview_shows_what_follows(app, database):
    act(PAID, source=EVENT)
    [outcome] = plans(back("r1", 1000, 20), source=EVENT)
    assert outcome.diff == {"status": ["paid", "refunded"], "refunded_minor": [0, 1000]}
    assert kinds(act(back("r1", 1000, 20), source=EVENT)) == ["updated"]
    said = json.loads(row("payments")["said"])
    assert said["refunded_minor+"] == [["r1", said["status"][0], 1000]]


def test_a_state_somebody_chose_since_stays(app, database):
    act(PAID, back("r1", 400, 20), source=EVENT)
    assert kinds(act(Change("payments", {"status": "disputed"}, key={"external_id": "pi_1"}), source=FORM)) == ["updated"]
    act(payment(None, 30)._replace(values={"method": "card"}), source=EVENT)
    assert row("payments")["status"] == "disputed"
