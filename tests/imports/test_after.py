"""What is left of an import: what undoing it would do, how it was imported, the file as it was sent and when it goes."""
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.audit import Audit
from app.extensions import db
from app.files.storage import open_storage
from app.imports.models import Import
from app.imports.run import forget_old
from app.transaction import transaction
from tests.imports.flow import change, fresh

PEOPLE = "Email,Name\nold@example.com,New\nada@example.com,Ada\nbob@example.com,Bob\ncem@example.com,Cem\n"


@pytest.fixture
def ended(sign_in, drain):
    """(client, import id) of an import that has changed one customer and created three."""
    change("old@example.com", name="Old")
    client = sign_in("operator")
    url = client.post("/imports", data={"resource": "customers", "file": (io.BytesIO(PEOPLE.encode()), "people.csv")},
                      content_type="multipart/form-data").location
    drain()
    client.post(f"{url}/columns", data={"mode": "upsert", "key": "email", "blank": "leave", "field-0": "email", "field-1": "name"})
    drain()
    client.post(f"{url}/run")
    drain()
    return client, int(url.rpartition("/")[2])


def words(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_undo_says_first_what_it_would_do_and_what_stays(ended, drain):
    client, id = ended
    assert f'href="/imports/{id}/undo"' in client.get(f"/imports/{id}").text
    change("bob@example.com", name="Robert")

    told = words(client.get(f"/imports/{id}/undo"))

    assert "2 customers it created go to the trash" in told
    assert "1 customer it changed gets its old values back" in told
    assert "1 customer stays as it is: somebody has changed it since" in told
    assert re.search(r"Row .* 4 Robert .* by command line Take back 3 customers", told)
    client.post(f"/imports/{id}/undo")
    drain()
    assert "Kept 1" in words(client.get(f"/imports/{id}"))
    assert client.get(f"/imports/{id}/undo").status_code == 303


def test_the_page_says_how_it_was_imported(ended):
    client, id = ended

    told = words(client.get(f"/imports/{id}"))

    assert "Found by E-mail" in told
    assert "Email → E-mail Name → Name" in told


def test_the_file_is_there_for_those_who_may_import_and_taking_it_is_noted(ended, sign_in):
    client, id = ended

    answer = client.get(f"/imports/{id}/file")

    assert (answer.get_data(as_text=True), answer.headers["Content-Disposition"]) == (PEOPLE, "attachment; filename=people.csv")
    assert db.session.scalar(sa.select(Audit.record_id).where(Audit.action == "imports.download")) == id
    assert sign_in("viewer").get(f"/imports/{id}/file").status_code == 404


@pytest.mark.parametrize(("stage", "finished", "kept"), [("done", 31, False), ("done", 29, True), ("preview", None, False), ("apply", None, True)])
def test_files_go_thirty_days_after_the_end_and_those_nobody_went_on_with_too(app, ended, stage, finished, kept):
    client, id = ended
    name = str(fresh(id).file)
    with transaction() as session:
        imported = session.get_one(Import, id)
        imported.stage, imported.created_at = stage, datetime.now(UTC) - timedelta(days=40)
        imported.finished_at = None if finished is None else datetime.now(UTC) - timedelta(days=finished)

    forget_old()

    assert (open_storage().exists(name), client.get(f"/imports/{id}/file").status_code) == (kept, 200 if kept else 404)
