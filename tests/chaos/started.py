"""Our processes with the made-up work known to them: `python -m tests.chaos.started worker 2`, `… sweep`, `… drain`.

`all 2` is a sweeper and two workers.
"""
import os
import signal
import sys

from app import create_app
from app.jobs import process
from app.jobs.drainer import work_off_all
from app.jobs.keeper import keep
from app.jobs.pool import Pool
from app.jobs.sweep import Sweeper
from app.jobs.worker import places
from tests.jobs.trials import parcels_served


def main(what: str, count: str = "2") -> None:
    app = create_app()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    if what == "all":
        what = "worker" if os.fork() else "sweep"
    with parcels_served(), app.app_context():
        if what == "worker":
            pool = Pool(app, app.extensions["backroom.config"].instance_dir / "pulses")
            keep(pool, places(pool, int(count), 1))
        elif what == "sweep":
            Sweeper(app, app.extensions["backroom.config"].instance_dir / "pulses").run()
        else:
            work_off_all(app)


if __name__ == "__main__":
    main(*sys.argv[1:])
