"""Jobs that come again: once a moment, however many sweepers, in the time of the place."""
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.audit import Actor
from app.errors import Invalid
from app.extensions import db
from app.jobs.models import Job, Schedule
from app.jobs.registry import kinds
from app.jobs.schedules import declare, fire, following, schedule
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


