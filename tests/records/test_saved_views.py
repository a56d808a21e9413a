"""Lists as a person likes them: columns in their order, rows a page, and views under a name."""
import re

import pytest
from sqlalchemy import select

from app.audit import COMMAND_LINE, Actor
from app.errors import BadRequest, Forbidden, Invalid, NotFound
from app.extensions import db
from app.records import saved_views
from app.records.registry import named
from app.records.saved_views import SavedView
from tests.records.gate import act, customer


@pytest.fixture
def shop(app):
    act(*(customer(f"c{n:02}@example.com", name=f"Customer {n}", country="DE" if n % 2 else "FR", phone="+49 1") for n in range(60)))


def headings(page):
    return [re.sub(r"<[^>]+>", "", one).strip() for one in re.findall(r"<th scope=\"col\".*?</th>", page, re.S)
            if "pick" not in one.split(">")[0]]


def test_the_ticked_columns_are_shown_in_the_order_of_their_places(sign_in, shop):
    client, other = sign_in("manager"), sign_in("operator")
    before = headings(other.get("/customers").text)
    answer = client.post("/customers/columns", data={"column": ["name", "country", "created_at"], "place-country": "1", "place-created_at": "2",
                                                     "place-name": "3", "page_size": "25"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/customers")
    page = client.get("/customers").text
    assert headings(page)[-3:] == ["Country", "Created", "Name"]
    assert page.count("<th scope=\"row\"") == 25
    assert headings(other.get("/customers").text) == before, "nobody else sees it so"
    client.post("/customers/columns", data={"everybody": "1"})
    assert headings(client.get("/customers").text)[-len(before):] == before


def test_the_address_says_more_than_the_choice(sign_in, shop):
    client = sign_in("manager")
    client.post("/customers/columns", data={"column": ["email"], "page_size": "25"})
    assert client.get("/customers?limit=50").text.count("<th scope=\"row\"") == 50


@pytest.mark.parametrize("values", [{"page_size": "50"}, {"column": ["email"], "page_size": "7"}, {"column": ["email"]}, {"column": ["shoe"], "page_size": "50"}])
def test_columns_that_cannot_be_are_refused_with_the_form(sign_in, app, values):
    answer = sign_in("manager").post("/customers/columns", data=values)
    assert answer.status_code == 422
    assert "Nothing was saved" in answer.text


def test_a_column_one_may_not_read_is_neither_offered_nor_shown(sign_in, shop):
    seeing, blind = sign_in("manager"), sign_in("operator")
    assert "c-phone" in seeing.get("/customers/columns").text
    assert "c-phone" not in blind.get("/customers/columns").text
    assert blind.post("/customers/columns", data={"column": ["phone"], "page_size": "50"}).status_code == 422


def test_a_view_is_a_tab_that_leads_to_its_list(sign_in, shop):
    client = sign_in("manager")
    page = client.get("/customers?country=DE&sort=-name").text
    assert "/customers/views?keep=country%3DDE%26sort%3D-name" in page.replace("&amp;", "&")
    assert "/customers/views?keep" not in client.get("/customers").text, "the whole list needs no name"
    answer = client.post("/customers/views", data={"name": " Germans,  by name ", "keep": "country=DE&sort=-name"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/customers?country=DE&sort=-name")
    page = client.get("/customers?country=DE&sort=-name").text
    assert re.search(r"<a href=\"/customers\?country=DE&amp;sort=-name\" aria-current=\"page\"><span[^>]*>Germans, by name", page)
    assert "Germans" not in sign_in("operator").get("/customers").text


def test_a_shared_view_is_everybodys_who_can_read_it(sign_in, shop):
    client = sign_in("manager")
    client.post("/customers/views", data={"name": "With phone", "keep": "phone.empty=false", "shared": "1"})
    client.post("/customers/views", data={"name": "French", "keep": "country=FR", "shared": "1"})
    page = sign_in("operator").get("/customers").text
    assert "French" in page
    assert "With phone" not in page, "it asks for what an operator may not read"


def test_only_who_may_change_many_shares(sign_in, app):
    client = sign_in("operator")
    assert "Everybody who may see" not in client.get("/customers/views?keep=country=FR").text
    assert client.post("/customers/views", data={"name": "Mine", "keep": "country=FR", "shared": "1"}).status_code == 403
    assert saved_views.of(db.session(), named("customers"), COMMAND_LINE) == []


@pytest.mark.parametrize(("name", "keep", "status", "said"), [
    ("", "country=FR", 422, "Give the view a name"), ("x" * 61, "country=FR", 422, "at most 60"), ("Odd", "shoe=1", 400, "cannot be read")])
def test_what_cannot_be_kept_comes_back_with_the_form(sign_in, app, name, keep, status, said):
    answer = sign_in("manager").post("/customers/views", data={"name": name, "keep": keep})
    assert answer.status_code == status
    assert said in answer.text
    assert f'value="{keep}"' in answer.text


def test_the_same_name_again_changes_the_view(sign_in, app):
    client = sign_in("operator")
    for keep in ("country=FR", "country=DE"):
        client.post("/customers/views", data={"name": "Mine", "keep": keep})
    page = client.get("/customers").text
    assert page.count(">Mine<") == 1
    assert "country=DE" in page


def test_only_its_owner_removes_a_view_and_an_admin_a_shared_one(app, user):
    def actor(role, *grants):
        return Actor("staff", role, user(role), ("*.read", *grants))
    owner, other, admin = actor("manager", "*.bulk"), actor("operator"), actor("admin", "*")
    customers = named("customers")
    mine, shared = (saved_views.save(customers, name, "country=DE", owner, shared=name == "Ours") for name in ("Mine", "Ours"))
    for id, who in ((mine, other), (shared, other), (mine, admin)):
        with pytest.raises(NotFound):
            saved_views.remove(id, who)
    saved_views.remove(shared, admin)
    saved_views.remove(mine, owner)
    with pytest.raises(NotFound):
        saved_views.remove(mine, owner)


def test_a_person_has_so_many_views_and_no_more(app, user, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST", 2)
    owner = Actor("staff", "Ada", user("manager"), ("*.read",))
    for name in ("A", "B", "B"):
        saved_views.save(named("customers"), name, "country=DE", owner)
    with pytest.raises(Invalid):
        saved_views.save(named("customers"), "C", "country=DE", owner)


def test_programs_have_no_views(app):
    with pytest.raises(Forbidden):
        saved_views.save(named("customers"), "A", "country=DE", COMMAND_LINE)
    with pytest.raises(BadRequest):
        saved_views.save(named("customers"), "A", "shoe=1", COMMAND_LINE)


# -- what a role begins with


def shared(client, name="French", keep="country=FR"):
    """The id of a view everybody has."""
    client.post("/customers/views", data={"name": name, "keep": keep, "shared": "1"})
    return db.session.execute(select(SavedView.id).where(SavedView.name == name)).scalar_one()


def test_a_role_begins_with_the_view_that_was_made_its_default(sign_in, shop):
    manager, operator = sign_in("manager"), sign_in("operator")
    id = shared(manager)
    assert manager.post(f"/customers/views/{id}/default", data={"role": "operator"}).status_code == 303

    answer = operator.get("/customers")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/customers?country=FR")
    page = operator.get("/customers?country=FR").text
    assert re.search(r'<a href="/customers\?country=FR" aria-current="page"><span[^>]*>French', page)
    assert re.search(r'href="/customers\?view=all"><span[^>]*>All customers', page), "the way back to all"
    everything = operator.get("/customers?view=all").text
    assert re.search(r'<a href="/customers\?view=all" aria-current="page"><span[^>]*>All customers', everything)
    assert operator.get("/customers?country=DE").status_code == 200, "what stands in the address wins"
    assert manager.get("/customers").status_code == 200, "another role begins with all"
    assert operator.get("/orders").status_code == 200


def test_taking_out_the_last_filter_leads_to_all_not_back_into_the_view(sign_in, shop):
    manager = sign_in("manager")
    manager.post(f"/customers/views/{shared(manager)}/default", data={"role": "manager"})

    assert manager.get("/customers?country=FR").text.count('href="/customers?view=all"') >= 3, "the tab, the chip and Clear"


@pytest.mark.parametrize(("path", "values"), [
    ("columns", {"column": ["email"], "place-email": "1", "page_size": "25"}), ("columns", {"everybody": "1"}),
    ("views", {"name": "Whole", "keep": ""}), ("bulk", {"do": "trash"})])
def test_from_all_records_one_comes_back_to_all_records(sign_in, shop, path, values):
    manager = sign_in("manager")
    manager.post(f"/customers/views/{shared(manager)}/default", data={"role": "manager"})

    assert manager.post(f"/customers/{path}", data=values).headers["Location"] == "/customers?view=all"
    assert manager.post(f"/customers/{path}", data={**values, "keep": "q=ada", "list": "q=ada"}).headers["Location"] == "/customers?q=ada"


def test_a_role_begins_with_one_view_until_that_ends(sign_in, shop):
    manager, operator = sign_in("manager"), sign_in("operator")
    one, other = shared(manager), shared(manager, "German", "country=DE")
    for id in (one, other, other):
        manager.post(f"/customers/views/{id}/default", data={"role": "operator"})
    assert operator.get("/customers").headers["Location"] == "/customers?country=DE"
    assert ">Operator" in manager.get("/customers/views").text

    manager.post(f"/customers/views/{other}/default", data={"role": "operator", "stop": "1"})
    assert operator.get("/customers").status_code == 200
    manager.post(f"/customers/views/{one}/default", data={"role": "operator"})
    manager.post("/customers/views", data={"name": "French", "keep": "country=FR"})
    assert operator.get("/customers").status_code == 200, "nobody shares it any more"
    shared(manager)
    manager.post(f"/customers/views/{one}/remove")
    assert operator.get("/customers").status_code == 200, "it is gone, and its default with it"


def test_a_default_one_cannot_read_is_none(sign_in, shop):
    manager, operator = sign_in("manager"), sign_in("operator")
    id = shared(manager, "With phone", "phone.empty=false")
    manager.post(f"/customers/views/{id}/default", data={"role": "operator"})

    assert operator.get("/customers").status_code == 200


def test_only_who_shares_says_what_a_role_begins_with_and_only_of_what_is_shared(sign_in, shop):
    manager = sign_in("manager")
    id = shared(manager)
    assert sign_in("operator").post(f"/customers/views/{id}/default", data={"role": "viewer"}).status_code == 403
    assert manager.post(f"/customers/views/{id}/default", data={"role": "king"}).status_code == 400
    assert manager.post(f"/orders/views/{id}/default", data={"role": "viewer"}).status_code == 404
    manager.post("/customers/views", data={"name": "Mine", "keep": "country=DE"})
    mine = db.session.execute(select(SavedView.id).where(SavedView.name == "Mine")).scalar_one()
    assert manager.post(f"/customers/views/{mine}/default", data={"role": "viewer"}).status_code == 404
    assert "Begins the list for" in sign_in("operator").get("/customers/views").text
