"""The web server beyond one machine: gunicorn -c deploy/gunicorn.conf.py 'app:create_app()'. HOST, PORT and WEB_WORKERS count."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # this file is read before gunicorn looks there

from app import create_app  # noqa: E402
from app.config import load  # noqa: E402
from app.errors import Misconfigured  # noqa: E402
from app.extensions import db  # noqa: E402
from app.run import canary, tables, web  # noqa: E402

_settings = load()
bind = f"{_settings.host}:{_settings.port}"
workers = _settings.web_workers
worker_class = "gthread"
threads = web.THREADS
backlog = web.BACKLOG
limit_request_line = web.LONGEST_LINE
keepalive = 5
graceful_timeout = 30       # seconds a request in flight has to finish: a deploy ends none
control_socket_disable = True
proc_name = "backroom"
forwarded_allow_ips = ""    # PROXY_HOPS says whom we believe


def on_starting(server: object) -> None:
    """Refuse to start on tables of another version or with another key. The processes that answer know what was seen here."""
    app = create_app(_settings)
    with app.app_context():
        try:
            tables.check()
            canary.check()
        except Misconfigured as problem:
            raise SystemExit(problem.detail) from None
        finally:
            db.session.remove()
            db.engine.dispose()
