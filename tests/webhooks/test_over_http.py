"""The receive path as it is served: real sockets, several processes and threads."""
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from app.webhooks.models import Endpoint
from tests.webhooks.conftest import STRIPE_SECRET, event, events, payments, receipts, signed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def server(made: Flask, environ: dict[str, str], valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a gunicorn with two processes of eight threads."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = tmp_path_factory.mktemp("gunicorn") / "log"
    with output.open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "8", "--no-control-socket",
                                    "-b", f"127.0.0.1:{port}", "app:create_app()"],
                                   env={**os.environ, **environ, "PYTHONWARNINGS": ""}, stdout=log, stderr=log)
    try:
        _wait(port, process, output)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            send(port, "/hooks/nobody/nothing", b"", {})
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(output.read_text())


def send(port: int, path: str, body: bytes, headers: dict[str, str]) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def in_chunks(port: int, path: str, *chunks: bytes, head: str = "") -> str:
    """The status line of the answer to a chunked post, chunk heads and all as given."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n{head}"
                           "Connection: close\r\n\r\n".encode())
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except OSError:   # it answered before it had read everything
            pass
        with connection.makefile("rb") as answer:
            return answer.readline().decode()


def test_ten_at_once_are_one_event_and_one_effect(server, endpoint: Callable[..., Endpoint], drain):
    made, body = endpoint(), json.dumps(event("payment_succeeded")).encode()
    headers = signed("stripe", body, STRIPE_SECRET)

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: send(server, made.path, body, headers), range(10)))
    drain()

    assert statuses == [200] * 10
    assert [each.outcome for each in events()] == ["created"]
    assert sorted(receipt.verdict for receipt in receipts()) == ["duplicate"] * 9 + ["ok"]
    assert [(each.status, each.version) for each in payments()] == [("paid", 1)]


@pytest.mark.alike
def test_a_hundred_different_ones_at_once_are_all_kept(server, endpoint: Callable[..., Endpoint]):
    made = endpoint()

    def one(number: int) -> int:
        body = json.dumps(event("payment_succeeded", id=f"evt_{number}")).encode()
        return send(server, made.path, body, signed("stripe", body, STRIPE_SECRET))

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(one, range(100)))

    assert statuses == [200] * 100
    assert {each.dedupe_key for each in events()} == {f"evt_{number}" for number in range(100)}


@pytest.mark.alike
def test_a_chunked_body_is_read_whole(server, endpoint: Callable[..., Endpoint]):
    body = json.dumps(event("payment_succeeded")).encode()
    signature = signed("stripe", body, STRIPE_SECRET)["Stripe-Signature"]
    chunks = [f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:100], body[100:])]

    answer = in_chunks(server, endpoint().path, *chunks, b"0\r\n\r\n", head=f"Stripe-Signature: {signature}\r\n")

    assert " 200 " in answer
    assert len(events()) == 1


def test_a_chunked_body_over_the_limit_is_refused_not_cut(server, endpoint: Callable[..., Endpoint], settings):
    piece = b"x" * 65_536
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"

    answer = in_chunks(server, endpoint().path, *[chunk] * (settings.max_body_bytes // len(piece) + 2), b"0\r\n\r\n")

    assert " 413 " in answer


@pytest.mark.parametrize("chunks", [(b"zz\r\nabc\r\n",), (b"5\r\nab\r\n0\r\n\r\n",), (b"-1\r\nab\r\n",)])
def test_a_malformed_chunk_is_a_bad_request(server, endpoint: Callable[..., Endpoint], chunks):
    assert " 400 " in in_chunks(server, endpoint().path, *chunks)
    assert events() == []


def test_a_sender_that_hangs_up_leaves_nothing(server, endpoint: Callable[..., Endpoint]):
    with socket.create_connection(("127.0.0.1", server), timeout=60) as connection:
        connection.sendall(f"POST {endpoint().path} HTTP/1.1\r\nHost: 127.0.0.1:{server}\r\nContent-Length: 1000\r\n\r\nabc".encode())

    body = json.dumps(event("payment_succeeded")).encode()
    assert send(server, endpoint().path, body, signed("stripe", body, STRIPE_SECRET)) == 200
    assert len(events()) == 1
