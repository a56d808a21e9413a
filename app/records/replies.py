"""Answers of the API kept under the Idempotency-Key they were asked with (draft-ietf-httpapi-idempotency-key-header-07)."""
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from flask import Response, g, request
from sqlalchemy import Index, Integer, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.audit import Actor
from app.errors import BadRequest, Conflict, Invalid
from app.extensions import Id, Model
from app.transaction import is_sqlite, repeated, transaction

T = TypeVar("T")
HEADER = "Idempotency-Key"
KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?\Z')
KEPT = timedelta(hours=24)
OPEN = 0                   # the status of a reply that is not there yet
ERASED = 1                 # of one that named a person who was erased
REPEATED = ("Content-Type", "ETag", "Location")


class Reply(Model):
    """What one request was answered, written in the transaction that did what it asked: both are there, or neither."""

    __tablename__ = "api_replies"
    __table_args__ = (Index("uq_api_replies_key", "actor_kind", "actor_id", "key", unique=True),
                      Index("ix_api_replies_created_at", "created_at"))
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    actor_kind: Mapped[str]
    actor_id: Mapped[int]
    key: Mapped[str]
    fingerprint: Mapped[str]                                          # SHA-256 of method, path, query and body
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


@repeated
def once(actor: Actor, act: Callable[[Session], T], answer: Callable[[T], Response]) -> Response:
    """Do `act` in a transaction and answer what came of it; the same Idempotency-Key again gets the same answer and does nothing.

    Safe to race and to crash at any point: the answer is committed with the deed, and who comes second waits for who came
    first. What is refused is not kept, for nothing was done. Raises Invalid (422) where the key was used for something else.
    """
    key = asked(actor)
    with transaction() as session:
        if key is not None and not _claimed(session, actor, key):
            return _again(session, actor, key)
        result = act(session)
        if key is not None:
            response = answer(result)     # read in the same transaction: what is kept is what was done
            _keep(session, actor, key, response)
            return response
    return answer(result)


def once_outside(actor: Actor, act: Callable[[], Response]) -> Response:
    """The same for a deed that commits by itself. A crash in its midst leaves the key open: Conflict (409), for nobody knows."""
    key = asked(actor)
    if key is None:
        return act()
    with transaction() as session:
        if not _claimed(session, actor, key):
            return _again(session, actor, key)
    try:
        response = act()
    except Exception:
        with transaction() as session:     # refused: nothing was done, the key is free again
            session.execute(delete(Reply).where(*_ours(actor, key), Reply.status == OPEN))
        raise
    with transaction() as session:
        _keep(session, actor, key, response)
    return response


def asked(actor: Actor) -> str | None:
    """The key of this POST; None without one. Raises BadRequest for one that cannot be read.

    Other methods need none: sent twice, their If-Match holds once.
    """
    header = request.headers.get(HEADER)
    if header is None or actor.id is None or request.method != "POST":
        return None
    found = KEY.match(header.strip())
    if found is None:
        raise BadRequest("Some headers cannot be read.", errors={
            HEADER: "Send 1 to 255 visible ASCII characters that nobody can guess, such as a UUID."})
    return found[1]


def forget_old(session: Session) -> int:
    """Delete what was kept longer than a day; how many there were."""
    found: Any = session.execute(delete(Reply).where(Reply.created_at < datetime.now(UTC) - KEPT))
    return int(found.rowcount)


def erase(session: Session, ids: Sequence[int]) -> int:
    """Take the words out of these; their keys go on doing nothing twice. How many there were."""
    found: Any = session.execute(update(Reply).where(Reply.id.in_(ids), Reply.status.not_in((OPEN, ERASED)))
                                 .values(status=ERASED, body=""))
    return int(found.rowcount)


def _fingerprint() -> str:
    parts = (request.method.encode(), request.path.encode(), request.query_string, g.get("body", b""))
    return sha256(b"\n".join(parts)).hexdigest()


def _ours(actor: Actor, key: str) -> tuple[Any, ...]:
    return Reply.actor_kind == actor.kind, Reply.actor_id == actor.id, Reply.key == key


def _claimed(session: Session, actor: Actor, key: str) -> bool:
    """Whether this request is the first with its key; on PostgreSQL it waits for another that is not through yet."""
    values: dict[str, Any] = {"actor_kind": actor.kind, "actor_id": actor.id, "key": key, "fingerprint": _fingerprint(),
                              "status": OPEN, "headers": {}, "body": "", "created_at": datetime.now(UTC)}
    into: Any = sqlite.insert if is_sqlite(session.connection()) else postgresql.insert
    statement = into(Reply).values(values).on_conflict_do_nothing().returning(Reply.id)
    return session.execute(statement).scalar_one_or_none() is not None


def _keep(session: Session, actor: Actor, key: str, response: Response) -> None:
    headers = {name: response.headers[name] for name in REPEATED if name in response.headers}
    session.execute(update(Reply).where(*_ours(actor, key)).values(
        status=response.status_code, headers=headers, body=response.get_data(as_text=True)))


def _again(session: Session, actor: Actor, key: str) -> Response:
    """What was answered the first time."""
    kept = session.execute(select(Reply).where(*_ours(actor, key))).scalar_one()
    if kept.fingerprint != _fingerprint():
        raise Invalid("Nothing was done. Use a new key for another request.", title="This key was used before", errors={
            HEADER: "This key was used for a request with other contents."})
    if kept.status == OPEN:
        raise Conflict("A request with this key is being worked on, or broke off. Look at the record before you use a new key.",
                       title="This may have been done already", retry=True)
    if kept.status == ERASED:
        raise Conflict("Its answer was erased with the personal data of somebody. Look at the record; do not send it again.",
                       title="This was done already")
    response = Response(kept.body, kept.status, kept.headers)
    response.headers["Idempotent-Replayed"] = "true"
    response.vary.add("Authorization")
    return response
