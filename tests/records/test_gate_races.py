"""Eight processes write overlapping batches at once; then the audit has to replay, without a gap, to what is in the tables."""
import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from app.audit import Audit
from app.extensions import db
from tests.records.gate import indexed, rows, should_be_indexed
from tests.records.storm import storm

PROCESSES, ROUNDS, SIZE, KEYS = 8, 8, 60, 300
TABLES = {"customers": "email", "orders": "number", "payments": "external_id"}


@pytest.mark.slow
def test_eight_writers_lose_nothing_and_nobody_hears_of_a_deadlock(app, database):
    reports = storm(app, PROCESSES, ROUNDS, SIZE, KEYS)
    kinds = sum((report.kinds for report in reports), Counter())
    assert sum(kinds[kind] for kind in ("created", "updated", "unchanged", "stale")) == PROCESSES * ROUNDS * SIZE, kinds
    assert replayed() == []
    for resource, key in TABLES.items():
        keys = [row[key] for row in rows(resource)]
        assert len(keys) == len(set(keys))
        assert indexed(resource) == should_be_indexed(resource)


@pytest.mark.slow
def test_nobody_waits_for_a_record_that_is_here(app, database):
    storm(app, PROCESSES, ROUNDS, SIZE, KEYS)
    here = {"orders": {f"email={row['email']}" for row in rows("customers")}, "payments": {f"number={row['number']}" for row in rows("orders")}}
    waiting = {"orders": {row["customer_ref"] for row in rows("orders")}, "payments": {row["order_ref"] for row in rows("payments")}}
    assert not here["orders"] & waiting["orders"]
    assert not here["payments"] & waiting["payments"]


def replayed():
    """What the audit does not explain: gaps in the versions, olds that are not the previous news, tables that say something else."""
    found: list[tuple[object, ...]] = []
    seen: dict[tuple[str, int | None], dict[str, Any]] = {}
    for entry in db.session.execute(select(Audit).order_by(Audit.resource, Audit.record_id, Audit.version)).scalars():
        key = entry.resource, entry.record_id
        state = seen.setdefault(key, {"version": 0})
        if entry.version != state["version"] + 1:
            found.append(("gap", key, entry.version))
        state["version"] = entry.version
        for column, (old, new) in json.loads(entry.diff).items():
            if state.get(column, old) != old:
                found.append(("lost update", key, column, state[column], old))
            state[column] = new
    for resource in TABLES:
        for row in rows(resource):
            state = seen[resource, row["id"]]
            found.extend(("not what the audit says", resource, row["id"], column) for column, value in state.items() if row[column] != value)
    assert len(seen) == sum(len(rows(resource)) for resource in TABLES)
    return found
