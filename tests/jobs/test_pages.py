"""The pages of the jobs, from the database alone, and what each role may do there."""
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from app import cache, newest
from app.audit import SYSTEM
from app.errors import BadRequest
from app.extensions import db
from app.jobs import listing, mend, queues, words
from app.jobs.models import Attempt, Job
from app.jobs.queue import claim, release
from app.jobs.registry import kinds
from app.jobs.schedules import declare
from app.transaction import now, transaction


@pytest.fixture(autouse=True)
def _fresh(trial_tables):
    for name in ("redis", "pulse", "dead jobs", "jobs lately", "jobs day"):
        cache.drop(name)


# the list

def test_pages_joined_are_the_whole_list_once_in_both_directions(job, monkeypatch):
    monkeypatch.setattr(newest, "SIZE", 3)
    ids = [job(key=str(number)) for number in range(8)][::-1]
    session, after, page = db.session(), None, None
    seen: list[int] = []
    while page is None or page.after:
        page = listing.page(session, listing.asked(MultiDict({} if after is None else {"after": after})))
        seen, after = seen + [one.id for one in page.rows], str(page.after)
    assert seen == ids
    back = [one.id for one in page.rows]
    while page.before:
        page = listing.page(session, listing.asked(MultiDict({"before": str(page.before)})))
        back = [one.id for one in page.rows] + back
    assert back == ids


def test_each_view_counts_and_shows_the_same(job):
    states: dict[str, dict[str, object]] = {"dead": {"status": "dead"}, "retrying": {"attempts": 1}, "waiting": {}, "running": {"status": "running"},
              "done": {"status": "done"}, "cancelled": {"status": "cancelled"}}
    made = {view: job(key=view, **values) for view, values in states.items()}
    counts = listing.counts(db.session(), listing.Asked())
    for view, id in made.items():
        page = listing.page(db.session(), listing.asked(MultiDict({"status": view})))
        assert [one.id for one in page.rows] == [id]
        assert (counts[view].number, counts[view].capped) == (1, False)
    assert counts[""].number == 6


def test_counts_stop_at_the_cap(job, monkeypatch):
    monkeypatch.setattr(newest, "CAP", 2)
    for number in range(4):
        job(key=str(number))
    assert listing.counts(db.session(), listing.Asked())[""] == newest.Count(2, True)


@pytest.mark.parametrize("args", [{"status": "lost"}, {"color": "red"}, {"after": "x"}, {"before": "9" * 30}, {"after": "²"}])
def test_a_parameter_the_list_does_not_know_is_refused(args):
    with pytest.raises(BadRequest):
        listing.asked(MultiDict(args))


# pages

def test_the_list_says_how_each_job_stands(job, sign_in):
    job(status="dead", last_error="The road is closed.")
    text = sign_in("viewer").get("/jobs").text
    assert "Dead" in text
    assert "The road is closed." in text
    assert "Redis does not answer" in text or "Workers" in text


def test_an_empty_list_says_what_would_be_here(app, sign_in):
    assert "No job has run yet" in sign_in("viewer").get("/jobs").text
    assert "None is dead" in sign_in("viewer").get("/jobs?status=dead").text
    assert "No job is like that" in sign_in("viewer").get("/jobs?kind=trial.says").text


def test_a_filter_the_list_does_not_know_is_a_page_that_says_so(app, sign_in):
    assert sign_in("viewer").get("/jobs?color=red").status_code == 400


def test_the_list_warns_when_nobody_works(job, sign_in):
    job()
    assert "Nobody works on this" in sign_in("viewer").get("/jobs").text


def test_a_job_page_shows_attempts_progress_result_and_who_started_it(job, sign_in, drain):
    id = job("trial.chunks", args={"total": 4})
    drain()
    text = sign_in("manager").get(f"/jobs/{id}").text
    for word in ("Done", "4 of 4", "chunks", "Backroom", "1 of 3 used", "process"):
        assert word in text


def test_attempts_are_counted_on_when_a_job_is_queued_again(job, sign_in, drain):
    id = job("trial.fails", args={"how": "fail"})
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == id).values(max_attempts=2))
    drain()
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == id).values(run_at=now(session)))
    drain()
    release_one(id)
    drain()

    words_shown = " ".join(re.sub(r"<[^>]+>", "", sign_in("viewer").get(f"/jobs/{id}").text).split())

    assert re.findall(r"Attempt \d(?:, queued again)?: \w+", words_shown) == [
        "Attempt 3: Failed", "Attempt 3, queued again: Given", "Attempt 2: Failed", "Attempt 1: Failed"]
    assert "1 of 2 used since it was queued again" in words_shown


def release_one(id):
    """Somebody queues the job again; the first worker that takes it has to stop and gives it back."""
    mend.retry(id, by=SYSTEM)
    [taken] = claim(queues.named("default"), "tests")
    with transaction() as session:
        assert release(session, [taken])


def test_a_job_page_shows_the_error_and_its_traceback_to_those_who_may(job, sign_in, drain):
    id = job("trial.fails", args={"how": "fail"})
    drain()
    with transaction() as session:
        session.execute(sa.update(Attempt).values(error="Traceback\n  secret line\nValueError: bad"))
    assert "secret line" in sign_in("manager").get(f"/jobs/{id}").text
    assert "secret line" not in sign_in("viewer").get(f"/jobs/{id}").text
    assert "ValueError: bad" in sign_in("viewer").get(f"/jobs/{id}").text


def test_an_open_job_refreshes_itself_and_an_ended_one_does_not(job, sign_in, drain):
    id = job()
    client = sign_in("viewer")
    page = client.get(f"/jobs/{id}").text
    assert all(part in page for part in ('data-live="2"', "live.js", '<noscript><meta http-equiv="refresh"'))
    drain()
    page = client.get(f"/jobs/{id}").text
    assert not any(part in page for part in ("data-live", "live.js", 'http-equiv="refresh"'))


def test_a_job_that_is_not_kept_is_not_found(app, sign_in):
    assert sign_in("viewer").get("/jobs/4711").status_code == 404
    assert sign_in("viewer").get(f"/jobs/{2**64}").status_code == 404


def test_an_operator_may_retry_and_cancel(job, sign_in, stored):
    id = job(status="dead")
    client = sign_in("operator")
    assert "Retry job" in client.get(f"/jobs/{id}").text
    assert client.post(f"/jobs/{id}/retry").status_code == 303
    assert stored(id).status == "waiting"
    assert client.post(f"/jobs/{id}/cancel").status_code == 303
    assert stored(id).status == "cancelled"
    with transaction() as session:
        session.execute(sa.update(Job).values(status="dead"))
    assert client.post(f"/jobs/{id}/discard").status_code == 303
    assert stored(id).outcome == "discarded"


@pytest.mark.parametrize("verb", ["{id}/retry", "{id}/cancel", "{id}/discard", "many/retry", "many/cancel", "many/discard"])
def test_a_viewer_may_only_look(job, sign_in, stored, verb):
    id = job(status="dead")
    client = sign_in("viewer")
    assert client.post("/jobs/" + verb.format(id=id)).status_code == 403
    assert "<form method=\"post\" action=\"/jobs/" not in client.get(f"/jobs/{id}").text
    assert stored(id).status == "dead"


def test_what_cannot_be_done_is_said_on_a_page(job, sign_in):
    assert sign_in("operator").post(f"/jobs/{job(status='done')}/retry").status_code == 409


def test_schedules_are_listed(app, sign_in):
    declare()
    text = sign_in("viewer").get("/jobs/schedules").text
    assert "Drop old jobs" in text
    assert "Every day at 03:20" in text


def test_dead_jobs_are_a_loud_mark_in_the_navigation(job, sign_in):
    assert '<span class="n bad-ink">2 dead' not in sign_in("viewer").get("/jobs").text
    for key in "ab":
        job(status="dead", key=key)
    assert '<span class="n bad-ink">2 dead' in sign_in("viewer").get("/jobs").text


def test_the_pulse_says_how_far_the_queues_are_behind(job, sign_in):
    id = job()
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == id).values(run_at=now(session) - timedelta(minutes=10)))
    assert "Queue 10 min behind" in sign_in("viewer").get("/jobs").text


def test_a_job_links_to_what_it_works_on(job, sign_in):
    exported, pruned = job("exports.run", args={"export_id": 7}), job("jobs.prune")
    client = sign_in("manager")
    assert 'href="/exports/7"' in client.get(f"/jobs/{exported}").text
    assert "What it works on" not in client.get(f"/jobs/{pruned}").text


@pytest.mark.alike
@pytest.mark.parametrize(("kind", "args", "page"), [
    ("imports.replace", {"import_id": 3, "wish": {"column": "a"}}, "/imports/3"), ("integrations.sync_list", {"sync_id": 5}, "/integrations/syncs/5"),
    ("integrations.sync", {"connection_id": 2}, "/integrations/connections/2/syncs"), ("integrations.perform", {"effect_id": 2}, "/integrations/effects"),
    ("integrations.refresh", {"resource": "orders", "record_id": 9}, "/orders/9"), ("privacy.erase", {"customer_id": 4}, "/privacy/customers/4"),
    ("webhooks.many", {}, "/webhooks/many/{id}"), ("jobs.many", {}, "/jobs/many/{id}"), ("bulk.apply", {"bulk_id": 6}, "/bulk/6")])
def test_every_door_a_job_works_for_has_its_link(job, sign_in, kind, args, page):
    id = job(kind, args=args)
    assert f'href="{page.format(id=id)}">What it works on' in sign_in("admin").get(f"/jobs/{id}").text


@pytest.mark.parametrize("kind", [known for known in kinds() if known.page], ids=lambda kind: kind.name)
def test_every_kind_that_names_a_page_names_one_that_is_there(app, kind):
    assert kind.page in app.view_functions


# words

@pytest.mark.parametrize(("values", "word"), [
    ({"status": "waiting", "attempts": 0}, "Queued"), ({"status": "waiting", "attempts": 1}, "Retrying"),
    ({"status": "running"}, "Running"), ({"status": "done"}, "Done"), ({"status": "dead"}, "Dead"),
    ({"status": "cancelled"}, "Cancelled"), ({"status": "cancelled", "outcome": "discarded"}, "Discarded")])
def test_every_state_has_its_word(values, word):
    assert words.shown(Job(**{"attempts": 0} | values))[2] == word


@pytest.mark.parametrize(("seconds", "said"), [(0.0123, "12 ms"), (5, "5.0 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations_are_short(seconds, said):

    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert words.took(begin, begin + timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(("cron", "said"), [
    ("17 * * * *", "Every hour at minute 17"), ("5 3 * * *", "Every day at 03:05"), ("*/5 * * * *", "Every 5 minutes"),
    ("0 6 * * 1", "0 6 * * 1"), ("0 6,18 * * *", "0 6,18 * * *")])
def test_when_a_schedule_comes_is_said_in_words_where_words_are_short(cron, said):
    assert words.every(cron) == said


def test_arguments_and_results_have_names_a_person_can_read(job, sign_in, drain):
    id = job("trial.chunks", args={"total": 4})
    drain()
    page = sign_in("manager").get(f"/jobs/{id}").text
    assert "<dt>Total</dt>" in page
    assert "<dt>Chunks</dt>" in page
