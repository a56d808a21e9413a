"""One's own account and the installation, by their pages."""
import pytest
from sqlalchemy import select

from app import settings as stored
from app.accounts.models import User
from app.accounts.settings_views import browser
from app.audit import Audit
from app.extensions import db
from app.settings import Setting
from tests.client import form_token

PAGES = ("/settings", "/settings/password", "/settings/sessions", "/settings/tokens")
ADMINS = ("/settings/users", "/settings/installation")


@pytest.fixture
def declared(monkeypatch) -> tuple[Setting[int], Setting[bool], Setting[str]]:
    """An installation with three settings of its own."""
    monkeypatch.setattr(stored, "_declared", {})
    return (Setting("tests.days", "Days to keep", "How long.", 30, least=1, most=365), Setting("tests.mail", "Send mail", "Or not.", False),
            Setting("tests.sign", "Signature", "Under every mail.", "Yours"))


@pytest.mark.parametrize("role", ["viewer", "operator", "manager", "admin"])
def test_everybody_opens_their_own_pages_and_admins_the_others_too(sign_in, role):
    client = sign_in(role)
    assert [client.get(path).status_code for path in PAGES] == [200] * 4
    assert [client.get(path).status_code for path in ADMINS] == [200 if role == "admin" else 403] * 2


@pytest.mark.alike
@pytest.mark.parametrize("path", PAGES + ADMINS)
def test_strangers_are_sent_to_sign_in(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (303, f"/login?next={path}")


def test_a_name_and_a_time_zone_are_saved_and_times_read_in_it(sign_in):
    client = sign_in("viewer")
    answer = client.post("/settings", data={"name": "Ada Lovelace", "time_zone": "Asia/Tokyo"})
    assert answer.status_code == 303
    row = db.session.get_one(User, client.user_id)
    assert (row.name, row.time_zone) == ("Ada Lovelace", "Asia/Tokyo")
    page = client.get("/settings").text
    assert "Ada Lovelace" in page
    assert 'selected value="Asia/Tokyo"' in page
    before = client.get("/settings/sessions").text
    client.post("/settings", data={"name": "Ada Lovelace", "time_zone": "America/New_York"})
    assert client.get("/settings/sessions").text != before


@pytest.mark.parametrize("values", [{"name": "", "time_zone": ""}, {"name": "Ada", "time_zone": "Mars/Base"}, {"name": "x" * 201}])
def test_what_is_wrong_in_a_profile_is_named_and_kept_on_the_page(sign_in, values):
    client = sign_in("viewer")
    answer = client.post("/settings", data=values)
    assert answer.status_code == 422
    assert "to mend before saving" in answer.text
    assert db.session.get_one(User, client.user_id).name == "Viewer"


def test_a_profile_form_that_is_too_old_shows_what_was_typed_and_saves_nothing(sign_in):
    client = sign_in("viewer")
    client.with_token = False
    answer = client.post("/settings", data={"csrf_token": "old", "name": "What I typed", "time_zone": ""})
    assert answer.status_code == 422
    assert 'value="What I typed"' in answer.text
    assert db.session.get_one(User, client.user_id).name == "Viewer"
    again = client.post("/settings", data={"csrf_token": form_token(answer), "name": "What I typed", "time_zone": ""})
    assert again.status_code == 303


def test_the_settings_of_the_installation_are_a_form_made_from_what_is_declared(sign_in, declared):
    days, mail, sign = declared
    client = sign_in("admin")
    page = client.get("/settings/installation").text
    assert "Days to keep" in page
    assert 'value="30"' in page
    answer = client.post("/settings/installation", data={"tests__days": "90", "tests__mail": "y", "tests__sign": ""})
    assert answer.status_code == 303
    assert (days.get(), mail.get(), sign.get()) == (90, True, "")
    assert len(list(db.session.scalars(select(Audit).where(Audit.action == "settings.change")))) == 3
    client.post("/settings/installation", data={"tests__days": "90", "tests__mail": "y", "tests__sign": ""})
    db.session.rollback()
    assert len(list(db.session.scalars(select(Audit).where(Audit.action == "settings.change")))) == 3, "what did not change is no deed"


@pytest.mark.parametrize("days", ["0", "366", "many", "", "1.5"])
def test_a_setting_out_of_bounds_is_refused(sign_in, declared, days):
    client = sign_in("admin")
    answer = client.post("/settings/installation", data={"tests__days": days, "tests__sign": "x"})
    assert answer.status_code == 422
    assert declared[0].get() == 30


@pytest.mark.parametrize(("agent", "words"), [
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit Version/18.0 Safari/604.1", "Safari on iPhone"),
    ("curl/8.5.0", "curl"), ("something else entirely, of great length, that nobody knows", "something else entirely, of great length"),
    ("", "Unknown")])
def test_browsers_are_named_in_words(agent, words):
    assert browser(agent) == words


def test_names_are_written_as_text_wherever_they_appear(sign_in):
    client = sign_in("admin")
    client.post("/settings", data={"name": "<script>alert(1)</script>", "time_zone": ""})
    for path in PAGES + ADMINS:
        assert "<script>alert" not in client.get(path).text


@pytest.mark.parametrize(("path", "values"), [
    ("/settings", {"name": "a\x00b", "time_zone": ""}), ("/settings/tokens", {"name": "a\x00b", "days": "30"}),
    ("/settings/users", {"name": "a\x00b", "email": "new@example.com", "role": "viewer"}),
    ("/settings/users", {"name": "ab", "email": "ne\x00w@example.com", "role": "viewer"})])
def test_characters_no_database_keeps_are_refused_beside_their_field(sign_in, path, values):
    answer = sign_in("admin").post(path, data=values)
    assert answer.status_code == 422
    assert "This contains characters that cannot be kept." in answer.text


def test_they_crash_no_sign_in(client):
    token = form_token(client.get("/login"))
    answer = client.post("/login", data={"csrf_token": token, "email": "a\x00b@example.com", "password": "x"})
    assert answer.status_code == 400
    assert "This contains characters that cannot be kept." in answer.text
