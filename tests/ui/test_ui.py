"""What every page shares: words for times and numbers, icons, the navigation, the look a person chose, safe ways back."""
import os
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, g, get_flashed_messages, session, url_for
from flask_wtf.csrf import generate_csrf
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as listen
from sqlalchemy import false, literal, select, union_all

from app import ui
from app.audit import Actor
from app.config import ROOT
from app.counting import counted
from app.extensions import db
from app.sizes import size
from tests.records.pages import get, inline

pytestmark = pytest.mark.alike

VIEWER = Actor("staff", "Mara Lindqvist", 1, ("*.read",))
LONG_AGO = datetime(2020, 6, 12, 9, 42, tzinfo=UTC)


@pytest.fixture
def asked(app: Flask):
    with app.test_request_context("/"):
        g.actor = VIEWER
        yield app


def test_moments_and_days_are_written_out(asked):
    assert ui.moment(LONG_AGO) == "12 Jun 2020, 09:42"
    assert ui.moment(LONG_AGO, True) == "12 Jun 2020, 09:42", "only this year is left out"
    assert ui.day(date(2020, 6, 12)) == "12 Jun 2020"
    assert ui.day(date(datetime.now(UTC).year, 1, 1), True) == "1 Jan"
    assert (ui.moment(None), ui.day(None), ui.number(None), size(None), ui.ago(None)) == ("—", "—", "—", "—", "")


def test_moments_are_told_in_the_time_zone_of_the_person(asked):
    g.time_zone = "Asia/Kolkata"

    assert ui.moment(LONG_AGO) == "12 Jun 2020, 15:12"
    assert ui.day(datetime(2020, 6, 12, 23, 0, tzinfo=UTC)) == "13 Jun 2020"


@pytest.mark.parametrize(("seconds", "text"), [(5, "just now"), (65, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago"),
                                               (3_000_000, "1 mo ago"), (40_000_000, "1 y ago"), (-7300, "in 2 h"), (-5, "in a moment")])
def test_how_long_ago_is_said_in_one_unit(seconds, text):
    assert ui.ago(datetime.now(UTC) - timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("bytes_", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1200, "1.2 KB"), (5_000_000, "5 MB"), (10**16, "10000 TB")])
def test_sizes_are_written_as_file_managers_do(bytes_, text):
    assert size(bytes_) == text


@pytest.mark.parametrize(("name", "letters"), [("Mara Lindqvist", "ML"), ("mara.lindqvist@example.com", "ML"), ("admin@example.com", "A"),
                                               ("Ada M. van Whitcombe", "AW"), ("", "?"), ("@", "?")])
def test_initials_stand_for_a_person(name, letters):
    assert ui.initials(name) == letters


@pytest.mark.parametrize(("title", "inside"), [("Payment ID", "payment ID"), ("E-mail", "e-mail"), ("SKU", "SKU"), ("Order number", "order number")])
def test_a_title_fits_into_a_sentence(title, inside):
    assert ui.within(title) == inside


def test_an_address_may_break_after_its_at_and_nothing_else_is_markup():
    assert str(ui.breakable("<b>@example.com")) == "&lt;b&gt;@<wbr>example.com"


def test_a_static_file_has_an_address_of_its_content(asked):
    assert ui.asset("app.css").startswith("/static/app.css?v=")


def test_the_address_of_a_static_file_changes_with_it_and_knows_where_we_are_mounted(app, tmp_path, monkeypatch):
    monkeypatch.setattr(ui, "STATIC", tmp_path)
    with app.test_request_context("/"):
        addresses = []
        for number, text in enumerate(("one", "two", "one"), 1):
            (tmp_path / "a.css").write_text(text)
            os.utime(tmp_path / "a.css", ns=(number, number))
            addresses.append(ui.asset("a.css"))
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/back"}):
        mounted = ui.asset("a.css")

    assert addresses[0] == addresses[2] != addresses[1]
    assert mounted == f"/back{addresses[0]}"


@pytest.mark.parametrize("path", ["/", "/orders", "/orders?status=a&x=%20y", "/customers/7#h-tl", "/search?q=https://x"])
def test_a_page_of_ours_is_a_way_back(path):
    assert ui.inside(path, "/home") == path


@pytest.mark.parametrize("path", [None, "", "orders", "//evil.example", "///evil", "/\\evil", "\\/evil", "https://evil.example", "/a\nb", "/a b",
                                  "/a\\b", "/\tevil", "javascript:alert(1)", "/" + "x" * 3000, " /orders"])
def test_anything_else_is_not(path):
    assert ui.inside(path, "/home") == "/home"


@given(st.text(max_size=30))
def test_a_way_back_never_leaves_us(path):
    found = ui.inside(path, "/home")

    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert "\\" not in found
    assert "\n" not in found


def test_the_look_is_kept_in_a_cookie_and_leads_back(app, client):
    client.get("/login")
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = "0" * 40

    answer = client.post("/look", data={"theme": "dark", "back": "/login"}, headers={"X-CSRFToken": token(app)})

    assert (answer.status_code, answer.location) == (303, "/login")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert 'data-bs-theme="dark"' in client.get("/login").text


def token(app: Flask) -> str:
    with app.test_request_context():
        session["csrf_token"] = "0" * 40
        return str(generate_csrf())


def test_a_look_nobody_offers_is_not_kept(sign_in):
    client = sign_in()

    answer = client.post("/look", data={"theme": "pink", "rows": "huge", "back": "https://evil.example"})

    assert "Set-Cookie" not in answer.headers or "theme" not in answer.headers["Set-Cookie"]
    assert answer.location == "/"


def test_a_chosen_density_shows_in_lists(app, sign_in):
    client = sign_in()
    client.post("/customers", data={"email": "a@example.com"})
    client.post("/look", data={"rows": "dense", "back": "/customers"})

    assert re.search(r'<table class="[^"]*\bdense\b', get(client, "/customers").html)


def test_the_navigation_has_what_one_may_open_and_no_more(app):
    with app.test_request_context("/"):
        g.actor = Actor("staff", "eve", 1, ("orders.read",))
        shown = {entry.key for _, entries in ui.navigation() for entry in entries}
        assert "orders" in shown
        assert not {"customers", "webhooks", "trail", "jobs"} & shown
        g.actor = VIEWER
        assert {"orders", "customers", "webhooks"} <= {entry.key for _, entries in ui.navigation() for entry in entries}


def test_every_entry_of_the_navigation_leads_to_a_page(app, sign_in):
    client = sign_in()
    with app.test_request_context("/"):
        g.actor = Actor("staff", "root", 1, ("*",))
        pages = {entry.key: entry.url for _, entries in ui.navigation() for entry in entries}

    for key, url in pages.items():
        page = get(client, url)
        assert [one for one in page.every("a", href=url) if one.get("aria-current") == "page"], f"{key} is not marked on its own page"


def test_an_entry_says_what_waits_for_a_person(app, sign_in, monkeypatch):
    numbers = {"orders": ids(7), "payments": ids(0), "customers": ids(99), "webhooks": ids(100)}
    monkeypatch.setattr(ui, "_marks", {key: (waiting, "held up") for key, waiting in numbers.items()})

    page = get(sign_in(), "/customers")

    assert '<span class="n bad-ink">7 held up<span class="visually-hidden"> need a person</span></span>' in page.html
    assert [text for text in ("0 held up", "99 held up", "99+ held up", "100 held up") if f">{text}<" in page.html] == [
        "99 held up", "99+ held up"]


def ids(count: int) -> Any:
    """So many ids of rows."""
    return union_all(*(select(literal(number).label("id")) for number in range(count))).subquery().select() if count else (
        select(literal(1).label("id")).where(false()))


def test_all_marks_of_the_navigation_are_one_statement(asked):
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)
    listen.listen(db.engine, "before_cursor_execute", note)
    try:
        marks = [entry.mark for _, entries in ui.navigation() for entry in entries if entry.key in ui._marks]
    finally:
        listen.remove(db.engine, "before_cursor_execute", note)

    assert len(marks) >= 3
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1, seen


def test_the_pulse_of_the_queues_is_at_the_foot_and_running_jobs_on_top(app, sign_in, monkeypatch):
    monkeypatch.setattr(ui, "_pulses", [lambda: ui.Pulse("ok", "Queue 2 s behind", 3)])

    page = get(sign_in(), "/customers")

    assert "Queue 2 s behind" in page.text
    assert "3 jobs running" in page.text


def test_a_toast_carries_what_undoes_it(app, sign_in):
    with app.test_request_context("/"):
        ui.toast("Done", url="/undo", version=3)
        message: Any = get_flashed_messages()[0]
    assert message == {"text": "Done", "url": "/undo", "word": "Undo", "values": {"version": "3"}}


def test_no_page_anywhere_has_a_line_that_a_strict_policy_blocks(app, sign_in):
    """Over every page that needs nothing but its address, in every room."""
    client = sign_in()
    with app.test_request_context("/"):
        paths = {url_for(rule.endpoint) for rule in app.url_map.iter_rules()
                 if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(("/api", "/metrics"))}
    assert len(paths) > 10

    for path in sorted(paths):
        answer = client.get(path)
        assert answer.status_code < 500, path
        if answer.mimetype == "text/html":
            assert not inline(answer.text), (path, inline(answer.text))
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_nothing_in_the_style_sheet_needs_a_font_or_an_embedded_picture(asked):
    text = (ROOT / "static" / "app.css").read_text()

    assert "data:" not in text.replace("data: images", "")
    assert "bootstrap-icons" not in text
    assert "@import" not in text
    assert "url(" not in text


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1204, "1,204 rows")])
def test_what_is_counted_is_one_or_many(number, text):
    assert counted(number, "row") == text
    assert counted(number, "entry is", "entries are").endswith("entry is" if number == 1 else "entries are")


def test_at_least_one_is_many():
    assert counted(1, "order", capped=True) == "1+ orders"
