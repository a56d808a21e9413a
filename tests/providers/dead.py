"""Whether a post that ended dead takes effect by now: what the tests use that "Make a fixture" writes."""
from collections.abc import Mapping

from app.audit import Actor, Door
from app.extensions import db
from app.integrations.provider import EndpointConfig, Receipt, Unreadable
from app.integrations.registry import provider
from app.records.changes import Source, plan
from app.webhooks.process import GRANTS, refusal
from tests.providers.contract import NOW


def why_it_fails(name: str, body: bytes, headers: Mapping[str, str], options: Mapping[str, str] | None = None) -> str:
    """Why an event in this post cannot be read or would be refused by an empty installation; "" if all take effect."""
    by, endpoint = provider(name), EndpointConfig("Test", "acct", options=options or {})
    try:
        incomings = by.parse(Receipt("POST", "", headers, body, None, NOW), endpoint)
        told = [change for each in incomings if each.kind is not None for change in by.changes(each, endpoint)]
    except Unreadable as unreadable:
        return unreadable.detail
    problem = refusal(plan(db.session(), told, Source(Door.EVENT, Actor("provider", "Test", grants=GRANTS), account="acct")), told)
    unread = next((each.unread for each in incomings if each.unread), "")
    return unread or ("" if problem is None else f"{problem.title}: {problem.detail}")
