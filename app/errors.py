"""What went wrong, what to do about it, and whether trying again can help. Business code raises these, never HTTP errors."""
from collections.abc import Mapping
from datetime import datetime


class Problem(Exception):
    """Something a person or a program has to hear about.

    `title` says what happened, `detail` what to do next, `errors` what is wrong by field. `retry` says whether the same
    call can succeed later: False, True, or the moment from which it is worth trying.
    """

    status = 500
    title = "Something went wrong"
    retry: bool | datetime = False
    costs_a_try = True      # False: what was to be done was not begun, so however often this happens nobody gives up

    def __init__(self, detail: str = "", *, title: str | None = None, errors: Mapping[str, str] | None = None,
                 retry: bool | datetime | None = None) -> None:
        super().__init__(detail or title or self.title)
        self.detail = detail
        self.title = title or self.title
        self.errors = dict(errors or {})
        self.retry = self.retry if retry is None else retry


class BadRequest(Problem):
    status, title = 400, "This request cannot be read"


class Unauthorised(Problem):
    status, title = 401, "Sign in first"


class Forbidden(Problem):
    status, title = 403, "Your role does not allow this"


class NotFound(Problem):
    status, title = 404, "There is nothing here"


class Conflict(Problem):
    status, title = 409, "Somebody was faster"


class PreconditionFailed(Problem):
    status, title = 412, "The record has changed since you read it"


class TooLarge(Problem):
    status, title = 413, "This is too large"


class Invalid(Problem):
    status, title = 422, "Some values cannot be saved"


class PreconditionRequired(Problem):
    status, title = 428, "Say which version you are changing"


class TooManyRequests(Problem):
    status, title, retry = 429, "Too many requests", True


class Unavailable(Problem):
    status, title, retry = 503, "This is not available right now", True


class Misconfigured(Problem):
    """A setting is wrong: the program says so in one sentence and stops."""

    status, title = 500, "A setting is wrong"
