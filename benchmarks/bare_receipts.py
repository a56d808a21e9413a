"""The least a receiver can do and still keep its word: HMAC, one INSERT, commit. What benchmarks/receipts.py measures us against."""
import hashlib
import hmac
import os
import sqlite3
import threading
from typing import Any

SECRET = os.environ.get("BARE_SECRET", "").encode()
DATABASE = os.environ.get("BARE_DATABASE", "")
TABLE = "CREATE TABLE IF NOT EXISTS bare_events (id TEXT PRIMARY KEY, body {bytes} NOT NULL)"
_local = threading.local()


def prepare() -> None:
    """Make the table."""
    connection = _connect()
    with connection:
        connection.execute(TABLE.format(bytes="BYTEA" if DATABASE.startswith("postgresql") else "BLOB"))
    connection.close()


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    clock, _, signature = environ["HTTP_STRIPE_SIGNATURE"].partition(",v1=")
    made = hmac.new(SECRET, clock[2:].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, signature):
        start_response("400 Bad Request", [("Content-Length", "0")])
        return [b""]
    _insert(body)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"kept\n"]


def _insert(body: bytes) -> None:
    connection = getattr(_local, "connection", None) or _connect()
    _local.connection = connection
    key = body[8:40].decode()          # {"id": "…
    mark = "%s" if DATABASE.startswith("postgresql") else "?"
    with connection.transaction() if hasattr(connection, "transaction") else connection:
        connection.execute(f"INSERT INTO bare_events VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING", (key, body))


def _connect() -> Any:
    if DATABASE.startswith("postgresql"):
        import psycopg
        return psycopg.connect(DATABASE, autocommit=True)
    connection = sqlite3.connect(DATABASE, timeout=15, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
