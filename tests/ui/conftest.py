"""A real Chromium on a real socket, signed in, that tells on every request leaving the machine and every blocked line of a page."""
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from app.accounts import sessions
from app.transaction import transaction


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on a free port of this machine; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browse(chromium: Browser, site: str, app: Flask, user: Callable[..., int]) -> Iterator[Callable[..., Page]]:
    """A page of a browser in which somebody is signed in: `browse("operator", width=390)`. What it complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def enter(role: str = "admin", **options: object) -> Page:
        width, height = options.pop("width", 1280), options.pop("height", 900)
        context = chromium.new_context(base_url=site, viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        user_id = user(role)
        with transaction() as session:
            secret = sessions.start(session, user_id)
        with app.test_request_context():
            value = app.session_interface.get_signing_serializer(app).dumps({"_user_id": secret})  # type: ignore[attr-defined]
        context.add_cookies([{"name": app.config["SESSION_COOKIE_NAME"], "value": value, "url": site}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(site) else None)
        return page
    yield enter
    for context in contexts:
        context.close()
    assert complaints == []
