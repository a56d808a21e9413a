"""Record pages for writing, the same for every resource: make, edit, settle a conflict."""
import re
import secrets
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import g, redirect, render_template, request, url_for

from app import ui
from app.access import current_actor, requires
from app.errors import BadRequest
from app.extensions import db
from app.records import conflict, forms, openings, owners, query, timeline
from app.records import save as saving
from app.records.asked import asked
from app.records.changes import Change, Door, Outcome, Source, plan
from app.records.forms import RecordForm
from app.records.registry import named
from app.records.resource import Resource
from app.records.routing import bp
from app.records.values import TYPED
from app.typed import asks

V = TypeVar("V", bound=Callable[..., Any])
Row = dict[str, Any]
ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
TOO_OLD = "This page was open for too long, so nothing was saved. What you typed is still here: save it again."


def shows_again(view: V) -> V:
    """Mark a view that shows its form again when the form token is too old; it asks `g.csrf_valid` itself."""
    view.shows_again = True  # type: ignore[attr-defined]
    return view


@bp.get("/<resource:resource>/new")
@requires("{resource}.create")
def new(resource: str) -> Any:
    """An empty form; parameters fill it in: /deliveries/new?order=10482."""
    kind = named(resource)
    form = forms.build(kind, current_actor())
    for name, value in request.args.items():
        if name in form and kind.field(name) and kind.require(name).kind not in ("lines", "boolean"):
            form[name].data = value[:200]
    return _new_page(kind, form, secrets.token_urlsafe(18))


@bp.post("/<resource:resource>/new")           # a line more or less: the form stays at its own address
@bp.post("/<resource:resource>")
@requires("{resource}.create")
@shows_again
@asks(asked)
def create(resource: str) -> Any:
    kind, actor, once = named(resource), current_actor(), request.form.get("once", "")
    once = once if ONCE.fullmatch(once) else secrets.token_urlsafe(18)
    form = forms.build(kind, actor, None, request.form)
    if forms.pressed(request.form) or not g.get("csrf_valid"):
        return _again(form, lambda: _new_page(kind, form, once))
    outcome = saving.create(resource, form.values(), by=actor, once=once)
    if outcome.id is None:
        form.refuse(outcome.errors)
        return _new_page(kind, form, once), 422
    row = query.one(db.session(), kind, outcome.id, actor)
    ui.toast(f"{kind.label} {kind.text(row)} is created")
    return redirect(shown(kind, outcome.id), 303)


@bp.get("/<resource:resource>/<int:id>/edit")
@requires("{resource}.edit")
def edit(resource: str, id: int) -> Any:
    kind, actor = named(resource), current_actor()
    row = query.one(db.session(), kind, id, actor)
    if row["trashed_at"] is not None:
        return redirect(url_for("records.show", resource=resource, id=id), 303)
    form = forms.build(kind, actor, row, keeper=keeper(row))
    if (at := request.args.get("at", "")) in form and kind.require(at).kind != "lines":
        form[at].render_kw = {**(form[at].render_kw or {}), "autofocus": True}
    return _edit_page(kind, row, form, row["version"])


@bp.post("/<resource:resource>/<int:id>/edit")
@bp.post("/<resource:resource>/<int:id>")
@requires("{resource}.edit")
@shows_again
@asks(asked)
def save(resource: str, id: int) -> Any:
    kind, actor = named(resource), current_actor()
    row = query.one(db.session(), kind, id, actor)
    form, seen = forms.build(kind, actor, row, _merged(row, kind), keeper(row)), version_seen()
    if forms.pressed(request.form) or not g.get("csrf_valid") or "form" in request.form:
        return _again(form, lambda: _edit_page(kind, row, form, seen))
    if row["trashed_at"] is not None:
        return _restored_page(kind, row, form, seen) if "restore" in request.form else (_edit_page(kind, row, form, seen), 409)
    if "all" in request.form or _open_choices():
        return _conflict_page(kind, row, form, number_of("opened"))
    outcome = saving.update(resource, id, _chosen(form), seen, by=actor, request_id=g.get("request_id"))
    if outcome.kind not in ("updated", "unchanged"):
        return _refused_page(kind, query.one(db.session(), kind, id, actor), form, seen, outcome)
    ui.toast(saved(kind, row, outcome), **way_to_undo(kind, outcome))
    return redirect(way_back(kind) if request.form.get("then") == "list" else shown(kind, id), 303)


def keeper(row: Row) -> str:
    """The live account that keeps the owned fields of this record, "" if nobody does."""
    account = row.get("account") or ""
    return account if owners.is_live(db.session(), account) else ""


def way_back(resource: Resource) -> str:
    """The list this page was opened from, with its filters; the plain list if it was opened from elsewhere."""
    plain = url_for("records.index", resource=resource.name)
    said = request.values.get("back")
    if not said:
        parts = urlsplit(request.referrer or "")
        said = f"{parts.path}?{parts.query}" if parts.netloc == request.host and parts.path == plain and parts.query else ""
    return ui.inside(said, plain)


def way_to_undo(resource: Resource, outcome: Outcome) -> dict[str, Any]:
    """The button of a toast that takes back what was just written, if anything was: it posts the version that left."""
    if outcome.kind != "updated" or not outcome.version or outcome.id is None:
        return {}
    url = url_for("records.revert", resource=resource.name, id=outcome.id)
    return {"url": url, "version": outcome.version, "to": outcome.version - 1}


def shown(resource: Resource, id: int) -> str:
    """The page of a record, on which one can still go back to the list one came from."""
    back, plain = way_back(resource), url_for("records.index", resource=resource.name)
    return url_for("records.show", resource=resource.name, id=id, back=None if back == plain else back)


def _new_page(resource: Resource, form: RecordForm, once: str) -> str:
    return render_template("records/form.html", resource=resource, form=form, row=None, once=once, back=way_back(resource))


def _edit_page(resource: Resource, row: Row, form: RecordForm, seen: int, restored: bool = False) -> str:
    gone = timeline.trashing(db.session(), resource, row) if row["trashed_at"] is not None else None
    return render_template("records/form.html", resource=resource, form=form, row=row, seen=seen, title=resource.text(row),
                           gone=gone, restored=restored,
                           back=way_back(resource), keeper=keeper(row),
                           others=openings.others(db.session(), resource, row["id"], current_actor()))


def _refused_page(resource: Resource, row: Row, form: RecordForm, seen: int, outcome: Outcome) -> tuple[str, int]:
    """The form as it was sent, with what stands against it; both edits where somebody else was faster."""
    if row["trashed_at"] is not None:
        return _edit_page(resource, row, form, seen), 409
    if outcome.kind == "conflict":
        return _conflict_page(resource, row, form, seen)
    form.refuse(outcome.errors)
    return _edit_page(resource, row, form, seen), 422


def _restored_page(resource: Resource, row: Row, form: RecordForm, seen: int) -> tuple[str, int]:
    """The form as it was sent, of the record taken out of the trash. If it was only moved there and back, nothing collides."""
    actor, session = current_actor(), db.session()
    outcome = saving.restore(resource.name, row["id"], by=actor, request_id=g.get("request_id"), version=row["version"])
    row = query.one(session, resource, row["id"], actor)
    if outcome.kind not in ("updated", "unchanged"):
        form.sentences += outcome.errors.values()
        return _edit_page(resource, row, form, seen), 403 if outcome.kind == "forbidden" else 409
    moved = all(one.action in ("trashed", "restored") for one in timeline.since(session, resource, row, seen))
    return _edit_page(resource, row, form, row["version"] if moved else seen, restored=True), 200


def _again(form: RecordForm, page: Callable[[], str]) -> tuple[str, int]:
    """The form as it was sent: a line more or less, or with a word on why it was not saved."""
    if not g.get("csrf_valid"):
        form.sentences.append(TOO_OLD)
        return page(), 400
    forms.turn(form, request.form)
    return page(), 200


def version_seen() -> int:
    """The version the form that was sent had before its eyes. Raises BadRequest."""
    return number_of("version")


def number_of(name: str) -> int:
    """A version that was sent under this name. Raises BadRequest."""
    version = request.form.get(name, "")
    if not version.isdecimal() or not 0 < int(version) < 2**31:
        raise BadRequest("Its form does not say which version it changes. Open the record again.")
    return int(version)


def _merged(row: Row, resource: Resource) -> Any:
    """What was posted; from the conflict page only the fields that are changed, the rest as the record has them."""
    if "mine" not in request.form:
        return request.form
    return forms.completed(resource, row, request.form, set(request.form.getlist("mine")))


def _mine(form: RecordForm) -> dict[str, Any]:
    """The values somebody wants: all of the form, or those the conflict page says are theirs."""
    values = form.values()
    names = request.form.getlist("mine")
    return {name: values[name] for name in names if name in values} if names else values


def _chosen(form: RecordForm) -> dict[str, Any]:
    """Of these, those that were not given up on the conflict page."""
    return {name: value for name, value in _mine(form).items() if request.form.get(f"take-{name}", "mine") == "mine"}


def _open_choices() -> list[str]:
    """The fields the conflict page asked about that nobody chose a side of: nothing is written before that is done."""
    return [name for name in request.form.getlist("choose") if f"take-{name}" not in request.form]


def _conflict_page(resource: Resource, row: Row, form: RecordForm, seen: int) -> tuple[str, int]:
    actor, session = current_actor(), db.session()
    wanted = Change(resource.name, _mine(form), key={"id": row["id"]}, version=seen, only="update")
    source = Source(Door.FORM, actor, reading=TYPED)
    [stale] = plan(session, [wanted], source)                                        # what would differ
    [now] = plan(session, [wanted._replace(version=row["version"])], source)         # what stands against it
    picks = {name.removeprefix("take-"): value for name, value in request.form.items() if name.startswith("take-")}
    if "all" in request.form:
        picks = dict.fromkeys((field.name for field in form.fields), request.form["all"])
    merge = conflict.merge(session, resource, row, stale.diff or now.diff, seen, actor, picks=picks, refused=now.errors)
    return render_template("records/conflict.html", resource=resource, row=row, merge=merge, title=resource.text(row),
                           back=way_back(resource), sent=forms.sent(form, merge.mine),
                           missing=[] if "all" in request.form else _open_choices()), 409


def saved(resource: Resource, row: Row, outcome: Outcome) -> str:
    """What a toast says after a save."""
    name = f"{resource.label} {resource.text(row)}"
    return f"{name} is saved" if outcome.kind == "updated" else f"{name} was saved already: nothing differs"
