"""One verb for many jobs: counted before, frozen at a number, each once and audited, what cannot be done left alone."""
import re

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from app.audit import Actor, Audit
from app.errors import Invalid
from app.extensions import db
from app.jobs import listing, many, mend
from app.jobs.models import Job
from app.transaction import transaction


@pytest.fixture(autouse=True)
def _tables(trial_tables):
    pass


@pytest.fixture
def by(user):
    return Actor("staff", "Operator", user("operator"), ("*",))


@pytest.fixture
def dead(job):
    """Three dead jobs of one kind, one of another, and one that is done."""
    found = [job(key=str(number), status="dead", attempts=5, last_error="The road is closed.") for number in range(3)]
    return [*found, job("trial.once", status="dead"), job("trial.once", status="done")]


def found(**words):
    return many.Chosen(listing.asked(MultiDict(words)))


def begin(verb, chosen, by):
    return many.start(verb, chosen, many.preview(db.session(), verb, chosen).until, by=by)


def statuses(ids):
    db.session.rollback()
    rows = dict(db.session.execute(sa.select(Job.id, Job.status).where(Job.id.in_(ids))).all())
    return [rows[id] for id in ids]


def deeds(action):
    db.session.rollback()
    return db.session.scalars(sa.select(Audit.record_id).where(Audit.action == action).order_by(Audit.id)).all()


def result(id):
    db.session.rollback()
    return db.session.get_one(Job, id, populate_existing=True).result


@pytest.mark.alike
def test_the_preview_counts_by_kind_and_error(app, dead):
    preview = many.preview(db.session(), "retry", found(status="dead"))
    assert [(one.kind, one.error, one.count) for one in preview.groups] == [("trial.says", "The road is closed.", 3), ("trial.once", "", 1)]
    assert (preview.count, preview.until, preview.is_too_many) == (4, dead[3], False)


def test_all_that_match_are_queued_again_and_each_is_in_the_trail(app, dead, by, drain):
    run = begin("retry", found(status="dead", kind="trial.says"), by)
    drain()
    assert statuses(dead) == ["done", "done", "done", "dead", "done"]
    assert result(run) == {"done": 3, "left_alone": 0}
    assert deeds("jobs.retry") == dead[:3]
    assert deeds("jobs.retry_many") == [run]


def test_the_ticked_are_discarded_and_no_others(app, dead, by, drain):
    run = begin("discard", many.Chosen(listing.Asked("dead"), (dead[0], dead[3], dead[4])), by)
    drain()
    assert statuses(dead) == ["cancelled", "dead", "dead", "cancelled", "done"]
    assert result(run) == {"done": 2, "left_alone": 0}


def test_what_is_queued_after_the_preview_is_not_cancelled(job, by, drain, stored):
    first = job()
    until = many.preview(db.session(), "cancel", found(status="waiting")).until
    second = job("trial.once")
    many.start("cancel", found(status="waiting"), until, by=by)
    with transaction() as session:      # the run goes first
        session.execute(sa.update(Job).where(Job.kind == many.KIND).values(priority=-1))
    drain()
    assert statuses([first, second]) == ["cancelled", "done"]


def test_pressed_twice_it_is_one_run_and_two_that_meet_do_each_once(app, dead, by, drain):
    first = begin("discard", found(status="dead"), by)
    assert begin("discard", found(status="dead"), by) == first
    begin("discard", found(), by)
    drain()
    assert deeds("jobs.discard") == dead[:4]


def test_of_two_jobs_of_a_key_one_is_queued_again_and_the_other_left_alone(job, by, drain, stored):
    old = job(key="orders", status="dead")
    new = job(key="orders", status="dead")
    mend.retry(old, by=by)
    run = begin("retry", many.Chosen(listing.Asked(), (new,)), by)
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.kind == many.KIND).values(priority=-1))
    drain()
    assert result(run) == {"done": 0, "left_alone": 1}
    assert statuses([new]) == ["dead"]


def test_the_rights_are_those_of_the_moment(app, dead, user, drain):
    run = begin("retry", found(status="dead"), Actor("staff", "Viewer", user("viewer"), ("*",)))
    drain()
    assert statuses(dead[:4]) == ["dead"] * 4
    assert result(run) is None


@pytest.mark.alike
def test_none_and_too_many_are_refused(app, dead, by, monkeypatch):
    with pytest.raises(Invalid, match="None of them"):
        many.start("retry", found(status="dead", kind="jobs.prune"), 10, by=by)
    monkeypatch.setattr(many, "LARGEST", 3)
    assert many.preview(db.session(), "retry", found(status="dead")).is_too_many
    with pytest.raises(Invalid, match="at most 3"):
        many.start("retry", found(status="dead"), dead[-1], by=by)


@pytest.mark.alike
def test_from_the_list_to_the_end(sign_in, dead, drain):
    client = sign_in("operator")
    listed = client.get("/jobs?status=dead").text
    assert "Preview retry of 4" in listed
    assert listed.count('form="bulk" name="id"') == 4
    asked = f"/jobs/many/retry?status=dead&id={dead[0]}&id={dead[1]}"
    page = client.get(asked).text
    assert "2 jobs chosen in the list." in page
    until, = re.findall(r'name="until" value="(\d+)"', page)
    answer = client.post(asked, data={"until": until})
    drain()
    assert "2 jobs queued again" in client.get(answer.headers["Location"]).text
    assert statuses(dead[:4]) == ["done", "done", "dead", "dead"]
    assert "None of these can be retried" in client.get(f"/jobs/many/retry?id={dead[0]}").text


@pytest.mark.alike
@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?all=1&color=red", "?id=" + "&id=".join(map(str, range(1, 202)))])
def test_what_cannot_be_read_is_refused(sign_in, query):
    assert sign_in("operator").get(f"/jobs/many/retry{query}").status_code == 400


@pytest.mark.alike
def test_a_viewer_is_offered_nothing(sign_in, dead):
    page = sign_in("viewer").get("/jobs?status=dead").text
    assert not any(part in page for part in ('form="bulk"', "Preview retry", "select.js"))
