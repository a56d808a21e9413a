"""A mail a day to everybody who wants to hear what waits for them: one digest, never a flood, and nothing where nothing waits."""
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import access, mail
from app.accounts.models import User
from app.audit import Actor
from app.config import config
from app.counting import counted
from app.errors import Unavailable
from app.extensions import db
from app.imports.models import Import
from app.jobs.models import Job
from app.jobs.work import Work
from app.mail import Unmailable
from app.notices import Notice
from app.settings import Setting
from app.transaction import now
from app.webhooks.models import Event

DAY, MOST = timedelta(days=1), 10
WANTED = Setting("mail.digest", "Mail everybody once a day what waits for them", "Endpoints that fell silent and whatever else a "
                 "person should hear of, dead events and jobs, one's own imports that are finished. Needs MAIL_URL.", False)
LISTED = (("dead event, waiting", "dead events, waiting", Event, "webhooks.retry", "/webhooks?status=dead"),
          ("dead job, waiting", "dead jobs, waiting", Job, "jobs.retry", "/jobs?status=dead"))


def send(work: Work) -> dict[str, int]:
    """Mail whom something waits for, each at most once: where a try ended in the midst, the next goes on behind it."""
    if not mail.is_on() or not WANTED.get():
        return {"mailed": 0}
    session: Session = db.session()
    at = datetime.fromisoformat(work.cursor["at"]) if work.cursor else now(session)
    after, mailed = int(work.cursor.get("after", 0)), int(work.cursor.get("mailed", 0))
    for id in session.scalars(select(User.id).where(User.is_active, User.id > after).order_by(User.id)).all():
        lines = told(session, id, at)
        session.rollback()
        with work.transaction(cursor={"at": at.isoformat(), "after": id, "mailed": mailed + bool(lines)}):
            pass
        mailed += _mail(id, lines, at)
    return {"mailed": mailed}


def told(session: Session, user_id: int, at: datetime) -> list[str]:
    """What this person should hear of, a line each: what they may not see is left out. [] where nothing waits."""
    actor = access.again("staff", user_id, access.NOBODY)
    return [*_notices(session, actor, at), *_dead(session, actor), *_imports(session, user_id, at)]


def _notices(session: Session, actor: Actor, at: datetime) -> list[str]:
    new = select(Notice).where(Notice.ended_at.is_(None), Notice.first_at > at - DAY).order_by(Notice.id.desc()).limit(200)
    return [f"{each.title}. {each.detail}{_link(each.url)}" for each in session.scalars(new) if actor.may(each.needs)][:MOST]


def _dead(session: Session, actor: Actor) -> list[str]:
    found = []
    for one, many, model, needs, url in LISTED:
        dead = select(model.id).where(model.status == "dead").limit(1_000).subquery()
        number = session.scalar(select(func.count()).select_from(dead))
        if number and actor.may(needs):
            found.append(f"{counted(number, one, many)} for a person.{_link(url)}")
    return found


def _imports(session: Session, user_id: int, at: datetime) -> list[str]:
    mine = select(Import).where(Import.created_by_kind == "staff", Import.created_by_id == user_id, Import.finished_at > at - DAY)
    return [f"Your import {each.file_name} is finished.{_link(f'/imports/{each.id}')}"
            for each in session.scalars(mine.order_by(Import.id.desc()).limit(MOST))]


def _link(path: str) -> str:
    return f"\n  {config().address}{path}" if path else ""


def _mail(user_id: int, lines: list[str], at: datetime) -> int:
    """How many were mailed. One address that does not work keeps nobody else from hearing."""
    to = mail.address(user_id) if lines else None
    if to is None:
        return 0
    text = "\n\n".join([*lines, "An admin can switch this mail off under Settings."])
    subject, id = f"Backroom: {counted(len(lines), 'thing')} to look at", f"digest-{user_id}-{at:%Y%m%d%H%M%S}"
    try:
        mail.send(to, subject, f"{text}\n", id=id)
    except (Unmailable, Unavailable):
        return 0
    return 1

