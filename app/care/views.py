"""The page that erases a person: what is kept about them, and what stays."""
from flask import Blueprint, redirect, render_template, url_for
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import ui
from app.access import current_actor, requires
from app.audit import Actor
from app.care import erase
from app.extensions import db
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.records.panels import Panel, Row
from app.records.panels import panel as register_panel
from app.records.resource import Resource
from app.transaction import transaction

bp = Blueprint("privacy", __name__, url_prefix="/privacy")
KIND = "privacy.erase"


@bp.get("/customers/<int:customer_id>")
@requires("privacy.manage")
def ask(customer_id: int) -> str:
    """How much there is, before anything is done; how far it is, while it is done."""
    found = erase.preview(db.session(), customer_id)
    latest = db.session.scalar(select(Job).where(Job.kind == KIND, Job.key == str(customer_id)).order_by(Job.id.desc()).limit(1))
    return render_template("care/erase.html", nav="customers", found=found, customer_id=customer_id, job=latest)


@bp.post("/customers/<int:customer_id>")
@requires("privacy.manage")
def do(customer_id: int) -> Response:
    """As a job. Pressed twice, it is one."""
    with transaction() as session:
        erase.preview(session, customer_id)
        enqueue(session, KIND, {"customer_id": customer_id}, key=str(customer_id), by=current_actor())
    ui.toast("What is kept about them is being erased.")
    return redirect(url_for(".ask", customer_id=customer_id), 303)


def offer(resource: Resource, row: Row, actor: Actor) -> Panel | None:
    """On the page of the customer, for whoever may."""
    if not actor.may("privacy.manage"):
        return None
    body = render_template("care/panel.html", customer_id=row["id"])
    return Panel("Personal data", Markup(body), aside=True)  # noqa: S704  (escaped there)


register_panel(erase.WHO, offer)
