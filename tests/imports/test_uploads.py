"""Uploads that are refused before anybody reads them, and pages for those who may not import (any more)."""
import io
from dataclasses import replace

import pytest

from app.accounts.models import User
from app.config import config
from app.extensions import db
from app.imports.models import Import
from app.transaction import transaction
from tests.imports.test_pages import BAD, GOOD, columns, send


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "It is empty"), (b"%PDF-1.7 a report", "It is a PDF"), (b"<html><table>", "a web page under the name of a spreadsheet"), (b"[{\"email\": 1}]", "It is JSON"),
    (b"email\n" + b"a" * 2_000, "larger than 1 KB")])
def test_a_refused_upload_shows_the_form_again_with_the_reason_and_what_was_chosen(app, sign_in, monkeypatch, content, sentence):
    monkeypatch.setitem(app.extensions, "backroom.config", replace(config(), max_upload_bytes=1_000))
    client = sign_in("operator")

    answer = client.post("/imports", data={"resource": "orders", "file": (io.BytesIO(content), "june.csv")}, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert "What are the rows?" in answer.text
    assert sentence in answer.text
    assert "june.csv cannot be imported" in answer.text
    assert '<option value="orders" selected>' in answer.text
    assert db.session.query(Import).count() == 0


def test_an_upload_beyond_every_measure_shows_the_form_too(app, sign_in, monkeypatch):
    monkeypatch.setitem(app.extensions, "backroom.config", replace(config(), max_upload_bytes=1_000))
    client = sign_in("operator")

    answer = send(client, "a" * 200_000)

    assert (answer.status_code, "larger than 1 KB" in answer.text, "What are the rows?" in answer.text) == (413, True, True)


def test_the_form_says_sizes_as_the_refusal_does(sign_in):
    assert "up to 50 MB" in sign_in("operator").get("/imports/new").text


def test_whoever_lost_the_right_to_import_sees_no_button_of_it(sign_in, drain):
    client = sign_in("operator")
    matching, previewed, done = (send(client, content).location for content in (GOOD, BAD, BAD.replace("ada", "eda")))
    drain()
    columns(client, previewed)
    columns(client, done)
    drain()
    client.post(f"{done}/run", data={"all": "0"})
    drain()
    buttons = ("Preview 2 rows", "Read again", "Import 2 rows", "Upload the mended file", "Undo the import", "Import a file")
    before = "".join(client.get(url).text for url in (matching, previewed, done, "/imports"))
    assert [word for word in buttons if word not in before] == []

    with transaction() as session:
        session.get_one(User, client.user_id).role = "viewer"

    for url in (matching, previewed, done, "/imports"):
        page = client.get(url)
        assert page.status_code == 200
        assert [word for word in buttons if word in page.text] == [], url
