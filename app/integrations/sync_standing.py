"""How a sync stands: its word and mark, whether work goes on, and what it found, in numbers."""
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, false, select, true

from app.audit import Actor
from app.integrations import listing
from app.integrations.models import StoredConnection
from app.integrations.sync import Sync
from app.jobs.models import Job
from app.jobs.words import Mark
from app.records.batch_standing import BatchStanding
from app.records.batches import Batch, refused
from app.records.registry import named
from app.records.resource import Resource


class Standing(BatchStanding[Sync]):
    """A sync with its rows and the job that works on it. Whoever may see integrations sees all of them."""

    batch: Batch
    kind, called, right = Sync, "sync", "read"
    at_work = {"list": "Listing", "plan": "Comparing", "absent": "Comparing", "apply": "Running", "undo": "Undoing"}
    settled = {
        "same": Mark("ok", "full", "In step"), "review": Mark("wait", "call", "Differs"), "done": Mark("ok", "full", "Applied"),
        "outdated": Mark("mute", "full", "Outdated"), "cancelled": Mark("mute", "full", "Cancelled"),
        "undone": Mark("back", "full", "Undone"),
    }

    @classmethod
    def seen(cls, actor: Actor) -> Select[Any]:
        kind: type[Any] = Sync
        query = select(kind, Batch, Job).join(Batch, Batch.id == kind.batch_id).outerjoin(Job, Job.id == kind.job_id)
        return query.where(true() if actor.may("integrations.read") else false())

    @property
    def sync(self) -> Sync:
        return self.asked

    @property
    def resource(self) -> Resource:
        return named(self.sync.resource)

    @property
    def found(self) -> Mapping[str, int]:
        """{"here": missing here, "differs", "there": missing there, "refused", "same"}, of the comparison; once it is applied,
        of what was written."""
        plans = self.batch.outcomes if self.sync.stage in ("done", "undone") else self.batch.plans
        same = sum(plans.get(outcome, 0) for outcome in ("unchanged", "stale", "repeated"))
        return {"here": plans.get("created", 0), "differs": plans.get("updated", 0), "there": plans.get("absent", 0),
                "refused": refused({**plans, "stale": 0}), "same": same}

    def label(self, stored: StoredConnection) -> str:
        """What was listed, in a word."""
        known = {each.name: each.label for each in listing.of(stored.provider)}
        return known.get(self.sync.listing, self.sync.listing.capitalize())


standing = Standing.one
