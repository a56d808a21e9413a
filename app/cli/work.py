"""`worker`, `drain`, `sweep`: the processes that do what was queued."""
import json
import signal

import click
from flask import Flask, current_app

from app.config import config
from app.counting import counted
from app.jobs import process
from app.jobs.drainer import left, work_off_all
from app.jobs.keeper import keep
from app.jobs.pool import Pool
from app.jobs.sweep import Sweeper
from app.jobs.sweep import sweep as sweep_once
from app.jobs.worker import places
from app.run import canary, tables


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), help="How many work side by side. Default: WORKERS, else 2.")
@click.option("--heavy", type=click.IntRange(0, 64), help="How many more for imports and exports. Default: half as many.")
def worker(processes: int | None, heavy: int | None) -> None:
    """Do queued work until told to stop. Start it on as many machines as you like.

    SIGTERM or Ctrl-C finishes the work in hand or gives it back. A worker process that dies is replaced.
    """
    tables.require()
    canary.check()
    _stop_when_told()
    count = processes or config().workers
    pool = Pool(_app(), config().instance_dir / "pulses")
    keep(pool, places(pool, count, max(1, count // 2) if heavy is None else heavy))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def drain(as_json: bool) -> None:
    """Work off everything that is due, then exit. Needs no Redis and no other process.

    Exit code 1: something ended dead or is left to be tried again later.
    """
    _stop_when_told()
    before = left()
    work_off_all(_app())
    after = left()
    found = {"worked": after["ended"] - before["ended"], "waiting": after["waiting"], "dead": after["dead"] - before["dead"]}
    sentence = "Worked off {worked}; {waiting} wait for later, {dead} newly dead."
    click.echo(json.dumps(found) if as_json else sentence.format(**found))
    if found["waiting"] or found["dead"]:
        raise SystemExit(1)


@click.command()
@click.option("--once", is_flag=True, help="One round, then exit.")
@click.option("--json", "as_json", is_flag=True, help="With --once: answer in JSON.")
def sweep(once: bool, as_json: bool) -> None:
    """Take back work whose worker stopped, queue scheduled jobs, and wake workers for what is due, every few seconds.

    While Redis is down its children do the work. Any number of sweepers may run.
    """
    if not once:
        _stop_when_told()
        Sweeper(_app(), config().instance_dir / "pulses").run()
        return
    did = sweep_once()
    click.echo(json.dumps(did) if as_json else swept(did))


def swept(did: dict[str, int]) -> str:
    """What a round did, as a person says it."""
    return (f"Took back {counted(did['expired'], 'job or event', 'jobs and events')} whose worker stopped, "
            f"queued {counted(did['fired'], 'scheduled job')}, "
            f"and woke a worker for {counted(did['rung'], 'queue')} with work due.")


def _app() -> Flask:
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


def _stop_when_told() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
