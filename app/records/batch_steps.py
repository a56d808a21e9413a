"""The long steps of a batch that somebody asked for, an import or a bulk change: each goes on where it was, chunk by chunk."""
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from app.audit import Actor
from app.jobs.steps import NO_MORE, Far, Steps, in_steps
from app.records import batches
from app.records.applying import apply_chunk
from app.records.batch_standing import Batched
from app.records.batches import ACCEPTED, Batch, Shape
from app.records.planning import plan_chunk
from app.records.undoing import undo_chunk

B = TypeVar("B", bound=Batched)
Held = Callable[[Session], tuple[B, Batch]]
"""What was asked for, locked, and its batch; raises what forbids to go on."""
ShapeOf = Callable[[B, Batch], Shape]
LeaveOf = Callable[[B], Mapping[int, str]]
"""{number of a row that is left out: why}."""
Chunk = Callable[[Session, B, Batch], Far]


def plan(steps: Steps, held: Held[B], shape_of: ShapeOf[B], stage: str, then: str, leave_of: LeaveOf[B] | None = None) -> None:
    """Say of every row what would become of it, while it is at `stage`."""
    def chunk(session: Session, asked: B, batch: Batch) -> Far:
        more = plan_chunk(session, batch.id, steps.actor, shape_of(asked, batch), leave=leave_of(asked) if leave_of else None)
        return Far(more, sum(batch.plans.values()), batch.rows)

    _in_chunks(steps, held, chunk, stage, then)


def apply(steps: Steps, held: Held[B], shape_of: ShapeOf[B]) -> None:
    """Write the rows. After a crash it goes on behind the last chunk that was committed."""
    def chunk(session: Session, asked: B, batch: Batch) -> Far:
        more = apply_chunk(session, batch.id, steps.actor, shape_of(asked, batch))
        return Far(more, sum(batch.outcomes.values()), accepted(batch))

    _in_chunks(steps, held, chunk, "apply", "done")


def take_back(steps: Steps, held: Held[B], then: Callable[[Session, B, Actor], bool] | None = None) -> None:
    """Undo every record it wrote. After a crash it goes on where it was.

    `then` does what is to be taken back after them, in chunks too: it says whether there is more.
    """
    def chunk(session: Session, asked: B, batch: Batch) -> Far:
        before = batch.undone_to
        more = undo_chunk(session, batch.id, steps.actor)
        if not more and then is not None:      # in a transaction without an undo: the gate is called once
            more = batch.undone_to != before or then(session, asked, steps.actor)
        return Far(more, sum(batch.undone.values()), batch.outcomes.get("created", 0) + batch.outcomes.get("updated", 0))

    _in_chunks(steps, held, chunk, "undo", "undone")


def end(session: Session, asked: Batched, batch: Batch, stage: str) -> None:
    """From here on nothing is written by it any more, but by an undo."""
    batch.outcomes = batches.counts(session, batch)
    asked.stage, asked.finished_at = stage, datetime.now(UTC)


def accepted(batch: Batch) -> int:
    """How many rows of the plan are to be written."""
    return sum(batch.plans.get(outcome, 0) for outcome in ACCEPTED)


def _in_chunks(steps: Steps, held: Held[B], chunk: Chunk[B], stage: str, then: str) -> None:
    def step(session: Session) -> Far:
        asked, batch = held(session)
        if asked.stage != stage:
            return NO_MORE
        far = chunk(session, asked, batch)
        if not far.more and then in ("done", "undone"):
            end(session, asked, batch, then)
        elif not far.more:
            asked.stage = then
        return far

    in_steps(steps, step)
