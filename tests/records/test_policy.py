"""Who sees which fields and rows: everywhere the same, and nothing where nothing was granted."""
import pytest
from sqlalchemy import select

from app.access import ROLES
from app.audit import SYSTEM, Actor
from app.errors import BadRequest, Forbidden, NotFound
from app.extensions import db
from app.records import policy, query
from app.records.registry import named, resources
from tests.records.stock import MIDNIGHT, NAMES, ask, fill, found, index, put

SECRET = "+49 555 1234567"


def actor(role: str, **scopes: str) -> Actor:
    return Actor("staff", role, 1, ROLES.get(role, ()), scopes)


@pytest.fixture
def shop(app):
    put("customers", {"id": 1, "email": "ada@acme.example", "name": "Ada", "country": "DE", "phone": SECRET},
        {"id": 2, "email": "bob@other.example", "name": "Bob", "country": "FR"})
    put("orders", {"id": 1, "number": "A", "customer_id": 1, "channel": "shop", "phone": SECRET, "total_minor": 100, "currency": "EUR"},
        {"id": 2, "number": "B", "customer_id": 2, "channel": "phone", "total_minor": 900, "currency": "EUR"},
        {"id": 3, "number": "C", "customer_id": 2, "channel": "shop"})
    index("orders")


@pytest.mark.parametrize("name", NAMES)
def test_a_sensitive_field_is_there_for_those_alone_who_hold_the_right(app, name):
    sensitive = {field.name for field in named(name).fields if field.sensitive}
    for role in ROLES:
        seen = {field.name for field in policy.readable(actor(role), named(name))}
        assert seen & sensitive == (sensitive if role in ("manager", "admin") else set())
        assert seen | sensitive == {field.name for field in named(name).fields}


@pytest.mark.parametrize("name", NAMES)
def test_whoever_was_granted_nothing_sees_nothing(app, name):
    nobody = Actor("staff", "nobody", 9)
    assert policy.readable(nobody, named(name)) == policy.writable(nobody, named(name)) == ()
    condition = policy.scope(nobody, named(name))
    assert condition is not None
    fill(named(name), 2)
    assert db.session.execute(select(named(name).table.c.id).where(condition)).all() == []
    with pytest.raises(Forbidden):
        ask(name, "", nobody)
    with pytest.raises(Forbidden):
        query.one(db.session(), named(name), 1, nobody)
    with pytest.raises(Forbidden):
        query.lookup(db.session(), named(name), "x", nobody)


@pytest.mark.parametrize(("role", "writes"), [("viewer", False), ("operator", True), ("manager", True), ("admin", True)])
def test_a_role_that_may_neither_make_nor_change_writes_no_field(app, role, writes):
    for resource in resources():
        assert bool(policy.writable(actor(role), resource)) == writes


def test_what_a_provider_said_is_written_by_nobody(app):
    assert all(field.kind != "json" for resource in resources() for field in policy.writable(SYSTEM, resource))


@pytest.mark.parametrize("asked", ["phone=x", "phone.contains=555", "phone.empty=false", "phone.ne=x", "customer.phone.starts=%2B49",
                                   "any.1.phone.contains=5", "sort=phone"])
def test_a_field_one_may_not_read_can_neither_be_filtered_nor_sorted_by(shop, asked):
    with pytest.raises(BadRequest) as hidden:
        ask("orders", asked, actor("operator"))
    with pytest.raises(BadRequest) as absent:
        ask("orders", asked.replace("phone", "phony"), actor("operator"))
    ((_, told),), ((_, other),) = hidden.value.errors.items(), absent.value.errors.items()
    assert told.split(". ")[0].replace("phone", "phony") == other.split(". ")[0]   # not even that there is such a field
    if not asked.startswith("sort"):
        assert query.parse(named("orders"), ask("orders", asked, actor("manager")).args, SYSTEM)


def test_a_field_one_may_not_read_is_in_no_row(shop):
    blind, seeing = actor("operator"), actor("manager")
    assert "phone" not in query.page(db.session(), ask("orders", "", blind)).rows[0]
    assert "phone" not in query.one(db.session(), named("orders"), 1, blind)
    fields = named("orders").fields
    assert "phone" not in next(query.stream(db.session(), ask("orders", "", blind), fields))[0]
    assert next(query.stream(db.session(), ask("orders", "sort=id", seeing), fields))[0]["phone"] == SECRET
    assert query.one(db.session(), named("orders"), 1, seeing)["phone"] == SECRET


SCOPES = [
    ({}, [3, 2, 1]),
    ({"orders": "channel=shop"}, [3, 1]),
    ({"orders": "customer.country=FR"}, [3, 2]),
    ({"orders": "total.gte=5"}, [2]),
    ({"orders": "channel=shop&customer=1"}, [1]),
    ({"orders": "any.1.channel=phone&any.1.customer=1"}, [2, 1]),
    ({"orders": "phone.contains=555"}, [1]),           # the installation wrote it: it may use what the person cannot see
    ({"customers": "country=DE"}, [3, 2, 1]),          # narrows customers, not their orders
]


@pytest.mark.parametrize(("scopes", "ids"), SCOPES)
def test_a_scope_narrows_every_way_of_reading(shop, scopes, ids):
    who = actor("operator", **scopes)
    orders, session = named("orders"), db.session()
    assert found("orders", "", who) == ids
    assert query.count(session, ask("orders", "", who)).number == len(ids)
    assert query.ids(session, ask("orders", "", who), 10) == sorted(ids)
    assert [row["id"] for part in query.stream(session, ask("orders", "", who), orders.fields) for row in part] == ids
    assert {one.id for one in query.lookup(session, orders, "", who)} == set(ids)
    for id in (1, 2, 3):
        assert found("orders", f"q=%23{id}", who) == ([id] if id in ids else [])
        if id in ids:
            assert query.one(session, orders, id, who)["id"] == id
        else:
            with pytest.raises(NotFound):
                query.one(session, orders, id, who)


def test_what_is_out_of_scope_cannot_be_felt_through_a_reference(shop):
    """Neither its title nor, by asking, what it holds."""
    who = actor("operator", customers="country=DE")
    rows = {row["id"]: row for row in query.page(db.session(), ask("orders", "", who)).rows}
    assert rows[1]["customer"].label == "Ada"
    assert rows[2]["customer"] is None
    assert rows[2]["customer_id"] == 2
    assert named("orders").require("customer").json(rows[2]) == {"id": 2, "key": "", "label": ""}
    assert found("orders", "customer.name=Bob", who) == []
    assert found("orders", "customer=bob@other.example", who) == []
    assert found("orders", "customer.country.ne=DE", who) == []


def test_a_record_type_one_may_not_read_cannot_be_felt_through_a_reference(shop):
    who = Actor("staff", "packer", 1, ("orders.read",))
    assert query.page(db.session(), ask("orders", "", who)).rows[0]["customer"] is None
    for asked in ("customer.name=Bob", "customer=bob@other.example"):
        with pytest.raises(BadRequest):
            ask("orders", asked, who)


@pytest.mark.parametrize("scope", ["statsu=draft", "channel.like=x", "total.gte=cheap", "status="])
def test_a_scope_that_cannot_be_read_lets_nobody_in(shop, scope):
    who = actor("operator", orders=scope)
    for read in (lambda: query.page(db.session(), ask("orders", "", who)), lambda: query.one(db.session(), named("orders"), 1, who)):
        with pytest.raises(Forbidden, match="cannot be read"):
            read()


def test_a_record_is_found_in_the_trash_unless_told_otherwise(app):
    put("orders", {"id": 1, "number": "a", "trashed_at": MIDNIGHT})
    assert query.one(db.session(), named("orders"), 1, SYSTEM)["trashed_at"] == MIDNIGHT
    with pytest.raises(NotFound):
        query.one(db.session(), named("orders"), 1, SYSTEM, trashed=False)


@pytest.mark.parametrize("id", [0, -1, 4, 2**63, 2**80])
def test_what_is_not_there_is_not_found(shop, id):
    with pytest.raises(NotFound):
        query.one(db.session(), named("orders"), id, SYSTEM)
