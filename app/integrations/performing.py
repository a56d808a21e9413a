"""An effect at work: looked up first if it may have been sent, asked for with its key, settled in one commit with its news."""
from datetime import UTC, datetime

from app.audit import Actor, Door
from app.errors import NotFound
from app.extensions import db
from app.integrations import connections, effects
from app.integrations.calling import Connection
from app.integrations.cause import because
from app.integrations.effects import Asked, Doer, Done
from app.integrations.errors import AmbiguousOutcome, BadResponse, ProviderError, TimedOut, UnavailableThere
from app.integrations.models import Effect
from app.jobs.work import Work
from app.records.changes import Change, Source, apply
from app.transaction import lock, transaction

UNSURE = (AmbiguousOutcome, BadResponse, TimedOut, UnavailableThere)
GRANTS = ("*.create", "*.edit")


def perform(work: Work, effect_id: int, most: int) -> dict[str, str]:
    """Do what was committed to, once. What cannot be told stays `ambiguous` and says so; what was refused is settled as that.

    Raises what a later try can mend, until try `most`.
    """
    row = _begin(effect_id)
    if row is None:
        return {"effect": "settled before"}
    connection, asked, doer = _ready(row)
    with because(record=(row.resource, row.record_id)):
        try:
            found = doer.find(connection, asked) if row.tries > 1 else None
            done = found or doer.do(connection, asked)
        except ProviderError as error:
            return _settle_error(work, row, connection, asked, doer, error, most)
    return _end(work, row, connection, "done", done.said, done.changes)


def _begin(effect_id: int) -> Effect | None:
    """The row, with this try counted before anything is sent; None if it is settled."""
    with transaction() as session:
        row = lock(session, Effect, effect_id)
        if row.status != "pending":
            return None
        row.tries += 1
        session.flush()
        session.expunge(row)
    return row


def _ready(row: Effect) -> tuple[Connection, Asked, Doer]:
    stored = connections.get(row.connection_id)
    if not stored.is_enabled:
        raise NotFound(f"{stored.name} is switched off. Switch it on and retry this job.", title="The connection is off")
    found = connections.opened(stored), Asked(row.key, **row.asked), effects.doer(stored.provider, row.kind)
    db.session.rollback()
    return found


def _settle_error(work: Work, row: Effect, connection: Connection, asked: Asked, doer: Doer, error: ProviderError,
                  most: int) -> dict[str, str]:
    """Refused: it was not done, now and for good. In doubt: look it up. Otherwise a later try may mend it."""
    unsure = isinstance(error, UNSURE) and not error.safe_to_repeat
    if error.retryable and work.attempt < most:
        raise error
    if not unsure:
        return _end(work, row, connection, "refused", f"{error.title}. {error.detail}")
    try:
        done: Done | None = doer.find(connection, asked)
    except ProviderError as second:
        return _end(work, row, connection, "ambiguous", f"{error.detail} Looking it up failed too: {second.detail}")
    if done is not None:
        return _end(work, row, connection, "done", done.said, done.changes)
    return _end(work, row, connection, "ambiguous", f"{error.detail} The provider does not show it yet.")


def _end(work: Work, row: Effect, connection: Connection, status: str, said: str,
         changes: tuple[Change, ...] = ()) -> dict[str, str]:
    """What came of it, what the provider shows now, and the end of the job, in one commit."""
    by = Actor("provider", connection.name, connection.id, GRANTS)
    with work.transaction(finish=True, result={"effect": status, "said": said}) as session:
        held = lock(session, Effect, row.id)
        held.status, held.said, held.ended_at = status, said, None if status == "ambiguous" else datetime.now(UTC)
        if changes:
            apply(session, changes, Source(Door.SYNC, by, account=connection.account))
    return {}
