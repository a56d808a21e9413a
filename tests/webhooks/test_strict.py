"""Strict order: where a provider asks for it, nothing of an object overtakes what happened to it before."""
from typing import Any

from app.audit import COMMAND_LINE
from app.commerce.payments import Payment
from app.extensions import db
from app.webhooks import retry
from tests.webhooks.conftest import events, only


def test_in_strict_order_a_dead_event_holds_up_its_object_alone(odd, knock, drain):
    made = odd()
    knock(made, [{"key": "first", "id": "P", "at": 100, "breaks": True, "strict": True},
                 {"key": "second", "id": "P", "at": 200, "amount": 200, "strict": True},
                 {"key": "other", "id": "Q", "at": 300, "strict": True}])
    [first] = [each for each in events() if each.dedupe_key == "first"]
    _give_up(first)
    drain()

    assert {each.dedupe_key: each.status for each in events()} == {"first": "dead", "second": "waiting", "other": "done"}

    retry.ignore(first.id, by=COMMAND_LINE)
    drain()

    assert {each.dedupe_key: each.status for each in events()} == {"first": "done", "second": "done", "other": "done"}
    assert only(Payment, Payment.external_id == "P").amount_minor == 200


def test_of_one_moment_the_places_in_the_post_decide(odd, knock, drain):
    keys = [f"{number:02}" for number in (7, 3, 9, 1, 5)]
    knock(odd(), [{"key": key, "id": "P", "at": 100, "amount": 100 + place, "strict": True} for place, key in enumerate(keys)])
    drain()

    done = sorted(events(), key=lambda each: each.finished_at)
    assert [each.item for each in done] == [0, 1, 2, 3, 4]


def test_in_strict_order_what_happened_first_goes_first_however_it_arrives(odd, knock, drain):
    made = odd()
    knock(made, [{"key": "late", "id": "P", "at": 200, "strict": True}, {"key": "early", "id": "P", "at": 100, "strict": True}])
    drain()

    assert [each.outcome for each in sorted(events(), key=lambda each: each.occurred_at)] == ["created", "unchanged"]


def test_without_strict_order_a_dead_event_holds_up_nothing(odd, knock, drain):
    made = odd()
    knock(made, [{"key": "first", "id": "P", "at": 100, "breaks": True}, {"key": "second", "id": "P", "at": 200}])
    _give_up(next(each for each in events() if each.dedupe_key == "first"))
    drain()

    assert {each.dedupe_key: each.status for each in events()} == {"first": "dead", "second": "done"}


def _give_up(broken: Any) -> None:
    """Let its next try be its last."""
    broken.max_attempts = 1
    db.session.commit()
