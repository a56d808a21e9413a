"""Every error becomes one thing: a page for people, problem+json (RFC 9457) for programs. Nobody sees a stack trace."""
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as AnyResponse

from app import addresses
from app.errors import Problem, TooManyRequests, Unauthorised, Unavailable
from app.transaction import passing

log = structlog.get_logger()
PROGRAMS = ("/api/", "/hooks/")
WORDS = {
    400: ("This request cannot be read", "Go back, load the page again and repeat what you did."),
    404: ("There is nothing here", "The address is wrong, or what was here is gone. Look for it with the search."),
    405: ("This page cannot be used like that", "Go back and use the buttons of the page."),
    413: ("This is too large", "Send it in smaller parts."),
    415: ("This kind of content is not understood", "Send it as the page or the API description says."),
    429: ("Too many requests", "Wait a moment and try again."),
    431: ("This request cannot be read", "Its address or headers are too long. Delete the cookies of this site and try again."),
    500: ("This page could not be built", "The fault is ours and it is logged. What you saved before is safe; what you were just "
          "sending was not saved. Trying again often works."),
}
FOR_PROGRAMS = {
    404: ("There is nothing here", "The address is wrong, or what was here is gone. The API description lists all addresses."),
    405: ("This method does not go with this address", "The header Allow names those that do; the API description lists them."),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, translate)
    app.register_error_handler(OperationalError, no_database)


def answer(problem: Problem) -> AnyResponse:
    """The answer to a Problem: problem+json for programs, the way to sign in, or a page."""
    if problem.status >= 500:
        log.warning("problem", title=problem.title, detail=problem.detail, status=problem.status, path=request.path)
    if request.path.startswith(PROGRAMS):
        return _as_json(problem)
    if isinstance(problem, Unauthorised) and _may_be_sent_to_sign_in():
        return redirect(url_for("accounts.login", next=request.full_path.rstrip("?")), 303)
    return _as_page(problem)


def translate(error: HTTPException) -> AnyResponse:
    """What Flask and Werkzeug raise, in our words, with the headers it carries. Redirects stay what they are."""
    if error.code is None or error.code < 400 or error.response is not None:
        return error.get_response()
    if error.code == 404 and (there := addresses.meant()):
        return redirect(there, 308)
    title, detail = WORDS.get(error.code, WORDS[400 if error.code < 500 else 500])
    if request.path.startswith(PROGRAMS):
        title, detail = FOR_PROGRAMS.get(error.code, (title, detail))
    if request.path.startswith("/hooks/") and error.code == 405:
        detail = "A provider posts here: send the event with POST."
    problem = Problem(detail, title=title, retry=error.code in (429, 500, 503))
    problem.status = error.code
    response = answer(problem) if not isinstance(error, InternalServerError) else _fault(problem)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def no_database(error: OperationalError) -> AnyResponse:
    """The database is away or busy: that passes, and nothing was saved."""
    log.error("database.failed", error=str(error.orig), passing=passing(error))
    return answer(Unavailable("Nothing was saved. Try again in a moment; if it goes on, whoever runs Backroom has to look at it.",
                              title="The database does not answer"))


def problem_json(problem: Problem) -> dict[str, Any]:
    """The members of RFC 9457 section 3.1, the request's number, and what is wrong by field."""
    body: dict[str, Any] = {"type": "about:blank", "title": problem.title, "status": problem.status}
    if problem.detail:
        body["detail"] = problem.detail
    body["request_id"] = g.get("request_id")
    if problem.errors:
        body["errors"] = [{_place(name): name, "detail": sentence} for name, sentence in problem.errors.items()]
    return body


def _place(name: str) -> str:
    """The API names places in a body by JSON pointers (RFC 6901), which begin with a slash, and parameters by their name."""
    if not request.path.startswith("/api/"):
        return "field"
    return "pointer" if name.startswith("/") or not name else "parameter"


def _as_json(problem: Problem) -> Response:
    response = jsonify(problem_json(problem))
    response.status_code, response.mimetype = problem.status, "application/problem+json"
    if isinstance(problem, Unauthorised):
        sent = "Authorization" in request.headers
        response.headers["WWW-Authenticate"] = 'Bearer realm="Backroom"' + (', error="invalid_token"' if sent else "")
    return _say_when(response, problem)


def _as_page(problem: Problem) -> Response:
    page = render_template("errors/error.html", problem=problem, at=datetime.now(UTC), request_id=g.get("request_id", ""),
                           wide=True)
    return _say_when(make_response(page, problem.status), problem)


def _fault(problem: Problem) -> AnyResponse:
    """The page after an error nobody expected must not fail itself."""
    try:
        return answer(problem)
    except Exception:
        log.exception("error_page.failed")
        text = f"{problem.title}\n\n{problem.detail}\n\nRequest {g.get('request_id', '')}\n"
        return Response(text, problem.status, mimetype="text/plain")


def _say_when(response: Response, problem: Problem) -> Response:
    if isinstance(problem.retry, datetime):
        seconds = (problem.retry - datetime.now(UTC)).total_seconds()
        response.headers["Retry-After"] = str(max(1, round(seconds)))
    elif problem.retry and isinstance(problem, Unavailable | TooManyRequests):
        response.headers["Retry-After"] = "5"
    return response


def _may_be_sent_to_sign_in() -> bool:
    """A page somebody opens, not something a script of ours asks for in the background."""
    return request.method in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Dest", "document") != "empty"
