"""Telling staff that an endpoint fell silent, once for each silence, and that it is over."""
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app import notices
from app.notices import Notice
from app.webhooks import health
from app.webhooks.models import Endpoint

PREFIX = "endpoint {id} is silent since "


def watch(session: Session) -> dict[str, int]:
    """Look at every endpoint, as far as its hours are counted, in the caller's transaction. Returns how many are silent."""
    silent = health.silences(session)
    told = {PREFIX.format(id=endpoint.id) + silence.since.isoformat(): (endpoint, silence) for endpoint, silence in silent}
    for key, (endpoint, silence) in told.items():
        _tell(session, key, endpoint, silence)
    open_ones = select(Notice).where(Notice.ended_at.is_(None), Notice.key.like(PREFIX.format(id="%") + "%"))
    for notice in session.scalars(open_ones):
        if notice.key not in told:
            notices.settle(session, notice.key)
    return {"silent": len(silent)}


def _tell(session: Session, key: str, endpoint: Endpoint, silence: health.Silence) -> None:
    """Once: whoever dismissed it is not told again of the same silence."""
    if not session.execute(select(exists().where(Notice.key == key))).scalar():
        notices.tell(session, key, f"{endpoint.name} is silent",
                     f"{silence.sentence} Look at the provider's own pages whether it still sends, and to which address.",
                     needs="webhooks.read", url=f"/webhooks?endpoint={endpoint.id}")
