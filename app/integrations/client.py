"""Asking a provider: one call, its limit, its breaker, its proof, its retries, its line in the log."""
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import has_request_context

from app.extensions import db
from app.integrations import breaker, limiter, log
from app.integrations.calling import Api, Connection
from app.integrations.errors import AuthError, BlockedTarget, ProviderError, RateLimited
from app.integrations.judging import wrong
from app.integrations.log import Tried
from app.integrations.redaction import Redactor
from app.integrations.retry import IN_JOB, IN_REQUEST, Patience, persist
from app.integrations.transport import Reply, Request, send

SAFE = ("GET", "HEAD", "OPTIONS")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
A_SECOND = 1.0      # how long an account rests that answered 429 without saying until when


class ProviderClient:
    """One account of one provider. Cheap to make; may be used by several threads."""

    def __init__(self, connection: Connection, api: Api) -> None:
        self.connection = connection
        self.api = api
        self.auth = api.auth(connection)

    def call(self, op: str, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None,
             form: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, idempotency_key: str | None = None,
             safe: bool | None = None, seconds: float = 20.0, patience: Patience | None = None) -> Reply:
        """The reply of 2xx, tried again where that helps and cannot do the thing twice. `seconds` are for each attempt.

        `op` names what it is for, in the log. `safe`: whether doing it twice is doing it once, where the method does not say so.
        `path` may also be an address below the connection's base, as Link headers give it. Raises ProviderError; never call it
        within transaction().
        """
        if db.session.registry.has() and db.session().info.get("writing"):
            raise RuntimeError("a provider is never asked within a transaction: others would wait for it")
        key = idempotency_key if self.api.keyed_by else None
        request = self._request(method, path, params, json, form, headers, key, seconds)
        is_repeatable = safe if safe is not None else method in SAFE or bool(key)
        patience = patience or (IN_REQUEST if has_request_context() else IN_JOB)
        once = partial(self._once, op, secrets.token_hex(8), request, key)
        return persist(once, is_repeatable=is_repeatable, patience=patience)

    def _request(self, method: str, path: str, params: Mapping[str, Any] | None, body: Any, form: Mapping[str, Any] | None,
                 headers: Mapping[str, str] | None, key: str | None, seconds: float) -> Request:
        content, kind = _content(body, form)
        told = {"Accept": JSON, **self.api.headers, **({"Content-Type": kind} if kind else {}), **(headers or {}),
                **({self.api.keyed_by: key} if key else {})}
        return Request(method, self._address(path, params), told, content, seconds)

    def _address(self, path: str, params: Mapping[str, Any] | None) -> str:
        """Below the base, whoever made the path: an address in a reply must not carry our credentials elsewhere."""
        base = self.connection.base
        if "://" not in path:
            path = f"{base}/{path.lstrip('/')}"
        elif not path.startswith((f"{base}/", f"{base}?")):
            raise BlockedTarget(f"It sends us to {path.partition('?')[0][:100]}, not below {base}.", sent=False)
        query = urlencode({name: value for name, value in (params or {}).items() if value is not None}, doseq=True)
        return f"{path}{'&' if '?' in path else '?'}{query}" if query else path

    def _once(self, op: str, operation: str, request: Request, key: str | None, attempt: int, left: float) -> Reply:
        """One attempt, with one more at once where a new token mends it; each is in the log."""
        try:
            return self._try(op, operation, request, key, attempt, left)
        except _Refused as refused:
            if not self._renewed(refused.request):
                raise refused.error from None
        try:
            return self._try(op, operation, request, key, attempt, left)
        except _Refused as refused:
            raise refused.error from None

    def _try(self, op: str, operation: str, request: Request, key: str | None, attempt: int, left: float) -> Reply:
        it, begun = _Exchange(request), time.monotonic()
        try:
            limiter.take(self.connection, self.api.limit, left)
            begun = time.monotonic()
            reply = breaker.guarded(self.connection, lambda: self._exchange(it))
        except ProviderError as error:
            redact = self._redactor()
            _hush(error, redact)
            log.keep(Tried(self.connection, self.api, operation, op, it.request, attempt, key, _ms(begun), it.reply, error),
                     redact)
            if isinstance(error, AuthError) and it.reply:
                raise _Refused(it.request, error) from None
            raise
        log.keep(Tried(self.connection, self.api, operation, op, it.request, attempt, key, _ms(begun), reply), self._redactor())
        return reply

    def _renewed(self, refused: Request) -> bool:
        try:
            return breaker.guarded(self.connection, lambda: self.auth.renew(refused))
        except ProviderError as error:
            error.sent = False        # a new token was asked for; what the call is about was refused
            _hush(error, self._redactor())
            raise

    def _signed(self, request: Request) -> Request:
        try:
            return self.auth.sign(request)
        except ProviderError as error:
            error.sent = False        # the token was asked for; what the call is about was not sent
            raise

    def _exchange(self, it: "_Exchange") -> Reply:
        it.request = self._signed(it.request)
        reply = it.reply = send(it.request)
        error = wrong(reply, self.api)
        if error is None:
            return reply
        if isinstance(error, RateLimited):
            error.retry_at = error.retry_at or limiter.soon(A_SECOND)
            error.retry = error.retry_at
            limiter.block(self.connection, error.retry_at)
        raise error

    def _redactor(self) -> Redactor:
        return Redactor((*self.connection.secrets, *self.auth.secrets()))


@dataclass
class _Exchange:
    """What was sent, as far as it came, and what was answered."""

    request: Request
    reply: Reply | None = None


class _Refused(Exception):
    """The provider did not accept this proof."""

    def __init__(self, request: Request, error: AuthError) -> None:
        super().__init__()
        self.request = request
        self.error = error


def _content(body: Any, form: Mapping[str, Any] | None) -> tuple[bytes, str]:
    if form is not None:
        return urlencode(flat(form)).encode(), FORM
    return (b"", "") if body is None else (json.dumps(body, separators=(",", ":")).encode(), JSON)


def flat(form: Mapping[str, Any], around: str = "") -> list[tuple[str, str]]:
    """Nested values as forms write them: {"metadata": {"order": 1}} is metadata[order]=1; None is left out."""
    found: list[tuple[str, str]] = []
    for name, value in form.items():
        key = f"{around}[{name}]" if around else name
        if isinstance(value, Mapping):
            found += flat(value, key)
        elif isinstance(value, list | tuple):
            found += flat(dict(enumerate(value)), key)  # type: ignore[arg-type]
        elif value is not None:
            found.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    return found


def _hush(error: ProviderError, redact: Redactor) -> None:
    """Providers quote what they refuse: pages, logs and jobs hear it without our secrets."""
    error.detail = redact.text(error.detail)
    error.provider_code = redact.text(error.provider_code)
    error.args = (error.detail or error.title,)


def _ms(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
