"""The gate: everything that changes a business record comes through here.

`plan` says what would become of changes, `apply` does it. Both take a batch and decide the changes one after the other,
so two changes of one record, or an order for a customer created a line earlier, behave as if applied one at a time.
"""
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.audit import Door
from app.records.change import ACCEPTED, REFUSED, Change, Kind, Outcome, Source
from app.records.values import Reading

__all__ = ["ACCEPTED", "REFUSED", "Change", "Door", "Kind", "Outcome", "Reading", "Source", "apply", "plan"]


def plan(session: Session, changes: Sequence[Change], source: Source) -> list[Outcome]:
    """What `apply` would do now. Writes and locks nothing."""
    raise NotImplementedError


def apply(session: Session, changes: Sequence[Change], source: Source) -> list[Outcome]:
    """Make the changes in the caller's transaction; one outcome for each, in order. A refused change refuses nothing else.

    Safe to race: what another process wrote meanwhile is read again and decided again.
    Call it once with all changes of a transaction, as the last thing but the fence: never call out or render after it.
    """
    raise NotImplementedError
