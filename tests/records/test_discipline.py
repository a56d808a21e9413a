"""How many statements pages cost: for every resource, the same with ten rows and with a thousand, and never more than promised."""
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from app.extensions import Model, db
from app.records import generations, panels
from app.records.registry import named, resources
from app.records.resource import Resource
from app.transaction import transaction
from tests.conftest import SCALE
from tests.records.api_client import BASE
from tests.records.stock import NAMES, invented, whole

LIST, RECORD = 8, 8          # statements a list may cost; a record, and one more for each relation
TODAY = 24                   # of the first page, which asks every room; 9 where nothing was written since
FEW, MANY = 10, 1_000 if SCALE > 1 else 250


@pytest.fixture
def cost(app) -> Callable[[Callable[[], Any]], list[str]]:
    """The statements something sends, whatever they do: `cost(lambda: client.get("/orders"))`."""

    def of(act: Callable[[], Any]) -> list[str]:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement != "BEGIN":
                seen.append(statement)
        sa.event.listen(db.engine, "before_cursor_execute", note)
        try:
            answer = act()
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", note)
        assert answer.status_code == 200, answer.text[:500]
        return seen
    return of


def stock(resource: Resource, count: int, start: int) -> None:
    """So many records, and as many of each resource that refers to them, all to the first."""
    insert(resource, count, start)
    for other in referring(resource):
        insert(other, count, start, **{field.column: 1 for field in other.references if field.to == resource.name})


def insert(resource: Resource, count: int, start: int, **values: Any) -> None:
    random, blank = Random(start), dict.fromkeys(resource.table.c.keys())
    with transaction() as session:
        session.execute(sa.insert(resource.table), [
            {**blank, **whole(resource, {**invented(resource, random, id), **values})} for id in range(start, start + count)])
        generations.advance(session, [resource.name])


def referring(resource: Resource) -> list[Resource]:
    return [other for other in resources() if any(field.to == resource.name for field in other.references) and other is not resource]


def relations(resource: Resource) -> int:
    """What refers to it, and what other rooms keep about it."""
    rooms = sum(name in ("*", resource.name) for name, _ in panels._makers)
    return rooms + sum(field.to == resource.name for other in resources() for field in other.references)


PAGES = {
    "list": ("/{name}?limit=50", LIST),
    "filtered list": ("/{name}?id.gte=1&created_at.gte=2020-01-01&limit=50", LIST),
    "list with totals": ("/{name}?totals=1&limit=50", LIST),
    "all of a list": ("/{name}?view=all&limit=200", LIST),
    "record": ("/{name}/1", RECORD),
    "edit form": ("/{name}/1/edit", RECORD),
    "new": ("/{name}/new", RECORD),
    "search": ("/{name}?q=straße&limit=50", LIST + 4),
}


@pytest.mark.alike("orders")
@pytest.mark.chequered
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_costs_what_is_promised_however_many_rows_there_are(app, sign_in, cost, name, page):
    resource, client = named(name), sign_in()
    address, most = PAGES[page]
    if page == "record":
        most += relations(resource)
    path = address.format(name=name)
    costs = []
    for start, count in ((1, FEW), (FEW + 1, MANY - FEW)):
        stock(resource, count, start)
        client.get(path)              # what stands on every page is kept for some seconds
        costs.append(cost(lambda: client.get(path)))

    few, many = map(len, costs)
    assert few <= most, "\n".join(costs[0])
    assert many <= most, "\n".join(costs[1])
    assert many - few <= 1, "a list that is all there is has nothing to count: " + "\n".join(costs[1])


@pytest.mark.alike("orders")
@pytest.mark.parametrize("path", ["/{name}?limit=200", "/{name}/1"])
@pytest.mark.parametrize("name", NAMES)
def test_a_program_pays_the_same_for_many_rows(app, token, cost, name, path):
    resource, headers = named(name), {"Authorization": f"Bearer {token()}"}
    address = BASE + path.format(name=name)
    costs = []
    for start, count in ((1, FEW), (FEW + 1, MANY - FEW)):
        stock(resource, count, start)
        app.test_client().get(address, headers=headers)
        costs.append(len(cost(lambda: app.test_client().get(address, headers=headers))))

    assert costs[0] == costs[1] <= LIST


@pytest.mark.parametrize(("path", "most"), [("/", TODAY), ("/checks", 10), ("/checks/payments_differ", LIST), ("/checks/delivered_unpaid", LIST)])
def test_today_and_the_checks_cost_the_same_with_many_records(app, sign_in, cost, path, most):
    client = sign_in()
    costs = []
    for start, count in ((1, FEW), (FEW + 1, MANY - FEW)):
        for name in NAMES:
            insert(named(name), count, start)
        client.get("/search")
        costs.append(cost(lambda: client.get(path)))

    few, many = map(len, costs)
    assert many <= most, "\n".join(costs[1])
    assert abs(many - few) <= 2, "\n".join(costs[1])


def test_today_costs_little_while_nothing_is_written(app, sign_in, cost):
    client = sign_in()
    for name in NAMES:
        insert(named(name), FEW, 1)
    client.get("/")

    assert len(cost(lambda: client.get("/"))) <= 10


def test_nothing_is_loaded_behind_anybodys_back(app):
    loose = [f"{mapper.class_.__name__}.{relation.key}" for mapper in Model.registry.mappers for relation in mapper.relationships
             if relation.lazy not in ("raise", "raise_on_sql")]
    assert not loose, f"say lazy=\"raise\" on these: {loose}"
