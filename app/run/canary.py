"""The canary: one sealed row that tells at the start whether SECRET_KEY is the key this installation was made with."""
from datetime import UTC, datetime

from app.errors import Misconfigured
from app.extensions import db
from app.integrations.secrets import Sealed, seal, unseal
from app.settings import StoredSetting
from app.transaction import transaction

NAME = "canary"


def check() -> None:
    """Raise Misconfigured when SECRET_KEY cannot open what this installation sealed. The first call leaves the row."""
    row = db.session.get(StoredSetting, NAME)
    db.session.rollback()
    if row is None:
        return _leave()
    try:
        unseal(str(row.value["value"]))
    except Sealed:
        raise Misconfigured("SECRET_KEY is not the key this installation was set up with, so stored secrets cannot be read. "
                            "Set the old one again, or name it after the new one: SECRET_KEY=new,old") from None
    return None


def _leave() -> None:
    with transaction() as session:
        session.merge(StoredSetting(name=NAME, value={"value": seal("sings")}, changed_at=datetime.now(UTC)))
