"""What the trail says of deeds that are no changes of a record."""
from typing import Any

from flask import current_app, url_for

from app.audit import Audit

DEEDS = {
    "accounts.sign_in": "signed in", "accounts.sign_out": "signed out", "accounts.sign_in_refused": "was refused at sign-in",
    "accounts.set_password": "set a first password", "accounts.change_password": "changed the password",
    "users.add": "added a user", "users.make_link": "made a password link", "users.change_role": "changed a role",
    "users.switch_on": "switched an account on", "users.switch_off": "switched an account off",
    "users.set_profile": "changed the profile", "tokens.add": "made an API token", "tokens.revoke": "revoked an API token",
    "settings.change": "changed a setting",
    "webhooks.retry": "retried an event", "webhooks.ignore": "ignored an event",
    "webhooks.retry_many": "retried many events", "webhooks.ignore_many": "ignored many events",
    "webhooks.fetch_and_retry": "retried an event, fetched first",
    "webhooks.download": "downloaded a raw body", "webhooks.fixture": "made a fixture of an event",
    "endpoints.test": "sent a test event", "endpoints.configure": "changed the options of an endpoint",
    "privacy.erase": "erased personal data",
    "endpoints.add": "added an endpoint", "endpoints.add_secret": "added a secret", "endpoints.retire_secret": "retired a secret",
    "endpoints.enable": "switched an endpoint on", "endpoints.disable": "switched an endpoint off",
    "imports.upload": "uploaded a file", "imports.run": "ran an import", "imports.undo": "undid an import",
    "imports.mend": "mended rows of an import", "imports.replace": "replaced in a column of an import",
    "imports.make": "created records an import names", "imports.unmake": "took back records created for an import",
    "imports.keep_mapping": "kept the mapping of an import", "imports.remove_mapping": "removed a kept mapping",
    "imports.stop": "stopped an import", "imports.download": "downloaded an uploaded file",
    "exports.start": "started an export", "exports.download": "downloaded an export", "exports.save": "saved an export",
    "exports.remove": "removed a saved export", "exports.schedule": "scheduled an export",
    "exports.pause": "paused a scheduled export",
    "notes.add": "wrote a note", "notes.remove": "removed a note",
    "views.save": "saved a view", "views.remove": "removed a view",
    "views.make_default": "made a view the default of a role", "views.drop_default": "ended the default view of a role",
    "bulk.start": "previewed a bulk change", "bulk.run": "ran a bulk change", "bulk.undo": "undid a bulk change",
    "bulk.stop": "stopped a bulk change",
    "jobs.retry": "retried a job", "jobs.cancel": "cancelled a job", "jobs.discard": "discarded a job",
    "jobs.retry_many": "retried many jobs", "jobs.cancel_many": "cancelled many jobs", "jobs.discard_many": "discarded many jobs",
    "schedules.run": "started a scheduled job", "schedules.pause": "paused a schedule",
    "schedules.resume": "went on with a schedule",
}
PAGES = {"webhook_events": ("webhooks.show", "event_id"), "webhook_endpoints": ("webhooks.endpoints.show", "endpoint_id"),
         "imports": ("imports.show", "import_id"), "exports": ("exports.show", "export_id"),
         "export_definitions": ("exports.saved", "definition_id"), "jobs": ("jobs.show", "job_id"),
         "bulk_changes": ("records.bulk_show", "bulk_id")}
TABLES = {"webhook_events": "Event", "webhook_endpoints": "Endpoint", "imports": "Import", "exports": "Export",
          "export_definitions": "Saved export", "jobs": "Job", "schedules": "Schedule",
          "users": "User", "tokens": "API token", "settings": "Setting", "bulk_changes": "Bulk change",
          "saved_views": "View"}
ICONS = {"users": "person", "tokens": "key", "settings": "sliders", "webhook_events": "broadcast",
         "webhook_endpoints": "broadcast", "imports": "file-earmark-spreadsheet", "exports": "download",
         "jobs": "gear-wide-connected", "bulk_changes": "collection"}


def deed(one: Audit) -> str:
    """What was done, as a verb; an action nobody put in words reads as it is called."""
    return DEEDS.get(one.action, one.action.replace(".", ": ").replace("_", " "))


def target(one: Audit) -> tuple[str, str | None]:
    """What it was done to, and the page of that if there is one; nothing where the deed is about whoever did it."""
    if one.action.startswith("accounts."):
        return "", None
    name = TABLES.get(one.resource, one.resource.replace("_", " ").capitalize())
    text = name if one.record_id is None else f"{name} {one.record_id}"
    endpoint, argument = PAGES.get(one.resource, ("", ""))
    if one.record_id is None or endpoint not in current_app.view_functions:
        return text, None
    values: dict[str, Any] = {argument: one.record_id}
    return text, url_for(endpoint, **values)


def facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What was noted beside a deed, as (name, value)."""
    return [(name.replace("_", " ").capitalize(), _said(value)) for name, value in found.items()
            if value not in (None, "", [], {})]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value)
    return str(value)
