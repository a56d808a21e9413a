"""POST /hooks/<provider>/<endpoint>: where providers knock. No session, no form: a signature over the raw bytes."""
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from app.access import public
from app.body import raw
from app.extensions import csrf
from app.integrations.provider import Answer, Receipt
from app.webhooks import live
from app.webhooks.door import REFUSED
from app.webhooks.receive import greet, receive

bp = Blueprint("hooks", __name__)
csrf.exempt(bp)


@bp.post("/hooks/<provider>/<token>")
@public("Providers prove themselves by their signature.")
def post(provider: str, token: str) -> Response:
    """2xx once the events are committed; anything else and the provider sends them again. What comes here was not ordinary."""
    if REFUSED in request.environ:
        raise request.environ[REFUSED]
    body = raw(live.by_token(provider, token).max_bytes)
    return _said(receive(provider, token, _receipt(body)))


@bp.get("/hooks/<provider>/<token>")
@public("A handshake: the provider's file says what it must know.")
def ask(provider: str, token: str) -> Response:
    """The echo some providers ask for before they post. 405 where the provider knows no such handshake."""
    answer = greet(provider, token, _receipt(b""))
    if answer is None or request.method == "HEAD":
        raise MethodNotAllowed(valid_methods=["POST"])
    return _said(answer)


def _receipt(body: bytes) -> Receipt:
    return Receipt(request.method, request.url, dict(request.headers), body, request.remote_addr, datetime.now(UTC))


def _said(answer: Answer) -> Response:
    return Response(answer.body, answer.status, content_type=answer.content_type)
