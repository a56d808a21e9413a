"""The gate: everything that changes a business record comes through here.

`plan` says what would become of changes, `apply` does it. Both take a batch and decide the changes one after the other,
so two changes of one record, or an order for a customer created a line earlier, behave as if applied one at a time.
"""
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.audit import Door
from app.errors import Unavailable
from app.records import bulk, generations
from app.records.batch import Batch
from app.records.change import ACCEPTED, REFUSED, Change, Kind, Outcome, Source
from app.records.decide import Decisions, decided, together
from app.records.registry import rank
from app.records.values import Reading
from app.records.write import Raced, Writer
from app.transaction import is_sqlite

__all__ = ["ACCEPTED", "REFUSED", "Change", "Door", "Kind", "Outcome", "Reading", "Source", "apply", "plan"]


def plan(session: Session, changes: Sequence[Change], source: Source) -> list[Outcome]:
    """What `apply` would do now. Writes and locks nothing."""
    decisions = decided(lambda: Batch(session, changes, source).read())
    for outcome in decisions.outcomes:
        if outcome.id is not None and outcome.id < 0:
            outcome.id = None
    return decisions.outcomes


def apply(session: Session, changes: Sequence[Change], source: Source) -> list[Outcome]:
    """Make the changes in the caller's transaction; one outcome for each, in order. A refused change refuses nothing else.

    Safe to race: what another process wrote meanwhile is read again and decided again. Call it once with all changes of a
    transaction, as the last thing but the fence: never call out or render after it. A second call in one transaction that
    meets somebody raises Unavailable(retry=True).
    """
    session.flush()
    transaction = session.get_transaction()
    again = session.info.get("gate") is transaction and transaction is not None
    session.info["gate"] = transaction
    outcomes = _apply(_Try(session, source, again), changes, (False, True, True))
    session.expire_all()
    return outcomes


class _Alone(Exception):
    """What was decided holds only if nobody writes meanwhile what it waits for."""


class _Try:
    """One caller's transaction, in which a batch is tried until it is through."""

    def __init__(self, session: Session, source: Source, again: bool) -> None:
        self.session, self.source, self.again = session, source, again
        self.connection = session.connection()
        self.sqlite = is_sqlite(self.connection)

    def once(self, changes: Sequence[Change], alone: bool) -> list[Outcome]:
        def read() -> Batch:
            batch = Batch(self.session, changes, self.source)
            if alone:
                self.enter(batch, alone)
            return batch.read()
        decisions = decided(read)
        batch, outcomes, ledger = decisions.batch, decisions.outcomes, decisions.ledger
        if ledger.waits and not alone and not self.sqlite:
            raise _Alone
        written = {accepted.row.resource.name for accepted in ledger.accepted} | {
            name for name, rows in batch.held.rows.items() if any(row.dirty for row in rows.values())}
        if written:
            if not alone:
                self.enter(batch, alone)
                self.check_nobody_waits(decisions)
            Writer(batch, ledger).write(outcomes)
            generations.advance(self.session, written)
        return outcomes

    def enter(self, batch: Batch, alone: bool) -> None:
        names = sorted(batch.lanes(), key=lambda name: (rank(name), name))
        if not bulk.enter(self.connection, names, alone, wait=not (self.again and alone)):
            raise Unavailable("Somebody is writing the same records. Try again in a moment.")

    def check_nobody_waits(self, decisions: Decisions) -> None:
        """Whoever began to wait for one of our new records after we read has to be seen: then again, alone."""
        if not self.sqlite and decisions.somebody_waits():
            raise Raced


def _apply(attempt: _Try, changes: Sequence[Change], tries: Sequence[bool]) -> list[Outcome]:
    """First beside everybody else; raced or refused, again alone; still refused, by halves until who is at fault stands alone."""
    connection = attempt.connection
    refused: BaseException = Raced()
    for alone in tries:
        try:
            with connection.begin_nested():
                return attempt.once(changes, alone)
        except (_Alone, Raced, DBAPIError, connection.dialect.loaded_dbapi.Error) as error:   # COPY raises the driver's own
            refused = getattr(error, "orig", None) or error
            if not _redeemable(refused):
                raise
    if _passing(refused):   # never the fault of a change: the caller's transaction is worth repeating
        raise Unavailable("Others write the same records all the time. Try again in a moment.") from refused
    groups = together(changes)
    if len(groups) == 1:
        return [Outcome("invalid", errors={"": f"The database refused this ({_reason(refused)}). Correct it and try again."})
                for _ in changes]
    half = len(groups) // 2
    outcomes: dict[int, Outcome] = {}
    for part in (groups[:half], groups[half:]):
        places = [place for group in part for place in group]
        outcomes.update(zip(places, _apply(attempt, [changes[place] for place in places], (True,)), strict=True))
    return [outcomes[place] for place in range(len(changes))]


def _redeemable(error: BaseException) -> bool:
    """Raced, a unique key taken meanwhile, a deadlock, a value the database refuses: worth deciding again."""
    state = getattr(error, "sqlstate", None)
    if state is None:
        return type(error).__name__ in ("_Alone", "Raced", "IntegrityError", "DataError")
    return str(state)[:2] in ("22", "23", "40")


def _passing(error: BaseException) -> bool:
    return isinstance(error, (Raced, _Alone)) or str(getattr(error, "sqlstate", None) or "").startswith("40")


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0].rstrip(".")
