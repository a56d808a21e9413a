"""Notices: told once under a key, to whoever may know, until somebody dismisses them or it is over."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app import notices
from app.audit import Actor, Audit
from app.errors import NotFound
from app.extensions import db
from app.notices import Notice
from app.transaction import transaction
from tests.wait import wait_for

ADMIN, VIEWER = Actor("staff", "Ada", 1, ("*",)), Actor("staff", "Bob", 2, ("*.read",))


def tell(key: str = "dhl is away", title: str = "DHL does not answer", **values: str) -> None:
    with transaction() as session:
        notices.tell(session, key, title, **{"needs": "integrations.read", **values})


def heard(actor: Actor = ADMIN) -> list[str]:
    found = [one.title for one in notices.opened(db.session(), actor)]
    db.session.rollback()
    return found


def rows() -> list[Notice]:
    return list(db.session.scalars(select(Notice).order_by(Notice.id)))


def test_told_twice_it_is_one_notice_with_the_newest_words(app):
    tell()
    tell(title="DHL still does not answer")
    [row] = rows()
    assert (row.title, row.times) == ("DHL still does not answer", 2)
    assert row.last_at >= row.first_at


def test_told_by_many_at_once_it_is_one_notice(app, made):
    def one(_: int) -> None:
        with made.app_context():
            tell()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(12)))
    [row] = rows()
    assert row.times == 12


def test_who_is_second_to_tell_a_thing_counts_it_and_fails_nobody(app, made, database):
    def again() -> None:
        with made.app_context():
            tell(title="Again")

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            notices.tell(session, "dhl is away", "First", needs="integrations.read")
            session.flush()
            second = pool.submit(again)
            if database == "postgresql":
                wait_for(waits_for_the_first)
        second.result(30)
    [row] = rows()
    assert (row.title, row.times) == ("Again", 2)


def waits_for_the_first() -> bool:
    """Whether another connection stands before a lock now."""
    with db.engine.connect() as connection:
        return bool(connection.exec_driver_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                               " AND datname = current_database()").scalar())


def test_only_whoever_may_know_hears_of_it(app):
    tell(needs="settings.manage")
    assert heard(ADMIN) == ["DHL does not answer"]
    assert heard(VIEWER) == []


def test_once_settled_nobody_hears_of_it_and_the_next_time_is_a_new_notice(app):
    tell()
    with transaction() as session:
        notices.settle(session, "dhl is away")
        notices.settle(session, "never told")
    assert heard() == []
    tell()
    assert heard() == ["DHL does not answer"]
    assert len(rows()) == 2


def test_dismissing_is_a_deed_and_twice_is_once(app):
    tell()
    for _ in range(2):
        with transaction() as session:
            notices.dismiss(session, rows()[0].id, by=ADMIN)
    assert heard() == []
    assert rows()[0].ended_by == "Ada"
    assert len(list(db.session.scalars(select(Audit).where(Audit.action == "notices.dismiss")))) == 1


def test_nobody_dismisses_what_they_may_not_hear(app):
    tell(needs="settings.manage")
    id = rows()[0].id
    for wrong in (id, 99):
        with pytest.raises(NotFound), transaction() as session:
            notices.dismiss(session, wrong, by=VIEWER)
    assert heard() == ["DHL does not answer"]


def test_notices_stand_on_the_first_page_and_are_dismissed_there(sign_in):
    tell(detail="Calls wait and go on by themselves.", url="/integrations")
    client = sign_in("operator")
    page = client.get("/").text
    assert "DHL does not answer" in page
    assert "Calls wait and go on by themselves." in page
    assert 'href="/integrations"' in page
    assert client.post(f"/notices/{rows()[0].id}/dismiss").status_code == 303
    assert "DHL does not answer" not in client.get("/").text


def test_whoever_only_reads_dismisses_nothing_for_the_others(sign_in):
    tell(url="/integrations")
    viewer = sign_in("viewer")
    page = viewer.get("/").text
    assert 'href="/integrations"' in page
    assert ">Dismiss<" not in page
    assert viewer.post(f"/notices/{rows()[0].id}/dismiss").status_code == 403
    assert heard() == ["DHL does not answer"]
