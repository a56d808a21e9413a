"""Everything that happened to one event, the newest first: its arrivals, every try, and who pressed what."""
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Audit
from app.jobs.attempts import Numbered
from app.webhooks import retry, words
from app.webhooks.models import StoredReceipt

DEEDS = {
    "webhooks.retry": "queued it again",
    "webhooks.fetch_and_retry": "queued it again, to be fetched first",
    "webhooks.ignore": "ignored it",
    "webhooks.download": "downloaded the raw body",
    "webhooks.fixture": "made a fixture of it",
    "webhooks.erase": "erased its personal data",
}
MOST = 50


@dataclass(frozen=True)
class Happening:
    """One entry of the timeline: `who` did it, in bold, and `what`; `face` for a person."""

    at: datetime
    icon: str
    tone: str
    who: str
    what: str
    face: str = ""
    detail: str = ""
    door: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def timeline(session: Session, event_id: int, attempts: Sequence[Numbered], receipts: Sequence[StoredReceipt]) -> list[Happening]:
    """All of it, the newest first. One statement."""
    found = [*map(_arrival, receipts), *map(_try, attempts), *map(_deed, _deeds(session, event_id))]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _deeds(session: Session, event_id: int) -> Sequence[Audit]:
    mine = (Audit.resource == retry.TABLE, Audit.record_id == event_id, Audit.action.in_(DEEDS))
    return session.scalars(select(Audit).where(*mine).order_by(Audit.id.desc()).limit(MOST)).all()


def _deed(one: Audit) -> Happening:
    facts = json.loads(one.diff)
    what = DEEDS[one.action] + (", among others" if "job" in facts else "")
    face = one.actor if one.actor_kind == "staff" else ""
    return Happening(one.at, "gear-wide-connected", "", one.actor, what, face, facts=facts)


def _arrival(receipt: StoredReceipt) -> Happening:
    what = f"from {receipt.remote_ip}" if receipt.remote_ip else ""
    return Happening(receipt.received_at, "broadcast", "", "Repeated" if receipt.verdict == "duplicate" else "Received", what)


def _try(tried: Numbered) -> Happening:
    attempt, known = tried.attempt, words.attempted(tried.attempt)
    again = ", queued again," if tried.again else ""
    lines = (attempt.error or "").splitlines()
    took = "" if attempt.ended_at is None else f"{(attempt.ended_at - attempt.started_at).total_seconds() * 1000:,.0f} ms · "
    what = f"{again} {known.title}".removeprefix(" ")
    return Happening(attempt.started_at, known.icon, known.tone, f"Attempt {tried.number}", what,
                     detail=lines[-1] if lines else "", door=took + words.worker(attempt.worker))
