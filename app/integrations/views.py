"""The page of integrations: which providers there are, and what they are connected by."""
from flask import Blueprint, render_template

from app.access import requires
from app.integrations import call_views, connected, connection_views, effect_views
from app.integrations.registry import providers

bp = Blueprint("integrations", __name__, url_prefix="/integrations")
for pages in (connection_views, call_views, effect_views):
    bp.register_blueprint(pages.bp)


@bp.get("")
@requires("integrations.read")
def index() -> str:
    """Every provider with its endpoints and connections."""
    return render_template("integrations/index.html", nav="integrations",
                           providers=[(each, connected.of(each.name)) for each in providers()])
