"""What a test reads off a page: its forms as a browser would send them, its links, its words."""
import re
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse

from tests.client import SignedInClient

Pairs = list[tuple[str, str]]
VOID = {"input", "link", "meta", "br", "wbr", "hr", "col", "img"}


class Page(HTMLParser):
    """A parsed page: every tag with its attributes, the text, and the forms by action."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.forms: dict[str, Pairs] = {}
        self._action = self._select = self._textarea = ""
        self.feed(html)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words)).strip()

    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.tags if tag == "a" and "href" in attributes]

    def link(self, part: str) -> str:
        """The one link with `part` in it."""
        return next(link for link in self.links() if part in link)

    def every(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags
                if name == tag and all(attributes.get(key.replace("_", "-")) == value for key, value in wanted.items())]

    def form(self, action: str) -> dict[str, Any]:
        """What pressing the main button of this form would send."""
        found: dict[str, Any] = {}
        for name, value in self.forms[action]:
            if name in found:
                found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
            else:
                found[name] = value
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "form":
            self._action = attributes.get("action", "")
            self.forms.setdefault(self._action, [])
        name = attributes.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea = name
            self._add(name, "")
        elif tag == "option" and self._select and "selected" in attributes:
            self._add(self._select, attributes.get("value", ""))
        elif tag == "input" and "disabled" not in attributes and (
                attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes):
            self._add(name, attributes.get("value", "on"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = ""
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            name, value = self.forms[self._action].pop()
            self._add(name, value + data.removeprefix("\r\n").removeprefix("\n") if not value else value + data)
        else:
            self.words.append(data)

    def _add(self, name: str, value: str) -> None:
        if self._action and name:
            self.forms[self._action].append((name, value))


def get(client: SignedInClient, path: str, status: int = 200) -> Page:
    return read(client.get(path), status)


def post(client: SignedInClient, path: str, data: dict[str, Any], status: int = 303) -> TestResponse:
    """Send a form without the token in a header, as a browser does."""
    answer = client.post(path, data=data)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer


def read(answer: TestResponse, status: int = 200) -> Page:
    assert answer.status_code == status, f"{answer.status_code}: {answer.get_data(as_text=True)[:2000]}"
    return Page(answer.get_data(as_text=True))


def inline(html: str) -> list[str]:
    """Everything a strict policy would block: style and event attributes, scripts and styles in the page, data: addresses."""
    return [*re.findall(r"""<[^>]+\s(?:style|on[a-z]+)\s*=[^>]*>""", html), *re.findall(r"<style[^>]*>", html),
            *re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", html), *re.findall(r"""["'(]data:[^"')]{0,30}""", html),
            *re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']*""", html), *re.findall(r"""href=["']javascript:[^"']*""", html)]
