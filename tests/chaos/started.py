"""What a process of these tests does: a worker pool, a sweeper, both, a drain, or the web server; with the made-up work known to it."""
import os
import signal

from flask import Flask

from app import create_app
from app.jobs import process
from app.jobs.drainer import work_off_all
from app.jobs.keeper import keep
from app.jobs.pool import Pool
from app.jobs.sweep import Sweeper
from app.jobs.worker import places
from app.run import web
from tests.chaos.poison import poison_served
from tests.jobs.trials import parcels_served


def main(environ: dict[str, str], what: str, count: str = "2") -> None:
    """`what` is worker, sweep, drain, web, or all: a sweeper and a pool of `count` workers."""
    os.setsid()
    os.environ.update(environ)
    app = create_app()
    if what == "web":
        settings = app.extensions["backroom.config"]
        web.serve(app, settings, web.listen("127.0.0.1", settings.port))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    if what == "all":
        what = "worker" if os.fork() else "sweep"
    with parcels_served(), poison_served(), app.app_context():
        _do(app, what, int(count))


def _do(app: Flask, what: str, count: int) -> None:
    folder = app.extensions["backroom.config"].instance_dir / "pulses"
    if what == "worker":
        pool = Pool(app, folder)
        filled = places(pool, count, 1)
        for place in filled:
            place.patience = float(os.environ.get("TRIAL_PATIENCE", place.patience))
        keep(pool, filled)
    elif what == "sweep":
        Sweeper(app, folder).run()
    else:
        work_off_all(app)
