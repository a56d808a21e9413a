"""Weighing news, case by case: what a record was last told, what it is told now, what of that counts."""
import json

import pytest

from app.commerce.payments import payments
from app.records import news
from app.records.changes import Change
from app.records.held import Row
from tests.records.gate import at

assert payments.status is not None
PAID, REFUNDED = payments.status.life["paid"], payments.status.life["refunded"]


def held(**said):
    """A payment that was told these values; each is (value, second, word, place)."""
    values = {"status": "pending", "amount_minor": None, "method": None, "order_id": None, "order_ref": None, "trashed_at": None}
    values |= {column: value for column, (value, *_) in said.items()}
    clocks = {column: [news.moment(at(second)), word, place] for column, (_, second, word, place) in said.items()}
    return Row(payments, values | {"said": json.dumps(clocks)}, 1)


def weigh(row, second, word="b", ask=False, **values):
    change = Change("payments", values, {"external_id": "pi_1"}, as_of=at(second), word=word, ask=ask)
    return news.weigh(row, values, change, found_by="external_id")


@pytest.mark.parametrize(("second", "counts"), [(4, False), (6, True)])
def test_a_field_takes_newer_words_only(second, counts):
    found = weigh(held(method=("card", 5, "a", -1)), second, method="bank")
    assert (found.values == {"method": "bank"}) is counts
    assert found.older is not counts


def test_a_field_nobody_spoke_of_takes_any():
    found = weigh(held(method=("card", 5, "a", -1)), 1, amount_minor=3)
    assert found.values == {"amount_minor": 3}
    assert found.clocks == {"amount_minor": [news.moment(at(1)), "b", -1]}


def test_the_same_words_once_more_move_nothing():
    found = weigh(held(method=("card", 5, "b", -1)), 5, method="card")
    assert (found.values, found.clocks, found.older) == ({}, {}, False)


def test_the_same_value_by_a_greater_word_moves_the_clock_alone():
    found = weigh(held(method=("card", 5, "a", -1)), 5, method="card")
    assert (found.values, found.clocks) == ({}, {"method": [news.moment(at(5)), "b", -1]})


@pytest.mark.parametrize(("word", "wins"), [("a", False), ("c", True), ("b", True), ("", False)])
def test_of_one_moment_the_greater_word_wins_then_the_greater_value(word, wins):
    found = weigh(held(method=("card", 5, "b", -1)), 5, word=word, method="cash")
    assert (found.values == {"method": "cash"}) is wins


@pytest.mark.parametrize(("now", "wins"), [("refunded", True), ("pending", False)])
def test_a_state_wins_by_its_place_in_life_whoever_says_it(now, wins):
    for ask in (True, False):
        found = weigh(held(status=("paid", 5, "z", PAID)), 5, word="a", ask=ask, status=now)
        assert (found.values == {"status": now}) is wins
        assert not found.tie


def test_other_fields_go_with_the_state_they_were_told_with():
    later = weigh(held(method=("card", 5, "z", PAID)), 5, word="a", ask=True, status="refunded", method="bank")
    assert later.values == {"status": "refunded", "method": "bank"}
    assert later.clocks["method"] == [news.moment(at(5)), "a", REFUNDED]
    assert weigh(held(method=("card", 5, "a", REFUNDED)), 5, word="z", status="paid", method="bank").values == {"status": "paid"}


@pytest.mark.parametrize("place", [-1, PAID])
def test_what_no_state_decides_is_a_tie_for_who_can_be_asked(place):
    asked = weigh(held(method=("card", 5, "a", place)), 5, ask=True, method="bank")
    assert asked.tie
    assert not asked.values
    assert not asked.clocks


def test_a_waiting_reference_goes_with_its_id():
    row = held(order_id=(7, 5, "a", -1))
    assert weigh(row, 6, order_id=None, order_ref="number=1").values == {"order_id": None, "order_ref": "number=1"}
    assert weigh(row, 4, order_id=None, order_ref="number=1").values == {}
    assert weigh(row, 5, "a", order_id=7, order_ref=None).clocks == {}


def test_being_found_by_its_outside_id_is_no_news():
    found = news.weigh(held(), {"external_id": "pi_1", "account": "stripe"}, Change("payments", {}, as_of=at(9)), found_by="external_id")
    assert found == ({"external_id": "pi_1", "account": "stripe"}, {}, False, False)
    claimed = news.weigh(held(), {"external_id": "pi_1", "account": "stripe"}, Change("payments", {}, as_of=at(9)), found_by="")
    assert set(claimed.clocks) == {"external_id"}


def test_clocks_are_kept_in_one_order_and_escape_what_no_database_takes():
    assert news.kept({"b": [1], "a": ["\ud800\x00"]}) == '{"a":["\\ud800\\u0000"],"b":[1]}'


def test_moments_sort_as_text():
    moments = [at(second) for second in (-1, 0, 0.000001, 0.5, 1, 59, 3600)]
    assert sorted(map(news.moment, moments)) == [news.moment(one) for one in moments]
