"""Saved exports: kept, shared, run, and come again by the clock with the rights their owner has then; the mail about it."""
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.accounts import actors
from app.accounts.models import User
from app.audit import Actor
from app.errors import BadRequest, Forbidden, Invalid, NotFound
from app.exports import definitions, run
from app.exports.models import Definition, Export
from app.exports.rhythm import Rhythm
from app.exports.style import Style
from app.extensions import db
from app.jobs.models import Job, Schedule
from app.jobs.schedules import fire, following
from app.notices import Notice
from app.transaction import now, transaction
from tests.exports.making import content, make, table
from tests.wait import wait_for


@pytest.fixture
def mara(app, user) -> Actor:
    make({"email": "ada@example.com", "country": "DE"}, {"email": "bob@example.com", "country": "FR"})
    return person(user("manager", email="mara@example.com"))


def person(id: int) -> Actor:
    found = actors.staff(id)
    assert found is not None
    return found


def save(by, name="Germans", shared=False, **more):
    return definitions.save(name, "customers", "country=DE", ["email", "country"], "csv", Style(delimiter=";"), by=by, shared=shared, **more)


def come(id: int) -> None:
    """Let the moment of its schedule be there."""
    with transaction() as session:
        session.execute(sa.update(Schedule).where(Schedule.name == f"export {id}").values(next_at=now(session) - timedelta(minutes=1)))
    fire()


def change(user_id: int, **values: object) -> None:
    with transaction() as session:
        session.execute(sa.update(User).where(User.id == user_id).values(**values))


def exports() -> list[Export]:
    db.session.expire_all()
    return list(db.session.scalars(sa.select(Export).order_by(Export.id)))


def test_a_saved_export_is_run_again_with_all_that_was_chosen(mara):
    id = save(mara)

    assert table(content(definitions.run_now(id, by=mara)), delimiter=";") == [["E-mail", "Country"], ["ada@example.com", "DE"]]
    assert exports()[0].definition_id == id


def test_the_same_name_again_changes_it_and_another_persons_stays_theirs(mara, user):
    other = person(user("manager", email="otto@example.com"))

    assert save(mara) == save(mara, shared=True) != save(other)
    assert [one.is_shared for one in definitions.of(db.session(), mara)] == [True]
    assert len(definitions.of(db.session(), other)) == 2


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_a_name_that_will_not_do_is_refused(mara, name):
    with pytest.raises(Invalid):
        save(mara, name)


def test_what_is_not_shared_is_nobody_elses_and_what_is_takes_the_right_to_export(mara, user):
    otto, vera = (person(user(role, email=f"{role}2@example.com")) for role in ("manager", "viewer"))
    own, shared = save(mara), save(mara, "All", shared=True)

    with pytest.raises(NotFound):
        definitions.run_now(own, by=otto)
    assert definitions.run_now(shared, by=otto)
    with pytest.raises(NotFound):
        definitions.run_now(shared, by=vera)
    with pytest.raises(Forbidden, match="acts for whoever owns"):
        definitions.plan(shared, Rhythm(), by=otto)
    with pytest.raises(NotFound):
        definitions.remove(shared, by=otto)


def test_a_schedule_exports_once_a_moment_for_its_owner_and_can_rest(mara, drain):
    id = save(mara)
    definitions.plan(id, Rhythm("week", "06:30", "Europe/Berlin", weekday="5"), by=mara)
    come(id)
    fire()
    drain()

    [export] = exports()
    assert (export.created_by, export.rows, export.definition_id) == (mara.name, 1, id)
    definitions.pause(id, by=mara)
    come(id)
    drain()
    assert len(exports()) == 1
    definitions.resume(id, by=mara)
    come(id)
    drain()
    assert len(exports()) == 2


def test_the_page_of_schedules_names_it_to_whoever_may_know_it(mara, sign_in):
    mine, shared = save(mara, "Mine"), save(mara, "Everybodys", shared=True)
    for id in (mine, shared):
        definitions.plan(id, Rhythm(), by=mara)

    texts = {role: sign_in(role, email=f"{role}@example.com").get("/jobs/schedules").text for role in ("manager", "viewer")}

    link = f'<a href="/exports/saved/{shared}">Everybodys</a>'
    assert [(link in text, "Mine" in text, text.count("Start a scheduled export")) for text in texts.values()] == [(True, False, 2), (False, False, 2)]


def test_a_job_that_is_tried_again_starts_no_second_export(mara, drain):
    id = save(mara)
    definitions.plan(id, Rhythm(), by=mara)
    come(id)
    drain()
    with transaction() as session:
        again = session.scalars(sa.select(Job).where(Job.kind == "exports.scheduled")).one()
        assert again.status == "done"     # in the commit that began the export: nothing is left to try
    assert len(exports()) == 1


@pytest.mark.parametrize(("values", "why"), [({"is_active": False}, "cannot sign in any more"), ({"role": "viewer"}, "permission")])
def test_an_owner_who_left_or_lost_the_right_lets_it_rest_and_somebody_is_told(mara, user, drain, values, why):
    id = save(mara)
    definitions.plan(id, Rhythm(), by=mara)
    change(mara.id, **values)
    come(id)
    drain()

    assert exports() == []
    kept = db.session.get_one(Definition, id)
    assert why in (kept.paused_why or "")
    schedule = definitions.schedule_of(db.session(), kept)
    assert schedule is not None
    assert not schedule.is_enabled
    assert [(notice.url, notice.needs) for notice in db.session.scalars(sa.select(Notice))] == [(f"/exports/saved/{id}", "customers.export")]


def test_removing_it_ends_its_schedule_and_leaves_its_files(mara):
    id = save(mara)
    export_id = definitions.run_now(id, by=mara)
    definitions.plan(id, Rhythm(), by=mara)

    definitions.remove(id, by=mara)

    assert db.session.scalars(sa.select(Schedule).where(Schedule.name == f"export {id}")).all() == []
    assert run.take(export_id, by=mara).file


def test_a_saved_export_whose_column_is_gone_says_so(mara):
    id = save(mara)
    with transaction() as session:
        session.get_one(Definition, id).columns = ["shoe"]

    with pytest.raises(BadRequest, match="shoe"):
        definitions.run_now(id, by=mara)


@pytest.mark.parametrize(("rhythm", "cron", "said"), [
    (Rhythm("day", "06:05"), "5 6 * * *", "Every day at 06:05, UTC"),
    (Rhythm("week", "23:00", weekday="0"), "0 23 * * 0", "Every week on Sunday at 23:00, UTC"),
    (Rhythm("month", "00:30", day="L"), "30 0 L * *", "Every month on the last day at 00:30, UTC"),
    (Rhythm("month", "00:30", "Europe/Berlin", day="22"), "30 0 22 * *", "Every month on the 22nd day at 00:30, Europe/Berlin")])
def test_a_rhythm_is_a_cron_line_and_reads_back(rhythm, cron, said):
    assert (rhythm.cron, rhythm.said) == (cron, said)
    assert Rhythm.read(Schedule(cron=cron, time_zone=rhythm.zone)) == replace(rhythm, at=rhythm.at)


@pytest.mark.parametrize("wrong", [{"every": "hour"}, {"at": "25:00"}, {"at": "6"}, {"zone": "Mars/Base"}, {"weekday": "7"}, {"day": "31"}])
def test_a_rhythm_there_is_none_of_is_refused_by_name(wrong):
    with pytest.raises(Invalid) as refused:
        Rhythm.of(wrong)
    assert list(refused.value.errors) == list(wrong)


def test_the_end_of_a_short_month_is_its_last_day():
    assert following("0 6 L * *", "UTC", datetime(2026, 2, 1, tzinfo=UTC)) == datetime(2026, 2, 28, 6, tzinfo=UTC)


class Talk(socketserver.StreamRequestHandler):
    """SMTP (RFC 5321) as far as one mail needs it."""

    server: "Server"

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while (verb := self.rfile.readline()[:4].upper()) not in (b"", b"QUIT"):
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.taken.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
            self.wfile.write(self.server.refusing if verb == b"RCPT" and self.server.refusing else b"250 ok\r\n")


class Server(socketserver.ThreadingTCPServer):
    """A mail server of the tests: keeps what it takes, refuses whom it is told to."""

    daemon_threads, refusing = True, b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.taken: list[str] = []
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()


@pytest.fixture
def server(app) -> Iterator[Server]:
    found, before = Server(), app.extensions["backroom.config"]
    app.extensions["backroom.config"] = replace(before, mail_url=f"smtp://127.0.0.1:{found.server_address[1]}", mail_from="shop@example.com")
    yield found
    app.extensions["backroom.config"] = before
    found.shutdown()
    found.server_close()


def test_the_owner_is_mailed_a_link_once_and_not_the_file(mara, drain, server):
    id = save(mara)
    definitions.plan(id, Rhythm(), by=mara)
    come(id)
    drain()

    wait_for(lambda: len(server.taken) == 1)
    [mail], [export] = server.taken, exports()
    assert "To: mara@example.com" in mail
    assert "Subject: Export ready: Germans" in mail
    assert f"/exports/{export.id}" in mail
    assert "ada@" not in mail
    assert definitions.run_now(id, by=mara)
    drain()
    assert len(server.taken) == 1


@pytest.mark.parametrize(("answer", "status"), [(b"550 no such person\r\n", "dead"), (b"451 later\r\n", "waiting")])
def test_a_mail_that_is_refused_for_good_is_given_up_and_one_that_is_not_is_tried_again(mara, drain, server, answer, status):
    server.refusing = answer
    id = save(mara)
    definitions.plan(id, Rhythm(), by=mara)
    come(id)
    drain()

    job = db.session.scalars(sa.select(Job).where(Job.kind == "exports.mail")).one()
    assert (job.status, server.taken) == (status, [])
    assert answer[:3].decode() in (job.last_error or "")
    assert exports()[0].file


def test_without_a_mail_server_the_file_is_there_all_the_same(mara, drain):
    id = save(mara)
    definitions.plan(id, Rhythm(), by=mara)
    come(id)
    drain()

    assert exports()[0].file
    assert db.session.scalars(sa.select(Job.status).where(Job.kind == "exports.mail")).one() == "done"
