"""What holds for every request and every answer: number, host, size, headers, cookies."""
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from app.config import Config
from app.protection import is_own_host
from tests.client import Client, form_token
from tests.served import served

NUMBER = re.compile(r"[0-9a-f]{4}(-[0-9a-f]{4}){3}")
SHOP = "backroom.example.com"


@pytest.fixture(scope="module")
def other(settings: Config, made: Flask) -> Iterator[Flask]:
    """An application of its own with those pages, served as on a laptop."""
    yield from served(create_app(replace(settings, max_body_bytes=100_000, max_upload_bytes=300_000)))


@pytest.fixture(scope="module")
def shop(settings: Config, made: Flask) -> Iterator[Flask]:
    """The same as on a server behind one proxy, with https."""
    yield from served(create_app(replace(settings, public_url=f"https://{SHOP}", allowed_hosts=(SHOP,), proxy_hops=1)))


@pytest.fixture
def browser(other: Flask, app: Flask) -> Client:
    return other.test_client()  # type: ignore[return-value]


class Visitor(Client):
    """A browser on the other side of the proxy."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        headers = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https", **kwargs.pop("headers", {})}
        return super().open(*args, base_url=f"http://{SHOP}", headers=headers, **kwargs)


@pytest.fixture
def visitor(shop: Flask, app: Flask) -> Visitor:
    return Visitor(shop, shop.response_class)


# The request's number

def test_every_answer_carries_a_number_of_its_own(browser):
    numbers = {browser.get(path).headers["X-Request-Id"] for path in ("/login", "/login", "/nothing", "/api/v1/nothing", "/static/app.css")}
    assert len(numbers) == 5
    assert all(NUMBER.fullmatch(number) for number in numbers)


def test_a_number_sent_along_is_not_taken(browser):
    answer = browser.get("/nothing", headers={"X-Request-Id": "mine<script>"})
    assert NUMBER.fullmatch(answer.headers["X-Request-Id"])
    assert "mine" not in answer.text


# The host

@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "localhost:1", "LOCALHOST", "[::1]", "[::1]:8000"])
def test_on_a_laptop_this_machine_is_served_by_any_of_its_names(browser, host):
    assert browser.get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", [
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:8000", "127.0.0.2", "a@localhost", "localhost/x",
    "localhost:port", "localhost:123456", "", "[::2]", "0.0.0.0", "10.0.0.5", "backroom.example.com"])
def test_any_other_host_is_refused(browser, host):
    answer = browser.get("/login", headers={"Host": host})
    assert answer.status_code == 400
    assert "Wrong address" in answer.text


def test_without_https_not_even_an_allowed_host_is_served(settings):
    asked = replace(settings, allowed_hosts=(SHOP,))
    assert not is_own_host(SHOP, asked)
    assert is_own_host(SHOP, replace(asked, public_url=f"https://{SHOP}"))


def test_a_leading_dot_allows_all_names_below_and_no_lookalike(settings):
    found = replace(settings, public_url=f"https://{SHOP}", allowed_hosts=(".example.com",))
    assert is_own_host("a.example.com:443", found)
    assert is_own_host("a.b.example.com", found)
    assert not is_own_host("evilexample.com", found)
    assert not is_own_host("a.example.com.evil", found)


def test_probes_by_address_are_answered(browser):
    assert browser.get("/healthz", headers={"Host": "10.0.0.5:8000"}).status_code == 200


def test_behind_a_proxy_its_word_counts_and_the_word_of_whoever_comes_before_it_does_not(visitor):
    answer = visitor.get("/tests/who", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.9", "X-Forwarded-Proto": "https",
                                                "X-Forwarded-Host": "evil.example"})
    assert answer.text == f"192.0.2.9 https {SHOP}"


def test_without_a_proxy_nobody_is_believed_about_their_address(browser):
    answer = browser.get("/tests/who", headers={"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})
    assert answer.text == "127.0.0.1 http localhost"


# Parameters

@pytest.mark.parametrize("path", ["/api/v1/orders?number=%ff", "/login?next=%ff", "/orders?q=%c3", "/healthz?%fe=1", "/nothing?a=1&b=%80x"])
def test_parameters_that_are_not_utf_8_are_refused_with_a_sentence(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 400
    assert "is not UTF-8" in answer.text


@pytest.mark.parametrize("path", ["/login?next=/orders%3Fq%3D%C3%A9", "/login?a=é", "/login?a=%", "/login?a=%zz"])
def test_other_parameters_are_read(browser, path):
    assert browser.get(path).status_code == 200


# Headers and cookies

@pytest.mark.parametrize("path", ["/login", "/nothing", "/api/v1/nothing", "/static/app.css", "/settings", "/tests/fault", "/healthz"])
def test_strict_headers_stand_on_every_answer(browser, path):
    headers = browser.get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_with_https_browsers_are_told_to_stay_with_it(visitor):
    assert visitor.get("/login").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_pages_are_kept_by_no_cache_but_static_files_with_a_version_are(sign_in):
    client = sign_in("viewer")
    assert client.get("/settings").headers["Cache-Control"] == "no-store"
    assert client.get("/login").headers["Cache-Control"] == "no-store"
    assert client.get("/static/app.css?v=abc").headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in client.get("/static/nothing.css?v=abc").headers.get("Cache-Control", "")


def test_the_cookie_on_a_laptop_is_plain_but_closed_to_scripts_and_other_sites(browser):
    cookie = browser.get("/login").headers["Set-Cookie"]
    assert cookie.startswith("backroom=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_the_cookie_with_https_is_bound_to_the_host(visitor):
    cookie = visitor.get("/login").headers["Set-Cookie"]
    assert cookie.startswith("__Host-backroom=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_static_files_and_the_api_set_no_cookie(sign_in, token):
    client = sign_in("viewer")
    assert "Set-Cookie" not in client.get("/static/app.css").headers
    assert "Set-Cookie" not in client.get("/api/v1/nothing", headers={"Authorization": f"Bearer {token('viewer')}"}).headers


# Sizes

def test_a_body_over_the_limit_is_refused_and_said_so(browser):
    token = form_token(browser.get("/login"))
    answer = browser.post("/tests/form", data={"csrf_token": token, "a": "x" * 100_001})
    assert answer.status_code == 413
    assert "This is too large" in answer.text


def test_a_form_of_too_many_parts_is_refused(browser):
    values = {"csrf_token": form_token(browser.get("/login")), **{f"f{n}": "x" for n in range(1_001)}}
    answer = browser.post("/tests/form", data=values, content_type="multipart/form-data")
    assert answer.status_code == 413


def test_only_a_page_that_takes_files_may_be_sent_as_much_as_an_upload(browser):
    token = form_token(browser.get("/login"))

    def sent(path: str, size: int) -> int:
        return int(browser.post(path, data={"csrf_token": token, "f": (BytesIO(b"x" * size), "a.csv")}).status_code)

    assert sent("/tests/upload", 300_000) == 200
    assert sent("/tests/upload", 400_000) == 413
    assert sent("/tests/form", 150_000) == 413
