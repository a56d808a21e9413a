"""A pretend provider: a WSGI application that answers by the rules of its API, and misbehaves when it is told to."""
import json
import secrets
import socket
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

Environ = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """What the provider answers: a status, an object and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """What goes wrong with one request. `does_it`: the provider does what was asked all the same."""

    name: str
    does_it: bool = False
    said: Said | None = None
    seconds: float = 0.0


def limited(retry_after: str = "1") -> Scenario:
    """429."""
    return Scenario("429", said=Said(429, {"error": {"code": "rate_limit", "message": "Too many requests"}},
                                     {"Retry-After": retry_after}))


def failing(status: int = 500, *, does_it: bool = False) -> Scenario:
    """5xx, before or after it did what was asked."""
    return Scenario(str(status), does_it, Said(status, {"error": {"message": "Something went wrong on our side"}}))


def refusing(status: int, message: str = "no", code: str = "refused") -> Scenario:
    """4xx."""
    return Scenario(str(status), said=Said(status, {"error": {"code": code, "message": message}}))


EXPIRED = Scenario("expired token", said=Said(401, {"error": {"code": "expired", "message": "The token has expired"}}))
REDIRECT = Scenario("redirect", said=Said(302, None, {"Location": "http://127.0.0.1:9/elsewhere"}))
DROP = Scenario("drop")                                    # hangs up before it has read what is asked
LOST = Scenario("reply lost", does_it=True)                # does it and hangs up
SLOW = Scenario("slow", does_it=True, seconds=30.0)        # does it, and says nothing for half a minute
DRIP = Scenario("drip", does_it=True)                      # does it, and answers one byte after the other, without end
HUGE = Scenario("huge", said=Said(200, {"data": "x" * 6_000_000}))
GARBLED = Scenario("garbled", said=Said(200))              # says that it is JSON


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    body: bytes
    headers: dict[str, str]


class Fake:
    """The rules of one API are in `answer`; `next` says what goes wrong with the requests to come."""

    name: ClassVar[str] = "fake"
    numbered_by: ClassVar[str] = "X-Request-Id"     # the header that carries its number of a call

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.over = threading.Event()          # nobody waits any longer: slow answers end
        self._next: deque[Scenario | None] = deque()
        self._lock = threading.RLock()

    def next(self, *scenarios: Scenario | None) -> None:
        """What happens to the next requests, one each; None: nothing wrong. After that all is well."""
        with self._lock:
            self._next.extend(scenarios)

    def answer(self, request: Request) -> Said:
        """What the API says. One request at a time."""
        raise NotImplementedError

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        with self._lock:
            self.heard.append(_heard(request))
            scenario = self._next.popleft() if self._next else None
            said = self.answer(request) if scenario is None or scenario.does_it else None
        if scenario is None:
            return self._response(said or Said(500))(environ, start_response)
        return self._misbehave(scenario, said, environ, start_response)

    def _misbehave(self, scenario: Scenario, said: Said | None, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if scenario.name in (DROP.name, LOST.name):
            return _hang_up(environ)
        if scenario.name == DRIP.name:
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "1000000")])
            return self._drops()
        if scenario.name == GARBLED.name:
            return Response("{not json", content_type="application/json")(environ, start_response)
        self.over.wait(scenario.seconds)
        return self._response(scenario.said or said or Said(500))(environ, start_response)

    def _response(self, said: Said) -> Response:
        body = "" if said.body is None else json.dumps(said.body)
        headers = {self.numbered_by: f"req_{secrets.token_hex(6)}", **said.headers}
        return Response(body, said.status, headers, content_type="application/json")

    def _drops(self) -> Iterator[bytes]:
        while not self.over.wait(0.05):
            yield b" "


class Shelf:
    """The objects of a fake, the newest first, as lists show them."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    def put(self, thing: dict[str, Any]) -> dict[str, Any]:
        self._kept[thing["id"]] = thing
        return thing

    def get(self, id: str) -> dict[str, Any] | None:
        return self._kept.get(id)

    def all(self) -> list[dict[str, Any]]:
        return list(reversed(self._kept.values()))


class Served(Protocol):
    """A fake, or several of them."""

    over: threading.Event

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request."""


@contextmanager
def served(fake: Served) -> Iterator[str]:
    """Its address on loopback, in a thread of this process."""
    server = make_server("127.0.0.1", 0, fake, threaded=True, request_handler=Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        fake.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """It says nothing: tests look at what it heard."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """Whoever asked has gone: that is their right."""

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()


def _hang_up(environ: Environ) -> Iterable[bytes]:
    connection: socket.socket = environ["werkzeug.socket"]
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionError("hung up on purpose")


def _heard(request: Request) -> Heard:
    body = request.get_data(cache=True, parse_form_data=False)
    return Heard(request.method, request.path, request.args.to_dict(), request.form.to_dict(), body,
                 {name.lower(): value for name, value in request.headers.items()})
