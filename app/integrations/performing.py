"""An effect at work: looked up first if it may have been sent, asked for with its key, settled, and its record read anew."""
from datetime import UTC, datetime

from app.errors import NotFound
from app.extensions import db
from app.integrations import connections, effects
from app.integrations.calling import Connection
from app.integrations.cause import because
from app.integrations.effects import Asked, Doer
from app.integrations.errors import ProviderError
from app.integrations.models import Effect
from app.integrations.news import tell
from app.jobs.work import Work
from app.records.change import Change
from app.transaction import lock, transaction

Verdict = tuple[str, str]       # the status it ends in, and a sentence


def perform(work: Work, effect_id: int, most: int) -> dict[str, str]:
    """Do what was committed to, once, then read the record it changed from the provider.

    What cannot be told stays `ambiguous` and says so; what was refused is settled as that. Raises what a later try can mend,
    until try `most`. A try that comes after it was done only reads the record.
    """
    row = _begin(effect_id, work.job_id)
    if row is None:
        return {"effect": "settled before, or another job does it"}
    connection, asked, doer = _ready(row)
    with because(record=(row.resource, row.record_id)):
        status, said = (row.status, row.said or "") if row.status == "done" else _try(work, row, connection, asked, doer, most)
        _settle(row, status, said)
        if status == "done":
            tell(connection, _news(work, connection, asked, doer, most))
    return {"effect": status, "said": said}


def _begin(effect_id: int, job_id: int) -> Effect | None:
    """The row, with this try counted before anything is sent; None if nothing is left to do for this job."""
    with transaction() as session:
        row = lock(session, Effect, effect_id)
        if row.status not in ("pending", "done") or row.job_id != job_id:
            return None
        row.tries += row.status == "pending"
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


def _try(work: Work, row: Effect, connection: Connection, asked: Asked, doer: Doer, most: int) -> Verdict:
    found = None
    try:
        found = doer.find(connection, asked) if row.tries > 1 else None
    except ProviderError as error:
        _back_later(error, work, most)
        return "ambiguous", f"It may have been done before, and looking it up failed: {error.title}. {error.detail}"
    try:
        return "done", found or doer.do(connection, asked)
    except ProviderError as error:
        _back_later(error, work, most)
        if error.safe_to_repeat:
            return "refused", f"{error.title}. {error.detail}"
        return _looked_up(connection, asked, doer, error)


def _back_later(error: ProviderError, work: Work, most: int) -> None:
    """Raise what a later try can mend, if there is one."""
    if error.retryable and (work.attempt < most or not error.costs_a_try):
        raise error


def _looked_up(connection: Connection, asked: Asked, doer: Doer, error: ProviderError) -> Verdict:
    """It may have been done: the provider knows, if it answers."""
    try:
        found = doer.find(connection, asked)
    except ProviderError as second:
        return "ambiguous", f"{error.detail} Looking it up failed too: {second.detail}"
    return ("done", found) if found else ("ambiguous", f"{error.detail} The provider does not show it.")


def _settle(mine: Effect, status: str, said: str) -> None:
    """Unless a later try has begun in the meantime, which knows better. That it was done is true whoever says so."""
    with transaction() as session:
        row = lock(session, Effect, mine.id)
        if status == "done" or (row.status, row.tries) == ("pending", mine.tries):
            row.status, row.said = status, said
            row.ended_at = None if status == "ambiguous" else row.ended_at or datetime.now(UTC)


def _news(work: Work, connection: Connection, asked: Asked, doer: Doer, most: int) -> list[Change]:
    """What the provider shows of the record now. Worth coming back for, and in the end not worth failing for."""
    try:
        return doer.news(connection, asked)
    except ProviderError as error:
        if error.retryable and work.attempt < most:
            raise
        return []
