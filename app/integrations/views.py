"""The page of integrations: which providers there are, and what they are connected by."""
from flask import Blueprint, render_template
from sqlalchemy import literal_column, select

from app.access import requires
from app.integrations import call_views, connected, connection_views, effect_views, sync_views
from app.integrations.registry import providers
from app.integrations.sync import Sync
from app.ui import mark

bp = Blueprint("integrations", __name__, url_prefix="/integrations")
for pages in (connection_views, call_views, effect_views, sync_views):
    bp.register_blueprint(pages.bp)


@bp.get("")
@requires("integrations.read")
def index() -> str:
    """Every provider with its endpoints and connections."""
    return render_template("integrations/index.html", nav="integrations",
                           providers=[(each, connected.of(each.name)) for each in providers()])


DIFFER = select(Sync.id).where(Sync.stage == literal_column("'review'"))     # as the index has it
mark("integrations", effect_views.WAITING.union_all(DIFFER), "open")
