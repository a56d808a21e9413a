"""What a declaration brings with it: columns, indexes, the search index; and who keeps whose records."""
import pytest
from sqlalchemy import inspect

from app.errors import NotFound
from app.extensions import db
from app.records import held, owners, parse, search
from app.records.changes import Change
from app.records.fields import Reading
from app.records.registry import named, resources
from app.transaction import is_sqlite
from tests.records.gate import act, customer, indexed, order


def test_an_unknown_name_is_not_found(app, database):
    with pytest.raises(NotFound, match="There are no records called spaceships."):
        named("spaceships")


def test_the_tables_are_as_declared(app, database):
    inspector = inspect(db.engine)
    for resource in resources():
        assert {column["name"] for column in inspector.get_columns(resource.name)} == set(resource.table.columns.keys())
        assert {index.name for index in resource.table.indexes} <= {index["name"] for index in inspector.get_indexes(resource.name)}


def test_others_wait_where_a_reference_is_loose(app, database):
    assert [place.key for place in held.places(named("orders"))] == ["deliveries..order", "payments..order"]
    assert [place.key for place in held.places(named("products"))] == ["subscriptions..product", "orders.lines.product"]
    assert [place.key for place in held.waits(named("subscriptions"))] == ["subscriptions..customer", "subscriptions..product"]


@pytest.mark.parametrize("value", ["ORD-1", "a=b", "Ω", ""])
def test_whom_one_waits_for_is_kept_as_text_one_can_read(value):
    assert held.awaited("number", value) == f"number={value}"
    assert held.awaited("external_id", value, "stripe") == f"external_id@stripe={value}"


def test_the_search_index_can_be_made_twice(app, database):
    with db.engine.begin() as connection:
        for resource in resources():
            for statement in search.statements(resource, connection.dialect.name):
                connection.exec_driver_sql(statement)


def test_the_search_index_finds_any_three_letters(app, database):
    act(customer("ada@x.org", name="Ada Lovelace"), customer("b@x.org", name="Bob"))
    with db.engine.connect() as connection:
        match = "text MATCH '\"vel\"'" if is_sqlite(connection) else "text LIKE '%%vel%%'"
        found = connection.exec_driver_sql(f"SELECT {'rowid' if is_sqlite(connection) else 'id'} FROM customers_search WHERE {match}").scalars().all()
    assert [indexed("customers")[id] for id in found] == ["ada@x.org\nada lovelace"]


def test_a_record_without_searched_text_is_in_the_index_all_the_same(app, database):
    act(Change("subscriptions", {"amount_minor": 1}, {"external_id": "s"}), order("1"))
    assert set(indexed("orders").values()) == {"1"}


def test_shapes_of_strange_names_are_not_kept(app, database):
    parse.compiled.cache_clear()
    act(*(customer("a@x.org", **{f"strange{n}": "x"}) for n in range(50)))
    assert parse.compiled.cache_info().currsize == 0
    act(customer("a@x.org", name="x"))
    assert parse.compiled.cache_info().currsize == 1


def test_a_shape_knows_what_it_writes(app, database):
    shape = parse.compiled(named("orders"), ("total", "customer_id", "note", "colour"), ("number",), Reading(), False, False)
    assert [name for name, _, _ in shape.late] == ["total"]
    assert [reference.name for reference in shape.by_id] == ["customer"]
    assert (shape.uniques, set(shape.unknown), shape.writes) == (("number",), {"colour"}, True)
    assert not parse.compiled(named("orders"), ("trashed_at",), ("number",), Reading(), False, False).writes


def test_an_account_nobody_reports_for_is_not_live(app, database, monkeypatch):
    session = db.session()
    monkeypatch.setattr(owners, "_checks", [])
    assert owners.is_live(session, "anything")
    assert not owners.is_live(session, "")
    owners.register(lambda session, account: account == "stripe")
    owners.register(lambda session, account: account == "shop")
    assert [owners.is_live(session, account) for account in ("stripe", "shop", "dhl")] == [True, True, False]


def test_every_account_in_use_is_known_to_some_room(app, database):
    """Rooms above register who reports; a record of an account nobody knows is people's own."""
    assert owners._checks
    assert not owners.is_live(db.session(), "an account nobody has")
