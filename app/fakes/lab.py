"""The fault lab: pretend providers beside the demo, which misbehave as a person says, so that one can watch the product heal."""
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from app.audit import SYSTEM
from app.config import LOOPBACK, Config
from app.errors import Misconfigured
from app.extensions import db
from app.fakes import easypost, paypal, shippo, stripe, xero
from app.fakes.fake import DRIP, DROP, LOST, SLOW, Environ, Fake, Quiet, Scenario, failing, limited
from app.integrations import connections
from app.integrations.connections import Wanted
from app.integrations.models import StoredConnection
from app.integrations.registry import provider
from app.jobs import process
from app.records.registry import named

HOST, LOOK, REMEMBERED, STOCKED = "127.0.0.1", 0.1, 100, 5_000
READS = ("GET", "HEAD")


@dataclass(frozen=True)
class Mode:
    """How a pretend provider behaves: `scenario` happens to its requests, where `writes` to those alone that change something."""

    label: str
    text: str
    scenario: Scenario | None = None
    writes: bool = False


MODES: Mapping[str, Mode] = {
    "well": Mode("Answers", "All is well."),
    "limited": Mode("429", "It wants fewer calls: come back in five seconds.", limited("5")),
    "failing": Mode("500", "It fails, and does nothing.", failing(500)),
    "late": Mode("Slow", "It answers after three seconds.", replace(SLOW, seconds=3.0)),
    "drip": Mode("Drips", "It does what is asked, and its answer never ends.", DRIP),
    "reset": Mode("Hangs up", "It does nothing, and hangs up.", DROP),
    "lost": Mode("Loses replies", "It does what is asked and hangs up; it can still be looked at.", LOST, writes=True),
}
OAUTH = "client_id", "client_secret"
FAKES: Mapping[str, tuple[Callable[[], Fake], Mapping[str, str]]] = {
    "stripe": (stripe.FakeStripe, {"api_key": stripe.KEY}),
    "easypost": (easypost.FakeEasyPost, {"api_key": easypost.KEY}),
    "shippo": (shippo.FakeShippo, {"api_token": shippo.TOKEN}),
    "paypal": (paypal.FakePayPal, dict(zip(OAUTH, (paypal.CLIENT_ID, paypal.CLIENT_SECRET), strict=True))),
    "xero": (xero.FakeXero, dict(zip(OAUTH, (xero.CLIENT_ID, xero.CLIENT_SECRET), strict=True))),
}


def is_offered(settings: Config) -> bool:
    """Beside a demo on this machine alone: never in production."""
    return settings.demo and settings.embedded and settings.public_url is None and settings.host in LOOPBACK


def opened(settings: Config) -> Config:
    """The same, and what listens on this machine may be called: where else would the pretend providers be?"""
    return replace(settings, outbound_allow=(*settings.outbound_allow, f"{HOST}/32")) if is_offered(settings) else settings


def listen(settings: Config) -> socket.socket:
    """The port it had the last time, so that connections find it, or any other."""
    kept, taken = _folder(settings) / "port", socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for port in (int(kept.read_text()) if kept.exists() else 0, 0):
        try:
            taken.bind((HOST, port))
        except OSError:
            continue
        taken.listen()
        kept.write_text(str(taken.getsockname()[1]))
        return taken
    raise Misconfigured(f"No port is free on {HOST} for the pretend providers. DEMO=0 starts without them.")


def connect(port: int, *, anew: bool) -> None:
    """Let the connections of the demo lead to this port. Only a demo that was just loaded gets them: nobody's money must go to
    a pretend provider because it was there first."""
    known = {each.name: each for each in db.session.scalars(select(StoredConnection).where(StoredConnection.is_sandbox))}
    db.session.rollback()
    for name, (_, credentials) in FAKES.items():
        wanted = Wanted(called(name), "", credentials, f"http://{HOST}:{port}/{name}", is_sandbox=True)
        found = known.get(wanted.name)
        if found is not None and found.address != wanted.address:
            connections.edit(found.id, replace(wanted, account=found.account), by=SYSTEM)
        elif found is None and anew:
            connections.add(name, wanted, by=SYSTEM)


def called(name: str) -> str:
    """What the connection to this pretend provider is called."""
    return f"Pretend {provider(name).label}"


def mode(settings: Config, name: str) -> str:
    """How it behaves now."""
    file = _folder(settings) / name
    found = file.read_text() if file.exists() else ""
    return found if found in MODES else "well"


def switch(settings: Config, name: str, to: str) -> None:
    """Let it behave like this from its next request on. The names are known: who asks has looked them up."""
    new = _folder(settings) / f"{name}.new"
    new.write_text(to)
    new.rename(_folder(settings) / name)


class Lab:
    """Every pretend provider under its name, as a WSGI application."""

    def __init__(self, settings: Config, fakes: Mapping[str, Fake]) -> None:
        self.settings, self.fakes, self.over = settings, fakes, threading.Event()
        for fake in fakes.values():
            fake.over = self.over          # one end for all of them

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        _, name, rest = f"{environ.get('PATH_INFO', '')}/".split("/", 2)
        fake = self.fakes.get(name)
        if fake is None:
            return Response("There is no such pretend provider.\n", 404)(environ, start_response)
        now = MODES[mode(self.settings, name)]
        if now.scenario and not (now.writes and environ["REQUEST_METHOD"] in READS):
            fake.next(now.scenario)
        del fake.heard[:-REMEMBERED]
        return fake({**environ, "PATH_INFO": f"/{rest.removesuffix('/')}"}, start_response)


def serve(app: Flask, settings: Config, listener: socket.socket) -> None:
    """Answer until told to stop. What they keep is what our records say, as long as this process lives."""
    with app.app_context():
        lab = Lab(settings, stocked())
        db.session.remove()
    server = make_server(HOST, listener.getsockname()[1], lab, threaded=True, request_handler=Quiet, fd=listener.fileno())
    server.daemon_threads = True  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parent = os.getppid()
    while not process.stopping() and not process.orphaned(parent):
        time.sleep(LOOK)
    lab.over.set()
    server.shutdown()


def stocked() -> dict[str, Fake]:
    """The pretend providers, Stripe with the newest payments and subscriptions we know of it."""
    fakes = {name: make() for name, (make, _) in FAKES.items()}
    shelves = fakes["stripe"]
    assert isinstance(shelves, stripe.FakeStripe)
    for each in _ours("payments"):
        if each["amount_minor"] and each["status"] in ("paid", "part_refunded", "refunded"):
            shelves.paid(each["external_id"], amount=each["amount_minor"], currency=each["currency"].lower())
            charge = shelves.shelves["charges"].all()[0]
            charge["amount_refunded"] = each["refunded_minor"] or 0
            charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    for each in _ours("subscriptions"):
        shelves.shelves["subscriptions"].put(_subscription(each))
    return fakes


def _ours(resource: str) -> Sequence[Mapping[str, Any]]:
    table = named(resource).table
    mine = select(table).where(table.c.account == "stripe", table.c.external_id.is_not(None))
    return [dict(row) for row in db.session.execute(mine.order_by(table.c.id.desc()).limit(STOCKED)).mappings()][::-1]


def _subscription(row: Mapping[str, Any]) -> dict[str, Any]:
    price = {"unit_amount": row["amount_minor"], "currency": (row["currency"] or "eur").lower()}
    words = {"trial": "trialing", "ended": "canceled"}
    return {"id": row["external_id"], "object": "subscription", "status": words.get(row["status"], row["status"]),
            "items": {"data": [{"quantity": 1, "price": price}]}}


def _folder(settings: Config) -> Path:
    folder = settings.instance_dir / "fakes"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
