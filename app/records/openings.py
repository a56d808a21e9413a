"""Who opened a record last: "Bob opened it 2 minutes ago", so that two people do not work on it unaware of each other."""
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.audit import Actor
from app.errors import Unavailable
from app.extensions import Id, Model
from app.records.resource import Resource
from app.transaction import apart

SHOWN_FOR = timedelta(minutes=15)
OFTEN = timedelta(minutes=1)
KEPT = timedelta(days=1)
PATIENCE = 0.2    # seconds it waits for its turn to write: it is not worth more
MOST = 3


class Opening(Model):
    """When somebody last had a record's page open, and whether in the form that changes it."""

    __tablename__ = "openings"
    __table_args__ = {"sqlite_with_rowid": False}
    resource: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str]
    at: Mapped[datetime]
    is_editing: Mapped[bool] = mapped_column(default=False)


def others(session: Session, resource: Resource, id: int, actor: Actor) -> list[Opening]:
    """Who else had it open in the last 15 minutes, whoever edits it first. 1 statement."""
    return list(session.scalars(select(Opening).where(
        Opening.resource == resource.name, Opening.record_id == id, Opening.user_id != (actor.id or 0),
        Opening.at > datetime.now(UTC) - SHOWN_FOR).order_by(Opening.is_editing.desc(), Opening.at.desc()).limit(MOST)))


def keep(session: Session, resource: Resource, id: int, actor: Actor, is_editing: bool) -> None:
    """Remember that `actor` has it open; at most once a minute, and not while others keep the database busy."""
    known = session.get(Opening, (resource.name, id, actor.id or 0))
    moment = datetime.now(UTC)
    if known is not None and known.is_editing == is_editing and known.at > moment - OFTEN:
        return
    session.rollback()
    try:
        with apart(PATIENCE) as connection:
            connection.execute(KEEP[connection.dialect.name], {
                "resource": resource.name, "record_id": id, "user_id": actor.id or 0, "name": actor.name, "at": moment,
                "is_editing": is_editing})
    except Unavailable:
        return


def forget(session: Session, limit: int = 1_000) -> int:
    """Drop some of what nobody is shown any more, in the caller's transaction; says how many."""
    old = datetime.now(UTC) - KEPT
    table = Opening.__table__
    keys = (table.c.resource, table.c.record_id, table.c.user_id)
    found = session.execute(select(*keys).where(table.c.at < old).limit(limit)).all()
    for resource, record_id, user_id in found:
        session.execute(delete(Opening).where(Opening.resource == resource, Opening.record_id == record_id,
                                              Opening.user_id == user_id, Opening.at < old))
    return len(found)


def _upsert(made: Any) -> Any:
    statement = made(Opening)
    return statement.on_conflict_do_update(
        index_elements=["resource", "record_id", "user_id"],
        set_={name: statement.excluded[name] for name in ("name", "at", "is_editing")})


KEEP = {"sqlite": _upsert(sqlite.insert), "postgresql": _upsert(postgresql.insert)}
