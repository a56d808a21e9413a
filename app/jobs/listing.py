"""The list of jobs: filters, counts by view, pages by keyset. From the database alone."""
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import newest
from app.errors import BadRequest
from app.jobs.models import Job
from app.newest import Count, Page, View

VIEWS: dict[str, View] = {
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

    @property
    def all(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions of its view too."""
        return (VIEWS[self.view][1], *self.conditions) if self.view else self.conditions


def asked(args: MultiDict[str, str]) -> Asked:
    """Read the parameters of the page. Raises BadRequest on any it does not know or cannot read."""
    errors = {name: "This list has no such filter." for name in args if name not in PARAMETERS}
    given = {name: args[name].strip() for name in PARAMETERS if args.get(name, "").strip()}
    if given.get("status", "dead") not in VIEWS:
        errors["status"] = f"Give one of {', '.join(VIEWS)}."
    place = newest.place(given, errors)
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    return Asked(given.get("status", ""), {name: given[name] for name in ("kind", "by") if name in given}, **place)


def page(session: Session, question: Asked) -> Page[Job]:
    """The jobs of one page, the newest first. One statement."""
    return newest.page(session, Job, question.all, question.after, question.before)


def counts(session: Session, question: Asked) -> dict[str, Count]:
    """How many there are in each view, under the other filters. One statement."""
    return newest.counts(session, Job, VIEWS, question.conditions)
