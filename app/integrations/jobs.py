"""What is done at providers in the background: effects, and dropping old calls, a thousand in a transaction."""
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from app.integrations import performing, refreshing, sync_run, sync_steps
from app.integrations.models import Call
from app.jobs.registry import job
from app.jobs.work import Work
from app.settings import Setting
from app.transaction import now

A_TIME = 1_000
TRIES = 8
KEPT = Setting("integrations.keep_days", "Keep calls to providers for (days)", "Older calls are dropped from the log.", 30,
               least=1, most=3650)


@job("integrations.prune", cron="40 3 * * *", label="Drop old calls to providers")
def prune(work: Work) -> dict[str, Any]:
    """Drop what was called long ago."""
    dropped = 0
    while True:
        with work.transaction() as session:
            old = Call.at < now(session) - timedelta(days=KEPT.get())
            ids = session.execute(select(Call.id).where(old).limit(A_TIME)).scalars().all()
            session.execute(delete(Call).where(Call.id.in_(ids)))
        dropped += len(ids)
        if len(ids) < A_TIME:
            return {"calls": dropped}


@job("integrations.refresh", max_attempts=TRIES, label="Read a record anew from its provider",
     page="records.show")
def refresh(work: Work, resource: str, record_id: int) -> dict[str, str]:
    """Learn how a record stands at its provider now."""
    return {"record": refreshing.read(resource, record_id)}


@job("integrations.perform", max_attempts=TRIES, label="Do something at a provider", page="integrations.effects.index")
def perform(work: Work, effect_id: int) -> dict[str, str]:
    """Do what somebody committed to, like a refund: once, however often it is tried."""
    return performing.perform(work, effect_id, TRIES)


@job("integrations.sync", label="Compare everything a connection lists", page="integrations.syncs.index")
def sync(work: Work, connection_id: int) -> dict[str, int]:
    """Begin the syncs of a connection whose time has come."""
    return sync_run.come_again(connection_id)


@job("integrations.sync_list", queue="heavy", max_attempts=TRIES, seconds=3600, label="Compare with a provider",
     page="integrations.syncs.show")
def sync_list(work: Work, sync_id: int) -> None:
    """List what the provider has and lay it beside what we have."""
    sync_steps.compare(work, sync_id)


@job("integrations.sync_apply", queue="heavy", max_attempts=10, seconds=3600, label="Take over what a provider has",
     page="integrations.syncs.show")
def sync_apply(work: Work, sync_id: int) -> None:
    """Write what differs to our records."""
    sync_steps.apply(work, sync_id)


@job("integrations.sync_undo", queue="heavy", max_attempts=10, seconds=3600, label="Undo a sync", page="integrations.syncs.show")
def sync_undo(work: Work, sync_id: int) -> None:
    """Take back what a sync wrote."""
    sync_steps.take_back(work, sync_id)
