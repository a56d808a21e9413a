"""dj-stripe's webhook endpoint, as its documentation sets it up, in one file: `python server.py` prepares, gunicorn serves `application`.

It acts on an event within the request; here its callback does nothing, so only receiving is measured.
"""
import os
import sys
from pathlib import Path

import django
from django.conf import settings

SECRET = os.environ["BARE_SECRET"]
UUID = "6f1c9a52-1d0e-4a51-9d3c-0b8f5d3f7a11"
HERE = Path(os.environ["INSTANCE_DIR"])


def database() -> dict[str, object]:
    """SQLite as durable as ours, its writers in turn; or the same PostgreSQL."""
    address = os.environ.get("DATABASE_URL", "")
    if address:
        from psycopg.conninfo import conninfo_to_dict
        parts = conninfo_to_dict(address.replace("+psycopg", ""))
        return {"ENGINE": "django.db.backends.postgresql", "NAME": "djstripe", "USER": parts.get("user"), "PASSWORD": parts.get("password", ""),
                "HOST": parts.get("host"), "PORT": parts.get("port", ""), "CONN_MAX_AGE": None}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(HERE / "djstripe.db"), "CONN_MAX_AGE": None,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 15, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"}}


def nothing(*_args: object, **_more: object) -> None:
    """What dj-stripe calls with an event."""


settings.configure(
    SECRET_KEY="benchmark" * 6, ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", USE_TZ=True, DATABASES={"default": database()},
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],      # says how long an answer is, so that connections can be kept
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"], MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "djstripe")),
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    STRIPE_LIVE_MODE=False, STRIPE_TEST_SECRET_KEY="sk_test_" + "0" * 24, DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=nothing, LOGGING_CONFIG=None)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()


def prepare() -> None:
    """Tables, made as the models have them (its migrations take minutes), and the endpoint."""
    from django.core.management import call_command
    from djstripe.models import WebhookEndpoint
    call_command("migrate", run_syncdb=True, verbosity=0)
    WebhookEndpoint.objects.create(id="we_1", djstripe_uuid=UUID, secret=SECRET, url="http://127.0.0.1/", status="enabled", livemode=False,
                                   enabled_events=["*"], api_version="2020-08-27", djstripe_validation_method="verify_signature")


def kept() -> int:
    from djstripe.models import WebhookEventTrigger
    return WebhookEventTrigger.objects.count()


if __name__ == "__main__":
    prepare() if sys.argv[1:] == ["prepare"] else print(kept())  # noqa: T201
