"""Lists of what happened: counts are right below their cap, say so above it, and cost no walk over what a filter leaves out."""
from collections import Counter

import pytest
from sqlalchemy import func, insert, select
from werkzeug.datastructures import MultiDict

from app import newest
from app.extensions import db
from app.newest import Count
from app.transaction import transaction
from app.webhooks import log
from app.webhooks.models import Endpoint, Event
from tests.records.stock import statements
from tests.webhooks.conftest import endpoint

__all__ = ["endpoint"]     # the fixture of the tests of webhooks
FEW, MANY = "rare.kind", "usual.kind"


@pytest.fixture
def kept(endpoint) -> Endpoint:
    """Twelve done of one kind, four of them and then two dead of another, the oldest ones."""
    found: Endpoint = endpoint()
    stood = [("dead", FEW)] * 2 + [("done", FEW)] * 4 + [("done", MANY)] * 12
    with transaction() as session:
        now = session.execute(select(func.now())).scalar_one()
        session.execute(insert(Event), [
            {"endpoint_id": found.id, "dedupe_key": f"k{number}", "said": said, "status": status, "occurred_at": now, "received_at": now}
            for number, (status, said) in enumerate(stood)])
    return found


@pytest.mark.parametrize("cap", [1, 3, 5, 11, 12, 13, 17, 18, 100])
@pytest.mark.parametrize("said", [None, FEW, MANY, "nothing"])
def test_counts_are_exact_or_say_that_there_may_be_more(kept, monkeypatch, cap, said):
    monkeypatch.setattr(newest, "CAP", cap)
    conditions = [] if said is None else [Event.said == said]
    right = Counter(db.session.scalars(select(Event.status).where(*conditions)))

    found = newest.counts(db.session(), Event, log.VIEWS, conditions)

    for name, number in (("dead", right["dead"]), ("done", right["done"]), ("waiting", 0), ("", right.total())):
        assert found[name].number <= number
        assert found[name].capped or found[name].number == number, f"{name} {found[name]}"
    assert found["dead"] == Count(right["dead"], False) or cap < 2, "what few have is counted whole"
    assert found[""].capped == (right.total() > cap)


@pytest.mark.parametrize("status", ["", "done", "ignored"])
@pytest.mark.parametrize(("word", "index"), [("kind", "ix_webhook_events_said"), ("provider", "ix_webhook_events_endpoint_id_id")])
def test_a_filter_is_counted_and_shown_by_its_own_index(kept, status, word, index):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("what PostgreSQL does depends on what it knows of the rows")
    args = MultiDict({"status": status, word: FEW if word == "kind" else kept.provider})
    question = log.asked(args, [kept])
    with statements() as seen:
        log.counts(db.session(), question)
        log.page(db.session(), question)
    for statement, parameters in [one for one in seen if "webhook_events" in one[0]]:
        plan = [row[-1] for row in db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        assert any(index in step for step in plan), plan
        assert not any("ix_webhook_events_status" in step or "ix_webhook_events_ignored" in step for step in plan), plan
