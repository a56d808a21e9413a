"""Trying out how a custom endpoint would be set up: what a post would be read as and would change. Nothing is written."""
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import Problem
from app.integrations.provider import EndpointConfig, Incoming, OffClock, Provider, Receipt, Rejected
from app.integrations.registry import provider
from app.records.changes import plan
from app.webhooks import live, story
from app.webhooks.live import Live
from app.webhooks.process import as_received, first_receipt, refusal, source
from app.webhooks.story import Preview

MOST = 10              # events of a batch that are shown
Light = tuple[str, str, str]


@dataclass(frozen=True)
class Read:
    """One event, as it would be read, and what it would change."""

    incoming: Incoming
    preview: Preview


@dataclass(frozen=True)
class Trial:
    """`light`: tone, shape and sentence of whether it is proven; `problem`: why nothing can be read."""

    light: Light
    events: list[Read] = field(default_factory=list)
    more: int = 0
    problem: str = ""


def of_event(session: Session, endpoint_id: int, event_id: int, options: Mapping[str, str], actor: Actor) -> Trial:
    """With the post an event of this endpoint came in. It was proven then; its signature is not kept."""
    stored = first_receipt(session, [event_id]).get(event_id)
    if stored is None or stored[0].endpoint_id != endpoint_id:
        return Trial(("mute", "open", "Not tried"), problem="The body of this event is not kept any more. Paste one instead.")
    endpoint = _set_up(session, endpoint_id, options)
    return _read(session, endpoint, as_received(*stored, endpoint), ("ok", "full", "Proven when it came"), actor)


def of_text(session: Session, endpoint_id: int, body: str, headers: str, options: Mapping[str, str], actor: Actor) -> Trial:
    """With what a person pasted: the body, and its headers one a line, if they have them."""
    endpoint = _set_up(session, endpoint_id, options)
    pairs = [line.partition(":") for line in headers.splitlines() if ":" in line]
    receipt = Receipt("POST", endpoint.config.public_url, {name.strip(): value.strip() for name, _, value in pairs},
                      body.encode("utf-8", "surrogatepass"), None, datetime.now(UTC))
    light = _proven(provider(endpoint.provider), receipt, endpoint.config)
    if not pairs and light[0] == "bad":
        light = ("mute", "open", "Not tried: paste the headers as well")
    return _read(session, endpoint, receipt, light, actor)


def _set_up(session: Session, endpoint_id: int, options: Mapping[str, str]) -> Live:
    found = live.by_ids(session.connection(), [endpoint_id])[endpoint_id]
    return replace(found, config=replace(found.config, options=dict(options)))


def _proven(by: Provider, receipt: Receipt, endpoint: EndpointConfig) -> Light:
    """A pasted post is old: its clock is not held against it."""
    try:
        by.verify(receipt, endpoint, receipt.received_at)
    except OffClock as problem:
        return "ok", "half", f"Proven, but too old to be let in now: {problem.detail}"
    except Rejected as problem:
        return "bad", "call", f"Not proven: {problem.detail}"
    return "ok", "full", "Proven"


def _read(session: Session, endpoint: Live, receipt: Receipt, light: Light, actor: Actor) -> Trial:
    by = provider(endpoint.provider)
    try:
        found = by.parse(receipt, endpoint.config)
    except Problem as problem:
        return Trial(light, problem=problem.detail)
    shown = [Read(each, _preview(session, by, endpoint, each, actor)) for each in found[:MOST]]
    return Trial(light, shown, len(found) - len(shown))


def _preview(session: Session, by: Provider, endpoint: Live, incoming: Incoming, actor: Actor) -> Preview:
    """What this event alone would change now."""
    if incoming.unread:
        return Preview([], Problem(incoming.unread))
    try:
        told = by.changes(incoming, endpoint.config) if incoming.kind else []
    except Problem as problem:
        return Preview([], problem)
    outcomes = plan(session, told, source(endpoint))
    return Preview(story.would(session, told, outcomes, actor), refusal(outcomes, told))
