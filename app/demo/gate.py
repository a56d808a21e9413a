"""How the demo writes: through the gate, in transactions of a few hundred changes."""
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import func, select

from app.extensions import db
from app.records.changes import REFUSED, Change, Source, apply
from app.transaction import transaction

CHUNK = 500
T = TypeVar("T")


def write(changes: Sequence[Change], source: Source) -> None:
    """Make the changes. A refused one is a mistake of the demo: RuntimeError."""
    for chunk in chunks(changes):
        with transaction() as session:
            refused = [outcome for outcome in apply(session, chunk, source) if outcome.kind in REFUSED]
        if refused:
            raise RuntimeError(f"the demo made something the gate refuses: {refused[:3]}")


def count(model: Any) -> int:
    """How many rows a table has."""
    return int(db.session.execute(select(func.count()).select_from(model)).scalar_one())


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start:start + CHUNK] for start in range(0, len(values), CHUNK))
