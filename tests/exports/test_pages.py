"""The pages of exports: from the button on a list to the file."""
import re
from datetime import UTC, datetime
from html import unescape

from sqlalchemy import select

from app.accounts.models import User
from app.audit import COMMAND_LINE, Door
from app.exports import run
from app.exports.models import Export
from app.jobs.models import Job
from app.records.changes import Change, Source, apply
from app.transaction import transaction


def make(*names: str) -> None:
    with transaction() as session:
        apply(session, [Change("customers", {"email": f"{name}@example.com", "name": name, "phone": "+49 1"}) for name in names],
              Source(Door.FORM, COMMAND_LINE))


def test_the_button_on_a_list_keeps_its_filters_and_ends_in_a_file(sign_in, drain, monkeypatch):
    monkeypatch.setattr(run, "AT_ONCE", 0)
    make("ada", "bob")
    client = sign_in("manager")
    listed = client.get("/customers?name=ada")
    [link] = set(re.findall(r'href="(/exports/new[^"]+)"', listed.text))

    form = client.get(link.replace("&amp;", "&"))
    assert "Export 1 customer" in form.text
    assert re.search(r'name="query" value="name=ada"', form.text)
    asked = client.post("/exports", data={"resource": "customers", "query": "name=ada", "format": "csv", "columns": ["email", "name"]})
    assert "Writing the file" in client.get(asked.location).text
    drain()

    assert "Ready" in client.get(asked.location).text
    file = client.get(f"{asked.location}/file")
    assert file.get_data() == b"\xef\xbb\xbfE-mail,Name\r\nada@example.com,ada\r\n"
    assert re.fullmatch(r"attachment; filename=customers-\d{4}-\d\d-\d\d-\d+\.csv", file.headers["Content-Disposition"])
    assert file.headers["Cache-Control"] == "no-store"
    assert "Customers, export" in client.get("/exports").text


def test_filters_typed_into_the_address_hold_or_are_refused_with_a_sentence(sign_in):
    make("ada", "bob")
    client = sign_in("manager")

    honoured = client.get("/exports/new?resource=customers&name=ada")
    both = client.get("/exports/new?resource=customers&query=name.ne%3Dbob&email.contains=ada&email.contains=bob")
    refused = client.get("/exports/new?resource=customers&shoe=42")

    assert "Export 1 customer" in honoured.text
    assert re.search(r'name="query" value="name=ada"', honoured.text)
    assert "Export 1 customer" in both.text
    assert (refused.status_code, "shoe" in refused.text) == (400, True)


def test_who_lost_the_right_to_export_sees_no_button_for_it(sign_in, monkeypatch):
    monkeypatch.setattr(run, "AT_ONCE", 0)
    make("ada")
    client = sign_in("manager")
    asked = client.post("/exports", data={"resource": "customers", "query": "", "format": "csv", "columns": ["email"]}).location
    with transaction() as session:
        job = session.get_one(Job, session.scalars(select(Export)).one().job_id)
        job.status = "cancelled"
    assert "Export again" in client.get(asked).text

    with transaction() as session:
        session.get_one(User, client.user_id).role = "viewer"

    assert "The export was cancelled" in client.get(asked).text
    assert "Export again" not in client.get(asked).text
    assert "People with the role manager can export lists." in sign_in("viewer", email="new@example.com").get("/exports").text


def test_a_form_without_columns_says_so(sign_in):
    answer = sign_in("manager").post("/exports", data={"resource": "customers", "query": "", "format": "csv"})

    assert (answer.status_code, "Choose at least one column." in answer.text) == (422, True)


def test_an_operator_is_offered_no_export_and_gets_none(sign_in, drain):
    make("ada")
    manager, operator = sign_in("manager"), sign_in("operator")
    asked = manager.post("/exports", data={"resource": "customers", "query": "", "format": "csv", "columns": ["email"]})
    drain()

    assert "/exports/new" not in operator.get("/customers").text
    assert operator.get("/exports/new?resource=customers").status_code == 403
    assert operator.post("/exports", data={"resource": "customers", "format": "csv", "columns": ["email"]}).status_code == 403
    address = asked.location.partition("?")[0]
    assert [operator.get(path).status_code for path in (address, f"{address}/file")] == [404, 404]


def test_a_file_that_is_not_there_yet_is_not_found(sign_in, monkeypatch):
    monkeypatch.setattr(run, "AT_ONCE", -1)
    client = sign_in("manager")
    asked = client.post("/exports", data={"resource": "customers", "query": "", "format": "csv", "columns": ["email"]})

    assert client.get(f"{asked.location}/file").status_code == 404


def test_a_wrong_filter_or_resource_is_an_error_page(sign_in):
    client = sign_in("manager")

    assert client.get("/exports/new?resource=shoes").status_code == 404
    assert client.get("/exports/new?resource=customers&query=shoe%3D1").status_code == 400


def test_a_small_export_is_downloaded_by_itself_and_noted(sign_in):
    make("ada")
    client = sign_in("manager")
    asked = client.post("/exports", data={"resource": "customers", "format": "csv", "columns": ["email", "name"], "place-email": "2", "place-name": "1"})

    address = asked.location.partition("?")[0]
    assert f'http-equiv="refresh" content="1;url={address}/file"' in client.get(asked.location).text
    assert "http-equiv" not in client.get(address).text
    assert client.get(f"{address}/file").get_data().startswith(b"\xef\xbb\xbfName,E-mail\r\n")


def test_a_saved_export_is_shown_changed_scheduled_and_removed(sign_in):
    make("ada")
    client = sign_in("manager")
    form = {"resource": "customers", "query": "name=ada", "format": "xlsx", "columns": ["email", "name"], "name": "Adas", "values": "de"}

    saved = client.post("/exports/saved", data=form).location
    assert all(word in client.get(saved).text for word in ("Adas", "Excel (XLSX)", "E-mail, Name"))
    assert client.post(f"{saved}/schedule", data={"every": "month", "day": "L", "at": "07:15", "zone": "Europe/Berlin"}).status_code == 303
    assert "Every month on the last day at 07:15, Europe/Berlin" in client.get("/exports").text
    assert "Write a time like" in client.post(f"{saved}/schedule", data={"at": "7"}).text
    assert client.post(f"{saved}/pause").status_code == client.post(f"{saved}/resume").status_code == 303
    again = client.get(f"/exports/new?saved={saved.rpartition('/')[2]}").text
    assert 'value="Adas"' in again
    assert '<option value="de" selected>' in again
    assert client.post(f"{saved}/run").location.endswith("?now=1")
    assert client.post(f"{saved}/remove").status_code == 303
    assert client.get(saved).status_code == 404


def test_a_save_without_a_name_or_columns_says_so(sign_in):
    client = sign_in("manager")
    form = {"resource": "customers", "format": "csv", "columns": ["email"]}

    assert "Give it a name" in client.post("/exports/saved", data=form).text
    assert "at least one column" in client.post("/exports/saved", data={**form, "columns": [], "name": "x"}).text


def test_a_file_past_its_time_says_what_to_do(sign_in):
    make("ada")
    client = sign_in("manager")
    form = {"resource": "customers", "query": "name=ada", "format": "xlsx", "columns": ["name", "email"], "place-name": "1",
            "place-email": "2", "values": "de", "zone": "Europe/Berlin"}
    address = client.post("/exports", data=form).location.partition("?")[0]
    with transaction() as session:
        session.scalars(select(Export)).one().expires_at = datetime(2020, 1, 1, tzinfo=UTC)

    assert "This file is not kept any more" in client.get(f"{address}/file").text
    again = re.search(r'href="([^"]+)">Export again', client.get(address).text)
    assert again is not None
    text = client.get(unescape(again[1])).text
    assert re.findall(r'name="columns" value="(\w+)"[^>]* checked', text) == ["email", "name"]
    assert re.findall(r'name="place-(\w+)" value="(\d+)"', text) == [("email", "2"), ("name", "1")]
    assert re.search(r'name="format" value="xlsx"[^>]* checked', text)
    assert '<option value="de" selected>' in text
    assert "<option selected>Europe/Berlin" in text
