"""Connections: accounts of providers that we may call. Made, changed, switched, tried, and found by whoever has to ask."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.config import config
from app.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.integrations import breaker
from app.integrations.calling import Api, Connection
from app.integrations.client import ProviderClient
from app.integrations.errors import BlockedTarget, ProviderError
from app.integrations.guard import networks, written_for
from app.integrations.models import StoredConnection
from app.integrations.registry import provider
from app.integrations.retry import Patience
from app.integrations.secrets import Sealed, seal, unseal
from app.transaction import lock, transaction

LONGEST_NAME = 80
LONGEST_SECRET = 4_000
TABLE = "connections"
TEST = "connection.test"
ONCE = Patience(0, 3.0)


@dataclass(frozen=True)
class Wanted:
    """What a person filled in. A credential that is "" stays as it is where there is one."""

    name: str
    account: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    address: str = ""
    is_sandbox: bool = False


def add(provider_name: str, wanted: Wanted, *, by: Actor) -> int:
    """A new connection, ready to be used; returns its id. Raises NotFound for an unknown provider, Invalid by field."""
    speaks, api = provider(provider_name), api_of(provider_name)
    _check(api, wanted, {})
    with transaction() as session:
        _check_name(session, wanted.name, None)
        found = StoredConnection(provider=speaks.name, name=wanted.name, account=wanted.account or speaks.name,
                                 address=wanted.address.rstrip("/"), is_sandbox=wanted.is_sandbox, created_at=datetime.now(UTC))
        _store(found, api, dict(wanted.credentials))
        session.add(found)
        session.flush()
        audit.note(session, by, "integrations.connect", TABLE, found.id, name=found.name, provider=found.provider,
                   account=found.account, sandbox=found.is_sandbox)
        return found.id


def edit(connection_id: int, wanted: Wanted, *, by: Actor) -> None:
    """Change it. Raises NotFound, or Invalid by field. Its account stays: outside ids belong to it."""
    with transaction() as session:
        found = lock(session, StoredConnection, connection_id)
        api, known = api_of(found.provider), dict(described(found).credentials)
        credentials = known | {name: value for name, value in wanted.credentials.items() if value}
        _check_moved(api, found, wanted)
        _check(api, Wanted(wanted.name, wanted.account, credentials, wanted.address, wanted.is_sandbox), known)
        _check_name(session, wanted.name, connection_id)
        changed = sorted(name for name, value in credentials.items() if known.get(name) != value)
        found.name, found.address, found.is_sandbox = wanted.name, wanted.address.rstrip("/"), wanted.is_sandbox
        _store(found, api, credentials)
        audit.note(session, by, "integrations.edit", TABLE, connection_id, name=found.name, address=found.address,
                   sandbox=found.is_sandbox, credentials_changed=changed)


def switch(connection_id: int, *, on: bool, by: Actor) -> None:
    """Let it be used, or not. Raises NotFound."""
    with transaction() as session:
        found = lock(session, StoredConnection, connection_id)
        if found.is_enabled != on:
            found.is_enabled = on
            audit.note(session, by, "integrations.enable" if on else "integrations.disable", TABLE, connection_id)


def test(connection_id: int) -> ProviderError | None:
    """Ask the provider something harmless, once; None: it answered well. The call log and the connection keep what came of it."""
    stored = get(connection_id)
    api, connection = api_of(stored.provider), opened(stored)
    db.session.rollback()
    breaker.close(connection)       # somebody says that it is mended
    try:
        ProviderClient(connection, api).call(TEST, "GET", api.probe[1], seconds=10, patience=ONCE)
    except ProviderError as error:
        return error
    return None


def get(connection_id: int) -> StoredConnection:
    """Raises NotFound."""
    found = db.session.get(StoredConnection, connection_id) if connection_id < 2**63 else None
    if found is None:
        raise NotFound(f"There is no connection {connection_id}.")
    return found


def client(connection_id: int) -> ProviderClient:
    """A client of this connection. Raises NotFound, or Conflict while it is switched off."""
    stored = get(connection_id)
    if not stored.is_enabled:
        raise Conflict(f"{stored.name} is switched off on the page of integrations.", title="This connection is off")
    return ProviderClient(opened(stored), api_of(stored.provider))


def first(providers: Sequence[str], account: str | None = None) -> StoredConnection | None:
    """The connection to any of these providers an account's things are reached by, or anybody's: the oldest that is on."""
    if not providers:
        return None
    found = select(StoredConnection).where(StoredConnection.provider.in_(providers), StoredConnection.is_enabled)
    if account is not None:
        found = found.where(StoredConnection.account == account)
    return db.session.scalars(found.order_by(StoredConnection.id).limit(1)).first()


def of_account(provider_name: str, account: str) -> Connection | None:
    """The connection that may be asked about an account's things, the oldest that is on; None: nobody can be asked."""
    found = first([provider_name], account)
    return None if found is None else opened(found)


def id_of(provider_name: str, *accounts: str) -> int | None:
    """The same without its credentials, for the first of these accounts that has one."""
    nearest = case(*((StoredConnection.account == account, place) for place, account in enumerate(accounts)))
    return db.session.scalar(select(StoredConnection.id).where(
        StoredConnection.provider == provider_name, StoredConnection.account.in_(accounts), StoredConnection.is_enabled)
        .order_by(nearest, StoredConnection.id).limit(1))


def described(stored: StoredConnection) -> Connection:
    """As `opened`, and without credentials where SECRET_KEY does not open them any more: `is_locked` says so."""
    return _connection(stored, {} if is_locked(stored) else _opened(stored))


def is_locked(stored: StoredConnection) -> bool:
    """Whether its credentials were stored with a SECRET_KEY that is gone: they have to be typed again."""
    try:
        _opened(stored)
    except Sealed:
        return True
    return False


def opened(stored: StoredConnection) -> Connection:
    """With its credentials decrypted. Raises Sealed, or NotFound for a provider whose file is gone."""
    return _connection(stored, _opened(stored))


def _connection(stored: StoredConnection, credentials: dict[str, str]) -> Connection:
    api = api_of(stored.provider)
    own = api.sandbox if stored.is_sandbox and api.sandbox else api.base
    return Connection(stored.id, stored.provider, stored.name, stored.account, (stored.address or own).rstrip("/"),
                      credentials, stored.is_sandbox)


def api_of(provider_name: str) -> Api:
    """How this provider is called. Raises NotFound for one that only posts."""
    found = provider(provider_name).api
    if found is None:
        raise NotFound(f"{provider(provider_name).label} only posts to us; there is nothing to call.")
    return found


def _opened(stored: StoredConnection) -> dict[str, str]:
    found: dict[str, str] = json.loads(unseal(stored.sealed))
    return found


def _store(found: StoredConnection, api: Api, credentials: dict[str, str]) -> None:
    known = {each.name: each for each in api.credentials}
    kept = {name: value for name, value in credentials.items() if value and name in known}
    found.sealed = seal(json.dumps(kept))
    found.hints = {name: f"…{value[-4:]}" if known[name].is_secret else value for name, value in kept.items()}


def _check(api: Api, wanted: Wanted, known: Mapping[str, str]) -> None:
    errors = {}
    if not 0 < len(wanted.name) <= LONGEST_NAME or not wanted.name.isprintable():
        errors["name"] = f"Give it a name of 1 to {LONGEST_NAME} characters."
    if len(wanted.account) > LONGEST_NAME or not wanted.account.isprintable() or "/" in wanted.account:
        errors["account"] = f"An account is 1 to {LONGEST_NAME} characters without a slash."
    errors |= _wrong_credentials(api, {**known, **wanted.credentials}) | api.check(wanted.credentials, wanted.is_sandbox)
    if wanted.address:
        try:
            written_for(wanted.address, networks(config().outbound_allow))
        except BlockedTarget as problem:
            errors["address"] = problem.detail
    if errors:
        raise Invalid("Nothing was saved.", errors=errors)


def _wrong_credentials(api: Api, given: Mapping[str, str]) -> dict[str, str]:
    errors = {}
    for each in api.credentials:
        value = given.get(each.name, "")
        try:
            if not value and each.is_required:
                raise ValueError("Fill this in.")
            if len(value) > LONGEST_SECRET or not value.isprintable() or value != value.strip():
                raise ValueError("It must be one line without blanks around it.")
            if value and each.is_secret and len(value) < 8:
                raise ValueError("A secret has at least 8 characters.")
            if value and each.check:
                each.check(value)
        except ValueError as error:
            errors[each.name] = str(error)
    return errors


def _check_moved(api: Api, found: StoredConnection, wanted: Wanted) -> None:
    """Nobody gets to see a secret by sending it to an address of their own."""
    if wanted.address.rstrip("/") != found.address:
        missing = [each.name for each in api.credentials if each.is_secret and found.hints.get(each.name)
                   and not wanted.credentials.get(each.name)]
        if missing:
            again = "Type it again: it would be sent to another address."
            raise Invalid("Nothing was saved.", errors=dict.fromkeys(missing, again))


def _check_name(session: Session, name: str, own: int | None) -> None:
    taken = session.scalar(select(StoredConnection.id).where(StoredConnection.name == name))
    if taken is not None and taken != own:
        raise Invalid("Nothing was saved.", errors={"name": "Another connection has this name."})
