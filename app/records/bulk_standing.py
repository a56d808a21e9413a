"""How a bulk change stands: its word and mark, whether work goes on, what it does in words, and who may see it."""
from app.audit import Actor
from app.jobs.words import Mark
from app.records import policy
from app.records.batch_standing import BatchStanding
from app.records.batches import Batch, refused
from app.records.bulk_changes import BulkChange
from app.records.fields import Choice
from app.records.registry import named
from app.records.resource import Resource


class Standing(BatchStanding[BulkChange]):
    """A bulk change with its rows and the job that works on it."""

    batch: Batch
    kind, called, right = BulkChange, "bulk change", "bulk"
    at_work = {"choose": "Collecting", "plan": "Previewing", "apply": "Running", "undo": "Undoing"}
    settled = {
        "review": Mark("wait", "open", "Preview ready"), "done": Mark("ok", "full", "Done"),
        "cancelled": Mark("mute", "full", "Cancelled"), "undone": Mark("back", "full", "Undone"),
    }

    @property
    def bulk(self) -> BulkChange:
        return self.asked

    @property
    def resource(self) -> Resource:
        return named(self.bulk.resource)

    @property
    def refused(self) -> int:
        return refused(self.batch.plans if self.bulk.stage == "review" else self.batch.outcomes)


standing, latest = Standing.one, Standing.latest


def wish(bulk: BulkChange, actor: Actor) -> str:
    """What it does, as far as `actor` may know: "Status: Shipped · Note: empty", "Move to the trash"."""
    if bulk.deed != "edit":
        return {"trash": "Move to the trash", "restore": "Restore from the trash"}[bulk.deed]
    seen = {field.name: field for field in policy.readable(actor, named(bulk.resource))}
    said = [f"{seen[name].title}: {_said(seen[name], value)}" for name, value in bulk.values.items() if name in seen]
    return " · ".join(said) or "Fields your role does not show"


def _said(field: object, value: object) -> str:
    if isinstance(field, Choice) and value in field.names:
        return field.state(str(value)).title
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value) if value not in (None, "") else "empty"
