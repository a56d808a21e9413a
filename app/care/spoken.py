"""What was said of a person to programs and to providers, taken out of the kept answers of the API and the log of calls.

A key still repeats nothing and a call is still on record; only the words are gone.
"""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from sqlalchemy import Row, Table, case, select, update
from sqlalchemy.orm import Session

from app.care.mention import Mention
from app.integrations.models import Call
from app.records import replies

A_TIME = 200
GONE = "Erased."
SAID = {"request": GONE, "reply": GONE, "said": case((Call.said.is_not(None), GONE))}
calls, answers = cast(Table, Call.__table__), cast(Table, replies.Reply.__table__)


class Progress(Protocol):
    """What an erasure needs of the job or the command it runs in: where it is, kept with each step."""

    cursor: dict[str, Any]

    def transaction(self) -> AbstractContextManager[Session]: ...


def by_events(session: Session, cursor: dict[str, Any], event_ids: Iterable[int]) -> None:
    """Calls that were made for these events."""
    _silence(session, cursor, Call.event_id.in_(event_ids))


def by_records(progress: Progress, tied: Mapping[str, Iterable[int]]) -> None:
    """Calls that were made for these records, by resource."""
    for name, ids in tied.items():
        for some in parts(sorted(ids)):
            with progress.transaction() as session:
                _silence(session, progress.cursor, Call.resource == name, Call.record_id.in_(some))


def by_words(progress: Progress, mention: Mention) -> None:
    """Calls and answers that mention the person, whatever they were for."""
    for session, rows in _read(progress, calls, ("url", "request", "reply", "said")):
        _silence(session, progress.cursor, Call.id.in_([row.id for row in rows if mention.stands_in(*row[1:])]))
        told = [row.id for row in rows if mention.stands_in(row.url)]
        session.execute(update(Call).where(Call.id.in_(told)).values(url=GONE))
    for session, rows in _read(progress, answers, ("body",)):
        count(progress.cursor, replies=replies.erase(session, [row.id for row in rows if mention.stands_in(row.body)]))


def count(cursor: dict[str, Any], **more: int) -> None:
    """Add to what was done so far."""
    cursor.update({name: cursor.get(name, 0) + number for name, number in more.items()})


def parts(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many at a time as one transaction takes."""
    return (found[place:place + A_TIME] for place in range(0, len(found), A_TIME))


def _silence(session: Session, cursor: dict[str, Any], *which: Any) -> None:
    done = session.execute(update(Call).where(*which, Call.reply != GONE).values(SAID))
    count(cursor, calls=done.rowcount)  # type: ignore[attr-defined]


def _read(progress: Progress, table: Table, columns: Sequence[str]) -> Iterator[tuple[Session, Sequence[Row[Any]]]]:
    """All rows, some in each transaction; begun anew after a crash it goes on where it was."""
    place = f"{table.name} read to"
    while progress.cursor.get(place, 0) is not None:
        with progress.transaction() as session:
            some = select(table.c.id, *(table.c[name] for name in columns)).where(table.c.id > progress.cursor.get(place, 0))
            rows = session.execute(some.order_by(table.c.id).limit(A_TIME)).all()
            yield session, rows
            progress.cursor[place] = rows[-1].id if rows else None
