"""One verb for many events: counted before, frozen at a number, done in steps, each event audited, whoever is at work left alone."""
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select, update
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.errors import Invalid
from app.extensions import db
from app.jobs.models import Job
from app.transaction import transaction
from app.webhooks import log, many
from app.webhooks.models import Endpoint, Event
from tests.webhooks.conftest import BAD, events
from tests.webhooks.test_retry import deeds


@pytest.fixture
def dead(post, drain) -> list[int]:
    """Three dead events, and one that is done."""
    for number in range(3):
        post(BAD, "standard", id=f"msg_{number}")
    post("payment_succeeded")
    drain()
    return [each.id for each in events() if each.status == "dead"]


@pytest.fixture
def by(user) -> Actor:
    return Actor("staff", "Operator", user("operator"), ("*",))


def question(**words: str) -> log.Asked:
    return log.asked(MultiDict(words), list(db.session.scalars(select(Endpoint))))


def job() -> Job:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Job).where(Job.kind == many.KIND).order_by(Job.id.desc())).all()[0]


def test_the_preview_counts_by_kind_and_error(app, dead):
    found = many.preview(db.session(), "retry", question(status="dead"))

    assert (found.count, found.until, found.is_too_many) == (3, dead[-1], False)
    assert [(one.said, one.status, one.count) for one in found.groups] == [("payments.created", "dead", 3)]
    assert "was refused" in found.groups[0].error


def test_all_of_them_are_queued_again_each_by_the_same_verb(app, dead, drain, by):
    many.start("retry", question(status="dead"), dead[-1], by=by)
    drain()

    assert job().result == {"done": 3, "left_alone": 0}
    assert sorted(each.record_id or 0 for each in deeds("webhooks.retry")) == dead
    assert {each.actor for each in deeds("webhooks.retry")} == {"Operator"}
    assert len(deeds("webhooks.retry_many")) == 1
    assert [each.status for each in events()] == ["dead"] * 3 + ["done"], "they died again, once each"


def test_what_comes_after_the_preview_is_left_alone(app, dead, drain, by):
    many.start("ignore", question(status="dead"), dead[1], by=by)
    drain()

    assert [each.outcome for each in events()][:3] == ["ignored", "ignored", None]


def test_pressed_twice_it_is_one_run(app, dead, by):
    one, two = (many.start("retry", question(status="dead"), dead[-1], by=by) for _ in range(2))

    assert one == two


def test_a_run_that_stops_in_the_middle_goes_on_from_its_last_step(app, dead, drain, by, monkeypatch):
    monkeypatch.setattr(many, "A_STEP", 2)
    step = many._step

    def killed(session, work, verb, found):
        if work.cursor.get("after") and work.attempt == 1:
            raise MemoryError("gone")
        return step(session, work, verb, found)
    monkeypatch.setattr(many, "_step", killed)
    many.start("retry", question(status="dead"), dead[-1], by=by)
    drain()
    assert (job().status, (job().cursor or {}).get("did")) == ("waiting", 2)
    monkeypatch.setattr(many, "_step", step)
    with transaction() as session:
        session.execute(update(Job).values(run_at=func.current_timestamp()))
    drain()

    assert job().result == {"done": 3, "left_alone": 0}
    assert sorted(each.record_id or 0 for each in deeds("webhooks.retry")) == dead


def test_what_is_being_worked_on_is_left_alone(app, dead, drain, by):
    many.start("ignore", question(), dead[-1], by=by)
    with transaction() as session:
        session.execute(update(Event).where(Event.id == dead[0]).values(status="running"))
    drain()

    assert [each.status for each in events()][:3] == ["running", "done", "done"]


def test_the_rights_are_those_of_the_moment(app, dead, drain, user):
    viewer = Actor("staff", "Viewer", user("viewer"), ("*",))
    many.start("retry", question(status="dead"), dead[-1], by=viewer)
    drain()

    assert job().status in ("dead", "waiting")
    assert "webhooks.retry" in (job().last_error or "")
    assert deeds("webhooks.retry") == []


def test_none_and_too_many_are_refused(app, dead, by, monkeypatch):
    with pytest.raises(Invalid, match="None of them"):
        many.start("retry", question(status="running"), dead[-1], by=by)
    monkeypatch.setattr(many, "LARGEST", 2)
    with pytest.raises(Invalid, match="at most 2"):
        many.start("retry", question(status="dead"), dead[-1], by=by)
    assert many.preview(db.session(), "retry", question(status="dead")).is_too_many


def test_those_a_text_was_found_in_are_those_it_is_done_to(app, dead, drain, by):
    many.start("ignore", log.searched(db.session(), question(text="P-1", status="dead")), dead[-1], by=by)
    assert job().args["ids"] == dead
    drain()

    assert [each.outcome for each in events()][:3] == ["ignored"] * 3


def test_what_was_looked_for_in_payloads_is_kept_nowhere(app, dead, by):
    many.start("ignore", log.searched(db.session(), question(text="P-1", status="dead")), dead[-1], by=by)

    [deed] = deeds("webhooks.ignore_many")
    assert "P-1" not in f"{job().key} {job().args} {deed.diff}"
    assert job().args["words"] == {}


def test_two_long_questions_that_end_differently_are_two_runs(app, dead, by):
    long = dict.fromkeys(("kind", "about", "q"), "x" * 200)
    asked = [replace(question(status="dead", to=to, **long), conditions=()) for to in ("2998-01-01", "2999-01-01")]

    assert many.start("ignore", asked[0], dead[-1], by=by) != many.start("ignore", asked[1], dead[-1], by=by)


def test_from_the_list_to_the_end_in_the_browser(sign_in, dead, drain):
    client = sign_in("operator")
    listed = client.get("/webhooks?status=dead").text
    assert 'href="/webhooks/many/retry?status=dead">Preview retry of 3<' in listed
    assert "Preview ignore of 3" in listed

    preview = client.get("/webhooks/many/retry?status=dead").text
    assert "nothing is queued yet" in preview
    assert "Retry 3 events" in preview
    answer = client.post("/webhooks/many/retry?status=dead", data={"until": str(dead[-1])})
    assert answer.status_code == 303
    assert 'data-live="1"' in client.get(answer.location).text
    drain()

    ended = client.get(answer.location).text
    assert "3 events queued again" in ended
    assert "data-live" not in ended
    assert "among others" in client.get(f"/webhooks/events/{dead[0]}").text


def test_what_cannot_be_read_is_refused(sign_in, dead):
    client = sign_in("operator")

    assert client.post("/webhooks/many/retry?status=dead", data={"until": "x"}).status_code == 400
    assert client.get("/webhooks/many/retry?colour=red").status_code == 400
    assert client.get("/webhooks/many/4711").status_code == 404
    assert client.post("/webhooks/many/ignore?status=done", data={"until": str(dead[-1])}).status_code == 422
    assert "None of these can be ignored" in client.get("/webhooks/many/ignore?status=done").text


def test_payloads_are_searched_only_for_those_who_may_see_them(sign_in, dead):
    operator = sign_in("operator")
    assert operator.get("/webhooks/many/retry?text=P-1").status_code == 403
    assert operator.post("/webhooks/many/retry?text=P-1", data={"until": dead[-1]}).status_code == 403
    assert sign_in("manager").get("/webhooks/many/retry?text=P-1").status_code == 200


def test_without_a_filter_nothing_is_offered(sign_in, dead):
    assert "/many/" not in sign_in("operator").get("/webhooks").text


def test_a_thousand_are_counted_in_one_statement_and_done_in_steps(app, dead, drain, by):
    with transaction() as session:
        first = session.execute(select(Event.__table__).where(Event.id == dead[0])).mappings().one()
        values = {name: value for name, value in first.items() if name not in ("id", "dedupe_key")}
        session.execute(insert(Event), [{**values, "dedupe_key": f"msg_x{number}"} for number in range(997)])
    newest = db.session.execute(select(func.max(Event.id))).scalar_one()

    many.start("ignore", question(status="dead"), newest, by=by)
    drain()

    assert job().result == {"done": 1000, "left_alone": 0}
    assert job().progress_total == 1000


