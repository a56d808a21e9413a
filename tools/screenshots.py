"""Pictures of every page: `make screenshots ARGS=/tmp/pictures`. Desktop and phone, day and night, of a small demo.

Starts from the first page and follows links until it has seen one of every kind of page (for record pages: of every resource).
Nothing is kept but the pictures; they belong in a folder outside the repository.
"""
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app, demo  # noqa: E402
from app.accounts import sessions  # noqa: E402
from app.accounts.models import User  # noqa: E402
from app.config import ROOT, load  # noqa: E402
from app.extensions import db  # noqa: E402
from app.transaction import transaction  # noqa: E402

ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
VIEWS = {"desktop-light": (1440, 900, "light"), "desktop-dark": (1440, 900, "dark"),
         "phone-light": (390, 844, "light"), "phone-dark": (390, 844, "dark")}
ORDERS = 300


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing: pictures are all that is wanted."""


def main() -> int:
    if len(sys.argv) != 2 or (folder := Path(sys.argv[1]).resolve()).is_relative_to(ROOT):
        print("Say into which folder outside the repository: make screenshots ARGS=/tmp/pictures")  # noqa: T201
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as instance:
        app = create_app(load({"INSTANCE_DIR": instance, "DEMO": "0", "LOG_LEVEL": "ERROR"}))
        with app.app_context():
            secret = fill()
        with served(app) as address, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
            pages = explore(app, signed_in(browser, app, address, secret))
            for name, (width, height, scheme) in VIEWS.items():
                page = signed_in(browser, app, address, secret, width=width, height=height, scheme=scheme)
                for title, path in pages.items():
                    picture(page, path, folder / f"{title}-{name}.png")
                page.context.clear_cookies()
                picture(page, "/login", folder / f"sign-in-{name}.png")
            browser.close()
    print(f"{len(pages) + 1} pages, {(len(pages) + 1) * len(VIEWS)} pictures in {folder}")  # noqa: T201
    return 0


def picture(page: Page, path: str, file: Path) -> None:
    page.goto(path)
    page.screenshot(path=file, full_page=True)


def fill() -> str:
    """Tables, the demo, and somebody signed in; the secret of that session."""
    upgrade()
    demo.load(orders=ORDERS, seed=1)
    user_id = db.session.query(User.id).filter_by(role="admin").order_by(User.id).limit(1).scalar()
    with transaction() as session:
        if user_id is None:
            user_id = made(session)
        return sessions.start(session, user_id)


def made(session: Session) -> int:
    user = User(email="admin@example.com", name="Mara Lindqvist", role="admin", created_at=datetime.now(UTC))
    session.add(user)
    session.flush()
    return user.id


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def signed_in(browser: Browser, app: Flask, address: str, secret: str, *, width: int = 1440, height: int = 900,
              scheme: str = "light") -> Page:
    context = browser.new_context(base_url=address, viewport={"width": width, "height": height}, color_scheme=scheme,  # type: ignore[arg-type]
                                  has_touch=width < 700)
    with app.test_request_context():
        value = app.session_interface.get_signing_serializer(app).dumps({"_user_id": secret})  # type: ignore[attr-defined]
    context.add_cookies([{"name": app.config["SESSION_COOKIE_NAME"], "value": value, "url": address}])
    return context.new_page()


def explore(app: Flask, page: Page) -> dict[str, str]:
    """One address for every kind of page that can be reached by links, by the name of its picture."""
    found: dict[str, str] = {"not-found": "/nothing-here"}
    waiting = ["/"]
    while waiting:
        path = waiting.pop(0)
        name = kind(app, path)
        if name is None or name in found:
            continue
        found[name] = path
        page.goto(path)
        links = page.eval_on_selector_all("a[href]:not([download])", "all => all.map(one => one.getAttribute('href'))")
        waiting += [link for link in links if link.startswith("/")]
    return found


def kind(app: Flask, path: str) -> str | None:
    """What page this is: "orders-show"; None for what is no page, like a file to download."""
    try:
        endpoint, values = app.url_map.bind("localhost").match(path.split("?")[0].split("#")[0])
    except HTTPException:
        return None
    if not isinstance(endpoint, str) or re.search(r"static|file|body|refused|template|download|openapi|metrics", endpoint):
        return None
    room, _, view = endpoint.partition(".")
    return "-".join(filter(None, (values.get("resource") or room, view)))


if __name__ == "__main__":
    sys.exit(main())
