"""One request, one reply: what is sent, what is never called, and what is known when nothing comes back."""
import dataclasses
import gzip
import ipaddress
import socket
import ssl
import time

import pytest

from app.integrations import pinned, transport
from app.integrations.errors import BadResponse, BlockedTarget, ProviderError, RateLimited, TimedOut, UnavailableThere
from app.integrations.guard import is_public, networks, vetted
from app.integrations.transport import Request, send
from tests.integrations.wire import ok, self_signed, wire

pytestmark = pytest.mark.alike
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"


@pytest.fixture
def closed(app):
    """An installation that allows no private network."""
    before = app.extensions["backroom.config"]
    app.extensions["backroom.config"] = dataclasses.replace(before, outbound_allow=())
    yield app
    app.extensions["backroom.config"] = before


def silent(connection, _request):
    connection.recv(1)


def refused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def failing(url, **values):
    with pytest.raises(ProviderError) as caught:
        send(Request("GET", url, **values))
    return caught.value


def test_a_request_and_its_reply(app):
    with wire(ok) as server:
        reply = send(Request("POST", f"{server.url}/v1/things?a=1", {"X-Key": "k"}, b"body"))

    assert (reply.status, reply.body, reply.header("X-REQUEST-ID")) == (200, b"ok", "r1")
    assert server.heard[0].startswith(b"POST /v1/things?a=1 HTTP/1.1\r\n")
    assert b"X-Key: k\r\n" in server.heard[0]
    assert b"User-Agent: Backroom" in server.heard[0]


def test_a_redirect_is_an_answer_and_not_followed(app):
    with wire(lambda c, _: c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as server:
        assert send(Request("GET", server.url, {"X-Api-Key": "k"})).status == 302
    assert len(server.heard) == 1


def test_proxies_and_passwords_of_the_environment_are_not_used(app, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with wire(ok) as server:
        assert send(Request("GET", server.url)).status == 200
    assert b"Authorization" not in server.heard[0]


def test_cookies_do_not_stay(app):
    def play(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with wire(play) as server:
        send(Request("GET", server.url))
        send(Request("GET", server.url))
    assert b"Cookie" not in server.heard[-1]


def test_nobody_listens(app):
    error = failing(f"http://127.0.0.1:{refused_port()}")

    assert isinstance(error, UnavailableThere)
    assert (error.why, error.sent, error.safe_to_repeat) == ("refused", False, True)


def test_a_name_nobody_knows(app):
    error = failing("https://nobody.invalid/")

    assert isinstance(error, UnavailableThere)
    assert (error.why, error.sent) == ("dns", False)
    assert "nobody.invalid is not known (DNS)" in error.detail


def test_a_connection_closed_after_the_request_was_sent(app):
    with wire(lambda connection, _: None) as server:
        error = failing(server.url)

    assert isinstance(error, UnavailableThere)
    assert (error.why, error.sent, error.safe_to_repeat) == ("reset", True, False)


def test_half_a_reply_is_none(app):
    with wire(lambda c, _: c.sendall(HEAD + b"\r\nhalf")) as server:
        error = failing(server.url)

    assert isinstance(error, UnavailableThere)
    assert error.sent


def test_silence_ends_at_the_deadline(app):
    with wire(silent) as server:
        error = failing(server.url, seconds=0.3)

    assert isinstance(error, TimedOut)
    assert error.sent


@pytest.mark.parametrize("head", [HEAD, HEAD + b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body", "body without a length"])
def test_a_reply_that_drips_ends_at_the_deadline(app, head):
    """Every single read is quick: only the whole is not."""
    def play(connection, _request):
        connection.sendall(head)
        while not server.over.wait(0.05):
            connection.sendall(b"X")

    with wire(play) as server:
        begun = time.monotonic()
        error = failing(server.url, seconds=0.5)

    assert isinstance(error, TimedOut)
    assert error.sent
    assert time.monotonic() - begun < 10      # it would have gone on for ever


def test_no_encryption_in_time_was_never_sent(app):
    with wire(silent) as server:
        error = failing(f"https://127.0.0.1:{server.port}", seconds=0.3)

    assert isinstance(error, TimedOut)
    assert not error.sent


def test_a_certificate_nobody_trusts_is_said_so(app, tmp_path):
    """The name goes along in TLS although the address is what is connected to."""
    with wire(ok, self_signed(tmp_path)) as server:
        error = failing(f"https://localhost:{server.port}/")

    assert isinstance(error, UnavailableThere)
    assert (error.why, error.sent) == ("tls", False)
    assert "certificate of localhost" in error.detail
    assert server.names == ["localhost"]
    assert server.heard == []


@pytest.mark.alike
def test_plain_http_where_https_is_expected_is_said_so(app):
    with wire(lambda c, _: c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = failing(f"https://127.0.0.1:{server.port}", seconds=5)

    assert isinstance(error, UnavailableThere | TimedOut)
    assert not error.sent


def test_a_trusted_certificate_is_accepted_under_its_name(app, tmp_path, monkeypatch):
    context = self_signed(tmp_path)
    transport._session.cache_clear()
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "server.pem"))
    with wire(ok, context) as server:
        assert send(Request("GET", f"https://localhost:{server.port}/")).body == b"ok"
        assert "certificate of 127.0.0.1" in failing(f"https://127.0.0.1:{server.port}/").detail
    transport._session.cache_clear()


@pytest.mark.parametrize("packed", [False, True])
def test_a_reply_that_is_too_large_is_not_read_to_its_end(app, packed):
    body = gzip.compress(b"0" * 2_000_000) if packed else b"0" * 2_000_000
    head = f"HTTP/1.1 200 OK\r\n{'Content-Encoding: gzip' if packed else 'X-A: b'}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with wire(lambda c, _: c.sendall(head + body)) as server:
        error = failing(server.url, largest=100_000)

    assert isinstance(error, BadResponse)
    assert "larger than 100,000 bytes" in error.detail


@pytest.mark.parametrize("answer", [b"rubbish\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"])
def test_an_answer_that_is_no_http_is_an_error_of_ours(app, answer):
    with wire(lambda c, _: c.sendall(answer)) as server:
        assert failing(server.url).sent


@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data", "https://0.0.0.0/",
    "https://2130706433/", "https://0x7f.1/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/",
    "https://[fe80::1]/", "https://[fec0::1]/", "https://[fd00::1]/", "https://100.64.0.1/", "http://8.8.8.8/", "https://8.8.8.8:22/",
    "https://user:password@8.8.8.8/", "ftp://8.8.8.8/", "file:///etc/passwd", "https:///", "https://8.8.8.8:x/", "", "//8.8.8.8/"])
def test_what_is_never_called(closed, url):
    error = failing(url, seconds=5)

    assert isinstance(error, BlockedTarget)
    assert not error.sent
    assert error.detail


def test_a_blocked_address_never_hears_of_us(closed):
    with wire(ok) as server:
        failing(server.url)
        failing(f"https://127.0.0.1:{server.port}")
    assert server.heard == []


def test_public_addresses_pass_and_only_they_and_what_is_allowed():
    assert vetted("8.8.8.8", 443, secure=True, allowed=(), seconds=5) == ["8.8.8.8"]
    assert vetted("10.1.2.3", 5000, secure=False, allowed=networks(("10.1.0.0/16",)), seconds=5) == ["10.1.2.3"]
    with pytest.raises(BlockedTarget, match=r"10\.2\.0\.1.*OUTBOUND_ALLOW"):
        vetted("10.2.0.1", 443, secure=True, allowed=networks(("10.1.0.0/16",)), seconds=5)


def test_addresses_that_wrap_others_are_judged_by_what_they_wrap():
    assert is_public(ipaddress.ip_address("::ffff:8.8.8.8"))
    assert not is_public(ipaddress.ip_address("::ffff:10.0.0.1"))
    assert not is_public(ipaddress.ip_address("64:ff9b::a00:1"))


def test_a_header_nobody_can_write_was_never_sent(app):
    with wire(ok) as server, pytest.raises(BlockedTarget, match="credentials") as caught:
        send(Request("POST", server.url, {"Authorization": "Bearer key\u2013with-a-dash"}))
    assert not caught.value.sent
    assert server.heard == []


def test_a_header_cannot_smuggle_another(app):
    with wire(ok) as server, pytest.raises(ProviderError):
        send(Request("GET", server.url, {"X-A": "b\r\nX-Evil: 1"}))
    assert server.heard == []


@pytest.mark.parametrize(("url", "fits"), [
    ("https://api.paypal.com/v1/certs/a", True), ("https://API.paypal.com/v1/certs/a", True), ("https://paypal.com/v1/certs/a", True),
    ("https://api.paypal.com:443/v1/certs/a", True), ("http://api.paypal.com/v1/certs/a", False),
    ("https://api.paypal.com.evil.example/v1/certs/a", False), ("https://evilpaypal.com/v1/certs/a", False),
    ("https://api.paypal.com@evil.example/v1/certs/a", False), ("https://api.paypal.com:8443/v1/certs/a", False),
    ("https://evil.example/v1/certs/api.paypal.com", False), ("https://api.paypal.com/v1/certs/../a", False),
    ("https://api.paypal.com/other", False), ("https://api.paypal.com\\@evil.example/v1/certs/", False), ("", False)])
def test_documents_come_from_the_hosts_of_their_provider(url, fits):
    assert pinned.is_below(url, "*.paypal.com", "/v1/certs/") is fits


def test_a_document_is_fetched_once_and_only_from_there(app, monkeypatch):
    asked = []

    def answer(request):
        asked.append(request.url)
        return transport.Reply(200, {}, b"certificate")

    monkeypatch.setattr(pinned, "send", answer)
    pinned.forget()

    for _ in range(3):
        assert pinned.document("https://api.paypal.com/v1/certs/a", host="*.paypal.com") == b"certificate"
    with pytest.raises(BlockedTarget):
        pinned.document("https://evil.example/v1/certs/a", host="*.paypal.com")
    assert asked == ["https://api.paypal.com/v1/certs/a"]
    with pytest.raises(RateLimited):
        for number in range(pinned.A_MINUTE):
            pinned.document(f"https://api.paypal.com/v1/certs/{number}", host="*.paypal.com")
    pinned.forget()


def test_a_document_can_be_given_by_hand(app):
    pinned.remember("https://api.paypal.com/v1/certs/b", b"given")
    assert pinned.document("https://api.paypal.com/v1/certs/b", host="*.paypal.com") == b"given"
    pinned.forget()


def test_trust_is_not_switched_off_anywhere():
    assert ssl.create_default_context().check_hostname
    assert transport._session(0).trust_env is False
