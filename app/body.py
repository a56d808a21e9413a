"""The raw body of a request, as far as it may go."""
from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.errors import BadRequest, TooLarge


def raw(largest: int) -> bytes:
    """At most `largest` bytes. Raises TooLarge for more, and BadRequest for a body that broke off.

    The server would cut a chunked body silently at the limit it is told, hence the one byte more.
    """
    request.max_content_length = largest + 1
    too_large = TooLarge(f"A body may have {largest:,} bytes. Send it in smaller parts.")
    try:
        found = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    except (OSError, ParseException, HTTPException) as error:   # a malformed chunk, or the sender hung up
        raise BadRequest("The body broke off or is not well formed.") from error
    if len(found) > largest:
        raise too_large
    return found
