"""The page that says what is kept of webhooks, how much that is, and lets an admin say for how long."""
from flask import Blueprint, render_template, url_for
from flask import redirect as go
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField
from wtforms.validators import DataRequired, NumberRange

from app.access import current_actor, requires, shows_again
from app.extensions import db
from app.jobs.enqueue import enqueue
from app.transaction import transaction
from app.typed import asks
from app.ui import toast
from app.webhooks import kept, retention

bp = Blueprint("kept", __name__, url_prefix="/kept")
SETTINGS = {"bodies": retention.BODIES, "receipts": retention.RECEIPTS, "events": retention.EVENTS}


def _days(name: str) -> IntegerField:
    setting = SETTINGS[name]
    bounds = NumberRange(setting.least, setting.most, "It must be from %(min)s to %(max)s.")
    return IntegerField(setting.label, description=setting.help, validators=[DataRequired("Fill this in."), bounds])


class KeptDays(FlaskForm):
    bodies = _days("bodies")
    receipts = _days("receipts")
    events = _days("events")


@bp.route("", methods=["GET", "POST"])
@requires("settings.manage")
@shows_again
@asks(KeptDays)
def index() -> str | tuple[str, int] | Response:
    """How much there is, and how long it stays."""
    form = KeptDays(data={name: setting.get() for name, setting in SETTINGS.items()})
    if form.validate_on_submit():
        with transaction() as session:
            for name, setting in SETTINGS.items():
                if form[name].data != setting.get():
                    setting.set(session, form[name].data, by=current_actor())
        toast("Saved. What is older is dropped in the night.")
        return go(url_for(".index"), 303)
    page = render_template("webhooks/kept.html", nav="webhooks", form=form, kept=kept.kept(db.session()), days=retention.days())
    return (page, 422) if form.is_submitted() else page


@bp.post("/prune")
@requires("settings.manage")
def prune() -> Response:
    """Do it now. Pressed twice, it is done once."""
    with transaction() as session:
        job = enqueue(session, "webhooks.prune", key="now", by=current_actor())
    return go(url_for("jobs.show", job_id=job.id), 303)
