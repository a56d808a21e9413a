"""Pages of actions: what the action asks for, what it will do, and doing it. The same for every declared action."""
from typing import Any

from flask import g, redirect, render_template, request

from app import ui
from app.access import current_actor, requires
from app.errors import Problem
from app.extensions import db
from app.records import actions, query
from app.records.asked import asked_by
from app.records.edit_views import TOO_OLD, shown, shows_again, version_seen, way_back
from app.records.forms import RecordForm
from app.records.registry import named
from app.records.resource import Action, Resource
from app.records.routing import bp
from app.records.values import TYPED
from app.typed import Questions, asks

Row = dict[str, Any]
NOT_HERE = (401, 403, 404)
"""What is told by a page of its own; everything else stands above the form, with what was typed."""


def _asked(resource: str, action: str, **_: object) -> Questions:
    return asked_by(next((one.fields for one in named(resource).actions if one.name == action), ()))


@bp.get("/<resource:resource>/<int:id>/<action:action>")
@requires("{resource}.read")
def ask_action(resource: str, id: int, action: str) -> Any:
    kind, actor = named(resource), current_actor()
    declared = actions.allowed(actor, kind, action)
    row = query.one(db.session(), kind, id, actor)
    actions.check_possible(kind, declared, row)
    return _page(kind, declared, row, RecordForm(kind, declared.fields, None, None))


@bp.post("/<resource:resource>/<int:id>/<action:action>")
@requires("{resource}.read")
@shows_again
@asks(_asked)
def do_action(resource: str, id: int, action: str) -> Any:
    kind, actor = named(resource), current_actor()
    declared = actions.allowed(actor, kind, action)
    form = RecordForm(kind, declared.fields, None, request.form)
    try:
        if not g.get("csrf_valid"):
            raise Problem(TOO_OLD)
        said = actions.run(actor, kind, id, action, form.values(), TYPED, version=version_seen())
    except Problem as problem:
        return _refused(kind, declared, id, form, problem)
    ui.toast(said)
    return redirect(shown(kind, id), 303)


def _refused(resource: Resource, action: Action, id: int, form: RecordForm, problem: Problem) -> Any:
    if problem.status in NOT_HERE:
        raise problem
    form.refuse(problem.errors or {"": problem.detail or problem.title})
    row = query.one(db.session(), resource, id, current_actor())
    return _page(resource, action, row, form), problem.status if g.get("csrf_valid") else 400


def _page(resource: Resource, action: Action, row: Row, form: RecordForm) -> str:
    return render_template("records/action.html", resource=resource, action=action, row=row, form=form,
                           title=resource.text(row), back=way_back(resource))
