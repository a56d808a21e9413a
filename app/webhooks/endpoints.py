"""Endpoints: made, switched on and off, their secrets added and retired."""
import secrets as random
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.errors import Conflict, Invalid
from app.integrations.provider import Provider
from app.integrations.registry import find, provider
from app.integrations.secrets import seal
from app.transaction import after_commit, lock, transaction
from app.webhooks import endpoint_settings, live
from app.webhooks.models import Endpoint, StoredSecret

LONGEST_NAME, LONGEST_SECRET = 80, 500
TABLE = "webhook_endpoints"
MEANWHILE = "Somebody changed the setup meanwhile. Open this page once more beside this one, and make your change there."


def add(provider_name: str, name: str, secrets: list[str], *, by: Actor, account: str | None = None,
        settings: Mapping[str, str] | None = None) -> Endpoint:
    """A new endpoint, listening. `account` says whose outside ids come in; it is the provider's name unless given. Without a
    secret every post is rejected until it gets one: some providers show theirs only once they have the address.

    `settings`: as typed, by the names of endpoint_settings.py. Raises NotFound for an unknown provider, Invalid by field for a
    name in use, a secret that cannot be one, a setting that will not do.
    """
    speaks = provider(provider_name)
    errors = _wrong(speaks, name, account, secrets)
    try:
        kept = endpoint_settings.read(speaks, settings or {})
    except Invalid as problem:
        errors |= problem.errors
    if errors:
        raise Invalid("Nothing was saved.", errors=errors)
    with transaction() as session:
        if session.scalar(select(Endpoint.id).where(Endpoint.name == name)) is not None:
            raise Invalid("Nothing was saved.", errors={"name": "Another endpoint has this name."})
        found = Endpoint(token=random.token_urlsafe(24), provider=speaks.name, name=name, account=account or speaks.name,
                         config=kept, is_enabled=True, created_at=datetime.now(UTC))
        session.add(found)
        session.flush()
        for value in secrets:
            _store(session, found.id, value)
        audit.note(session, by, "endpoints.add", TABLE, found.id, name=name, provider=speaks.name, account=found.account)
        after_commit(session, live.forget)
    return found


def configure(endpoint_id: int, settings: Mapping[str, str], *, by: Actor, seen: str | None = None) -> None:
    """Set it up as typed; what is left empty is the default. Twice is once.

    `seen`: the mark of the config that was before whoever typed. Raises NotFound, Conflict where it is another one by now, or
    Invalid by name.
    """
    with transaction() as session:
        endpoint = lock(session, Endpoint, endpoint_id)
        kept = endpoint_settings.read(provider(endpoint.provider), settings)
        if kept == endpoint.config:
            return
        if seen is not None and seen != endpoint_settings.mark(endpoint.config):
            raise Conflict(MEANWHILE)
        old, endpoint.config = endpoint.config, kept
        audit.note(session, by, "endpoints.configure", TABLE, endpoint_id,
                   changed=sorted(name for name in old.keys() | kept.keys() if old.get(name) != kept.get(name)))
        after_commit(session, live.forget)


def add_secret(endpoint_id: int, value: str, *, by: Actor) -> None:
    """One more secret that proves a post. Those before it stay live, as retiring, until somebody retires them.

    Raises NotFound, or Invalid when it cannot be a secret of the provider.
    """
    with transaction() as session:
        endpoint = lock(session, Endpoint, endpoint_id)
        errors = _wrong_secrets(provider(endpoint.provider), {"secret": value})
        if errors:
            raise Invalid("Nothing was saved.", errors=errors)
        session.execute(update(StoredSecret).where(StoredSecret.endpoint_id == endpoint_id, StoredSecret.state == "active")
                        .values(state="retiring"))
        _store(session, endpoint_id, value)
        audit.note(session, by, "endpoints.add_secret", TABLE, endpoint_id, hint=value[-4:])
        after_commit(session, live.forget)


def retire_secret(endpoint_id: int, secret_id: int, *, by: Actor) -> None:
    """Take a secret out of use and erase it. Twice is once. Raises NotFound, or Conflict for the last live one."""
    with transaction() as session:
        endpoint = lock(session, Endpoint, endpoint_id)
        found = lock(session, StoredSecret, secret_id)
        if found.state == "retired":
            return
        others = select(StoredSecret.id).where(StoredSecret.endpoint_id == endpoint_id, StoredSecret.state.in_(live.LIVE),
                                               StoredSecret.id != secret_id)
        needed = provider(endpoint.provider).needs_secret
        if found.endpoint_id != endpoint_id or needed and session.scalar(others) is None:
            raise Conflict("Add the new secret first.", title="An endpoint needs one live secret")
        found.state, found.sealed = "retired", ""
        audit.note(session, by, "endpoints.retire_secret", TABLE, endpoint_id, hint=found.hint)
        after_commit(session, live.forget)


def switch(endpoint_id: int, *, on: bool, by: Actor) -> None:
    """Let an endpoint receive, or answer 404. What it has kept is worked off either way. Raises NotFound."""
    with transaction() as session:
        endpoint = lock(session, Endpoint, endpoint_id)
        if endpoint.is_enabled == on:
            return
        endpoint.is_enabled = on
        audit.note(session, by, "endpoints.enable" if on else "endpoints.disable", TABLE, endpoint_id)
        after_commit(session, live.forget)


def without_secret(session: Session) -> set[int]:
    """The endpoints that cannot prove a post yet: their provider signs, and they have no secret. One statement."""
    live_one = select(StoredSecret.id).where(StoredSecret.endpoint_id == Endpoint.id, StoredSecret.state.in_(live.LIVE))
    rows = session.execute(select(Endpoint.id, Endpoint.provider).where(~live_one.exists()))
    return {id for id, name in rows if (by := find(name)) is not None and by.needs_secret}


def _wrong(speaks: Provider, name: str, account: str | None, secrets: list[str]) -> dict[str, str]:
    errors = _wrong_secrets(speaks, dict(zip(("secret", "secret2", "secret3"), secrets, strict=False)))
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        errors["name"] = f"Give it a name of 1 to {LONGEST_NAME} characters."
    if account is not None and (not 0 < len(account) <= LONGEST_NAME or not account.isprintable() or "/" in account):
        errors["account"] = f"An account is 1 to {LONGEST_NAME} characters without a slash."
    return errors


def _wrong_secrets(speaks: Provider, given: dict[str, str]) -> dict[str, str]:
    errors = {}
    for field, value in given.items():
        try:
            _check_secret(speaks, value)
        except ValueError as error:
            errors[field] = str(error)
    return errors


def _check_secret(speaks: Provider, value: str) -> None:
    """Raise ValueError when it cannot be one."""
    least, fits = speaks.shortest_secret, speaks.has_blanks or " " not in value
    if not least <= len(value) <= LONGEST_SECRET or not value.isprintable() or not fits:
        how = "that can be printed" if speaks.has_blanks else "without blanks"
        raise ValueError(f"A secret is {least} to {LONGEST_SECRET} characters {how}.")
    speaks.check_secret(value)


def _store(session: Session, endpoint_id: int, value: str) -> None:
    session.add(StoredSecret(endpoint_id=endpoint_id, sealed=seal(value), hint=value[-4:], state="active",
                             created_at=datetime.now(UTC)))
