"""What cannot be right: the checks and what they find, as pages and for programs."""
from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify, render_template, request, url_for

from app import ui
from app.access import current_actor, requires
from app.errors import BadRequest
from app.extensions import db
from app.records import bodies, checking, policy
from app.records.api import bp as api
from app.records.check import Check, Cure
from app.records.checking import Finding, Result
from app.records.fields import Field
from app.records.resource import Resource
from app.records.routing import bp

TONES = ("bad", "wait", "mute")
SHOWN = 4


@bp.get("/checks")
@requires("*.read")
def checks() -> str:
    """Every check with what it found, the worst first."""
    found = checking.results(db.session(), current_actor())
    found.sort(key=lambda one: (not one.count.number, TONES.index(one.check.tone)))
    return render_template("records/checks.html", results=found)


@bp.get("/checks/<name>")
@requires("*.read")
def check(name: str) -> Any:
    """The records one check finds, each with the reason and the ways out."""
    actor = current_actor()
    resource, found = checking.find(actor, name)
    try:
        place = checking.place(request.args.get("after"), request.args.get("before"))
        page = checking.page(db.session(), resource, found, actor, place)
    except BadRequest as error:
        return render_template("records/unreadable.html", resource=resource, error=error), 400
    places: dict[str, dict[str, Any]] = {"next": {"after": page.after}, "previous": {"before": page.before}}
    urls = {word: url_for(".check", name=name, **at) for word, at in places.items() if any(at.values())}
    if page.before:
        urls["first"] = url_for(".check", name=name)
    return render_template("records/check.html", resource=resource, check=found, page=page, urls=urls,
                           fields=_fields(resource), cures=lambda finding: _cures(found, finding))


@api.get("/checks")
@requires("*.read")
def every_check() -> Response:
    """Every check with what it found."""
    bodies.only()
    return _enveloped([_told(one) for one in checking.results(db.session(), current_actor())])


@api.get("/checks/<name>")
@requires("*.read")
def one_check(name: str) -> Response:
    """The records one check finds."""
    actor = current_actor()
    bodies.only("after", "before")
    resource, found = checking.find(actor, name)
    page = checking.page(db.session(), resource, found, actor, checking.place(bodies.once("after"), bodies.once("before")))
    return _enveloped([_record(resource, one) for one in page.findings], stopped=page.stopped or None,
                      next=_at(name, after=page.after), previous=_at(name, before=page.before))


def _fields(resource: Resource) -> list[Field]:
    """The first few columns of the list, as far as this person may read them."""
    seen = {field.name: field for field in policy.readable(current_actor(), resource)}
    return [seen[name] for name in resource.listed if name in seen][:SHOWN]


def _cures(check: Check, finding: Finding) -> Sequence[tuple[str, str]]:
    """(word, address) of each way out this person may go."""
    return [(one.word, f"{request.script_root}/{one.to.format(**finding.row)}") for one in check.cures if _may(one)]


def _may(cure: Cure) -> bool:
    return current_actor().may(cure.needs or f"{cure.to.partition('/')[0].partition('?')[0]}.read")


def _told(one: Result) -> dict[str, Any]:
    return {"name": one.check.name, "title": one.check.title, "resource": one.resource.name, "severity": one.check.tone,
            "cure": one.check.cure, "count": one.known, "capped": one.count.capped, "stopped": one.stopped or None}


def _record(resource: Resource, one: Finding) -> dict[str, Any]:
    return {"id": one.row["id"], "key": resource.require(resource.key).written(one.row), "label": resource.text(one.row),
            "reason": one.reason}


def _at(name: str, **place: int | None) -> str | None:
    """The page there, None where there is none."""
    return url_for("api.one_check", name=name, _external=True, **place) if any(place.values()) else None  # type: ignore[arg-type]


def _enveloped(data: list[dict[str, Any]], **more: Any) -> Response:
    response = jsonify({"data": data, "next": None, "previous": None, **more})
    response.vary.add("Authorization")
    return response


ui.shelf(lambda: [ui.Entry("checks", "Checks", "clipboard-check", "records.checks", "*.read")])
