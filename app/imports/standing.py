"""How an import stands: its word and mark, whether work goes on, what it waits for, and who may see it."""
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app.audit import Actor
from app.imports.models import Import
from app.jobs.words import Mark
from app.records.batch_standing import BatchStanding
from app.records.batches import refused

LATELY, MOST = timedelta(days=14), 500
NEEDS = {"stuck": "Did not finish", "refused": "With refused rows", "waiting": "Waiting for you"}
"""What an import can need a person for, the worst first."""


class Standing(BatchStanding[Import]):
    """An import with its rows and the job that works on it."""

    kind, called, right = Import, "import", "import"
    at_work = {"read": "Reading", "preview": "Previewing", "apply": "Running", "undo": "Undoing"}
    settled = {
        "match": Mark("wait", "open", "Columns to match"),
        "preview": Mark("wait", "open", "Preview ready"),
        "done": Mark("ok", "full", "Done"),
        "unreadable": Mark("bad", "call", "Unreadable"),
        "cancelled": Mark("mute", "full", "Cancelled"),
        "undone": Mark("back", "full", "Undone"),
    }

    @property
    def imported(self) -> Import:
        return self.asked

    @property
    def is_stuck(self) -> bool:
        """A preview that is made waits for a person, though its job has ended."""
        return super().is_stuck and not self._is_planned

    @property
    def rows(self) -> int:
        return self.batch.rows if self.batch else 0

    @property
    def refused(self) -> int:
        if self.batch is None:
            return 0
        return refused(self.batch.outcomes if self.imported.stage in ("done", "undo", "undone") else self.batch.plans)

    @property
    def need(self) -> str | None:
        """What it needs a person for, a key of NEEDS; None for nothing."""
        if self.is_stuck:
            return "stuck"
        if self.is_working:
            return None
        if self.imported.stage == "done" and self.refused:
            return "refused"
        return "waiting" if self.imported.stage in ("match", "preview") else None

    @property
    def _is_planned(self) -> bool:
        return (self.imported.stage == "preview" and self.batch is not None
                and sum(self.batch.plans.values()) == self.batch.rows > 0)


standing, latest = Standing.one, Standing.latest


def needy(session: Session, actor: Actor) -> dict[str, list[Standing]]:
    """{what a person is needed for: the imports of the last two weeks that `actor` may see}, newest first."""
    found: dict[str, list[Standing]] = {need: [] for need in NEEDS}
    recent = Standing.seen(actor).where(Import.created_at > datetime.now(UTC) - LATELY).order_by(Import.id.desc()).limit(MOST)
    for row in session.execute(recent):
        one = Standing(*row)
        if one.need is not None:
            found[one.need].append(one)
    return found
