"""What load balancers and monitoring ask: alive? ready? and a few numbers."""
import hmac
import os
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app import cache
from app.access import public
from app.config import config
from app.errors import NotFound, Problem
from app.extensions import db, limiter
from app.files.storage import open_storage
from app.jobs import queues, ring
from app.jobs.models import Worker
from app.jobs.presence import GONE
from app.jobs.queue import Queue
from app.protection import is_loopback
from app.run import canary, tables
from app.transaction import now

bp = Blueprint("health", __name__)
KEPT = 2.0                      # seconds an answer holds, so that probes cost nothing
LOOPBACK = ("127.0.0.1", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
COUNTED = ("waiting", "running", "dead")


@bp.get("/healthz")
@limiter.exempt
@public("A load balancer asks whether this process is alive; it says nothing else")
def alive() -> Response:
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@limiter.exempt
@public("A load balancer asks whether to send people here; the answer names parts, not data")
def ready() -> tuple[Response, int]:
    """200 also without Redis: everything works, only later. 503 without database, tables, storage or the right key."""
    checks: dict[str, bool] = cache.get("readyz", "", KEPT, examine)
    needed = all(good for name, good in checks.items() if name != "redis")
    status = "unavailable" if not needed else "ready" if checks["redis"] else "degraded"
    named = {name: "ok" if good else "failed" for name, good in checks.items()}
    return jsonify(status=status, installation=config().installation, checks=named), 200 if needed else 503


@bp.get("/metrics")
@limiter.exempt
@public("Monitoring asks with METRICS_TOKEN, or from this machine itself")
def metrics() -> Response:
    if not _may_read():
        raise NotFound("Set METRICS_TOKEN and send it as a bearer token, or ask from this machine.")
    registry = CollectorRegistry()
    registry.register(Numbers())
    registry.register(ring.MISSED)
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")


class Numbers:
    """What the queues hold, counted when asked."""

    def collect(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("backroom_rows", "Rows of each queue that wait, run or are dead", labels=("queue", "status"))
        late = GaugeMetricFamily("backroom_oldest_due_seconds", "How long the oldest due row waits", labels=("queue",))
        for queue in queues.registered():
            for status, count in _counts(queue).items():
                rows.add_metric((queue.name, status), count)
            late.add_metric((queue.name,), _oldest(queue))
        yield from (rows, late)
        yield GaugeMetricFamily("backroom_workers", "Workers seen in the last minute", value=_workers())
        yield GaugeMetricFamily("backroom_redis_up", "Whether Redis answers", value=ring.answers())
        db.session.rollback()


def examine() -> dict[str, bool]:
    """Which parts are there. The later ones are not asked when the database is gone."""
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: db.session.execute(select(1)), "tables": tables.check_running, "key": canary.check,
        "storage": lambda: open_storage().check()}
    found = {name: _holds(check) for name, check in checks.items()}
    return found | {"redis": ring.answers()}


def _holds(check: Callable[[], object]) -> bool:
    try:
        check()
    except (SQLAlchemyError, OSError, Problem, ValueError, ImportError):     # s3fs may not be installed
        return False
    finally:
        db.session.rollback()
    return True


def _may_read() -> bool:
    token = os.environ.get("METRICS_TOKEN", "").strip()
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        return hmac.compare_digest(given.encode(), token.encode())
    by_name = is_loopback(request.environ.get("HTTP_HOST") or "")   # no name of somebody else's that leads here
    return by_name and request.remote_addr in LOOPBACK and not any(name in request.headers for name in FORWARDED)


def _counts(queue: Queue) -> dict[str, int]:
    counts = dict.fromkeys(COUNTED, 0)
    for status in COUNTED:
        counts[status] = db.session.execute(select(func.count()).select_from(queue.table).where(queue.rows(status))).scalar_one()
    return counts


def _oldest(queue: Queue) -> float:
    moment = now(db.session())
    oldest = db.session.execute(select(func.min(queue.table.c.run_at)).where(queue.rows("waiting"))).scalar_one()
    return 0.0 if oldest is None else max(0.0, (moment - oldest).total_seconds())


def _workers() -> int:
    since = now(db.session()) - GONE
    return int(db.session.execute(select(func.count()).select_from(Worker).where(Worker.seen_at > since)).scalar_one())
