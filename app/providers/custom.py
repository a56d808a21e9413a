"""Custom: anything that posts JSON, taught in the browser how it signs, where things stand in it and what they mean to us.

Nothing here knows any service. What is not taught yet is kept as Ignored, and can be retried once it is.
"""
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.integrations.provider import (
    TEST,
    EndpointConfig,
    Incoming,
    Option,
    Provider,
    Receipt,
    Rejected,
    Secret,
    Unreadable,
    fingerprint,
    one_by_one,
    shown,
)
from app.integrations.registry import register
from app.providers import custom_proof, custom_rules
from app.providers.custom_paths import Header, Place, place
from app.providers.custom_proof import ADDRESS, BASIC, HMAC, QUERY, TOKEN, Proof
from app.providers.custom_rules import TRASH, Rule, moment, text_of
from app.records.changes import Change

HOW = ((HMAC, "A signature (HMAC)"), (BASIC, "User and password (HTTP basic)"), (TOKEN, "The secret in a header"),
       (QUERY, "The secret in the address"), (ADDRESS, "Nothing but the address"))
PLACES = ("items", "id", "type", "object", "at")
"""The options that say where something stands."""


@dataclass(frozen=True)
class Setup:
    """What an endpoint was taught."""

    proof: Proof
    places: Mapping[str, Place]
    rules: tuple[Rule, ...]


@register
class Custom(Provider):
    name, label, icon = "custom", "Custom", "sliders"
    looks_like = "What the sender signs with, or sends along; for HTTP basic user:password"
    needs_secret = False                  # the setup says; without one an endpoint that signs lets nobody in
    reject_status = 401
    own_page = "webhooks.endpoints.custom.settings"
    options = (
        Option("proof", "How a post is proven", default=HMAC, choices=HOW),
        Option("algorithm", "Algorithm", default="sha256",
               choices=(("sha256", "SHA-256"), ("sha512", "SHA-512"), ("sha384", "SHA-384"), ("sha1", "SHA-1"))),
        Option("encoding", "Encoding", default="hex", choices=(("hex", "Hex"), ("base64", "Base64"))),
        Option("key", "The secret is", default="text",
               choices=(("text", "The text it is"), ("hex", "Hex"), ("base64", "Base64"))),
        Option("header", "Header", "Where the signature or token stands; for a secret in the address, the name of its parameter.",
               default="X-Signature"),
        Option("part", "Part of the header", "Where it is one of several: v1 in t=…,v1=…."),
        Option("prefix", "What stands before it", "Like sha256= or Bearer."),
        Option("signed", "What is signed", "{body}, {url}, {timestamp}, {header:X-Name} and any text between them.",
               default="{body}"),
        Option("clock", "Where the signed time stands", "header:X-Timestamp, or part:t for a part of the signature's header."),
        Option("items", "Events of a batch", "The list of them; $ if the post is one. Empty: a post is one event."),
        Option("id", "ID of the event", "Empty: the same bytes are the same event."),
        Option("type", "Type of the event", "Like type or header:X-Topic. Empty: all are called event."),
        Option("object", "ID of the record", "Their ID of what it is about: kept as the external ID."),
        Option("at", "Time", "When it happened: text, seconds or milliseconds. Empty: when it came."),
        Option("rules", "Rules", "As JSON; the endpoint's own page writes it.", kind="long", limit=60_000),
    )

    def check_options(self, options: Mapping[str, str]) -> dict[str, str]:
        return _read(options)[1]

    def keeps(self, endpoint: EndpointConfig) -> tuple[str, ...]:
        return tuple(each.name for each in setup(endpoint).places.values() if isinstance(each, Header))

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret | None:
        try:
            proof = setup(endpoint).proof
        except Unreadable as problem:
            raise Rejected(problem.detail) from None
        return custom_proof.verify(proof, receipt, endpoint, now)

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        told, taught = receipt.json(), setup(endpoint)
        if isinstance(told, dict) and TEST in told:
            return [Incoming(None, fingerprint(told), None, receipt.received_at, told, TEST)]
        if "items" not in taught.places:
            return [_event(told, hashlib.sha256(receipt.body).hexdigest(), receipt, taught)]
        items = _at(taught, "items", told, receipt)
        if not isinstance(items, list):
            raise Unreadable(f"The events of a batch must be a list, and that {shown(items)}.")
        return one_by_one(items, lambda item: _event(item, item, receipt, taught), receipt.received_at)

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        rule = custom_rules.chosen(setup(endpoint).rules, incoming.said)
        if rule is None or rule.kind is None or incoming.object_key is None:
            return []
        values = {"trashed_at": incoming.occurred_at} if rule.do == TRASH else custom_rules.values(rule, incoming.payload)
        key = {"external_id": incoming.object_key.partition(":")[2]}
        return [Change(rule.resource, values, key=key, as_of=incoming.occurred_at)]

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        body = json.dumps({TEST: now.isoformat()}).encode()
        secret = endpoint.secrets[0].value if endpoint.secrets else ""
        try:
            return custom_proof.sign(setup(endpoint).proof, body, secret, endpoint, now)
        except ValueError:
            return None                   # the secret is not what the setup says


def setup(endpoint: EndpointConfig) -> Setup:
    """What this endpoint was taught. Raises Unreadable for what no longer can be read: it was checked when it was kept."""
    found, errors = _remembered(tuple(sorted(endpoint.options.items())))
    if errors:
        raise Unreadable(f"The endpoint is not set up right: {next(iter(errors.values()))}")
    return found


@lru_cache(maxsize=100)
def _remembered(options: tuple[tuple[str, str], ...]) -> tuple[Setup, dict[str, str]]:
    return _read(dict(options))


def _read(options: Mapping[str, str]) -> tuple[Setup, dict[str, str]]:
    """What the options say, and what is wrong with them by name."""
    errors: dict[str, str] = {}
    options = {each.name: options.get(each.name) or each.default for each in Custom.options}
    proof = custom_proof.read(options, errors)
    places: dict[str, Place] = {}
    for name in PLACES:
        try:
            found = place(options[name])
        except ValueError as error:
            errors[name] = str(error)
            continue
        if isinstance(found, Header) and name != "type" and (name in ("items", "object") or found.name not in proof.covers):
            errors[name] = "This must stand in the body, or in a header that is signed: whoever replays a post can change others."
        elif found is not None:
            places[name] = found
    rules: tuple[Rule, ...] = ()
    try:
        rules = custom_rules.read(options["rules"])
    except ValueError as error:
        errors["rules"] = str(error)
    if any(rule.kind for rule in rules) and "object" not in places:
        errors.setdefault("object", "Say where the ID of the record stands: the rules need it.")
    return Setup(proof, places, rules), errors


def _at(taught: Setup, name: str, item: Any, receipt: Receipt) -> Any:
    """What stands in this place; None where it is not taught or nothing stands."""
    found = taught.places.get(name)
    if isinstance(found, Header):
        return receipt.header(found.name) or None
    return None if found is None else found.of(item)


def _event(item: Any, bytes_of_it: Any, receipt: Receipt, taught: Setup) -> Incoming:
    """One event. It is known by its id, or by its bytes and, where only a header says it, what kind of thing happened."""
    said = (text_of(_at(taught, "type", item, receipt)) or "no type") if "type" in taught.places else "event"
    rule = custom_rules.chosen(taught.rules, said)
    kind = None if rule is None else rule.kind
    id, about = text_of(_at(taught, "id", item, receipt)), text_of(_at(taught, "object", item, receipt))
    if kind is None:
        return Incoming(None, _key(id, bytes_of_it, ""), None, receipt.received_at, item, said)
    if "id" in taught.places and id is None:
        raise Unreadable("There is no ID of the event where the endpoint's settings say.")
    if about is None:
        raise Unreadable("There is no ID of the record where the endpoint's settings say.")
    by_header = said if isinstance(taught.places.get("type"), Header) else ""
    at = _at(taught, "at", item, receipt)
    happened = moment(at, "The time of the event") if "at" in taught.places else receipt.received_at
    return Incoming(kind, _key(id, bytes_of_it, by_header), f"{kind.partition('.')[0]}:{about}", happened, item, said)


def _key(id: str | None, bytes_of_it: Any, said: str) -> str:
    return id if id is not None else fingerprint(bytes_of_it, said)
