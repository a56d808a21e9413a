"""What the checks find: by query, the newest records first, as far as the time allows; and why, in words."""
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, NamedTuple

from sqlalchemy import Connection, asc, case, desc, func, literal_column, select, true
from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import BadRequest, NotFound
from app.records import answers, bounds, labels, policy, rows
from app.records.check import Check
from app.records.fields import Money
from app.records.query import Count
from app.records.registry import named, resources
from app.records.resource import Resource

CAP = 1_000            # found records that are counted
PAGE = 50
WINDOW, GROWTH = 5_000, 2      # candidates looked at in one statement: the first, and each after it so much more
LAST = 2**63 - 1


class Place(NamedTuple):
    """Where a page is: the newest below an id, or, `up`, the oldest above it."""

    id: int = LAST
    up: bool = False


FIRST = Place()


@dataclass(frozen=True)
class Looked:
    """The ids found, in the order of looking, among `number` candidates. Beyond `edge` nobody looked; None: there is nothing."""

    ids: list[int]
    number: int
    edge: int | None


@dataclass(frozen=True)
class Result:
    """What one check comes to. `number`: it was stopped after so many candidates; None: it went through."""

    resource: Resource
    check: Check
    count: Count
    number: int | None

    @property
    def known(self) -> int | None:
        """How many were found; None where it was stopped before anything was looked at."""
        return None if self.number == 0 and not self.count.number else self.count.number

    @property
    def stopped(self) -> str:
        """A sentence where not everything was looked at, else ""."""
        return "" if self.number is None else stopped(self.resource, self.number)


@dataclass(frozen=True)
class Finding:
    row: dict[str, Any]
    reason: str


@dataclass(frozen=True)
class Page:
    """Some of what a check finds, the newest first. The next page is after the id `after`, the previous one before `before`, None
    where there is none; `stopped`: a sentence, or ""."""

    findings: list[Finding]
    after: int | None
    before: int | None
    stopped: str


def allowed(actor: Actor) -> list[tuple[Resource, Check]]:
    """The checks this actor may see all of: fields and records of every resource they read."""
    return [(resource, check) for resource in resources() for check in resource.checks if _sees(actor, resource, check)]


def find(actor: Actor, name: str) -> tuple[Resource, Check]:
    """The check of this name. Raises NotFound, also where the actor may not see all it reads."""
    for resource, check in allowed(actor):
        if check.name == name:
            return resource, check
    raise NotFound("There is no such check, or you may not see what it looks at.")


def results(session: Session, actor: Actor) -> list[Result]:
    """What every check comes to, counted as far as a glance reaches. 1 statement a check (each 5,000 to 100,000 records), and
    one in all where nothing was written since they were asked last."""
    return [_result(session, actor, resource, check) for resource, check in allowed(actor)]


def page(session: Session, resource: Resource, check: Check, actor: Actor, place: Place = FIRST, limit: int = PAGE) -> Page:
    """The records a check finds there, with the reason of each. 2 statements where 5,000 records are enough."""
    looked = _look(session, resource, check, actor, bounds.PATIENCE, limit, place)
    shown, more = looked.ids[:limit], len(looked.ids) > limit
    beyond = shown[-1] if more else looked.edge if looked.number else None
    behind = None if place == FIRST else shown[0] if shown else place.id + (1 if place.up else -1)   # up to it and no further
    after, before = (behind, beyond) if place.up else (beyond, behind)
    sentence = stopped(resource, looked.number) if looked.edge is not None and not more else ""
    return Page(_read(session, resource, check, actor, shown), after, before, sentence)


def place(after: str | None, before: str | None) -> Place:
    """Where a page is, as it stands in after= and before=. Raises BadRequest."""
    given = {name: raw for name, raw in (("after", after), ("before", before)) if raw is not None}
    errors = {name: "This is not where a page begins. Leave it out." for name, raw in given.items()
              if not (raw.isascii() and raw.isdecimal() and len(raw) < 19 and int(raw))}
    if len(given) > 1:
        errors["before"] = "A page begins after one record or ends before one. Leave one of the two out."
    if errors:
        raise BadRequest("Some parameters cannot be read.", errors=errors)
    return next((Place(int(raw), name == "before") for name, raw in given.items()), FIRST)


def stopped(resource: Resource, number: int) -> str:
    words = resource.plural.lower()
    if not number:
        return f"The database was stopped before it had looked at any {words}. Try again in a moment."
    return f"Only the newest {number:,} {words} that come into question were looked at: all of them take too long."


def _result(session: Session, actor: Actor, resource: Resource, check: Check) -> Result:
    looked = answers.kept(session, actor, _about(resource, check), ("check", check.name), lambda: _look(
        session, resource, check, actor, bounds.GLANCE, CAP))
    is_capped = len(looked.ids) > CAP
    number = None if looked.edge is None or is_capped else looked.number
    return Result(resource, check, Count(min(len(looked.ids), CAP), is_capped), number)


def _about(resource: Resource, check: Check) -> list[str]:
    """The resources whose records decide what it finds."""
    return [name for table in (resource.name, *_tables(check)) for name in answers.behind(table)]


def _tables(check: Check) -> list[str]:
    return list(dict.fromkeys(column.table.name for column in check.columns()))


def _sees(actor: Actor, resource: Resource, check: Check) -> bool:
    """Whoever sees only some records of another resource would be told wrong things of it."""
    fields = [(named(column.table.name), column.name) for column in check.columns()]
    fields += [(resource, name) for name in _words(check) if name not in check.facts]
    for other, name in (*fields, (resource, "id")):
        field = other.field(name)
        if not actor.may(f"{other.name}.read") or field is not None and field not in policy.readable(actor, other):
            return False
        if other is not resource and actor.scopes.get(other.name):
            return False
    return True


def _words(check: Check) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(check.reason) if name]


def _look(session: Session, resource: Resource, check: Check, actor: Actor, seconds: float, limit: int,
          place: Place = FIRST) -> Looked:
    """Up to `limit` + 1 ids: window after window of candidates, each larger than the one before, until the time is up."""
    ids: list[int] = []
    until, size, number, connection = time.monotonic() + seconds, WINDOW, 0, session.connection()
    while len(ids) <= limit:
        try:
            with bounds.within(connection, max(until - time.monotonic(), 0.001)):
                found = _window(connection, resource, check, actor, place, size, limit + 1 - len(ids))
        except bounds.TooLong:
            return Looked(ids, number, place.id)
        ids += [row.id for row in found if row.id is not None]
        number, place = number + found[0].number, place._replace(id=found[0].edge)
        if found[0].number < size:
            return Looked(ids, number, None)
        size *= GROWTH
    return Looked(ids, number, place.id)


def _window(connection: Connection, resource: Resource, check: Check, actor: Actor, place: Place, size: int,
            limit: int) -> Sequence[Any]:
    """How many candidates there were and the last of them, beside each id that was found; one row even where none was."""
    id, scope = resource.table.c.id, policy.scope(actor, resource)
    visible = [literal_column(check.candidates), resource.table.c.trashed_at.is_(None), *([] if scope is None else [scope])]
    ordered: Callable[[Any], Any] = asc if place.up else desc
    beyond = id > place.id if place.up else id < place.id
    spot = (select(id, case((check.wrong, 1), else_=0).label("wrong")).where(beyond, *visible)
            .order_by(ordered(id)).limit(size).cte("spot"))
    last = func.max(spot.c.id) if place.up else func.min(spot.c.id)
    edge = select(last.label("edge"), func.count().label("number")).select_from(spot).subquery("edge")
    wrong = select(spot.c.id).where(spot.c.wrong == 1).order_by(ordered(spot.c.id)).limit(limit).subquery("found")
    both = select(edge.c.edge, edge.c.number, wrong.c.id).select_from(edge.outerjoin(wrong, true()))
    return connection.execute(both.order_by(ordered(wrong.c.id))).all()


def _read(session: Session, resource: Resource, check: Check, actor: Actor, ids: Sequence[int]) -> list[Finding]:
    """These records as a list has them, each with its reason."""
    fields = [field for field in policy.readable(actor, resource) if field.kind != "lines"]
    chosen = rows.selection(resource, fields, policy.Sight(actor))
    facts = [fact.label(f"{name}_minor") for name, fact in check.facts.items()]
    statement = rows.reading(chosen).add_columns(*facts).where(resource.table.c.id.in_(ids)).order_by(resource.table.c.id.desc())
    found = session.execute(statement).mappings().all() if ids else []
    return [Finding(row, _reason(resource, check, {**row, **{fact.name: int(one[fact.name]) for fact in facts}}))
            for row, one in zip(chosen.rows(found), found, strict=True)]


def _reason(resource: Resource, check: Check, row: Mapping[str, Any]) -> str:
    words = {name: labels.said(Money(name) if name in check.facts else resource.require(name), row) or "nothing yet"
             for name in _words(check)}
    return check.reason.format(**words)
