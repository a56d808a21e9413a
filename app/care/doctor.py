"""What is wrong with this installation, and how to mend it: one small check for each thing everything else rests on."""
import json
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Literal

from redis import Redis, RedisError, ResponseError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app import commands
from app.care.backup import known, revision
from app.config import config
from app.counting import counted
from app.extensions import db
from app.files.storage import open_storage
from app.integrations.models import StoredConnection
from app.integrations.secrets import Sealed, unseal
from app.jobs import queues
from app.settings import StoredSetting
from app.transaction import is_sqlite, now
from app.webhooks.endpoints import without_secret
from app.webhooks.models import StoredSecret

Verdict = Literal["good", "note", "wrong"]
OLDEST_PYTHON = (3, 11)
SCARCE = 500 * 1024 * 1024       # bytes of free disk
MOST = 10_000                    # bytes of an answer that are read
SKEW = timedelta(seconds=2)
REDIS_SETTINGS = (
    ("appendonly", "yes", "What waits in Redis is forgotten when it restarts, and done some seconds later: set appendonly yes."),
    ("timeout", "0", "Redis hangs up on a worker that has nothing to do, which then has to call again: set timeout 0."),
)
STALE = timedelta(minutes=5)     # work that is due and not begun for so long has nobody to do it


@dataclass(frozen=True)
class Finding:
    """What one check found. A note is no fault; what is wrong comes with its cure."""

    check: str
    verdict: Verdict
    said: str
    cure: str = ""


Check = Callable[[], Finding]
_checks: list[tuple[str, Check]] = []


def examine() -> list[Finding]:
    """Run every check, in order, save those that rest on something found wrong. A check that fails itself is a finding."""
    found: list[Finding] = []
    for name, check in _checks:
        if any(each.verdict == "wrong" and name in RESTING_ON.get(each.check, ()) for each in found):
            continue
        try:
            found.append(check())
        except (OSError, SQLAlchemyError, ValueError) as error:
            found.append(Finding(name, "wrong", f"This could not be checked: {_short(error)}.", "Mend what the message names."))
    return found


def check(name: str) -> Callable[[Check], Check]:
    """Add a check to those of `examine`."""
    def add(function: Check) -> Check:
        _checks.append((name, function))
        return function
    return add


@check("python")
def python() -> Finding:
    if tuple(sys.version_info) < OLDEST_PYTHON:
        return Finding("python", "wrong", f"Python {platform.python_version()} is too old.",
                       "Install Python 3.11 or newer, then run: make clean run")
    return Finding("python", "good", f"Python {platform.python_version()}")


@check("disk")
def disk() -> Finding:
    free = shutil.disk_usage(config().instance_dir).free
    said = f"{free / 2**30:.1f} GiB free under {config().instance_dir}"
    if free < SCARCE:
        return Finding("disk", "wrong", said, "Free some space: writes fail when the disk is full.")
    return Finding("disk", "good", said)


@check("database")
def database() -> Finding:
    try:
        with db.engine.connect() as connection:
            connection.execute(select(1))
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
            kind = "SQLite" if is_sqlite(connection) else "PostgreSQL"
    except SQLAlchemyError as error:
        return Finding("database", "wrong", f"The database cannot be reached: {_short(error)}.",
                       "Check that it runs, and that DATABASE_URL names it, its user and password rightly.")
    return Finding("database", "good", f"{kind} {version}")


@check("migrations")
def migrations() -> Finding:
    at, newest = revision(), known().get_current_head()
    if at != newest:
        return Finding("migrations", "wrong", f"The tables are at {at or 'nothing'}, this version needs {newest}.",
                       f"Run: {commands.line('db upgrade')}")
    return Finding("migrations", "good", f"The tables are at {at}")


@check("durability")
def durability() -> Finding:
    """That what is committed survives a power cut."""
    with db.engine.connect() as connection:
        if not is_sqlite(connection):
            told = connection.execute(text("SELECT current_setting('fsync'), current_setting('synchronous_commit')")).one()
            good, said = told == ("on", "on"), f"fsync {told[0]}, synchronous_commit {told[1]}"
            cure = "Set fsync = on and synchronous_commit = on in PostgreSQL: else a power cut loses what was answered 200."
        else:
            mode, level = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous"))
            good, said = (mode, level) == ("wal", 2), f"journal_mode {mode}, synchronous {level}"
            cure = "The file system may not support WAL: put INSTANCE_DIR on a local disk."
    return Finding("durability", "good" if good else "wrong", said, "" if good else cure)


@check("clock")
def clock() -> Finding:
    before = datetime.now(UTC)
    skew = abs(now(db.session()) - before)
    db.session.rollback()
    if skew > SKEW:
        return Finding("clock", "wrong", f"This machine and the database differ by {skew.total_seconds():.0f} seconds.",
                       "Let both keep time by NTP: signatures and leases depend on it.")
    return Finding("clock", "good", f"{before:%Y-%m-%d %H:%M:%S} UTC, as the database says")


@check("key")
def key() -> Finding:
    """That SECRET_KEY opens what was sealed with it."""
    sealed = [*db.session.execute(select(StoredSecret.sealed).where(StoredSecret.sealed != "")).scalars(),
              *db.session.execute(select(StoredConnection.sealed)).scalars(), *_canary()]
    db.session.rollback()
    try:
        for one in sealed:
            unseal(one)
    except Sealed:
        return Finding("key", "wrong", "SECRET_KEY does not open the stored secrets.",
                       "Set the key they were stored with, or add it after a comma: SECRET_KEY=new,old")
    return Finding("key", "good", f"SECRET_KEY opens all {len(sealed)} stored secrets")


def _canary() -> list[str]:
    """What the first start left behind to know its key by."""
    row = db.session.get(StoredSetting, "canary")
    return [] if row is None else [str(row.value["value"])]


@check("storage")
def storage() -> Finding:
    where = config().storage_url.partition("@")[2] or config().storage_url
    try:
        open_storage().check()
    except Exception as error:  # noqa: BLE001 — every storage has errors of its own
        return Finding("storage", "wrong", f"Files cannot be kept in {where}: {_short(error)}.",
                       "Check STORAGE_URL and the rights of this user there.")
    return Finding("storage", "good", f"Files are kept in {where}")


@check("redis")
def redis() -> Finding:
    own = config().redis_url is None
    if own and not config().socket_path.exists():
        return Finding("redis", "note", "The embedded Valkey does not run; it starts with make run.")
    try:
        with Redis.from_url(config().redis, socket_timeout=2, socket_connect_timeout=2) as server:
            server.ping()
            return kept_as_set(_settings(server))
    except (RedisError, OSError) as error:
        return Finding("redis", "wrong", f"Redis does not answer: {_short(error)}. Work is done all the same, only later.",
                       "Start Backroom, which starts its own." if own else "Check that it runs and that REDIS_URL names it.")


def _settings(server: Redis) -> dict[str, str]:
    """What it says of itself; nothing where it may not be asked."""
    try:
        return {str(name): str(value) for name, value in server.config_get("*").items()}
    except ResponseError:
        return {}


def kept_as_set(told: Mapping[str, str]) -> Finding:
    """Whether Redis keeps what it is given, and its connections, by its settings."""
    if not told:
        return Finding("redis", "note", "Redis answers and does not tell its settings: see to it that it has maxmemory-policy "
                       "noeviction, appendonly yes and timeout 0.")
    if (policy := told.get("maxmemory-policy", "")) != "noeviction":
        return Finding("redis", "wrong", f"Redis may throw away what waits in it (maxmemory-policy {policy}).",
                       "Set maxmemory-policy noeviction there.")
    notes = [sentence for name, wanted, sentence in REDIS_SETTINGS if told.get(name, wanted) != wanted]
    if notes:
        return Finding("redis", "note", " ".join(notes))
    return Finding("redis", "good", "Redis answers and keeps what it is given")


@check("work")
def work() -> Finding:
    """That somebody does what is due, and what waits for a person."""
    late = dead = 0
    for model in {queue.model for queue in queues.registered()}:
        due = (model.status == "waiting", model.run_at < now(db.session()) - STALE)
        late += db.session.execute(select(func.count()).select_from(model).where(*due)).scalar_one()
        dead += db.session.execute(select(func.count()).select_from(model).where(model.status == "dead")).scalar_one()
    db.session.rollback()
    if late:
        waiting = counted(late, "event or job is", "events or jobs are")
        return Finding("work", "wrong", f"{waiting} due for more than five minutes and nobody does them.",
                       f"Start a worker: {commands.line('worker')}. Or do it once, here: {commands.line('drain')}")
    if dead:
        dying = counted(dead, "event or job is", "events or jobs are")
        return Finding("work", "note", f"Nothing is late. {dying} dead: look at /webhooks and /jobs.")
    return Finding("work", "good", "Nothing is late, nothing is dead")


@check("endpoints")
def endpoints() -> Finding:
    """That every endpoint can prove what comes."""
    waiting = sorted(without_secret(db.session()))
    db.session.rollback()
    if waiting:
        who = counted(len(waiting), "endpoint has", "endpoints have")
        return Finding("endpoints", "note", f"{who} no secret yet, and every post to it is rejected: paste it at "
                       f"{config().address}/webhooks/endpoints/{waiting[0]}")
    return Finding("endpoints", "good", "Every endpoint that needs a secret has one")


@check("address")
def address() -> Finding:
    """That the port is ours or free."""
    host = "127.0.0.1" if config().host == "0.0.0.0" else config().host  # noqa: S104
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, config().port)) != 0:
            return Finding("address", "note", f"{config().address} is free: nothing runs there now")
    if _installation_at(host, config().port) == config().installation:
        return Finding("address", "good", f"{config().address} answers")
    return Finding("address", "wrong", f"Something that is not this installation answers on port {config().port} of {host}.",
                   "Stop it, or choose another port: PORT. Is it this installation? Then its SECRET_KEY is another than here.")


def _installation_at(host: str, port: int) -> str | None:
    """Who says to be there; None where nobody speaks as we do."""
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        found = json.loads(connection.getresponse().read(MOST))
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return found.get("installation") if isinstance(found, dict) else None


RESTING_ON = {"database": ("migrations", "durability", "clock", "key", "work", "endpoints"),
              "migrations": ("key", "work", "endpoints")}


def _short(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")[:200] or type(error).__name__
