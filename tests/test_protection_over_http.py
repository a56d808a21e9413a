"""The same over real sockets: what a browser sends and keeps, and what a client that is none sends."""
import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from app.accounts import passwords

pytestmark = pytest.mark.alike
PASSWORD = "correct horse battery staple"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@pytest.fixture(scope="module")
def address(made: Flask) -> Iterator[str]:
    """The application on a socket of this machine."""
    server = make_server("127.0.0.1", 0, made, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(30)
    server.server_close()


@pytest.fixture
def browser(app: Flask, address: str, user: Callable[..., int]) -> Iterator[requests.Session]:
    """A client that keeps cookies, and somebody who may sign in."""
    user("operator", email="ada@example.com", password_hash=passwords.keep(PASSWORD))
    with requests.Session() as session:
        yield session


def sign_in(browser: requests.Session, address: str, **values: str) -> requests.Response:
    page = browser.get(f"{address}/login", timeout=30)
    return browser.post(f"{address}/login", timeout=30, allow_redirects=False, data={
        "csrf_token": token(page.text), "email": "ada@example.com", "password": PASSWORD, **values})


def token(page: str) -> str:
    found = TOKEN.search(page)
    assert found, page
    return found[1]


def raw(address: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send these very bytes; status, headers, body."""
    host, _, port = address.removeprefix("http://").partition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=30)) as connection:
        connection.connect()
        connection.sock.sendall(request)
        answer = http.client.HTTPResponse(connection.sock)
        answer.begin()
        return answer.status, dict(answer.getheaders()), answer.read()


def test_a_browser_signs_in_stays_in_and_signs_out(browser, address):
    answer = sign_in(browser, address)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert [cookie.name for cookie in browser.cookies] == ["backroom"]
    page = browser.get(f"{address}/settings", timeout=30)
    assert page.status_code == 200
    answer = browser.post(f"{address}/logout", data={"csrf_token": token(page.text)}, timeout=30, allow_redirects=False)
    assert answer.headers["Location"] == "/login"
    assert browser.get(f"{address}/settings", timeout=30, allow_redirects=False).status_code == 303


def test_the_cookie_is_kept_past_the_browser_only_for_whoever_stays(browser, address):
    sign_in(browser, address)
    assert [cookie.expires for cookie in browser.cookies] == [None]
    browser.cookies.clear()
    sign_in(browser, address, stay="y")
    [kept] = browser.cookies
    assert kept.expires is not None
    assert kept.has_nonstandard_attr("HttpOnly")
    assert kept.get_nonstandard_attr("SameSite") == "Lax"


def test_a_page_asked_for_by_another_name_of_this_machine_is_refused(browser, address):
    for host in ("evil.example", "127.0.0.1.nip.io", "backroom.example.com"):
        answer = browser.get(f"{address}/login", headers={"Host": host}, timeout=30)
        assert answer.status_code == 400
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("request_line", [
    b"GET /login HTTP/1.1\r\n\r\n",
    b"GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /login HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1\r\n\r\n",
    b"GET /login HTTP/1.0\r\nHost: evil.example\r\n\r\n",
    b"GET //evil.example/%2f.. HTTP/1.1\r\nHost: evil.example\r\n\r\n",
])
def test_no_way_of_naming_another_host_is_served(app, address, request_line):
    status, headers, body = raw(address, request_line)
    assert status in (200, 400)
    assert not re.search(rb'="(https?:)?//', body), "no address of a page leads away"
    assert "evil.example" not in "".join(headers.values())
    assert status == 400 or b"Host" not in request_line, "only without any name is the server's own taken"


@pytest.mark.parametrize("cookie", ["backroom=", "backroom=x", "backroom=" + "A" * 6_000, "backroom=a; backroom=b", "=;;==", "\xff\xfe",
                                    "backroom=.eJwNzDs.x.y", "session=1; remember_token=1|abc"])
def test_no_cookie_crashes_a_page_or_lets_anybody_in(app, address, cookie):
    request = b"GET /settings HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nCookie: " + cookie.encode("latin-1") + b"\r\n\r\n"
    status, headers, _ = raw(address, request)
    assert status == 303
    assert headers["Location"].startswith("/login")


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(app, address):
    request = (b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
               b"Content-Length: 999999999\r\nConnection: close\r\n\r\n")
    status, _, body = raw(address, request)
    assert status == 413
    assert b"too large" in body


@pytest.mark.parametrize("length", [b"-1", b"x", b"1e9", b"99999999999999999999999999"])
def test_a_length_that_is_none_crashes_nothing(app, address, length):
    request = (b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
               b"Connection: close\r\nContent-Length: " + length + b"\r\n\r\n")
    assert raw(address, request)[0] < 500


def test_another_sites_form_does_nothing_even_in_the_browser_of_somebody_signed_in(browser, address):
    sign_in(browser, address)
    page = browser.get(f"{address}/settings", timeout=30)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post(f"{address}/settings", timeout=30, headers=headers, allow_redirects=False,
                              data={"csrf_token": token(page.text), "name": "Planted", "time_zone": ""})
        assert answer.status_code == 403
    assert "Planted" not in browser.get(f"{address}/settings", timeout=30).text


def test_the_api_takes_a_token_and_no_cookie(browser, address, token):
    sign_in(browser, address)
    answer = browser.get(f"{address}/api/v1/orders", timeout=30)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Backroom"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    answer = requests.get(f"{address}/api/v1/orders", headers={"Authorization": f"Bearer {token('viewer')}"}, timeout=30)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_every_answer_of_a_walk_through_the_pages_carries_the_strict_headers(browser, address):
    sign_in(browser, address)
    for path in ("/", "/settings", "/settings/sessions", "/settings/tokens", "/trail", "/nothing", "/static/app.css", "/api/v1/orders"):
        answer = browser.get(f"{address}{path}", timeout=30)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe" not in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert re.fullmatch(r"[0-9a-f-]{19}", answer.headers["X-Request-Id"]), path


def test_pages_hold_no_script_or_style_of_their_own(browser, address):
    sign_in(browser, address)
    for path in ("/login", "/", "/settings", "/settings/password", "/settings/sessions", "/settings/tokens", "/trail", "/nothing"):
        page = browser.get(f"{address}{path}", timeout=30).text
        assert " style=" not in page, path
        assert "<style" not in page, path
        assert not re.search(r"\son\w+=", page), path
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", page)), path
