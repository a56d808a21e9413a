"""Find what a question asks for among what the asker may know of: newest first, at the same cost however long the trail is."""
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from app.audit import Actor, Audit
from app.records import policy
from app.records.registry import resources
from app.trail.question import Question

PAGE = 50
WINDOW = 50_000                   # rows a page looks through when no index leads to what is asked for
SLACK = timedelta(minutes=15)     # ids and times run in the same order but for what was written at the same time
GUARDED = {"users": "users.manage", "tokens": "users.manage", "settings": "settings.manage",
           "webhook_endpoints": "endpoints.manage", "exports": "exports.sensitive",
           "export_definitions": "exports.sensitive"}
"""What it takes to read of deeds done to these tables. Other deeds are open to whoever may read the trail."""


@dataclass(frozen=True)
class Found:
    """Rows, newest first; `older` is what to pass as `before` for those after them. `is_cut`: the page stopped looking."""

    rows: list[Audit]
    older: int | None = None
    is_cut: bool = False


def find(session: Session, question: Question, actor: Actor) -> Found:
    """The next rows. A page reads at most WINDOW rows; when it found too few among them, `is_cut` says that there may be more."""
    first, last = _bounds(session, question)
    low = first if question.is_narrow else max(first, last - WINDOW)
    rows = list(session.scalars(
        select(Audit).where(Audit.id > low, Audit.id <= last, *question.conditions(), visible(actor))
        .order_by(Audit.id.desc()).limit(PAGE + 1)))
    if len(rows) > PAGE:
        return Found(rows[:PAGE], older=rows[PAGE - 1].id)
    return Found(rows, older=low + 1, is_cut=True) if low > first else Found(rows)


def visible(actor: Actor) -> ColumnElement[bool]:
    """Which rows `actor` may know of: changes of records they may see, deeds they may hear of, and what they did themselves."""
    records = [one.name for one in resources()]
    shown, parts = [], []
    for one in resources():
        scope = policy.scope(actor, one)
        if scope is None:
            shown.append(one.name)
        elif actor.may(f"{one.name}.read"):
            parts.append(and_(Audit.resource == one.name, Audit.record_id.in_(select(one.table.c.id).where(scope))))
    hidden = [table for table, needed in GUARDED.items() if not actor.may(needed)]
    parts += [Audit.resource.in_(shown), Audit.resource.not_in([*records, *hidden]), _own(actor, hidden)]
    return or_(*parts)


def _own(actor: Actor, hidden: list[str]) -> ColumnElement[bool]:
    """What one did oneself in a guarded room, like signing in."""
    if actor.id is None:
        return false()
    return and_(Audit.resource.in_(hidden), Audit.actor_kind == actor.kind, Audit.actor_id == actor.id)


def _bounds(session: Session, question: Question) -> tuple[int, int]:
    """Ids between which the rows lie: above the first, up to the last."""
    last = session.scalar(select(func.max(Audit.id))) or 0
    first = 0
    if question.span is not None:
        first, last = _id_at(session, question.span[0] - SLACK, last), _id_at(session, question.span[1] + SLACK, last)
    if question.before is not None:
        last = min(last, question.before - 1)
    return first, last


def _id_at(session: Session, moment: datetime, last: int) -> int:
    """About the last id written before `moment`: halving takes some twenty looks at the primary key, and no index on times."""
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        at = session.scalar(select(Audit.at).where(Audit.id <= middle).order_by(Audit.id.desc()).limit(1))
        if at is not None and at >= moment:
            high = middle - 1
        else:
            low = middle
    return low
