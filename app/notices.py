"""What a person should hear of: told once under a key, shown on the first page until somebody dismisses it or it is settled."""
from datetime import UTC, datetime

from sqlalchemy import Index, Integer, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.audit import Actor
from app.errors import NotFound
from app.extensions import Id, Model

OPEN = text("ended_at IS NULL")
MOST = 20


class Notice(Model):
    """One thing to hear of. Told again while it is open, it only counts and says its newest words."""

    __tablename__ = "notices"
    __table_args__ = (Index("uq_notices_one_open_a_key", "key", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str]                    # what makes two tellings the same, like "connection 3 is silent"
    tone: Mapped[str]                   # bad | wait | mute
    title: Mapped[str]
    detail: Mapped[str]
    url: Mapped[str]                    # the page where something can be done, or ""
    needs: Mapped[str]                  # the permission it takes to be told
    times: Mapped[int] = mapped_column(Integer, default=1)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


def tell(session: Session, key: str, title: str, detail: str = "", *, needs: str, url: str = "", tone: str = "wait") -> None:
    """Say it, in the caller's transaction, to whoever holds `needs`. Several at once under one key are one notice."""
    if _told_again(session, key, title, detail):
        return
    at = datetime.now(UTC)
    try:
        with session.begin_nested():
            session.add(Notice(key=key, tone=tone, title=title, detail=detail, url=url, needs=needs, first_at=at, last_at=at))
    except IntegrityError:
        _told_again(session, key, title, detail)


def settle(session: Session, key: str) -> None:
    """It is over: nobody needs to hear of it any more. Without an open notice nothing happens."""
    session.execute(update(Notice).where(Notice.key == key, Notice.ended_at.is_(None)).values(ended_at=datetime.now(UTC)))


def dismiss(session: Session, notice_id: int, *, by: Actor) -> None:
    """A person has heard it. Twice is once. Raises NotFound when there is none `by` may be told of."""
    notice = session.get(Notice, notice_id)
    if notice is None or not by.may(notice.needs):
        raise NotFound("There is no such notice.")
    if notice.ended_at is None:
        notice.ended_at, notice.ended_by = datetime.now(UTC), by.name
        audit.note(session, by, "notices.dismiss", "notices", notice_id, title=notice.title)


def opened(session: Session, actor: Actor) -> list[Notice]:
    """What `actor` should hear of, what was told last first."""
    found = session.scalars(select(Notice).where(Notice.ended_at.is_(None)).order_by(Notice.last_at.desc()).limit(200))
    return [notice for notice in found if actor.may(notice.needs)][:MOST]


def _told_again(session: Session, key: str, title: str, detail: str) -> bool:
    told = session.execute(update(Notice).where(Notice.key == key, Notice.ended_at.is_(None)).values(
        title=title, detail=detail, times=Notice.times + 1, last_at=datetime.now(UTC)))
    return bool(told.rowcount)  # type: ignore[attr-defined]
