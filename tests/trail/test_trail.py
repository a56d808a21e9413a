"""The trail: what it says, to whom, and that it never says more."""
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert
from werkzeug.datastructures import MultiDict

from app import audit
from app.access import ROLES
from app.accounts.models import User
from app.audit import COMMAND_LINE, Actor, Audit, Door
from app.errors import BadRequest
from app.extensions import db
from app.records import changes
from app.records.changes import Change, Source
from app.trail import find as finding
from app.trail.find import PAGE, find
from app.trail.question import PARAMETERS, read
from app.transaction import transaction
from tests.records.stock import put

pytestmark = pytest.mark.alike
AT = datetime(2026, 6, 12, 9, 42, tzinfo=UTC)
ADA = Actor("staff", "Ada Lovelace", 1, ROLES["admin"])
BOB = Actor("staff", "Bob", 2, ROLES["viewer"])


def rows(*found: dict[str, Any]) -> None:
    whole = {"at": AT, "actor_kind": "staff", "actor_id": 1, "actor": "Ada", "door": None, "door_id": None, "door_part": None,
             "request_id": None, "resource": "orders", "record_id": 1, "version": None, "action": "updated", "diff": "{}"}
    with transaction() as session:
        session.execute(insert(Audit), [whole | one for one in found])


def asked(actor: Actor = ADA, /, **words: str) -> list[int]:
    found = find(db.session(), read(MultiDict(words)), actor)
    db.session.rollback()
    return [one.id for one in found.rows]


def save(resource: str, values: dict[str, Any], key: dict[str, Any] | None = None, door: Door = Door.FORM, by: Actor = ADA,
         request_id: str = "7f3a-91c0-4be2-a1d3") -> int:
    with transaction() as session:
        [outcome] = changes.apply(session, [Change(resource, values, key)], Source(door, by, request_id=request_id))
    assert outcome.id is not None, outcome
    return outcome.id


# What it says

def test_a_change_is_told_with_who_what_old_and_new_and_a_link_to_the_record(sign_in):
    id = save("customers", {"email": "ada@example.com", "name": "Ada"})
    save("customers", {"name": "Ada Lovelace"}, {"id": id})
    page = sign_in("viewer").get("/trail").text
    assert "changed 1 field" in page
    assert "created" in page
    assert f'href="/customers/{id}"' in page
    assert '<del class="was">Ada</del>' in page
    assert "Ada Lovelace</ins>" in page
    assert "7f3a-91c0-4be2-a1d3" in page


def test_changes_of_many_kinds_of_records_stand_on_one_page_for_a_few_statements(sign_in):
    client = sign_in("viewer")
    for number in range(15):
        customer = save("customers", {"email": f"{number}@example.com"})
        save("customers", {"name": f"Name {number}"}, {"id": customer})
        save("orders", {"number": f"O-{number}", "total": "12.50", "currency": "EUR", "customer": f"{number}@example.com"})
    said: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda c, cursor, statement, *rest: said.append(statement))
    page = client.get("/trail").text
    assert page.count("Order O-") == 15
    assert len([one for one in said if one.startswith("SELECT")]) <= 14, said


def test_deeds_are_told_in_words(sign_in):
    with transaction() as session:
        audit.note(session, ADA, "webhooks.retry", "webhook_events", 7)
        audit.note(session, ADA, "tests.never_heard_of", "tests", 3, reason="because", count=0, empty=None)
    page = sign_in("viewer").get("/trail").text
    assert "retried an event" in page
    assert 'href="/webhooks/events/7"' in page
    assert "tests: never heard of" in page
    assert "because" in page


def test_one_request_is_told_by_its_number(sign_in):
    save("customers", {"email": "a@example.com"}, request_id="aaaa-aaaa-aaaa-aaaa")
    save("customers", {"email": "b@example.com"}, request_id="bbbb-bbbb-bbbb-bbbb")
    page = sign_in("viewer").get("/trail/aaaa-aaaa-aaaa-aaaa").text
    assert "Customer a@example.com" in page
    assert "b@example.com" not in page
    assert "This request changed nothing" in sign_in("viewer").get("/trail/cccc-cccc-cccc-cccc").text


def test_an_empty_trail_says_what_will_stand_here(sign_in):
    assert "As soon as somebody changes something" in sign_in("viewer").get("/trail").text
    assert "No entry you may see fits these filters" in sign_in("viewer").get("/trail?day=2020-01-01").text


# Filters

@pytest.mark.parametrize(("words", "expected"), [
    ({}, [8, 7, 6, 5, 4, 3, 2]), ({"actor": "staff:2"}, [2]), ({"actor": "token:1"}, [3]), ({"resource": "customers"}, [4]),
    ({"resource": "orders", "record": "5"}, [5]), ({"door": "import"}, [6]), ({"door": "import", "door_id": "12"}, [6]),
    ({"door": "import", "door_id": "13"}, []), ({"request": "7f3a-91c0-4be2-a1d3"}, [7]), ({"day": "2026-06-13"}, [8]),
    ({"day": "2026-06-12", "actor": "staff:1"}, [7, 6, 5, 4]), ({"actor": "staff:1", "resource": "customers"}, [4]),
    ({"resource": ""}, [8, 7, 6, 5, 4, 3, 2]), ({"before": "4"}, [3, 2]), ({"before": "0"}, [])])
def test_each_filter_finds_what_it_says(app, words, expected):
    rows({"id": 8, "actor_id": 3, "at": AT + timedelta(days=1)}, {"id": 2, "actor_id": 2}, {"id": 3, "actor_kind": "token"},
         {"id": 4, "resource": "customers"}, {"id": 5, "record_id": 5}, {"id": 6, "door": "import", "door_id": 12},
         {"id": 7, "request_id": "7f3a-91c0-4be2-a1d3"})
    assert asked(**words) == expected


@pytest.mark.alike
@pytest.mark.parametrize("words", [
    {"actor": "ada"}, {"actor": "staff:x"}, {"actor": "king:1"}, {"actor": "staff:-1"}, {"actor": "staff:99999999999999999999"},
    {"record": "1"}, {"record": "x", "resource": "orders"}, {"door": "window"}, {"door_id": "1"}, {"day": "yesterday"},
    {"day": "2026-02-30"}, {"request": "x" * 101}, {"request": "\x00"}, {"before": "now"}, {"who": "ada"}, {"before": str(2**63)},
    {"resource": "\x00"}, {"actor": "staff:²"}])
def test_what_cannot_be_read_is_named_and_never_ignored(app, sign_in, words):
    with pytest.raises(BadRequest) as caught:
        read(MultiDict(words))
    assert set(caught.value.errors) <= set(words)
    assert sign_in("viewer").get("/trail", query_string=words).status_code == 400


@pytest.mark.parametrize("path", ["/trail/%00", "/trail/" + "x" * 200, "/trail?day=0001-01-01", "/trail?day=9999-12-31", "/trail?resource=%F0%9F%98%80"])
def test_no_address_crashes_the_page(sign_in, path):
    assert sign_in("viewer").get(path).status_code < 500


def test_a_day_is_that_of_whoever_asks(sign_in):
    rows({"id": 1, "at": datetime(2026, 6, 12, 20, 0, tzinfo=UTC), "actor": "Evening"})
    client = sign_in("viewer")
    assert "Evening" in client.get("/trail?day=2026-06-12").text
    client.post("/settings", data={"name": "Viewer", "time_zone": "Asia/Tokyo"})
    assert "Evening" not in client.get("/trail?day=2026-06-12").text
    assert "Evening" in client.get("/trail?day=2026-06-13").text


def test_filters_can_be_taken_off_one_by_one(sign_in):
    rows({"id": 1})
    page = sign_in("viewer").get("/trail?actor=staff:1&resource=orders&record=1&day=2026-06-12").text
    assert '<span class="chip"><span>Who</span> Ada<a href="/trail?resource=orders&amp;record=1&amp;day=2026-06-12">' in page
    assert '<span class="chip"><span>What</span> Orders 1<a href="/trail?actor=staff:1&amp;day=2026-06-12">' in page


# Pages

def test_pages_joined_are_the_whole_trail_once(app, sign_in):
    rows(*({"id": id, "actor": f"Somebody {id:04}"} for id in range(1, 2 * PAGE + 21)))
    client, seen, address = sign_in("viewer"), [], "/trail"
    while address:
        page = client.get(address).text
        seen += [word[:4] for word in page.split("Somebody ")[1:]]
        older = page.split('rel="next"')[0].rsplit('href="', 1)[-1] if 'rel="next"' in page else ""
        address = older.split('"')[0].replace("&amp;", "&")
    assert list(dict.fromkeys(seen)) == [f"{id:04}" for id in range(2 * PAGE + 20, 0, -1)]


def test_a_page_looks_through_a_bounded_part_and_says_so(app, sign_in, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 100)
    rows(*({"id": id, "resource": "customers" if id in (5, 350) else "orders"} for id in range(1, 401)))
    first = find(db.session(), read(MultiDict({"resource": "customers"})), ADA)
    assert ([one.id for one in first.rows], first.is_cut, first.older) == ([350], True, 301)
    seen, before = [], first.older
    while before is not None:
        found = find(db.session(), read(MultiDict({"resource": "customers", "before": str(before)})), ADA)
        seen += [one.id for one in found.rows]
        before = found.older
    assert seen == [5]
    assert "Older ones were not looked at yet" in sign_in("viewer").get("/trail?resource=customers&before=300").text


def test_where_an_index_leads_nothing_is_cut(app, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 10)
    rows(*({"id": id, "actor_id": 2 if id == 3 else 1} for id in range(1, 101)))
    assert asked(actor="staff:2") == [3]


def test_a_day_long_ago_is_found_without_reading_what_came_since(app, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 50)
    rows(*({"id": id, "at": AT + timedelta(hours=id)} for id in range(1, 500)))
    day = (AT + timedelta(hours=24)).date().isoformat()
    found = asked(day=day)
    assert found == [id for id in range(500, 0, -1) if (AT + timedelta(hours=id)).date().isoformat() == day]


# Who may know what

def test_a_change_never_shows_a_field_the_reader_may_not_see(sign_in):
    id = save("customers", {"email": "ada@example.com", "phone": "+49 170 1111111"})
    save("customers", {"phone": "+49 170 2222222", "name": "Ada"}, {"id": id})
    viewer, manager = sign_in("viewer").get("/trail").text, sign_in("manager").get("/trail").text
    assert "2222222" in manager
    assert "1111111" not in viewer
    assert "2222222" not in viewer
    assert "Phone" not in viewer
    assert "Ada</ins>" in viewer
    assert "changed 1 field" in viewer
    only = save("customers", {"phone": "+49 170 3333333"}, {"id": id})
    assert only == id
    assert "something your role does not show" in sign_in("viewer").get("/trail").text


def test_facts_beside_a_deed_on_a_record_are_held_to_the_same_rule(sign_in):
    with transaction() as session:
        audit.note(session, ADA, "customers.call", "customers", 1, phone="+49 170 1111111", reason="to say hello")
    assert "1111111" in sign_in("manager").get("/trail").text
    viewer = sign_in("viewer").get("/trail").text
    assert "1111111" not in viewer
    assert "to say hello" in viewer


def test_records_outside_ones_scope_have_no_trail(app):
    put("orders", {"id": 1, "number": "A", "channel": "shopify", "total_minor": 1, "currency": "EUR"},
        {"id": 2, "number": "B", "channel": "phone", "total_minor": 1, "currency": "EUR"})
    rows({"id": 1, "record_id": 1, "version": 2}, {"id": 2, "record_id": 2, "version": 2}, {"id": 3, "resource": "customers"})
    scoped = Actor("staff", "Eve", 9, ROLES["viewer"], {"orders": "channel=shopify"})
    assert asked(scoped) == [3, 1]
    assert asked(scoped, resource="orders", record="2") == []


def test_records_one_may_not_read_have_no_trail(app):
    rows({"id": 1}, {"id": 2, "resource": "customers"}, {"id": 3, "resource": "webhook_events", "action": "webhooks.retry"})
    assert asked(Actor("staff", "Eve", 9, ("trail.read", "customers.read"))) == [3, 2]


@pytest.mark.parametrize(("table", "needs"), sorted(finding.GUARDED.items()))
def test_deeds_in_guarded_rooms_are_for_those_who_manage_them_and_for_whoever_did_them(app, table, needs):
    rows({"id": 1, "resource": table, "actor_id": 1, "action": "users.add"})
    assert asked(BOB) == []
    assert asked(Actor("staff", "Bob", 2, (*ROLES["viewer"], needs))) == [1]
    assert asked(Actor("staff", "Ada", 1, ROLES["viewer"])) == [1]
    assert asked(Actor("token", "Ada", 1, ROLES["viewer"])) == []


def test_who_failed_to_sign_in_with_which_address_is_for_admins(sign_in, client):
    page = client.get("/login").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    client.post("/login", data={"csrf_token": token, "email": "secret.person@example.com", "password": "x"})
    assert "secret.person@example.com" in sign_in("admin").get("/trail").text
    assert "secret.person" not in sign_in("manager").get("/trail").text


def test_whoever_may_not_read_the_trail_is_refused(sign_in, user):
    assert sign_in("admin").get("/trail").status_code == 200
    client = sign_in("viewer", email="narrow@example.com")
    with transaction() as session:

        row = session.get_one(User, client.user_id)
        row.role, row.grants = "none", ["orders.read"]
    assert client.get("/trail").status_code == 403


def test_names_in_the_trail_are_text(sign_in):
    rows({"id": 1, "actor": "<script>alert(1)</script>", "action": "<b>", "diff": json.dumps({"x": "<i>"})})
    page = sign_in("admin").get("/trail").text
    assert "<script>alert" not in page
    assert "<i>" not in page


def test_what_the_command_line_did_is_told_too(sign_in):
    save("customers", {"email": "a@example.com"}, by=COMMAND_LINE, door=Door.IMPORT)
    assert "command line" in sign_in("viewer").get("/trail").text


def test_what_somebody_did_to_one_kind_of_thing_is_looked_for_in_parts_as_well(app, monkeypatch):
    monkeypatch.setattr(finding, "WINDOW", 10)
    rows(*({"id": id, "resource": "customers" if id == 3 else "orders"} for id in range(1, 31)))
    found = find(db.session(), read(MultiDict({"actor": "staff:1", "resource": "customers"})), ADA)
    assert (found.rows, found.is_cut, found.older) == ([], True, 21)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from((*PARAMETERS, "other")), st.one_of(st.text(max_size=30), st.integers().map(str), st.dates().map(str),
                                                                          st.sampled_from([*Door, "staff:1", "orders"]))))
def test_any_parameters_are_either_read_or_refused_by_name(made, words):
    with made.test_request_context():
        try:
            found = read(MultiDict(words))
        except BadRequest as problem:
            assert problem.errors.keys() <= words.keys()  # noqa: PT017
        else:
            assert "other" not in {name for name, value in words.items() if value.strip()}
            assert len(list(found.conditions())) >= len(found.words)
