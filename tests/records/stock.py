"""Rows to read in tests: of every record type, with ties and gaps in every column, put straight into the tables."""
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules
from random import Random
from typing import Any, cast

from sqlalchemy import Table, event, insert, select

from app import commerce
from app.audit import SYSTEM, Actor
from app.extensions import db
from app.records import generations, query, search
from app.records.fields import Choice, Field
from app.records.filters import arguments
from app.records.registry import named, resources
from app.records.resource import Resource
from app.transaction import transaction

for _module in iter_modules(commerce.__path__):
    import_module(f"{commerce.__name__}.{_module.name}")

NAMES = [resource.name for resource in resources()]
WORDS = ("ada", "Ada", "Zoë", "zoe", "Émile", "straße", "STRASSE", "Łódź", "x", "100%", "under_score", "日本")
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
VIEWER = Actor("staff", "viewer", 1, ("*.read",))


def put(name: str, *rows: dict[str, Any]) -> None:
    """These rows, by column, with what every record has; text that lists are sorted by gets its key."""
    resource = named(name)
    with transaction() as session:
        for row in rows:
            session.execute(insert(resource.table).values(**whole(resource, row)))
        generations.advance(session, [name])


def whole(resource: Resource, row: dict[str, Any]) -> dict[str, Any]:
    """A row with what every record has and its sort keys."""
    keys = {f.sort_column: row[f.column].casefold() for f in resource.fields
            if f.folded and f.sortable and row.get(f.column) is not None}
    own = {"account": ""} if resource.outside else {}
    return {"version": 1, "revision": 1, "created_at": MIDNIGHT, "updated_at": MIDNIGHT, **own, **row, **keys}


def fill(resource: Resource, count: int, seed: int = 1, start: int = 1) -> None:
    """`count` rows with ids from `start`, every third value missing, few different ones. References stay empty."""
    random = Random(seed)
    put(resource.name, *(invented(resource, random, id) for id in range(start, start + count)))


def invented(resource: Resource, random: Random, id: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": id, "created_at": moment(random), "updated_at": moment(random)}
    for field in resource.fields:
        if field.kind not in ("lines", "reference", "json"):
            unique = field.unique or field.column == "external_id"
            row[field.column] = f"{random.choice(WORDS)}-{id}" if unique else value(field, random)
    if "currency" in row:
        row["currency"] = "EUR"
    return row


def value(field: Field, random: Random) -> Any:
    if random.random() < 0.33:
        return None
    if isinstance(field, Choice):
        return random.choice(field.names)
    return {"money": random.randrange(-2, 3) * 100, "integer": random.randrange(4), "boolean": random.random() < 0.5,
            "date": date(2026, 3, random.randrange(1, 4)), "datetime": moment(random)}.get(field.kind, random.choice(WORDS))


def moment(random: Random) -> datetime:
    return MIDNIGHT + timedelta(hours=random.randrange(6), microseconds=random.randrange(2))


def ask(name: str, text: str = "", actor: Actor = SYSTEM) -> query.Query:
    """The query this string asks for."""
    return query.parse(named(name), arguments(text), actor)


def found(name: str, text: str = "", actor: Actor = SYSTEM) -> list[int]:
    """The ids of the rows this query string finds, in order."""
    return [row["id"] for row in query.page(db.session(), ask(name, f"{text}&limit=200" if "limit=" not in text else text, actor)).rows]


def forwards(name: str, text: str, actor: Actor = SYSTEM) -> Iterator[list[int]]:
    """Page after page, from the first."""
    return _pages(name, text, actor, "after", None)


def backwards(name: str, text: str, actor: Actor = SYSTEM) -> Iterator[list[int]]:
    """Page before page, from the last."""
    return _pages(name, text, actor, "before", query.page(db.session(), ask(name, text, actor)).last)


def _pages(name: str, text: str, actor: Actor, param: str, word: str | None) -> Iterator[list[int]]:
    while True:
        got = query.page(db.session(), ask(name, f"{text}&{param}={word}" if word else text, actor))
        db.session.rollback()
        yield [row["id"] for row in got.rows]
        word = got.next if param == "after" else got.previous
        if word is None:
            return


def sorts(resource: Resource) -> list[str]:
    """Every order a list of these can have."""
    return [sign + name for name in query.sortable(SYSTEM, resource) for sign in ("", "-")]


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """The SELECTs sent while inside, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def line_table() -> Table:
    """The table of the lines of orders."""
    field = named("orders").lines
    assert field is not None
    return cast(Table, field.model.__table__)


def index(name: str) -> None:
    """Put all rows of this table into its search index."""
    resource = named(name)
    with transaction() as session:
        rows = session.execute(select(resource.table)).mappings().all()
        search.add(session.connection(), resource, [(row["id"], search.text(resource, dict(row))) for row in rows])
