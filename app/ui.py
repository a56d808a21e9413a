"""What every page shares: the navigation, icons, toasts, how times and numbers are written, and how a person likes to look."""
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, current_app, flash, g, redirect, request, url_for
from flask_bootstrap import Bootstrap5
from markupsafe import Markup
from sqlalchemy import CompoundSelect, Select, func, select
from werkzeug.wrappers import Response

from app.access import can, current_actor, public
from app.config import ROOT, config
from app.counting import counted
from app.extensions import db
from app.sizes import size

bp = Blueprint("ui", __name__)
bootstrap = Bootstrap5()

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNITS = ((86_400 * 365, "y"), (86_400 * 30, "mo"), (86_400, "d"), (3_600, "h"), (60, "min"))
CHOICES = {"theme": ("system", "light", "dark"), "rows": ("normal", "dense", "roomy")}
"""What a person may choose about the look, kept in a cookie for a year; the first of each is what holds without one."""
YEAR = 365 * 86_400
MOST = 100              # from here on a mark says "99+"
STATIC = ROOT / "static"
SPRITE = "static/icons.svg"     # made by tools/icons.py
INSIDE = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]*\Z")
SYMBOL = re.compile(r'<symbol[^>]*viewBox="([^"]+)" id="([^"]+)"[^>]*>(.*?)</symbol>', re.S)


@dataclass(frozen=True)
class Mark:
    """What a navigation entry says at its right end. Loud ones wait for a person."""

    text: str
    loud: bool = False
    told: str = ""          # what a screen reader hears after the text, like "need a person"


@dataclass(frozen=True)
class Pulse:
    """How the queues are doing, for the foot of the navigation and the top bar."""

    tone: str
    text: str
    running: int = 0        # jobs at work now


@dataclass(frozen=True)
class Entry:
    """One line of the navigation. It shows when its page exists and the person holds `needs`."""

    key: str
    text: str
    icon: str
    endpoint: str
    needs: str = ""
    values: Mapping[str, Any] | None = None

    @property
    def url(self) -> str:
        return url_for(self.endpoint, **(self.values or {}))

    @property
    def mark(self) -> Mark | None:
        count, word = marks()[self.key] if self.key in _marks else (0, "")
        return Mark(f"{count if count < MOST else f'{MOST - 1}+'} {word}", loud=True, told="need a person") if count else None

    def shows(self) -> bool:
        return self.endpoint in current_app.view_functions and (not self.needs or can(current_actor(), self.needs))


TODAY = (Entry("today", "Today", "inbox", "dashboard.index"),)
IN_AND_OUT = (
    Entry("webhooks", "Webhooks", "broadcast", "webhooks.index", "webhooks.read"),
    Entry("imports", "Imports", "file-earmark-spreadsheet", "imports.index", "*.import"),
    Entry("exports", "Exports", "download", "exports.index", "*.export"),
    Entry("integrations", "Integrations", "plug", "integrations.index", "integrations.read"),
    Entry("jobs", "Jobs", "gear-wide-connected", "jobs.index", "jobs.read"),
)
HOUSE = (
    Entry("trail", "Audit", "clock-history", "trail.index", "trail.read"),
    Entry("settings", "Settings", "sliders", "accounts.settings"),
)

Ids = Select[int] | CompoundSelect[int]
_marks: dict[str, tuple[Ids, str]] = {}
_shelves: list[Callable[[], Iterable[Entry]]] = []
_pulses: list[Callable[[], Pulse]] = []


def mark(key: str, waiting: Ids, word: str) -> None:
    """Let the navigation entry `key` say how many of these ids there are, like "3 dead": what needs a person. Counted on every
    page, no further than 99, so an index must find them."""
    _marks[key] = waiting, word


def shelf(make: Callable[[], Iterable[Entry]]) -> None:
    """Register entries of the section Records."""
    _shelves.append(make)


def pulse(make: Callable[[], Pulse]) -> None:
    """Register how the queues are doing; the last one registered speaks."""
    _pulses.append(make)


def toast(text: str, *, url: str = "", word: str = "Undo", **values: object) -> None:
    """Say what happened on the next page. With `url`, a button `word` beside it posts `values` there."""
    flash({"text": text, "url": url, "word": word, "values": {k: str(v) for k, v in values.items()}})  # type: ignore[arg-type]


def inside(path: str | None, fallback: str) -> str:
    """`path` if it is a page of ours to go (back) to, else `fallback`: never an address of somebody else."""
    return path if path and len(path) <= 2_000 and INSIDE.fullmatch(path) else fallback


@bp.post("/look")
@public("how a page looks is chosen before signing in too, and kept in the browser")
def look() -> Response:
    """Keep a choice of CHOICES in a cookie and go back to the page."""
    answer = redirect(inside(request.form.get("back"), "/"), 303)
    for name, allowed in CHOICES.items():
        if request.form.get(name) in allowed:
            answer.set_cookie(name, request.form[name], max_age=YEAR, secure=config().https, httponly=True, samesite="Lax")
    return answer


def chosen(name: str) -> str:
    """What this person chose for `name` of CHOICES."""
    value = request.cookies.get(name, "")
    return value if value in CHOICES[name] else CHOICES[name][0]


def icon(name: str, classes: str = "") -> Markup:
    """A Bootstrap icon from our sprite, which a browser fetches once; one that is not in it is drawn in the page.

    Raises KeyError when there is none of that name.
    """
    return _from_sprite(name, classes, _sprite_address()) if name in _in_sprite() else _drawn(name, classes)


@lru_cache(maxsize=500)
def _from_sprite(name: str, classes: str, address: str) -> Markup:
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(f"bi {classes}".strip(), address, name)


@lru_cache(maxsize=500)
def _drawn(name: str, classes: str) -> Markup:
    box, drawing = drawings()[name]
    return Markup('<svg class="{}" viewBox="{}" aria-hidden="true">{}</svg>').format(  # noqa: S704
        f"bi {classes}".strip(), box, Markup(drawing))  # noqa: S704


def _sprite_address() -> str:
    if "sprite" not in g:
        g.sprite = asset("icons.svg")
    address: str = g.sprite
    return address


@lru_cache(maxsize=1)
def _in_sprite() -> frozenset[str]:
    return frozenset(re.findall(r'<symbol id="([^"]+)"', (ROOT / SPRITE).read_text()))


@lru_cache(maxsize=1)
def drawings() -> dict[str, tuple[str, str]]:
    """All of Bootstrap's icons: the box each is drawn in and what is drawn."""
    text = files("flask_bootstrap").joinpath("static/bootstrap5/icons/bootstrap-icons.svg").read_text()
    return {name: (box, drawing) for box, name, drawing in SYMBOL.findall(text)}


def asset(filename: str) -> str:
    """The address of a static file of ours; it changes with the content, so browsers may keep it for good."""
    return _address(request.script_root, filename, os.stat(f"{STATIC}/{filename}").st_mtime_ns)


@lru_cache(maxsize=500)
def _address(_root: str, filename: str, _changed: int) -> str:
    """Made once: a page asks for a score of them."""
    return url_for("static", filename=filename, v=hashlib.sha256((STATIC / filename).read_bytes()).hexdigest()[:10])


def zone() -> ZoneInfo:
    """In which time zone the person of this request reads times: their own, else that of the installation."""
    own = g.get("time_zone")
    return ZoneInfo(own) if own else config().zone


def moment(value: datetime | None, short: bool = False) -> str:
    """ "12 Jun 2026, 09:42" in the reader's time zone; `short` leaves out this year. Nothing reads as a dash."""
    if value is None:
        return "—"
    local = value.astimezone(zone())
    return f"{day(local.date(), short)}, {local:%H:%M}"


def day(value: date | None, short: bool = False) -> str:
    """ "12 Jun 2026"; `short` leaves out this year."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(zone()).date()
    this_year = short and value.year == datetime.now(zone()).year
    return f"{value.day} {MONTHS[value.month - 1]}" + ("" if this_year else f" {value.year}")


def ago(value: datetime | None) -> str:
    """ "3 h ago", "in 2 d". Only ever beside an absolute time."""
    if value is None:
        return ""
    seconds = (datetime.now(UTC) - value).total_seconds()
    text = next((f"{int(abs(seconds) // size)} {unit}" for size, unit in UNITS if abs(seconds) >= size), "")
    if not text:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def number(value: int | float | None) -> str:
    """ "10,000"; nothing reads as a dash."""
    return "—" if value is None else f"{value:,}"


def initials(name: str) -> str:
    """ "Mara Lindqvist" and "mara.lindqvist@example.com" are ML."""
    words = [word for word in re.split(r"[\s._+-]+", name.split("@")[0]) if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def within(words: str) -> str:
    """A title as it stands inside a sentence: "Payment ID" is "payment ID", "E-mail" is "e-mail"."""
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words.split(" "))


def breakable(text: object) -> Markup:
    """An e-mail address that may break after its @."""
    return Markup("@<wbr>").join(str(text).split("@"))


def navigation() -> list[tuple[str, list[Entry]]]:
    """The sections of the navigation with the entries this person may open; empty sections are left out."""
    records = [entry for shelf in _shelves for entry in shelf()]
    sections = (("", TODAY), ("Records", records), ("In and out", IN_AND_OUT), ("House", HOUSE))
    shown = [(name, [entry for entry in entries if entry.shows()]) for name, entries in sections]
    return [(name, entries) for name, entries in shown if entries]


def marks() -> dict[str, tuple[int, str]]:
    """(how many, word) by navigation entry. One statement a request, whatever is registered."""
    if "marks" not in g:
        numbers = [select(func.count()).select_from(waiting.limit(MOST).subquery()).scalar_subquery()
                   for waiting, _ in _marks.values()]
        found = db.session.execute(select(*numbers)).one() if numbers else ()
        g.marks = {key: (number, word) for (key, (_, word)), number in zip(_marks.items(), found, strict=True)}
    kept: dict[str, tuple[int, str]] = g.marks
    return kept


def queues() -> Pulse | None:
    """How the queues are doing, asked once a request."""
    if "pulse" not in g:
        g.pulse = _pulses[-1]() if _pulses and current_actor().kind == "staff" else None
    found: Pulse | None = g.pulse
    return found


def init_app(app: Flask) -> None:
    """Give every template its words."""
    bootstrap.init_app(app)
    app.register_blueprint(bp)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(icon=icon, asset=asset, can=lambda permission: can(current_actor(), permission),
                                 current_actor=current_actor, navigation=navigation, queues=queues, chosen=chosen)
    app.jinja_env.filters.update(
        moment=moment, day=day, ago=ago, number=number, counted=counted,
        bytes=size, initials=initials, breakable=breakable, within=within,
        pretty=lambda value: json.dumps(value, indent=2, ensure_ascii=False))
