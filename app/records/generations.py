"""How often the records of each resource were written: what an answer was made of is known by it, in every process.

A row of the table is a place to count in, and a generation the sum of them. Whoever writes takes a place nobody else holds, so
that writers never wait for each other here; a new one is made where all are held.
"""
from collections.abc import Iterable

from sqlalchemy import Connection, Index, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import cache
from app.extensions import Id, Model
from app.transaction import after_commit, is_sqlite

Generations = dict[str, int]


class Generation(Model):
    __tablename__ = "generations"
    __table_args__ = (Index("ix_generations_resource", "resource"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    number: Mapped[int]


def now(session: Session) -> Generations:
    """The generation of each resource that was ever written. 1 statement a transaction.

    It only grows, whatever the order in which transactions end: an answer made after it was read is of this generation or later.
    """
    transaction, known = session.info.get("generations", (None, {}))
    if transaction is None or transaction is not session.get_transaction():
        found = session.execute(select(Generation.resource, func.sum(Generation.number)).group_by(Generation.resource))
        known = {resource: int(number) for resource, number in found}
        session.info["generations"] = session.get_transaction(), known
    return dict(known)


def advance(session: Session, resources: Iterable[str]) -> None:
    """The records of these are written in this transaction; what is kept of them in this process goes once it is through."""
    session.info.pop("generations", None)
    connection = session.connection()
    for resource in sorted(resources):
        if not connection.execute(update(Generation).where(Generation.id == _free(connection, resource))
                                  .values(number=Generation.number + 1)).rowcount:
            connection.execute(insert(Generation).values(resource=resource, number=1))
        if session.info.get("writing"):
            after_commit(session, lambda name=resource: cache.drop(topic(name)))  # type: ignore[misc]


def topic(resource: str) -> str:
    """The name answers about these records are kept under."""
    return f"records {resource}"


def _free(connection: Connection, resource: str) -> object:
    """A place of this resource nobody counts in right now."""
    free = select(Generation.id).where(Generation.resource == resource).order_by(Generation.id).limit(1).correlate(None)
    return (free if is_sqlite(connection) else free.with_for_update(skip_locked=True)).scalar_subquery()
