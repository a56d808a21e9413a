"""The list of jobs: filters, counts by view, pages by keyset. From the database alone."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, func, literal, select, union_all
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.errors import BadRequest
from app.jobs.models import Job

SIZE = 50
CAP = 10_000
VIEWS: dict[str, tuple[str, ColumnElement[bool]]] = {
    "dead": ("Dead", Job.status == "dead"),
    "retrying": ("Retrying", and_(Job.status == "waiting", Job.attempts > 0)),
    "waiting": ("Queued", and_(Job.status == "waiting", Job.attempts == 0)),
    "running": ("Running", Job.status == "running"),
    "done": ("Done", Job.status == "done"),
    "cancelled": ("Cancelled", Job.status == "cancelled"),
}
"""What a person sees of the status of a job, those that need somebody first."""
PARAMETERS = ("status", "kind", "by", "after", "before")


@dataclass(frozen=True)
class Asked:
    """What a page of the list shows. `words` are the filters as given, without view and place."""

    view: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None
    before: int | None = None

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        columns = {"kind": Job.kind, "by": Job.created_by}
        return tuple(columns[name] == value for name, value in self.words.items())


@dataclass(frozen=True)
class Count:
    number: int
    capped: bool


@dataclass(frozen=True)
class Page:
    """Jobs, the newest first; `after` and `before` say where the neighbours begin, None where there are none."""

    jobs: Sequence[Job]
    after: int | None
    before: int | None


def asked(args: MultiDict[str, str]) -> Asked:
    """Read the parameters of the page. Raises BadRequest on any it does not know or cannot read."""
    errors = {name: "This list has no such filter." for name in args if name not in PARAMETERS}
    given = {name: args[name].strip() for name in PARAMETERS if args.get(name, "").strip()}
    if given.get("status", "dead") not in VIEWS:
        errors["status"] = f"Give one of {', '.join(VIEWS)}."
    for name in ("after", "before"):
        if name in given and not (given[name].isascii() and given[name].isdecimal() and int(given[name]) < 2**63):
            errors[name] = "Give a whole number."
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    place = {name: int(given[name]) for name in ("after", "before") if name in given}
    return Asked(given.get("status", ""), {name: given[name] for name in ("kind", "by") if name in given}, **place)


def page(session: Session, question: Asked) -> Page:
    """One statement, by the index of the filter."""
    query = select(Job).where(*_all(question)).limit(SIZE + 1)
    if question.before is not None:
        found = list(session.scalars(query.where(Job.id > question.before).order_by(Job.id)))
        shown = found[:SIZE][::-1]
        return Page(shown, shown[-1].id if shown else None, shown[0].id if len(found) > SIZE else None)
    if question.after is not None:
        query = query.where(Job.id < question.after)
    found = list(session.scalars(query.order_by(Job.id.desc())))
    shown = found[:SIZE]
    return Page(shown, shown[-1].id if len(found) > SIZE else None, shown[0].id if shown and question.after is not None else None)


def counts(session: Session, question: Asked) -> dict[str, Count]:
    """How many there are in each view, under the other filters; at most CAP are counted. One statement."""
    views = {name: condition for name, (_, condition) in VIEWS.items()} | {"": literal(True)}
    parts = [select(literal(name), select(func.count()).select_from(
        select(literal(1)).select_from(Job).where(condition, *question.conditions).limit(CAP + 1).subquery()).scalar_subquery())
        for name, condition in views.items()]
    return {name: Count(min(number, CAP), number > CAP) for name, number in session.execute(union_all(*parts))}


def _all(question: Asked) -> tuple[ColumnElement[bool], ...]:
    return (VIEWS[question.view][1], *question.conditions) if question.view else question.conditions
