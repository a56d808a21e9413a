"""Backroom: create_app() is the only place that knows every room."""
from importlib import import_module
from pkgutil import iter_modules

from flask import Flask

from app import access, accounts, addresses, cli, commerce, forgery, protection, providers, ui
from app.accounts import sessions
from app.accounts import views as accounts_views
from app.care import views as care_views
from app.config import ROOT, Config
from app.dashboard import views as dashboard_views
from app.exports import api_views as exports_api
from app.exports import views as exports_views
from app.extensions import csrf, db, limiter, login, migrate
from app.fakes import views as fakes_views
from app.imports import api_views as imports_api
from app.imports import views as imports_views
from app.integrations import views as integrations_views
from app.jobs import views as jobs_views
from app.records import api as records_api
from app.records import routing
from app.records import views as records_views
from app.run import health
from app.trail import views as trail_views
from app.transaction import prepare
from app.webhooks import door, receive_views
from app.webhooks import views as webhooks_views

PAGES = (dashboard_views, accounts_views, trail_views, jobs_views, imports_views, imports_api, exports_views,
         exports_api, integrations_views, fakes_views, webhooks_views, receive_views, care_views, records_api, records_views,
         health)
FOUND_BY_BEING_THERE = (commerce, providers)

__all__ = ["access", "accounts", "create_app"]


def create_app(config: Config | None = None) -> Flask:
    """The application, ready to serve. Raises Misconfigured with one sentence when the environment is wrong."""
    settings = config or cli.settings()
    app = Flask("app", root_path=str(ROOT / "app"), instance_path=str(settings.instance_dir),
                template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.extensions["backroom.config"] = settings
    app.config.update(protection.flask_settings(settings))
    _find()
    _bind_extensions(app)
    door.init_app(app)
    protection.init_app(app)
    sessions.init_app(app)
    forgery.init_app(app)
    limiter.init_app(app)          # once it is known who asks
    ui.init_app(app)
    addresses.init_app(app)
    routing.init_app(app)
    for pages in PAGES:
        app.register_blueprint(pages.bp)
    cli.init_app(app)
    return app


def _find() -> None:
    """Import what registers itself: every record type, every provider, the jobs of every room, the pages about records."""
    for package in FOUND_BY_BEING_THERE:
        for module in iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    for pattern in ("*/jobs.py", "records/*_views.py"):
        for path in sorted((ROOT / "app").glob(pattern)):
            import_module(f"app.{path.parent.name}.{path.stem}")


def _bind_extensions(app: Flask) -> None:
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    login.init_app(app)
    csrf.init_app(app)
