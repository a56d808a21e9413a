"""The endpoints that may receive right now, with their secrets opened: kept for a moment in each process."""
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app import cache
from app.config import config
from app.errors import NotFound, Unavailable
from app.extensions import db
from app.integrations import pinned
from app.integrations.errors import BlockedTarget, ProviderError
from app.integrations.provider import EndpointConfig, Rejected, Secret
from app.integrations.registry import find
from app.integrations.secrets import unseal
from app.records import owners
from app.webhooks import endpoint_settings as settings
from app.webhooks.models import Endpoint, StoredSecret

CACHE = "webhooks.live"
SECONDS = 2.0      # how long another process may go on with an old secret
MINUTE = 60.0
LIVE = ("active", "retiring")
COLUMNS = (Endpoint.id, Endpoint.token, Endpoint.provider, Endpoint.name, Endpoint.account, Endpoint.is_enabled, Endpoint.config)
_noted: dict[int, float] = {}


@dataclass(frozen=True)
class Live:
    """An endpoint as the receive path and the worker need it."""

    id: int
    provider: str
    is_enabled: bool
    config: EndpointConfig
    allow: tuple[settings.Network, ...] = ()      # who may post; empty: everybody
    max_bytes: int = 0


def by_token(provider: str, token: str) -> Live:
    """The enabled endpoint of this provider behind this token, at most two seconds old.

    Raises NotFound, or Unavailable while the database is away.
    """
    try:
        found = cache.get(CACHE, token, SECONDS, lambda: _one(token))
    except DBAPIError:
        raise Unavailable("The endpoint cannot be looked up. Send it again.") from None
    if not found.is_enabled or found.provider != provider:
        raise _unknown()
    return found


def by_ids(connection: Connection, ids: Sequence[int]) -> dict[int, Live]:
    """These endpoints, enabled or not: what was accepted is worked off."""
    rows = connection.execute(select(*COLUMNS).where(Endpoint.id.in_(set(ids)))).all()
    secrets = _secrets(connection, [row.id for row in rows])
    return {row.id: _live(row, secrets[row.id]) for row in rows}


@owners.register
def listens(session: Session, account: str) -> bool:
    """Whether an endpoint reports for this account: then what it reports is not ours to edit."""
    whose = account.partition("/")[0]     # an endpoint may hear of several accounts: what they report is kept as endpoint/theirs
    query = select(Endpoint.id).where(Endpoint.account == whose, Endpoint.is_enabled.is_(True)).limit(1)
    return session.execute(query).first() is not None


def others(provider: str, endpoint_id: int, most: int) -> list[Live]:
    """Other endpoints of this provider, enabled or not: the newest first."""
    with db.engine.connect() as connection:
        query = select(Endpoint.id).where(Endpoint.provider == provider, Endpoint.id != endpoint_id)
        ids = list(connection.scalars(query.order_by(Endpoint.id.desc()).limit(most)))
        found = by_ids(connection, ids)
        return [found[id] for id in ids]


def noteworthy(secret_id: int) -> bool:
    """Whether it is a minute since this process noted that the secret was used: writing it down each time would cost a page."""
    now = time.monotonic()
    if _noted.get(secret_id, -MINUTE) > now - MINUTE:
        return False
    _noted[secret_id] = now
    return True


def forget() -> None:
    """Read every endpoint anew, in this process."""
    cache.drop(CACHE)
    _noted.clear()


def _one(token: str) -> Live:
    """Raises NotFound: what strangers guess is kept nowhere."""
    with db.engine.connect() as connection:
        row = connection.execute(select(*COLUMNS).where(Endpoint.token == token)).first()
        if row is None:
            raise _unknown()
        return _live(row, _secrets(connection, [row.id])[row.id])


def _unknown() -> NotFound:
    return NotFound("No endpoint has this address. It may have been switched off.")


def _secrets(connection: Connection, endpoint_ids: list[int]) -> dict[int, tuple[Secret, ...]]:
    """The live secrets of each endpoint, the newest first."""
    found: dict[int, tuple[Secret, ...]] = defaultdict(tuple)
    rows = connection.execute(select(StoredSecret.id, StoredSecret.endpoint_id, StoredSecret.sealed)
                              .where(StoredSecret.endpoint_id.in_(endpoint_ids), StoredSecret.state.in_(LIVE))
                              .order_by(StoredSecret.id.desc()))
    for row in rows:
        found[row.endpoint_id] += (Secret(row.id, unseal(row.sealed)),)
    return found


def _live(row: Row[Any], secrets: tuple[Secret, ...]) -> Live:
    speaks, kept = find(row.provider), row.config
    public_url = kept.get("public_url") or f"{config().address}/hooks/{row.provider}/{row.token}"
    tolerance = timedelta(seconds=kept.get("tolerance") or (speaks.tolerance if speaks else 300))
    options = settings.options(speaks, kept) if speaks else {}
    told = EndpointConfig(row.name, row.account, secrets, public_url, tolerance, options, _document)
    largest = kept.get("max_bytes") or config().max_body_bytes
    return Live(row.id, row.provider, row.is_enabled, told, settings.networks(kept), largest)


def _document(url: str, *, host: str, path: str = "/") -> bytes:
    """What a provider publishes, as it is promised to providers (integrations.provider.Fetch)."""
    try:
        return pinned.document(url, host=host, path=path)
    except BlockedTarget as problem:
        raise Rejected(f"The post names an address that is not the provider's: {problem.detail}") from None
    except ProviderError as problem:
        raise Unavailable(f"What the provider signs with could not be fetched: {problem.detail}", title=problem.title) from None
