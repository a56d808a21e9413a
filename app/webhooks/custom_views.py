"""The pages that teach a custom endpoint: how it is proven, where things stand, its rules; each tried before it is saved."""
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask import redirect as go
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import can, current_actor, requires, shows_again
from app.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.integrations.registry import provider
from app.providers import custom_rules
from app.providers.custom_proof import ADDRESS
from app.records.resource import Resource
from app.typed import asks
from app.ui import toast, zone
from app.webhooks import custom_forms, custom_trial, endpoint_settings, endpoints, forms, live
from app.webhooks.custom_forms import RULES
from app.webhooks.custom_trial import Trial
from app.webhooks.endpoint_settings import OPTION, mark
from app.webhooks.models import Endpoint, Event, StoredSecret

bp = Blueprint("custom", __name__, url_prefix="/<int:endpoint_id>/custom")
Answer = str | tuple[str, int] | Response
Kept = dict[str, Any]
NAME = "custom"
SHOWN = 30          # earlier events to try it on


@bp.route("", methods=["GET", "POST"])
@requires("endpoints.manage")
@shows_again
@asks(custom_forms.questions)
def settings(endpoint_id: int) -> Answer:
    """How it is proven and where things stand, and the list of its rules."""
    endpoint, held = _endpoint(endpoint_id)
    form = custom_forms.setting(held, _events(endpoint_id), mark(endpoint.config))
    if not form.validate_on_submit():
        return _answered(_settings_page(endpoint, held, form), form)
    typed = held | forms.typed(form)
    if _is_trial():
        errors = _wrong(typed)
        _show(form, errors)
        return _settings_page(endpoint, held, form, None if errors else _tried(endpoint_id, form, typed))
    if not _saved(endpoint_id, typed, form):
        return _settings_page(endpoint, held, form), 422
    toast("The setup is saved. It holds within two seconds.")
    return go(url_for(".settings", endpoint_id=endpoint_id), 303)


@bp.route("/rules/new", methods=["GET", "POST"])
@requires("endpoints.manage")
@shows_again
@asks(custom_forms.questions)
def new_rule(endpoint_id: int) -> Answer:
    return _rule(endpoint_id, None, request.args.get("about", ""))


@bp.route("/rules/<int:place>", methods=["GET", "POST"])
@requires("endpoints.manage")
@shows_again
@asks(custom_forms.questions)
def rule(endpoint_id: int, place: int) -> Answer:
    """One rule, by its place in the list from 1."""
    _, held = _endpoint(endpoint_id)
    return _rule(endpoint_id, place, _at(_rules(held), place).get("resource", ""))


@bp.post("/rules/<int:place>/remove")
@requires("endpoints.manage")
def remove_rule(endpoint_id: int, place: int) -> Response:
    """Take one away. `when` is what the person saw there: another one is left alone."""
    endpoint, held = _endpoint(endpoint_id)
    rules, seen = _rules(held), mark(endpoint.config)
    if _at(rules, place).get("when") != request.form.get("when"):
        raise Conflict("Somebody changed the rules meanwhile. Look at them again.")
    del rules[place - 1]
    endpoints.configure(endpoint_id, held | {RULES: custom_rules.dump(rules)}, by=current_actor(), seen=seen)
    toast("The rule is removed. What it said stays as it is.")
    return go(url_for(".settings", endpoint_id=endpoint_id), 303)


def _rule(endpoint_id: int, place: int | None, about: str) -> Answer:
    endpoint, held = _endpoint(endpoint_id)
    resource, rules = _about(about), _rules(held)
    held_rule = _at(rules, place) if place else {"when": request.args.get("when", "")}
    form = custom_forms.ruling(resource, held_rule, _events(endpoint_id), mark(endpoint.config))
    page = {"endpoint": endpoint, "form": form, "resource": resource, "place": place}
    if not form.validate_on_submit():
        return _answered(_rule_page(page), form)
    if form.seen.data != mark(endpoint.config):      # the rule at this place may be another one by now
        form.form_errors.append(endpoints.MEANWHILE)
        return _rule_page(page), 422
    told, errors = custom_forms.ruled(form, resource), dict[str, str]()
    custom_rules.rule(told, errors)
    kept = [each for number, each in enumerate(rules, 1) if number != place]
    if not errors and any(each.get("when") == told["when"] for each in kept):
        errors["when"] = "Another rule is about the same type. Change that one."
    typed = held | {RULES: custom_rules.dump([*kept, told])}
    _show(form, errors)
    if _is_trial():
        errors = errors or _wrong(typed)
        _show(form, errors)
        return _rule_page(page, None if errors else _tried(endpoint_id, form, typed))
    if errors or not _saved(endpoint_id, typed, form):
        return _rule_page(page), 422
    toast(f"The rule for {told['when']} is saved. Events that came before can be retried.")
    return go(url_for(".settings", endpoint_id=endpoint_id), 303)


def _endpoint(endpoint_id: int) -> tuple[Endpoint, dict[str, str]]:
    """The endpoint, and what it is set to as a form types it."""
    found = db.session.get(Endpoint, endpoint_id) if endpoint_id < 2**63 else None
    if found is None or found.provider != NAME:
        raise NotFound(f"There is no custom endpoint {endpoint_id}.")
    return found, endpoint_settings.typed(provider(NAME), found.config)


def _rules(held: Mapping[str, str]) -> list[Kept]:
    return custom_rules.load(held[RULES])


def _at(rules: list[Kept], place: int) -> Kept:
    if not 0 < place <= len(rules):
        raise NotFound("There is no such rule. It may have been removed.")
    return rules[place - 1]


def _about(name: str) -> Resource | None:
    if not name:
        return None
    found = next((each for each in custom_rules.targets() if each.name == name), None)
    if found is None:
        raise NotFound("There is no such record type.")
    return found


def _events(endpoint_id: int) -> list[tuple[str, str]]:
    """(id, label) of the newest whose bodies may be looked at."""
    if not can(current_actor(), "webhooks.sensitive"):
        return []
    session: Session = db.session()
    rows = session.execute(select(Event.id, Event.said, Event.received_at).where(Event.endpoint_id == endpoint_id)
                           .order_by(Event.id.desc()).limit(SHOWN))
    return [(str(row.id), f"{row.id} · {row.said} · {row.received_at.astimezone(zone()):%d %b %H:%M}") for row in rows]


def _is_trial() -> bool:
    return request.form.get("press") == "try"


def _wrong(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a setup, by the name of its field."""
    try:
        endpoint_settings.read(provider(NAME), typed)
    except Invalid as problem:
        return dict(problem.errors)
    return {}


def _tried(endpoint_id: int, form: FlaskForm, typed: Mapping[str, str]) -> Trial | None:
    """What the post chosen would come to; None where none is chosen, which is said at its field."""
    session: Session = db.session()
    options = endpoint_settings.options(provider(NAME), endpoint_settings.read(provider(NAME), typed))
    chosen, body = str(form.event_id.data or ""), str(form.body.data or "")
    if chosen in dict(_events(endpoint_id)):
        return custom_trial.of_event(session, endpoint_id, int(chosen), options, current_actor())
    if body.strip():
        return custom_trial.of_text(session, endpoint_id, body, str(form.headers.data or ""), options, current_actor())
    form.body.errors = ["Choose an earlier event, or paste the body of one."]
    return None


def _saved(endpoint_id: int, typed: Mapping[str, str], form: FlaskForm) -> bool:
    try:
        endpoints.configure(endpoint_id, typed, by=current_actor(), seen=form.seen.data)
    except Conflict as problem:
        form.form_errors.append(problem.detail)
        return False
    except Invalid as problem:
        _show(form, problem.errors)
        return False
    return True


def _show(form: FlaskForm, errors: Mapping[str, str]) -> None:
    for name, sentence in errors.items():
        if name in form:
            form[name].errors = [sentence]
        else:
            form.form_errors.append(f"{name.removeprefix(OPTION).capitalize()}: {sentence}")


def _answered(page: str, form: FlaskForm) -> Answer:
    return (page, 422) if form.is_submitted() else page


def _lacks_secret(endpoint: Endpoint, held: Mapping[str, str]) -> bool:
    """Whether nobody can get in, because there is nothing to prove a post by."""
    live_ones = select(StoredSecret.id).where(StoredSecret.endpoint_id == endpoint.id, StoredSecret.state.in_(live.LIVE)).limit(1)
    return held[f"{OPTION}proof"] != ADDRESS and db.session.scalar(live_ones) is None


def _settings_page(endpoint: Endpoint, held: Mapping[str, str], form: FlaskForm, trial: Trial | None = None) -> str:
    return render_template("webhooks/custom.html", nav="webhooks", endpoint=endpoint, form=form, trial=trial, rules=_rules(held),
                           lacks_secret=_lacks_secret(endpoint, held),
                           deeds=custom_rules.DEEDS, targets=custom_rules.targets(), proof=custom_forms.PROOF,
                           signature=custom_forms.SIGNATURE, reading=custom_forms.READING, option=OPTION)


def _rule_page(page: Mapping[str, Any], trial: Trial | None = None) -> str:
    resource = page["resource"]
    mapped = [] if resource is None else custom_rules.mappable(resource)
    return render_template("webhooks/custom_rule.html", nav="webhooks", trial=trial, mapped=mapped, **page)
