"""(headers, hosts, limits come here)"""
from typing import Any

from flask import Flask

from app.config import Config


def flask_settings(config: Config) -> dict[str, Any]:
    """The Flask configuration that follows from ours."""
    return {
        "SECRET_KEY": config.secret_keys[0],
        "SECRET_KEY_FALLBACKS": list(config.secret_keys[1:]),
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "RATELIMIT_STORAGE_URI": "memory://",
    }


def init_app(app: Flask) -> None:
    """Stub."""
