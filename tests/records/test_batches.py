"""Batches: rows staged, planned, applied in chunks and undone, whoever uses them."""
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.audit import COMMAND_LINE, Actor, Audit, Door
from app.commerce.customers import Customer
from app.errors import Conflict
from app.extensions import db
from app.records import applying, batches
from app.records.applying import Spoilt, apply_chunk, apply_whole
from app.records.batches import Batch, BatchRow, Shaped, open_batch, stage
from app.records.changes import Change, Source, apply
from app.records.planning import plan_chunk
from app.records.undoing import undo_chunk
from app.transaction import transaction

customers = Customer.__table__


def shape(cells: list[Any]) -> Shaped:
    return Shaped({"email": cells[0], "name": cells[1]}, {"email": cells[0]}, cells[0])


def made(*rows: list[Any], **columns: object) -> int:
    """A batch of these cells, numbered from 2 on."""
    with transaction() as session:
        batch = open_batch(session, "customers", Door.IMPORT, door_id=7, key="email")
        for name, value in columns.items():
            setattr(batch, name, value)
        stage(session, batch, ((number, cells, None) for number, cells in enumerate(rows, 2)))
        return batch.id


def through(step: Callable[..., bool], batch_id: int, *args: object, size: int = 2) -> int:
    """Every chunk, each in its transaction; returns how many there were."""
    chunks, more = 0, True
    while more:
        with transaction() as session:
            more = step(session, batch_id, COMMAND_LINE, *args, size=size)
        chunks += 1
    return chunks


def planned(*rows: list[Any], **columns: object) -> int:
    batch_id = made(*rows, **columns)
    through(plan_chunk, batch_id, shape)
    return batch_id


def batch_of(batch_id: int) -> Batch:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Batch, batch_id)


def names() -> dict[str, str]:
    db.session.rollback()
    return {email: name for email, name in db.session.execute(select(customers.c.email, customers.c.name))}  # noqa: C416


def put(**people: str) -> None:
    with transaction() as session:
        apply(session, [Change("customers", {"name": name}, key={"email": f"{who}@x.example"}) for who, name in people.items()],
              Source(Door.FORM, COMMAND_LINE))


def row(who: str, name: str) -> list[Any]:
    return [f"{who}@x.example", name]


def test_rows_go_from_staged_to_planned_to_applied_in_chunks(app):
    batch_id = planned(row("a", "A"), row("b", "B"), row("c", "C"))
    assert (names(), batch_of(batch_id).plans) == ({}, {"created": 3})

    assert through(apply_chunk, batch_id, shape) == 2

    assert sorted(names().values()) == ["A", "B", "C"]
    batch = batch_of(batch_id)
    assert (batch.outcomes, batch.applied_to) == ({"created": 3}, 4)
    assert [(one.number, one.outcome, one.version) for one in batches.page(db.session(), batch)] == [
        (2, "created", 1), (3, "created", 1), (4, "created", 1)]


def test_a_chunk_that_fails_leaves_the_place_where_it_was(app):
    batch_id = planned(row("a", "A"), row("b", "B"), row("c", "C"))

    with pytest.raises(RuntimeError), transaction() as session:
        apply_chunk(session, batch_id, COMMAND_LINE, shape, size=2)
        raise RuntimeError

    assert (names(), batch_of(batch_id).applied_to) == ({}, 0)
    through(apply_chunk, batch_id, shape)
    assert len(names()) == 3


def test_the_audit_names_the_door_and_the_row(app):
    through(apply_chunk, planned(row("a", "A"), row("b", "B")), shape)

    rows = db.session.execute(select(Audit.door, Audit.door_id, Audit.door_part).where(Audit.version.is_not(None)).order_by(Audit.id))
    assert [tuple(one) for one in rows] == [("import", 7, 2), ("import", 7, 3)]


def test_a_repeat_is_found_within_a_chunk_and_across_chunks(app):
    batch_id = planned(row("a", "1"), row("a", "2"), row("b", "3"), row("a", "4"))

    through(apply_chunk, batch_id, shape)

    assert names() == {"a@x.example": "1", "b@x.example": "3"}
    assert batch_of(batch_id).plans == {"created": 2, "repeated": 2}


def test_what_the_shape_finds_wrong_refuses_its_row_beside_what_the_gate_finds(app):
    batch_id = made(["bad", "A"], row("b", "B"))
    through(plan_chunk, batch_id, lambda cells: shape(cells)._replace(errors={"name": "This is wrong."} if cells[1] == "A" else {}))

    refused = db.session.get_one(BatchRow, (batch_id, 2))
    assert (refused.outcome, set(refused.errors or {})) == ("invalid", {"name", "email"})


@pytest.mark.parametrize(("mode", "plans"), [("create", {"created": 1, "invalid": 1}), ("update", {"missing": 1, "updated": 1}),
                                             ("upsert", {"created": 1, "updated": 1})])
def test_each_mode_allows_what_it_says(app, mode, plans):
    put(a="old")

    assert batch_of(planned(row("a", "new"), row("b", "B"), mode=mode)).plans == plans


def test_records_changed_or_created_after_the_plan_are_conflicts(app):
    put(a="old", b="old")
    batch_id = planned(row("a", "A"), row("b", "old"), row("c", "C"), row("d", "D"))
    put(a="meanwhile", b="meanwhile", c="meanwhile")

    through(apply_chunk, batch_id, shape)

    assert batch_of(batch_id).outcomes == {"conflict": 3, "created": 1}
    assert names()["a@x.example"] == names()["b@x.example"] == names()["c@x.example"] == "meanwhile"


def test_the_whole_is_one_transaction_or_none(app):
    batch_id = planned(row("a", "A"), row("b", "B"), row("c", "C"))
    put(b="meanwhile")

    with pytest.raises(Spoilt) as spoilt, transaction() as session:
        apply_whole(session, batch_id, COMMAND_LINE, shape)
    assert (list(names()), [one["of_number"] for one in spoilt.value.rows]) == (["b@x.example"], [3])

    with transaction() as session:
        batches.forget(session, session.get_one(Batch, batch_id))
    through(plan_chunk, batch_id, shape)
    with transaction() as session:
        apply_whole(session, batch_id, COMMAND_LINE, shape)
    assert len(names()) == 3


def test_a_batch_too_long_for_one_transaction_says_so(app, monkeypatch):
    monkeypatch.setattr(applying, "WHOLE", 2)
    batch_id = planned(row("a", "A"), row("b", "B"), row("c", "C"))

    with pytest.raises(Conflict, match="up to 2 rows"):
        applying.check_whole(batch_of(batch_id))


def test_rights_are_those_of_the_moment_of_each_chunk(app):
    batch_id = planned(row("a", "A"), row("b", "B"), row("c", "C"))
    with transaction() as session:
        apply_chunk(session, batch_id, COMMAND_LINE, shape, size=2)

    with transaction() as session:
        apply_chunk(session, batch_id, Actor("staff", "Vera", 1, ("*.read",)), shape, size=2)

    assert batch_of(batch_id).outcomes == {"created": 2, "forbidden": 1}


def test_given_values_change_the_records_they_name(app):
    put(a="old", b="old")
    ids = list(db.session.scalars(select(customers.c.id).order_by(customers.c.id)))
    with transaction() as session:
        batch = open_batch(session, "customers", Door.BULK, mode="update")
        stage(session, batch, [(1, None, {"company": "Acme"}), (2, None, {"company": "Acme"})])
        batch_id = batch.id
        for number, id in enumerate(ids, 1):
            session.get_one(BatchRow, (batch_id, number)).record_id = id

    through(plan_chunk, batch_id, None)
    through(apply_chunk, batch_id, None)

    assert set(db.session.scalars(select(customers.c.company))) == {"Acme"}
    door = db.session.execute(select(Audit.door, Audit.door_id).where(Audit.action == "updated").distinct()).one()
    assert tuple(door) == ("bulk", batch_id)


def test_undo_gives_back_what_was_and_keeps_what_was_touched(app):
    put(a="old", b="old")
    batch_id = planned(row("a", "A"), row("b", "B"), row("c", "C"))
    through(apply_chunk, batch_id, shape)
    put(b="touched")

    assert through(undo_chunk, batch_id) == 2

    assert names() == {"a@x.example": "old", "b@x.example": "touched", "c@x.example": "C"}
    assert db.session.scalar(select(func.count()).select_from(customers).where(customers.c.trashed_at.is_not(None))) == 1
    assert batch_of(batch_id).undone == {"restored": 1, "kept": 1, "trashed": 1}


PEOPLE = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["X", "Y", ""])), min_size=1, max_size=10)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=PEOPLE, rows=PEOPLE)
def test_what_the_plan_says_is_what_becomes_of_every_row(app, before, rows):
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM batch_rows")
        connection.exec_driver_sql("DELETE FROM audit")
        connection.exec_driver_sql("DELETE FROM customers")
    put(**{who: name or "none" for who, name in before})
    batch_id = planned(*(row(*one) for one in rows))
    said = [(one.number, one.outcome) for one in batches.page(db.session(), batch_of(batch_id))]

    through(apply_chunk, batch_id, shape, size=3)

    assert [(one.number, one.outcome) for one in batches.page(db.session(), batch_of(batch_id))] == said
    assert batches.counts(db.session(), batch_of(batch_id)) == batch_of(batch_id).plans


def test_rows_that_change_nothing_are_taken_over_in_one_commit_unless_their_record_has_moved(app):
    put(a="Ann", b="Bob", c="Cid")
    id = planned(row("a", "Ann"), row("b", "Bob"), row("c", "Cid"), row("d", "Dan"))
    put(b="Ben")

    assert through(apply_chunk, id, shape, size=1) == 3     # a and b; c and d; no more
    assert sorted(names().values()) == ["Ann", "Ben", "Cid", "Dan"]
    assert batch_of(id).outcomes == {"unchanged": 2, "conflict": 1, "created": 1}


def test_cells_come_back_as_they_were_staged_whatever_is_in_them(app):
    cells = ["\ud800", "a\0b", "ü", {"e": "#N/A"}, None, 1.5, True]

    assert [row.cells for row in batches.page(db.session(), batch_of(made(cells)))] == [cells]
