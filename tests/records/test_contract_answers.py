"""For every record type and role: versions as tags, links of lists, what every answer says, and who comes in at all."""
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from app.access import ROLES
from app.accounts import tokens
from app.accounts.models import ApiToken, User
from app.audit import COMMAND_LINE
from app.transaction import transaction
from tests.records.api_client import BASE, Program
from tests.records.contract import path_of
from tests.records.stock import NAMES
from tests.records.test_contract_writes import acts, body, deeds, row
from tests.records.test_expand import stock

# -- conditions, links and what every answer says

@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_a_record_carries_its_version_as_a_strong_tag_and_is_not_sent_again(app, token, name, role):
    stock(1)
    program = Program(app, token(role))
    answer = program.get(f"/{name}/1")
    assert answer.headers["ETag"] == f'"{answer.get_json()["version"]}"' == '"1"'
    for tag in ('"1"', 'W/"1"', '"0", "1"', "*"):
        again = program.get(f"/{name}/1", If_None_Match=tag)
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", '"1"'), tag
    assert program.get(f"/{name}/1", If_None_Match='"2"').status_code == 200
    if role != "viewer":
        changed = program.patch(f"/{name}/1", body(name), 1)
        assert changed.headers["ETag"] == '"2"' == program.get(f"/{name}/1", If_None_Match='"1"').headers["ETag"]
        assert program.get(f"/{name}/1", If_None_Match='"1"').status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_list_links_to_its_first_next_previous_and_last_page_and_each_is_there(app, token, name):
    stock(5)
    program = Program(app, token("viewer"))
    page, seen = program.get(f"/{name}?limit=2&sort=id"), []
    for relations in ({"first", "next", "last"}, {"first", "prev", "next", "last"}, {"first", "prev", "last"}):
        links = {part.split('rel="')[1].rstrip('"'): part.split(">")[0].lstrip(" <") for part in page.headers["Link"].split(", ")}
        assert set(links) == relations
        seen += [one["id"] for one in page.get_json()["data"]]
        page = program.get(links.get("next", links["last"]).removeprefix("http://localhost").removeprefix(BASE))
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", NAMES)
def test_every_refusal_names_the_request_and_every_answer_where_the_program_stands(app, token, name):
    stock(1)
    program = Program(app, token("admin"))
    for method, path, sent, tag in [(*deed, tag) for deed in deeds(name, 1) for tag in (None, 9)] + [
            ("GET", f"/{name}/99", None, None), ("GET", f"/{name}?nothing=1", None, None), ("POST", f"/{name}", {"nothing": 1}, None), ("GET", f"/{name}/summary?group=x", None, None),
            ("POST", f"/{name}/bulk", [], None), ("POST", f"/{name}", b"{", None), ("TRACE", f"/{name}", None, None)]:
        answer = program.send(method, path, sent, tag)
        assert answer.mimetype == "application/problem+json", f"{method} {path}"
        assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]
        assert answer.get_json()["status"] == answer.status_code
        if path_of(path) != path or method != "TRACE":
            assert int(answer.headers["RateLimit-Remaining"]) >= 0


# -- who comes at all

@pytest.mark.parametrize("name", NAMES)
def test_nobody_comes_in_with_a_token_that_is_no_longer_good(app, user, token, name):
    stock(1)
    spoilt = {"revoked": {"revoked_at": datetime.now(UTC)}, "expired": {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}}
    programs = []
    for kind, values in spoilt.items():
        secret = tokens.add(user("admin", email=f"{kind}@example.com"), "x", by=COMMAND_LINE)
        with transaction() as session:
            session.execute(update(ApiToken).where(ApiToken.prefix == "_".join(secret.split("_")[:2])).values(values))
        programs.append(Program(app, secret))
    gone = token("admin", email="gone@example.com")
    with transaction() as session:
        session.execute(update(User).where(User.email == "gone@example.com").values(is_active=False))
    before = row(name, 1)
    for program in (*programs, Program(app, gone), Program(app, None), Program(app, "br_00000000_" + "x" * 43)):
        for method, path, sent in (*deeds(name, 1), *acts(name, 1), ("GET", f"/{name}", None), ("GET", f"/{name}/1", None), ("GET", f"/{name}/summary", None), ("POST", f"/{name}/bulk", {"data": []})):
            assert program.send(method, path, sent, 1).status_code == 401
    assert row(name, 1) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_token_has_the_rights_its_person_has_at_that_moment(app, token, name):
    stock(1)
    program = Program(app, token("operator", email="moved@example.com"))
    assert program.patch(f"/{name}/1", body(name), 1).status_code == 200
    with transaction() as session:
        session.execute(update(User).where(User.email == "moved@example.com").values(role="viewer"))
    assert program.patch(f"/{name}/1", body(name), 2).status_code == 403
    assert program.get(f"/{name}/1").status_code == 200
    with transaction() as session:
        session.execute(update(User).where(User.email == "moved@example.com").values(scopes={name: "id=9"}))
    assert program.get(f"/{name}/1").status_code == 404
