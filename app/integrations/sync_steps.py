"""The long steps of a sync, as its jobs take them: each goes on where it was, and asks the provider outside any transaction."""
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app import notices
from app.counting import counted
from app.extensions import db
from app.integrations import connections, listing, sync_rows
from app.integrations.calling import Connection
from app.integrations.errors import BadResponse, NotFoundThere, RateLimited
from app.integrations.listing import Listing
from app.integrations.models import StoredConnection
from app.integrations.paging import Page
from app.integrations.provider import Provider
from app.integrations.registry import provider
from app.integrations.sync import Sync
from app.integrations.sync_run import held, notice
from app.jobs.steps import NO_MORE, Far, in_steps
from app.jobs.work import Work
from app.records import batch_steps
from app.records.batch_steps import Held
from app.records.batches import Batch, Shape, refused, rows_table, stage
from app.records.planning import plan_chunk
from app.records.registry import named

AT_ONCE = 20            # records asked for alone between two commits
ASKED_AT_MOST = 500     # of one sync
OLD = ("same", "review", "outdated")


class Asking(NamedTuple):
    """Whom a sync asks for what."""

    by: Provider
    listing: Listing
    connection: Connection


def compare(work: Work, sync_id: int) -> None:
    """Read the list to its end, say of every row what would become of it, and ask for what was not listed.

    A limit of calls costs no try: nothing was asked, and it goes on where it was.
    """
    try:
        _list(work, sync_id)
        _plan(work, sync_id)
        while _ask_for_absent(work, sync_id):
            pass
    except RateLimited as error:
        error.costs_a_try = False
        raise


def apply(work: Work, sync_id: int) -> None:
    """Write the rows."""
    batch_steps.apply(work, _holding(sync_id), _shape_of)


def take_back(work: Work, sync_id: int) -> None:
    """Undo every record it wrote."""
    batch_steps.take_back(work, _holding(sync_id))


def _holding(sync_id: int) -> Held[Sync]:
    return lambda session: held(session, sync_id)


def _shape_of(_sync: Sync, _batch: Batch) -> Shape:
    return sync_rows.shape


def _asking(session: Session, sync: Sync) -> Asking:
    """Raises Conflict while the connection is off, NotFound for a list the provider's file does not have any more."""
    stored = session.get_one(StoredConnection, sync.connection_id)
    connections.client(stored.id)
    return Asking(provider(stored.provider), listing.one(stored.provider, sync.listing), connections.opened(stored))


def _fresh(sync_id: int) -> Sync:
    db.session.rollback()
    return db.session.get_one(Sync, sync_id, populate_existing=True)


def _list(work: Work, sync_id: int) -> None:
    """Keep page after page, each with the checkpoint behind it in one commit: a page is neither lost nor kept twice."""
    sync = _fresh(sync_id)
    if sync.stage != "list":
        return
    asking, since, place = _asking(db.session(), sync), sync.since, sync.place
    db.session.rollback()
    for page, before in _pages(asking, since, place):
        cells = list(sync_rows.cells_of(asking.by, asking.listing, asking.connection, page.items, before))
        with work.transaction() as session:
            sync, batch = held(session, sync_id)
            if sync.stage != "list":
                return
            _keep(session, sync, batch, page, cells)
    with work.transaction() as session:
        sync, _ = held(session, sync_id)
        sync.stage = "plan" if sync.stage == "list" else sync.stage


def _pages(asking: Asking, since: datetime | None, place: str | None) -> Iterator[tuple[Page, datetime]]:
    """Each page with the moment before its request was sent: what it shows counts as of then."""
    pages = asking.listing.pages(asking.connection, since, place)
    while True:
        before = datetime.now(UTC)
        page = next(pages, None)
        if page is None:
            return
        yield page, before


def _keep(session: Session, sync: Sync, batch: Batch, page: Page, cells: list[sync_rows.Cells]) -> None:
    stage(session, batch, ((number, row, None) for number, row in enumerate(cells, batch.rows + 1)))
    sync.listed += len(page.items)
    sync.unkept += max(0, len(page.items) - len(cells))
    sync.place = page.after
    if page.after is None:
        sync.stage = "plan"


def _plan(work: Work, sync_id: int) -> None:
    def step(session: Session) -> Far:
        sync, batch = held(session, sync_id)
        if sync.stage != "plan":
            return NO_MORE
        more = plan_chunk(session, batch.id, work.actor, sync_rows.shape)
        if not more:
            sync.stage = "absent"
        return Far(more, sum(batch.plans.values()), batch.rows)

    in_steps(work, step)


def _ask_for_absent(work: Work, sync_id: int) -> bool:
    """Ask for the next records of ours that the list did not show; says whether there are more of them."""
    sync = _fresh(sync_id)
    if sync.stage != "absent":
        return False
    asking = _asking(db.session(), sync)
    waiting = _unlisted(db.session(), sync, asking) if asking.listing.show else []
    db.session.rollback()
    gone = [row for row in waiting if _is_gone(asking, row.external_id)]
    with work.transaction() as session:
        sync, batch = held(session, sync_id)
        if sync.stage != "absent":
            return False
        _write_down(session, batch, gone)
        sync.asked_to, sync.asked = waiting[-1].id if waiting else sync.asked_to, sync.asked + len(waiting)
        more, is_enough = len(waiting) == AT_ONCE, sync.asked >= ASKED_AT_MOST
        if is_enough or not more:
            sync.unasked = more
            _conclude(session, sync, batch)
    return more and not is_enough


def _unlisted(session: Session, sync: Sync, asking: Asking) -> Sequence[Any]:
    """Records of this account, not older here than what was asked for, that no row speaks of."""
    table = named(sync.resource).table
    listed = select(rows_table.c.number).where(rows_table.c.batch_id == sync.batch_id, rows_table.c.key == table.c.external_id)
    query = select(table.c.id, table.c.external_id).where(
        table.c.account == asking.connection.account, table.c.external_id.is_not(None), table.c.trashed_at.is_(None),
        table.c.id > sync.asked_to, ~listed.exists())
    if sync.since is not None:
        query = query.where(table.c.created_at >= sync.since)
    return session.execute(query.order_by(table.c.id).limit(AT_ONCE)).all()


def _is_gone(asking: Asking, external_id: str) -> bool:
    """The provider says that it has none. What cannot be an id of it is left alone."""
    assert asking.listing.show is not None
    try:
        asking.listing.show(asking.connection, external_id)
    except NotFoundThere:
        return True
    except BadResponse as error:
        if error.sent:
            raise
    return False


def _write_down(session: Session, batch: Batch, gone: Sequence[Any]) -> None:
    """Rows nobody applies: that something is not there is no reason to throw it away here."""
    if gone:
        session.execute(insert(rows_table), [
            {"batch_id": batch.id, "number": number, "cells": [{"external_id": row.external_id}, {}, None, None, None],
             "key": row.external_id, "outcome": "absent", "record_id": row.id}
            for number, row in enumerate(gone, batch.rows + 1)])
        batch.rows += len(gone)
        batch.planned_to = batch.rows
        batch.plans = batch.plans | {"absent": batch.plans.get("absent", 0) + len(gone)}


def _conclude(session: Session, sync: Sync, batch: Batch) -> None:
    """All is known: what differs waits for a person, and what was known before is out of date."""
    said = _said(batch.plans)
    sync.stage = "review" if said else "same"
    sync.finished_at = None if said else datetime.now(UTC)
    _outdate(session, sync)
    if not said:
        notices.settle(session, notice(sync))
        return
    stored = session.get_one(StoredConnection, sync.connection_id)
    title = listing.one(stored.provider, sync.listing).label.lower()
    notices.tell(session, notice(sync), f"{stored.name}: {title} differ from ours", said, needs="integrations.read",
                 url=f"/integrations/syncs/{sync.id}")


def _said(plans: Mapping[str, int]) -> str:
    """What was found, in a sentence; "" while nothing differs."""
    found = ((plans.get("created", 0), "is missing here", "are missing here"), (plans.get("updated", 0), "differs", "differ"),
             (plans.get("absent", 0), "is missing there", "are missing there"),
             (refused({**plans, "stale": 0}), "is refused", "are refused"))
    return ", ".join(counted(*each) for each in found if each[0]) + "." if any(number for number, *_ in found) else ""


def _outdate(session: Session, sync: Sync) -> None:
    """Of earlier ones that wrote nothing the rows go and the numbers stay."""
    earlier = (Sync.connection_id == sync.connection_id, Sync.listing == sync.listing, Sync.id < sync.id)
    batch_ids = select(Sync.batch_id).where(*earlier, Sync.stage.in_((*OLD, "cancelled")))
    session.execute(delete(rows_table).where(rows_table.c.batch_id.in_(batch_ids)))
    session.execute(update(Sync).where(*earlier, Sync.stage == "review").values(stage="outdated", finished_at=datetime.now(UTC)))
