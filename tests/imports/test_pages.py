"""The pages of an import, as somebody in a browser without JavaScript goes through them."""
import csv
import io
import re

import pytest
from sqlalchemy import select

from app.extensions import db
from app.imports import refused
from app.imports.models import Import
from app.records.registry import named

GOOD = "Email,Name,Country\nada@example.com,Ada,DE\nbob@example.com,Bob,FR\n"
BAD = GOOD + "nobody,Eve,DE\ncem@example.com,Cem,Turkey\n"


def send(client, content=GOOD, name="customers.csv", resource="customers"):
    return client.post("/imports", data={"resource": resource, "file": (io.BytesIO(content.encode()), name)},
                       content_type="multipart/form-data")


def page(client, answer):
    """Where a redirect leads."""
    assert answer.status_code == 303, answer.text
    return client.get(answer.location)


def columns(client, url, **said):
    form = {"mode": "upsert", "key": "email", "blank": "leave", "field-0": "email", "field-1": "name", "field-2": "country"} | said
    return client.post(f"{url}/columns", data=form)


def shown(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


@pytest.fixture
def at_preview(sign_in, drain):
    def go(content=GOOD, role="operator", **said):
        client = sign_in(role)
        url = send(client, content).location
        drain()
        columns(client, url, **said)
        drain()
        return client, url
    return go


def test_from_the_upload_to_the_records_without_a_script(sign_in, drain):
    client = sign_in("operator")
    assert "What are the rows?" in client.get("/imports/new?resource=customers").text

    waiting = page(client, send(client, BAD))
    url = waiting.request.path
    assert "Reading the file" in waiting.text
    assert '<meta http-equiv="refresh"' in waiting.text
    drain()

    matching = client.get(url)
    assert "Match columns with fields" in matching.text
    assert matching.text.count("Certain") == 3
    columns(client, url)
    drain()

    preview = client.get(url)
    assert "Preview: nothing is written yet" in preview.text
    for words in ("New 2", "Refused 2", "In column Email: nobody", "In column Country: Turkey"):
        assert words in shown(preview)
    assert "Import 2 rows" in preview.text
    client.post(f"{url}/run", data={"all": "0"})
    assert "Importing" in client.get(url).text
    drain()

    result = client.get(url)
    assert "Imported: 2 records written" in result.text
    assert "2 rows were refused" in result.text
    table = named("customers").table
    assert list(db.session.scalars(select(table.c.email).order_by(table.c.id))) == ["ada@example.com", "bob@example.com"]


@pytest.mark.parametrize(("upload", "download"), [
    ("prices june (final).csv", "prices-june-final-refused.csv"), ("Preise für März.xlsx.csv", "Preise-für-März.xlsx-refused.csv"), ("…", "import-7-refused.csv"),
    ("a;b'c$(d).csv", "a-b-c-d-refused.csv"), ("ä" * 120 + ".csv", "ä" * 100 + "-refused.csv")])
def test_the_file_of_refused_rows_has_a_name_that_is_safe_everywhere(upload, download):
    assert refused.file_name(Import(id=7, file_name=upload), "csv") == download


def test_the_refused_rows_come_back_as_a_file_that_can_be_mended_and_uploaded_again(at_preview, drain):
    client, url = at_preview(BAD)

    answer = client.get(f"{url}/refused")

    assert answer.headers["Content-Disposition"] == "attachment; filename=customers-refused.csv"
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert rows[0] == ["Email", "Name", "Country", "What to mend"]
    assert [row[:3] for row in rows[1:]] == [["nobody", "Eve", "DE"], ["cem@example.com", "Cem", "Turkey"]]
    assert rows[1][3].startswith("Email: This is not an e-mail address.")
    mended = answer.get_data().decode("utf-8-sig").replace("nobody", "eve@example.com").replace("Turkey", "TR")
    again = send(client, mended).location
    drain()
    assert "Written by us" in client.get(again).text
    columns(client, again, **{"field-3": ""})
    drain()
    assert "Every row fits" in client.get(again).text


def test_what_would_change_is_shown_old_and_new(at_preview, drain, sign_in):
    client, url = at_preview()
    client.post(f"{url}/run")
    drain()

    client, url = at_preview(GOOD.replace("Bob", "Robert"))

    changed = client.get(f"{url}?rows=changed")
    assert '<del class="was">Bob</del>' in changed.text
    assert '<ins class="now text-decoration-none">Robert</ins>' in changed.text
    assert "Changed 1" in shown(changed)


def test_the_same_file_is_noticed_on_the_next_import(at_preview, drain):
    client, url = at_preview()
    client.post(f"{url}/run")
    drain()

    again = send(client).location
    drain()

    assert "The same file was imported on" in client.get(again).text


def test_choices_that_are_missing_are_said_at_their_column_and_what_was_chosen_stays(sign_in, drain):
    client = sign_in("operator")
    url = send(client).location
    drain()

    answer = columns(client, url, **{"field-1": "email", "blank": "clear"})

    assert answer.status_code == 422
    assert "Another column is matched with this field already" in answer.text
    assert re.search(r'value="clear" id="blank-2" checked', answer.text)


def test_amounts_that_can_be_read_in_two_ways_are_asked_about(sign_in, drain):
    client = sign_in("operator")
    url = send(client, "Order number,Total,Currency,Placed\n1,5,EUR,05/06/2026\n", resource="orders").location
    drain()
    form = {"mode": "upsert", "key": "number", "blank": "leave", "field-0": "number", "field-1": "total", "field-2": "currency",
            "field-3": "placed_at"}

    asked = client.get(url)
    refused = client.post(f"{url}/columns", data=form)
    answered = client.post(f"{url}/columns", data=form | {"day_first": "day"})

    assert "31/05/2026" in asked.text
    assert 'name="day_first" value="day" id="day_first-1" checked' not in asked.text
    assert (refused.status_code, answered.status_code) == (422, 303)
    assert "05/06/2026 can be read in two ways" in refused.text


def test_the_preview_pages_through_many_rows(at_preview):
    client, url = at_preview("Email,Name,Country\n" + "".join(f"c{n}@example.com,N{n},DE\n" for n in range(120)))

    first = client.get(f"{url}?rows=new")
    [following] = set(re.findall(r'href="([^"]+after=\d+)"', first.text))
    second = client.get(following.replace("&amp;", "&"))

    assert "50 of 120 rows" in shown(first)
    assert ("c49@example.com" in first.text, "c50@example.com" in first.text, "c50@example.com" in second.text) == (True, False, True)


def test_an_import_that_has_run_can_be_undone_on_its_page(at_preview, drain):
    client, url = at_preview()
    client.post(f"{url}/run")
    drain()
    assert "Undo the import" in client.get(url).text

    client.post(f"{url}/undo")
    drain()

    assert "What this import wrote is taken back" in client.get(url).text


def test_an_unreadable_file_says_why_and_offers_another_way(sign_in, drain):
    client = sign_in("operator")
    url = send(client, "", name="x").location
    assert url is None

    url = send(client, "PK\x03\x04 damaged").location
    drain()

    assert "It is damaged" in client.get(url).text
    assert "Read it in another way" in client.get(url).text


def test_the_list_shows_how_each_import_stands(at_preview):
    client, url = at_preview(BAD)

    listed = shown(client.get("/imports"))

    assert "customers.csv" in listed
    assert "Preview ready 2 refused" in listed


def test_an_upload_without_a_file_says_so(sign_in):
    client = sign_in("operator")

    answer = client.post("/imports", data={"resource": "customers"}, content_type="multipart/form-data")

    assert (answer.status_code, "Choose a file first." in answer.text) == (422, True)


def test_a_viewer_sees_no_imports_and_cannot_begin_one(at_preview, sign_in):
    _, url = at_preview()
    viewer = sign_in("viewer")

    assert viewer.get(url).status_code == 404
    assert "Import a file" not in viewer.get("/imports").text
    assert "You may not import" in viewer.get("/imports/new").text
    assert send(viewer).status_code == 403
    assert viewer.post(f"{url}/run").status_code == 403


def test_names_of_files_are_shown_but_never_used(sign_in, drain):
    client = sign_in("operator")

    send(client, GOOD, name='../../etc/<script>alert("x")</script>.csv')
    db.session.rollback()

    imported = db.session.scalars(select(Import)).one()
    assert re.fullmatch(r"imports/[0-9a-f]{32}", imported.file or "")
    assert "<script>alert" not in client.get("/imports").text


def test_pressing_run_before_the_preview_is_ready_only_says_so(sign_in, drain):
    client = sign_in("operator")
    url = send(client).location
    drain()

    assert page(client, client.post(f"{url}/run")).status_code == 200
    assert db.session.scalars(select(Import)).one().stage == "match"
