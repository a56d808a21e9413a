"""Jobs that come again: once a moment, however many sweepers, in the time of the place."""
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.audit import SYSTEM, Actor, Audit
from app.errors import Conflict, Forbidden, Invalid
from app.extensions import db
from app.jobs.models import Job, Schedule
from app.jobs.registry import kinds
from app.jobs.schedules import declare, fire, following, pause, resume, run_now, schedule, upcoming
from app.transaction import now, transaction


def plan(name="reports", cron="*/5 * * * *", **options):
    with transaction() as session:
        return schedule(session, name, "trial.says", {}, cron, **options).id


def make_due(minutes=1):
    with transaction() as session:
        session.execute(sa.update(Schedule).values(next_at=now(session) - timedelta(minutes=minutes)))


def jobs():
    db.session.rollback()
    return db.session.execute(sa.select(Job).order_by(Job.id)).scalars().all()


def test_a_schedule_fires_when_its_moment_has_come(app, drain):
    plan()
    assert fire() == 0
    make_due()
    assert fire() == 1
    job, = jobs()
    assert (job.kind, job.created_by) == ("trial.says", "Backroom")
    assert fire() == 0
    drain()
    assert jobs()[0].status == "done"


def test_many_sweepers_fire_a_moment_once(app):
    plan()
    for _ in range(5):
        make_due()

        def sweep(_):
            with app.app_context():
                return fire()
        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(sweep, range(6))) == 1
        with transaction() as session:
            session.execute(sa.update(Job).values(status="done"))
    assert len(jobs()) == 5


def test_the_database_refuses_a_second_job_of_the_same_moment(app):
    plan()
    make_due()
    fire()
    first, = jobs()
    with transaction() as session:
        session.execute(sa.update(Job).values(status="done"))
        session.execute(sa.update(Schedule).values(next_at=first.fire_at))
    assert fire() == 0
    assert len(jobs()) == 1


def test_moments_that_were_missed_fire_once_not_each(app):
    id = plan()
    make_due(minutes=600)
    assert fire() == 1
    assert fire() == 0
    db.session.rollback()
    assert db.session.get_one(Schedule, id).next_at > datetime.now(UTC)


def test_a_moment_is_skipped_while_the_last_job_is_open(app):
    plan()
    make_due()
    fire()
    make_due(minutes=2)
    assert fire() == 0
    assert len(jobs()) == 1


def test_a_schedule_that_is_off_does_not_fire(app):
    plan()
    make_due()
    with transaction() as session:
        session.execute(sa.update(Schedule).values(is_enabled=False))
    assert fire() == 0


def test_a_schedule_of_a_kind_this_version_does_not_know_is_left_alone(app):
    plan()
    make_due()
    with transaction() as session:
        session.execute(sa.update(Schedule).values(kind="trial.of the future"))
    assert fire() == 0


def test_a_scheduled_job_acts_for_who_made_the_schedule(app, user):
    plan(by=Actor("staff", "Vera", user("manager")))
    make_due()
    fire()
    assert (jobs()[0].created_by_kind, jobs()[0].created_by) == ("staff", "Vera")


@pytest.mark.parametrize("cron", ["", "every day", "* * * *", "61 * * * *", "@daily", "* * * * * *"])
def test_a_cron_line_that_cannot_be_read_is_refused_in_words(app, cron):
    with pytest.raises(Invalid) as refused:
        plan(cron=cron)
    assert "five parts" in refused.value.errors["cron"]


def test_the_same_name_is_the_same_schedule(app):
    assert plan() == plan(cron="0 6 * * *")
    db.session.rollback()
    assert db.session.execute(sa.select(Schedule.cron)).scalars().all() == ["0 6 * * *"]


@pytest.mark.parametrize(("after", "expected"), [
    ("2026-03-28T12:00:00+00:00", "2026-03-29T01:00:00+00:00"),     # there is no 02:30 that night: as soon as it is past
    ("2026-06-01T00:00:00+00:00", "2026-06-01T00:30:00+00:00"),
    ("2026-12-01T00:00:00+00:00", "2026-12-01T01:30:00+00:00"),
])
def test_half_past_two_is_meant_where_the_schedule_lives(after, expected):
    found = following("30 2 * * *", "Europe/Berlin", datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(expected)


def test_kinds_that_come_again_by_themselves_have_a_schedule_once(app):
    declare()
    declare()
    db.session.rollback()
    names = db.session.execute(sa.select(Schedule.name)).scalars().all()
    assert sorted(names) == sorted(kind.name for kind in kinds() if kind.cron)
    assert "jobs.prune" in names


def test_a_kind_that_changed_its_time_changes_its_schedule(app):
    declare()
    with transaction() as session:
        session.execute(sa.update(Schedule).values(cron="0 0 1 1 *"))
    declare()
    db.session.rollback()
    assert "0 0 1 1 *" not in db.session.execute(sa.select(Schedule.cron)).scalars().all()


# what a person does about one

VERA = Actor("staff", "Vera", 7)


def deeds():
    db.session.rollback()
    return db.session.execute(sa.select(Audit.action, Audit.record_id).where(Audit.resource == "schedules").order_by(Audit.id)).all()


def kept(id):
    db.session.rollback()
    return db.session.get_one(Schedule, id, populate_existing=True)


def test_what_two_press_at_once_is_queued_once(app):
    id = plan()

    def press(_):
        with app.app_context():
            return run_now(id, by=VERA)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(press, range(4)))
    job, = jobs()
    assert {one for one, _ in found} == {job.id}
    assert sum(is_new for _, is_new in found) == 1
    assert (job.created_by, job.schedule_id, job.fire_at) == ("Backroom", id, None)
    assert [tuple(row) for row in deeds()] == [("schedules.run", id)]


def test_what_is_started_now_does_not_change_when_it_comes_next(app, drain):
    id = plan()
    before = kept(id).next_at
    first, _ = run_now(id, by=VERA)
    drain()
    second, is_new = run_now(id, by=VERA)
    assert is_new
    assert first != second
    assert kept(id).next_at == before


def test_what_is_paused_does_not_fire_and_makes_up_for_nothing_when_it_goes_on(app):
    id = plan()
    pause(id, by=VERA)
    pause(id, by=VERA)
    make_due(minutes=600)
    assert fire() == 0
    assert upcoming(kept(id), 3) == []
    resume(id, by=VERA)
    resume(id, by=VERA)
    assert kept(id).next_at > datetime.now(UTC)
    assert fire() == 0
    assert [tuple(row) for row in deeds()] == [("schedules.pause", id), ("schedules.resume", id)]


@pytest.mark.alike
@pytest.mark.parametrize("verb", [run_now, resume])
def test_a_schedule_that_acts_for_a_person_is_started_by_that_person_alone(app, verb):
    id = plan(by=VERA)
    pause(id, by=SYSTEM)
    with pytest.raises(Forbidden, match="Vera"):
        verb(id, by=SYSTEM)
    verb(id, by=VERA)


@pytest.mark.alike
def test_a_job_this_version_does_not_know_cannot_be_started(app):
    id = plan()
    with transaction() as session:
        session.execute(sa.update(Schedule).values(kind="trial.of the future"))
    with pytest.raises(Conflict, match="does not know"):
        run_now(id, by=VERA)


@pytest.mark.alike
def test_the_next_moments_follow_one_another(app):
    first, second, third = upcoming(kept(plan()), 3)
    assert second - first == third - second == timedelta(minutes=5)


@pytest.mark.alike
def test_each_role_is_offered_what_it_may_do(app, sign_in):
    id = plan()
    viewer, operator, admin = (sign_in(role) for role in ("viewer", "operator", "admin"))
    offered = {"viewer": (viewer, []), "operator": (operator, ["run"]), "admin": (admin, ["run", "pause"])}
    for client, verbs in offered.values():
        text = client.get("/jobs/schedules").text
        assert [verb for verb in ("run", "pause", "resume") if f"/jobs/schedules/{id}/{verb}" in text] == verbs
    assert viewer.post(f"/jobs/schedules/{id}/run").status_code == 403
    assert operator.post(f"/jobs/schedules/{id}/pause").status_code == 403
    assert operator.post(f"/jobs/schedules/{id}/run").headers["Location"] == f"/jobs/{jobs()[0].id}"
    assert admin.post(f"/jobs/schedules/{id}/pause").status_code == 303
    assert f"/jobs/schedules/{id}/resume" in admin.get("/jobs/schedules").text
    assert admin.post(f"/jobs/schedules/{id}/resume").status_code == 303
    assert admin.post(f"/jobs/schedules/{2**64}/run").status_code == 404
