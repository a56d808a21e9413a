"""What the gate promises whatever comes: a batch is its sequence, news arrives in any order, a plan is what happens then."""
import json
import random
from datetime import timedelta
from itertools import count, permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audit import Audit
from app.extensions import db
from app.records.changes import Change, Outcome, apply, plan
from app.records.registry import named
from app.transaction import transaction
from tests.conftest import SCALE, empty
from tests.records.gate import EVENT, FORM, IMPORT, at, indexed, lines, payment, rows, should_be_indexed

KEYS = {"customers": "email", "orders": "number", "payments": "external_id", "products": "sku"}
TARGETS = {"customer_id": "customers", "order_id": "orders", "product_id": "products"}
RELAXED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def story(rng, size=40):
    """Changes of a few records that get in each other's way in every way we could think of."""
    pick = lambda *options: rng.choice(options)  # noqa: E731
    mail = lambda: f"{pick('', 'P')}p{rng.randrange(5)}@x.org"  # noqa: E731
    number = lambda: f"O{rng.randrange(5)}"  # noqa: E731
    for _ in range(size):
        version = pick(None, None, 1, 2, 3)
        cause = pick(None, None, None, 1, 2, 3)
        yield pick(
            Change("customers", {"name": pick("a", "b", None), "phone": pick("1", "2")}, {"email": mail()}, version=version, cause=cause),
            Change("customers", {"external_id": pick("c1", "c2", None), "email": pick(mail(), "bad")}, {"email": mail()}, cause=cause,
                   as_of=pick(None, at(rng.randrange(4)))),
            Change("customers", {"name": pick("x", "y"), "email": mail()}, {"external_id": pick("c1", "c2"), "account": pick("stripe", "paypal")},
                   as_of=at(rng.randrange(4))),
            Change("customers", {"email": mail()}, only=pick(None, "create"), cause=cause),
            Change("products", {"name": "A", "price": pick("1", "2")}, {"sku": pick("A", "B")}),
            Change("orders", {"customer": pick(mail(), {"external_id": "c1"}, None), "total": pick("1", "2", "x"), "currency": pick("EUR", "JPY"),
                              "status": pick("draft", "placed", "packing")}, {"number": number()}, version=version, only=pick(None, "update")),
            Change("orders", {"lines": [{"product": pick("A", "B"), "quantity": pick(1, 2)}] * rng.randrange(3), "total": "1"},
                   {"number": number()}, cause=cause),
            Change("orders", {"number": number(), "total_minor": pick(1, 2)}, {"external_id": pick("77", "78")}, as_of=at(rng.randrange(4))),
            Change("payments", {"status": pick("pending", "paid", "refunded"), "amount_minor": pick(1, 2), "order": pick(number(), None)},
                   {"external_id": pick("pi_1", "pi_2")}, as_of=at(rng.randrange(6)), word=pick("a", "b"), ask=pick(True, False), cause=cause),
            Change("payments", {"account": pick("", "stripe")}, {"external_id": pick("pi_1", "pi_2")}),
            Change("customers", {"trashed_at": pick(at(1), at(2), None)}, {"email": mail()}, as_of=pick(None, at(2)), cause=cause))


def grouped(changes):
    """The changes by cause, as they are decided: in the order of the first of each."""
    groups: dict[object, list[int]] = {}
    for place, change in enumerate(changes):
        groups.setdefault((place,) if change.cause is None else change.cause, []).append(place)
    return groups.values()


def told(outcome):
    """An outcome without what differs from run to run: ids."""
    return outcome.kind, outcome.version, shown(outcome.diff), outcome.errors


def shown(diff):
    names: dict[tuple[str, int], str] = {}
    for table, key in KEYS.items():
        names |= {(table, row["id"]): row[key] or row["external_id"] for row in rows(table)}
    by_name = lambda column, value: names.get((TARGETS[column], value), value) if column in TARGETS else value  # noqa: E731
    return json.loads(json.dumps({column: [by_name(column, value) if column != "lines" else
                                           [{c: by_name(c, v) for c, v in line.items()} for line in value or ()] for value in pair]
                                  for column, pair in diff.items()}, default=str))


def world():
    """Everything in the tables but ids, clocks and the count of writes, references by key."""
    held, names = {}, {}
    for table, key in KEYS.items():
        for row in rows(table):
            names[table, row["id"]] = name = row[key] or row["external_id"]
            ids = {c: names.get((TARGETS[c], row[c])) for c in row if c in TARGETS}
            held[table, name, row["account"]] = {**row, **ids, "id": None, "created_at": None, "updated_at": None, "revision": None}
    placed = sorted((names["orders", line["parent_id"]] or "", line["position"], line["quantity"], line["product_ref"],
                     names.get(("products", line["product_id"]))) for line in lines())
    found = db.session.execute(select(Audit).order_by(Audit.id)).scalars().all()
    audit = [(a.resource, names[a.resource, a.record_id], a.version, a.action, a.door_id, shown(json.loads(a.diff))) for a in found]
    db.session.rollback()
    return held, placed, sorted(audit, key=str)


@pytest.mark.slow
@pytest.mark.parametrize("source", [EVENT, FORM, IMPORT], ids=lambda source: source.door)
@pytest.mark.parametrize("seed", range(2 * SCALE))
def test_a_batch_ends_like_the_same_changes_one_at_a_time(app, database, live, seed, source):
    todo = list(story(random.Random(seed)))
    with transaction() as session:
        outcomes = apply(session, todo, source)
    batch, after_batch = [told(outcome) for outcome in outcomes], world()
    for resource in ("customers", "orders"):
        assert indexed(resource) == should_be_indexed(resource)
    db.session.remove()
    empty()

    single: dict[int, Outcome] = {}
    for group in grouped(todo):
        with transaction() as session:
            single.update(zip(group, apply(session, [todo[place] for place in group], source), strict=True))
    assert batch == [told(single[place]) for place in range(len(todo))]
    assert after_batch == world()


@pytest.mark.parametrize("source", [EVENT, FORM, IMPORT], ids=lambda source: source.door)
@pytest.mark.parametrize("seed", range(100, 103))
def test_a_plan_is_what_apply_then_does(app, database, live, seed, source):
    todo = list(story(random.Random(seed), 60))
    with transaction() as session:
        apply(session, todo[:20], source)
    planned = plan(db.session(), todo[20:], source)
    before = world()
    with transaction() as session:
        applied = apply(session, todo[20:], source)
    new = {outcome.id for outcome, was in zip(applied, planned, strict=True) if was.id is None}
    assert [(p.kind, p.version, p.errors, set(p.diff)) for p in planned] == [(a.kind, a.version, a.errors, set(a.diff)) for a in applied]
    assert all(a.id == p.id or a.id in new for a, p in zip(applied, planned, strict=True))
    assert before != world()


PARTS = st.fixed_dictionaries({}, optional={
    "status": st.sampled_from(["pending", "paid", "refunded", "disputed"]), "amount_minor": st.integers(1, 3), "method": st.sampled_from("ab"),
    "order": st.sampled_from(["O1", "O2", None]), "refunded_minor": st.integers(0, 2), "trashed_at": st.sampled_from([None, at(1), at(2)])})
REPORTS = st.lists(st.tuples(PARTS, st.integers(0, 2)), min_size=1, max_size=5)


@RELAXED
@given(reports=REPORTS, data=st.data())
def test_partial_reports_end_in_the_same_row_in_whatever_order_they_come(app, database, reports, data):
    events = [payment(None, second, word=f"evt_{n}", **parts) for n, (parts, second) in enumerate(reports)]
    events.append(Change("orders", {"total_minor": 1}, {"number": "O1"}, as_of=at(9)))
    orders = list(permutations(events)) if len(events) < 4 else [data.draw(st.permutations(events)) for _ in range(5)] + [events]
    run = next(RUNS)
    ends = [end(f"{run}-{n}", [*order, *data.draw(st.lists(st.sampled_from(events), max_size=3))], data.draw(st.integers(1, 4)))
            for n, order in enumerate(orders)]
    assert all(one == ends[0] for one in ends)


RUNS = count()


def end(run, events, size):
    """The payment these reports lead to, `size` of them in a transaction; told in records of this run alone."""
    own = lambda value: value and f"{value}-{run}"  # noqa: E731
    mine = [change._replace(key={name: own(value) for name, value in change.key.items()},
                            values={name: own(value) if name == "order" else value for name, value in change.values.items()}) for change in events]
    for start in range(0, len(mine), size):
        with transaction() as session:
            apply(session, mine[start:start + size], EVENT)
    found = rows("payments", external_id=own("pi_1"))
    orders = {row["id"]: "O1" for row in rows("orders", number=own("O1"))}
    return [{**row, "order_id": orders.get(row["order_id"]), "order_ref": (row["order_ref"] or "").removesuffix(f"-{run}"),
             **dict.fromkeys(("id", "version", "revision", "created_at", "updated_at", "external_id", "external_id_key"))} for row in found]


def test_three_partial_reports_of_one_moment_and_one_without_a_word(app, database):
    events = [payment("paid", 5, method="card"), payment(None, 5, method="bank", amount_minor=7), payment("refunded", 5), payment(None, 5, method="cash")]
    ends = set()
    for order in permutations(events):
        empty()
        with transaction() as session:
            apply(session, order, EVENT)
        [found] = rows("payments")
        ends.add((found["status"], found["method"], found["amount_minor"], found["said"]))
    assert len(ends) == 1


def test_every_declared_choice_is_in_the_order_of_its_life():
    """The order decides ties: whatever may come next has to stand after what it comes from, save on the way back."""
    backwards = {("orders", "packing", "placed"), ("payments", "failed", "pending"), ("payments", "disputed", "paid"), ("payments", "disputed", "refunded"),
                 ("subscriptions", "past_due", "active"), ("subscriptions", "paused", "active"), ("deliveries", "held_up", "in_transit"),
                 ("deliveries", "lost", "in_transit"), ("deliveries", "lost", "delivered")}
    for name in ("orders", "payments", "subscriptions", "deliveries"):
        status = named(name).status
        assert status is not None
        steps = {(name, was, then) for was, nexts in (status.transitions or {}).items() for then in nexts}
        assert {step for step in steps if status.life[step[2]] < status.life[step[1]]} == {step for step in backwards if step[0] == name}


def test_clocks_are_of_the_source_not_of_ours(app, database):
    with transaction() as session:
        apply(session, [payment("paid", 5)], EVENT)
    [found] = rows("payments")
    assert found["created_at"] - at(5) > timedelta(days=1) or found["created_at"] < at(5)
