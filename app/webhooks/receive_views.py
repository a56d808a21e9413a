"""POST /hooks/<provider>/<endpoint>: where providers knock. No session, no form: a signature over the raw bytes."""
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from app.access import public
from app.errors import BadRequest, TooLarge
from app.extensions import csrf
from app.integrations.provider import Answer, Receipt
from app.webhooks import live
from app.webhooks.receive import greet, receive

bp = Blueprint("hooks", __name__)
csrf.exempt(bp)


@bp.post("/hooks/<provider>/<token>")
@public("Providers prove themselves by their signature.")
def post(provider: str, token: str) -> Response:
    """2xx once the events are committed; anything else and the provider sends them again."""
    body = _body(live.by_token(provider, token).max_bytes)
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


def _body(largest: int) -> bytes:
    """The raw bytes. Raises TooLarge also for a chunked body, which the server would cut silently, and BadRequest."""
    request.max_content_length = largest + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(largest) from None
    except (OSError, ParseException, HTTPException) as error:   # a malformed chunk, or the sender hung up
        raise BadRequest("The body broke off or is not well formed.") from error
    if len(body) > largest:
        raise _too_large(largest)
    return body


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"A post may have {largest:,} bytes.")
