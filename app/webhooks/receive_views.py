"""POST /hooks/<provider>/<endpoint>: where providers knock. No session, no form: a signature over the raw bytes."""
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.access import public
from app.config import config
from app.errors import BadRequest, TooLarge
from app.extensions import csrf
from app.integrations.provider import Receipt
from app.webhooks.receive import receive

bp = Blueprint("hooks", __name__)
csrf.exempt(bp)


@bp.post("/hooks/<provider>/<token>")
@public("Providers prove themselves by their signature.")
def post(provider: str, token: str) -> Response:
    """2xx once the events are committed; anything else and the provider sends them again."""
    receipt = Receipt(request.method, request.url, dict(request.headers), _body(), request.remote_addr, datetime.now(UTC))
    answer = receive(provider, token, receipt)
    return Response(answer.body, answer.status, content_type=answer.content_type)


def _body() -> bytes:
    """The raw bytes. Raises TooLarge also for a chunked body, which the server would cut silently, and BadRequest."""
    largest = config().max_body_bytes
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
