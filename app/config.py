"""Settings from the environment, checked at start. Unset means: everything embedded, on this machine."""
import hashlib
import hmac
import ipaddress
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.errors import Misconfigured

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
DATABASES = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg",
             "sqlite": "sqlite"}


@dataclass(frozen=True)
class Config:
    """Everything an installation can choose. Times in seconds, sizes in bytes."""

    instance_dir: Path
    database_url: str
    redis_url: str | None         # None: the Valkey that `python app.py` starts
    storage_url: str
    secret_keys: tuple[str, ...]  # the first signs and encrypts, all of them read
    public_url: str | None
    allowed_hosts: tuple[str, ...]
    proxy_hops: int
    host: str
    port: int
    web_workers: int
    workers: int
    time_zone: str
    currency: str
    demo: bool
    log_level: str
    embedded: bool                # the database is the SQLite file in the instance folder
    outbound_allow: tuple[str, ...] = ()    # private networks that connections may lead to, by http too
    mail_url: str | None = None             # None: nobody is mailed
    mail_from: str = "backroom@localhost"
    lease_seconds: float = 60.0
    sweep_seconds: float = 5.0
    busy_seconds: float = 15.0    # how long a writer waits for its turn
    max_upload_bytes: int = 50_000_000
    max_body_bytes: int = 2 * 1024 * 1024

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def https(self) -> bool:
        return bool(self.public_url and self.public_url.startswith("https://"))

    @property
    def installation(self) -> str:
        """What tells this installation from others: the same in all its processes, also while `new,old` rotates the key."""
        return hmac.digest(self.secret_keys[-1].encode(), b"backroom installation", "sha256").hex()[:12]

    @property
    def address(self) -> str:
        """Where people reach us, without a slash at the end."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def socket_path(self) -> Path:
        """The socket of the embedded Valkey. A path of 108 bytes or more is refused by the system: then a short folder."""
        path = self.instance_dir / "valkey" / "valkey.sock"
        if len(str(path).encode()) < 104:
            return path
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"backroom-{os.getuid()}-{digest}" / "valkey.sock"

    @property
    def redis(self) -> str:
        """The address rq and redis-py take."""
        return self.redis_url or f"unix://{self.socket_path}?db=0"

    @property
    def limits_storage(self) -> str:
        """The same address as the `limits` library spells it."""
        return self.redis.replace("unix://", "redis+unix://", 1) if self.redis.startswith("unix://") else self.redis


def config() -> Config:
    """The settings of the running application."""
    found: Config = current_app.extensions["backroom.config"]
    return found


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read and check the environment. Raises Misconfigured with a sentence that says which variable to set, and to what."""
    env = {k: v.strip() for k, v in (os.environ if environ is None else environ).items() if v.strip()}
    instance = _instance(env)
    database = _database(env, instance)
    public = _public(env)
    return Config(
        instance_dir=instance,
        database_url=database,
        redis_url=_redis(env),
        storage_url=_storage(env, instance),
        secret_keys=_keys(env, instance),
        public_url=public,
        allowed_hosts=_hosts(env, public),
        proxy_hops=_number(env, "PROXY_HOPS", 0, 0, 10),
        host=env.get("HOST", "127.0.0.1"),
        port=_number(env, "PORT", 8000, 0, 65535),
        web_workers=_number(env, "WEB_WORKERS", 2, 1, 64),
        workers=_number(env, "WORKERS", 2, 1, 64),
        time_zone=_zone(env),
        currency=_currency(env),
        demo=_flag(env, "DEMO", True),
        log_level=_level(env),
        embedded="DATABASE_URL" not in env,
        outbound_allow=_networks(env),
        mail_url=_mail(env),
        mail_from=env.get("MAIL_FROM", "backroom@localhost"),
        lease_seconds=_seconds(env, "LEASE_SECONDS", 60.0),
        sweep_seconds=_seconds(env, "SWEEP_SECONDS", 5.0),
    )


def _instance(env: Mapping[str, str]) -> Path:
    folder = Path(env.get("INSTANCE_DIR", ROOT / "instance")).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(f"The instance folder {folder} cannot be written ({error.strerror}). "
                            "Set INSTANCE_DIR to a folder this user may write.") from None
    return folder


def _database(env: Mapping[str, str], instance: Path) -> str:
    raw = env.get("DATABASE_URL")
    if raw is None:
        return f"sqlite:///{instance / 'backroom.db'}"
    example = "Set it like postgresql://user:password@host/name, or leave it unset for the embedded database."
    try:
        url = make_url(raw)
    except (ArgumentError, ValueError):
        raise Misconfigured(f"DATABASE_URL is not a database address. {example}") from None
    if url.drivername not in DATABASES:
        raise Misconfigured(f"DATABASE_URL names the database {url.drivername}; Backroom runs on PostgreSQL. {example}")
    return url.set(drivername=DATABASES[url.drivername]).render_as_string(hide_password=False)


def _redis(env: Mapping[str, str]) -> str | None:
    url = env.get("REDIS_URL")
    if url is not None and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise Misconfigured("REDIS_URL must begin with redis://, rediss:// or unix://. Leave it unset for the embedded Valkey.")
    return url


def _storage(env: Mapping[str, str], instance: Path) -> str:
    url = env.get("STORAGE_URL", str(instance / "files"))
    if "://" in url and urlsplit(url).scheme not in ("file", "s3", "memory"):
        raise Misconfigured("STORAGE_URL must be a folder or begin with s3://. "
                            "Leave it unset to keep files in the instance folder.")
    return url


def _mail(env: Mapping[str, str]) -> str | None:
    url = env.get("MAIL_URL")
    if url is not None and (urlsplit(url).scheme not in ("smtp", "smtps") or not urlsplit(url).hostname):
        raise Misconfigured("MAIL_URL must be like smtp://user:password@mail.example.com:587, or smtps://. "
                            "Leave it unset to mail nobody.")
    return url


def _keys(env: Mapping[str, str], instance: Path) -> tuple[str, ...]:
    if "SECRET_KEY" in env:
        keys = tuple(key.strip() for key in env["SECRET_KEY"].split(",") if key.strip())
        if any(len(key) < 16 for key in keys) or not keys:
            raise Misconfigured("SECRET_KEY needs at least 16 characters. Make one with: "
                                "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'")
        return keys
    if "DATABASE_URL" in env:
        raise Misconfigured("SECRET_KEY is missing: with DATABASE_URL it has to be set, the same on every machine. "
                            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'")
    return (_own_key(instance / "secret_key"),)


def _own_key(path: Path) -> str:
    """The key of an embedded installation: made by whichever process comes first, read by the others."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if len(key) < 16:
        raise Misconfigured(f"The key in {path} is damaged. Put the old one back from a backup; "
                            "without it stored secrets cannot be read.")
    return key


def _public(env: Mapping[str, str]) -> str | None:
    url = env.get("PUBLIC_URL")
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise Misconfigured("PUBLIC_URL must be the address people type, like https://backroom.example.com, without a path.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise Misconfigured("PUBLIC_URL must begin with https:// unless the host is this machine: "
                            "passwords would cross the network unencrypted.")
    return url.rstrip("/")


def _hosts(env: Mapping[str, str], public: str | None) -> tuple[str, ...]:
    named = tuple(host.strip() for host in env.get("ALLOWED_HOSTS", "").split(",") if host.strip())
    own = (urlsplit(public).hostname or "",) if public else ()
    return tuple(dict.fromkeys((*named, *own))) or LOOPBACK


def _networks(env: Mapping[str, str]) -> tuple[str, ...]:
    named = tuple(part.strip() for part in env.get("OUTBOUND_ALLOW", "").split(",") if part.strip())
    for each in named:
        try:
            ipaddress.ip_network(each, strict=False)
        except ValueError:
            raise Misconfigured(f"OUTBOUND_ALLOW names {each!r}, which is no network. "
                                "Set it like 10.1.0.0/16, 127.0.0.1.") from None
    return named


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    raw = env.get(name, str(default))
    if not raw.isascii() or not raw.isdecimal() or not least <= int(raw) <= most:
        raise Misconfigured(f"{name} is {raw!r}; it must be a whole number from {least} to {most}.")
    return int(raw)


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(env.get(name, default))
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 3600:
        raise Misconfigured(f"{name} must be a number of seconds from 0.05 to 3600.")
    return value


def _zone(env: Mapping[str, str]) -> str:
    name = env.get("TIME_ZONE", "UTC")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Misconfigured(f"TIME_ZONE is {name!r}, which is no time zone. Set it like Europe/Berlin.") from None
    return name


def _currency(env: Mapping[str, str]) -> str:
    code = env.get("CURRENCY", "EUR").upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise Misconfigured(f"CURRENCY is {code!r}; it must be a three-letter code like EUR.")
    return code


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    raw = env.get(name, "1" if default else "0").lower()
    if raw not in ("0", "1", "true", "false", "yes", "no"):
        raise Misconfigured(f"{name} is {raw!r}; set it to 1 or 0.")
    return raw in ("1", "true", "yes")


def _level(env: Mapping[str, str]) -> str:
    level = env.get("LOG_LEVEL", "INFO").upper()
    if level not in LEVELS:
        raise Misconfigured(f"LOG_LEVEL is {level!r}; it must be one of {', '.join(LEVELS)}.")
    return level
