"""Custom: what is taught in the browser proves, reads and maps as it says; whatever is accepted never breaks."""
import hashlib
import hmac
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.integrations.provider import EndpointConfig, Receipt, Rejected, Secret, Unreadable
from app.integrations.registry import provider
from app.providers import custom_paths, custom_rules
from tests.providers.contract import ANYTHING, NOW, Contract, case
from tests.providers.test_vectors import told, vectors

RULES: list[dict[str, Any]] = [
    {"when": "invoice.*", "do": "upsert", "resource": "payments", "fields": {
        "amount": {"at": "data.invoice.total", "unit": "minor"}, "currency": {"at": "data.invoice.currency"},
        "status": {"at": "data.invoice.state", "words": {"captured": "paid", "open": "pending"}},
        "order": {"at": "data.invoice.order.number", "unit": "key"}, "method": {"at": "data.invoice.via"}}},
    {"when": "invoice.voided", "do": "trash", "resource": "payments"},
]
SETUP = {"signed": "{timestamp}.{body}", "header": "X-Signature", "part": "v1", "clock": "part:t", "id": "id", "type": "event",
         "object": "data.invoice.id", "at": "sent_at", "rules": json.dumps(RULES)}


def endpoint(secret: str = "a secret of theirs", **options: str) -> EndpointConfig:
    return EndpointConfig("Test", "acct", (Secret(1, secret),), "https://x.example/hooks", options=options)


def receipt(body: Any, headers: dict[str, str] | None = None) -> Receipt:
    return Receipt("POST", "https://x.example/hooks", headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode(), None, NOW)


def wrong(**options: str) -> dict[str, str]:
    return provider("custom").check_options(options)


class TestCustom(Contract):
    name = "custom"
    secrets = ("a-secret-of-theirs-1", "a-secret-of-theirs-2")
    wrong_secret = None
    has_secrets = True
    options = SETUP

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        clock = f"{at.timestamp():.0f}"
        made = hmac.new(secret.encode(), clock.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"X-Signature": f"t={clock},v1={made}"}

    def test_its_setup_is_accepted(self):
        assert wrong(**SETUP) == {}

    def test_an_event_becomes_what_its_rule_says(self):
        [change] = self.changes("invoice_paid")

        assert (change.resource, change.key, change.as_of) == ("payments", {"external_id": "INV-77"}, datetime(2026, 6, 12, 9, 41, tzinfo=UTC))
        assert change.values == {"amount_minor": 24890, "currency": "EUR", "status": "paid", "order": "10482", "method": "card"}

    def test_the_rule_that_names_it_wholly_goes_before_one_with_a_star(self):
        [change] = self.changes("invoice_voided")

        assert change.values == {"trashed_at": datetime(2026, 6, 12, 9, 45, tzinfo=UTC)}

    def test_what_no_rule_names_is_kept_as_ignored(self):
        [incoming] = self.read("not_taught")

        assert (incoming.kind, incoming.said) == (None, "contact.changed")

    def test_a_word_that_is_not_known_is_not_said(self):
        event = case("custom", "invoice_paid")
        event["data"]["invoice"]["state"] = "odd"
        [incoming] = self.provider.parse(receipt(event), self.endpoint())

        assert "status" not in self.provider.changes(incoming, self.endpoint())[0].values


SHAPES: dict[str, tuple[dict[str, str], str]] = {
    "github": ({"header": "X-Hub-Signature-256", "prefix": "sha256="}, ""),
    "slack": ({"header": "X-Slack-Signature", "prefix": "v0=", "signed": "v0:{timestamp}:{body}", "clock": "header:X-Slack-Request-Timestamp"}, ""),
    "shopify": ({"header": "X-Shopify-Hmac-SHA256", "encoding": "base64"}, ""),
    "square": ({"header": "x-square-hmacsha256-signature", "encoding": "base64", "signed": "{url}{body}"}, ""),
    "paddle": ({"header": "Paddle-Signature", "part": "h1", "signed": "{timestamp}:{body}", "clock": "part:ts"}, ""),
    "basic": ({"proof": "basic"}, ""),
}


@pytest.mark.parametrize("vector", vectors(set(SHAPES) | {"hmac", "api_key"}))
def test_published_vectors_of_others_are_judged_by_a_setup_alone(vector):
    sent, where = told(vector)
    params = vector.get("params", {})
    options = {"hmac": {"header": params.get("header", ""), "encoding": params.get("encoding", ""), "algorithm": params.get("hash", "")},
               "api_key": {"proof": "token", "header": params.get("header", "")}} | {name: each for name, (each, _) in SHAPES.items()}
    setup = options[vector["scheme"]]
    assert wrong(**setup) == {}

    try:
        provider("custom").verify(sent, replace(where, options=setup), sent.received_at)
        valid = True
    except Rejected:
        valid = False

    assert valid == vector["valid"]


def test_a_token_is_looked_for_in_its_header_or_the_address():
    by, body = provider("custom"), b"{}"
    header = endpoint("a-long-token", proof="token", header="Authorization", prefix="Bearer")
    query = endpoint("a-long-token", proof="query", header="token")

    assert by.verify(receipt(body, {"Authorization": "Bearer a-long-token"}), header, NOW) == Secret(1, "a-long-token")
    assert by.verify(replace(receipt(body), url="https://x.example/?token=a-long-token"), query, NOW) is not None
    for bad in (header, query):
        with pytest.raises(Rejected):
            by.verify(receipt(body, {"Authorization": "Bearer another"}), bad, NOW)
    assert by.verify(receipt(body), endpoint(proof="address"), NOW) is None


@pytest.mark.parametrize("setup", [
    {}, {"algorithm": "sha1", "encoding": "base64", "prefix": "x="}, {"signed": "{url}|{body}"}, {"proof": "basic"},
    {"signed": "{timestamp}\\n{body}", "clock": "header:X-Time"}, {"proof": "token", "prefix": "Bearer", "header": "Authorization"},
    {"proof": "query", "header": "token"}, {"part": "v1", "clock": "part:t", "signed": "{timestamp}.{body}"}, {"proof": "address"},
])
def test_a_test_event_is_proven_however_it_signs(setup):
    by, where = provider("custom"), endpoint("user:password-1", **setup)

    sent = by.sample(where, NOW)

    assert sent is not None
    assert by.verify(sent, where, NOW) == (None if setup.get("proof") == "address" else where.secrets[0])


@pytest.mark.parametrize("key", ["hex", "base64"])
def test_a_secret_that_is_not_what_the_setup_says_proves_nothing(key):
    with pytest.raises(Rejected, match="not what its settings say"):
        provider("custom").verify(receipt(b"{}", {"X-Signature": "aa"}), endpoint("not hex, not base64!", key=key), NOW)


@pytest.mark.parametrize(("setup", "header", "sentence"), [
    ({}, "", "The header X-Signature is missing."), ({"prefix": "sha256="}, "aa", "does not hold what begins with sha256="),
    ({"part": "v1"}, "t=1,v0=aa", "has no part v1."), ({}, "aa", "No live secret"),
])
def test_what_the_setup_does_not_find_is_said(setup, header, sentence):
    with pytest.raises(Rejected, match=sentence):
        provider("custom").verify(receipt(b"{}", {"X-Signature": header}), endpoint(**setup), NOW)


def test_an_endpoint_that_signs_and_has_no_secret_lets_nobody_in():
    with pytest.raises(Rejected):
        provider("custom").verify(receipt(b"{}", {"X-Signature": "aa"}), replace(endpoint(), secrets=()), NOW)


@pytest.mark.parametrize(("options", "field"), [
    ({"signed": "{timestamp}"}, "signed"), ({"signed": "{body}{odd}"}, "signed"), ({"signed": "{timestamp}.{body}"}, "clock"),
    ({"clock": "header:X-Time"}, "clock"), ({"clock": "yesterday"}, "clock"), ({"clock": "part:t", "signed": "{timestamp}{body}"}, "part"),
    ({"header": "no header"}, "header"), ({"proof": "query", "header": "a b"}, "header"), ({"id": "a..b"}, "id"), ({"type": "header:"}, "type"),
    ({"id": "header:X-Id"}, "id"), ({"at": "header:X-At"}, "at"), ({"object": "header:X-Id", "signed": "{header:X-Id}{body}"}, "object"),
    ({"rules": "{"}, "rules"), ({"rules": "[1]"}, "rules"), ({"rules": json.dumps(RULES)}, "object"),
    ({"rules": json.dumps([{"when": "a", "do": "upsert", "resource": "nothing"}])}, "rules"), ({"part": "a b"}, "part"),
])
def test_what_is_wrong_is_said_at_its_field(options, field):
    errors = wrong(**options)

    assert field in errors
    assert errors[field].endswith(".")


def test_an_id_in_a_header_counts_where_it_is_signed():
    options = {"signed": "{header:X-Id}.{body}", "id": "header:X-Id", "object": "o", "rules": json.dumps(
        [{"when": "*", "do": "upsert", "resource": "payments", "fields": {"method": {"at": "m"}}}])}
    assert wrong(**options) == {}

    [found] = provider("custom").parse(receipt({"o": 1}, {"X-Id": "e1"}), endpoint(**options))

    assert (found.dedupe_key, found.object_key, found.kind) == ("e1", "payments:1", "payments.changed")


def test_each_item_of_a_batch_is_an_event_and_one_that_cannot_be_read_costs_the_others_nothing():
    options = SETUP | {"items": "$"}
    batch = [case("custom", "invoice_paid"), {"event": "invoice.paid"}, case("custom", "invoice_voided")]

    found = provider("custom").parse(receipt(batch), endpoint(**options))

    assert [(each.kind, bool(each.unread)) for each in found] == [("payments.changed", False), (None, True), ("payments.trashed", False)]
    with pytest.raises(Unreadable, match="must be a list"):
        provider("custom").parse(receipt({}), endpoint(**options))


@pytest.mark.parametrize(("text", "steps"), [
    ("data.id", ("data", "id")), ("$.data.id", ("data", "id")), ("items[0].id", ("items", 0, "id")), ("[2]", (2,)), ("$", ()),
    ('a["x.y"].b', ("a", "x.y", "b")), ("first name", None), ("a b", None), ("=EUR", ()),
])
def test_paths_are_read(text, steps):
    if steps is None:
        assert custom_paths.path(text).steps == (text,)
    else:
        assert custom_paths.path(text).steps == steps


@pytest.mark.parametrize("text", ["", ".", "a.", "a..b", "a[", "a[x]", "a[-1]", "a[9999]", "a]", 'a["', "a" * 201, ".".join("a" * 21), "$$ x["])
def test_what_is_no_path_is_said(text):
    with pytest.raises(ValueError, match=r"\.$"):
        custom_paths.path(text)


@given(st.text(max_size=300), ANYTHING)
def test_whatever_is_read_as_a_path_finds_something_or_nothing(text, payload):
    with suppress(ValueError):
        custom_paths.path(text).of(payload)


@pytest.mark.parametrize(("when", "said", "fits"), [
    ("a", "a", True), ("a", "ab", False), ("a.*", "a.b", True), ("*", "", True), ("*.paid", "invoice.paid", True), ("a*b*c", "axbxc", True),
    ("a*b*c", "acb", False), ("ab*ba", "aba", False), ("*a*b*", "xbxa", False), ("[a]*", "[a]x", True), ("*" * 5, "x" * 99, True),
])
def test_a_star_stands_for_anything(when, said, fits):
    assert custom_rules.Rule(when, "ignore").fits(said) is fits


@pytest.mark.parametrize(("resource", "field", "said", "value"), [
    ("payments", {"amount": {"at": "x"}}, "24.90", {"amount": "24.90"}), ("payments", {"amount": {"at": "x"}}, 24.9, {"amount": "24.9"}),
    ("payments", {"amount": {"at": "x", "unit": "minor"}}, "2490", {"amount_minor": 2490}),
    ("payments", {"currency": {"at": "=eur"}}, None, {"currency": "EUR"}), ("payments", {"method": {"at": "x"}}, "", {}),
    ("payments", {"order": {"at": "x"}}, 7, {"order": {"external_id": "7"}}), ("products", {"is_active": {"at": "x"}}, False, {"is_active": "false"}),
    ("products", {"is_active": {"at": "x", "words": {"live": "yes"}}}, "live", {"is_active": "yes"}),
    ("subscriptions", {"renews_at": {"at": "x"}}, "2026-07-01T00:00:00+05:00", {"renews_at": "2026-07-01"}),
    ("subscriptions", {"renews_at": {"at": "x"}}, 1782864000, {"renews_at": date(2026, 7, 1)}),
    ("orders", {"placed_at": {"at": "x"}}, 1782864000123, {"placed_at": datetime(2026, 7, 1, 0, 0, 0, 123000, tzinfo=UTC)}),
])
def test_values_are_turned_into_ours(resource, field, said, value):
    errors: dict[str, str] = {}
    rule = custom_rules.rule({"when": "*", "do": "upsert", "resource": resource, "fields": field}, errors)

    assert errors == {}
    assert custom_rules.values(rule, {"x": said}) == value


@pytest.mark.parametrize(("field", "said"), [
    ({"amount": {"at": "x"}}, "12,50"), ({"amount": {"at": "x", "unit": "minor"}}, 12.5), ({"method": {"at": "x"}}, {"a": 1}),
])
def test_what_cannot_be_turned_is_named_by_its_path(field, said):
    rule = custom_rules.rule({"when": "*", "do": "upsert", "resource": "payments", "fields": field}, {})

    with pytest.raises(Unreadable, match="x must be"):
        custom_rules.values(rule, {"x": said})


PLACE = st.sampled_from(["", "id", "$", "[0]", "a.b", "header:X-A", "=x", 'a["b"]', "items", "data.invoice.id"]) | st.text(max_size=20)
FIELD = st.fixed_dictionaries({"at": PLACE}, optional={"unit": st.sampled_from(["", "minor", "major", "key", "id"]),
                                                       "words": st.dictionaries(st.text(max_size=5), st.sampled_from(["paid", "x", ""]), max_size=2)})
RULE = st.fixed_dictionaries({"when": st.sampled_from(["*", "event", "a*", "no type", "id"]), "do": st.sampled_from(["upsert", "trash", "ignore"]),
                              "resource": st.sampled_from(["payments", "orders", "subscriptions", "customers", "products", "deliveries"])},
                             optional={"fields": st.dictionaries(st.sampled_from(
                                 ["amount", "total", "currency", "status", "order", "customer", "placed_at", "renews_at", "eta", "weight",
                                  "is_active", "email", "method", "odd"]), FIELD, max_size=4)})
SETUPS = st.fixed_dictionaries({}, optional={
    "proof": st.sampled_from(["hmac", "basic", "token", "query", "address"]), "key": st.sampled_from(["text", "hex", "base64"]),
    "algorithm": st.sampled_from(["sha256", "sha1", "sha512", "sha384"]), "encoding": st.sampled_from(["hex", "base64"]),
    "header": st.sampled_from(["X-A", "X-Signature", "token"]) | st.text(max_size=9), "part": st.sampled_from(["", "v1", "é"]),
    "prefix": st.text(max_size=5), "signed": st.sampled_from(["{body}", "{timestamp}.{body}", "{url}{body}", "{header:X-A}{body}"]) | st.text(max_size=20),
    "clock": st.sampled_from(["", "part:t", "header:X-T"]), "items": PLACE, "id": PLACE, "type": PLACE, "object": PLACE, "at": PLACE,
    "rules": st.lists(RULE, max_size=3).map(json.dumps) | ANYTHING.map(json.dumps) | st.text(max_size=30)})
HEADERS = st.dictionaries(st.sampled_from(["X-A", "X-Signature", "token", "X-T", "Authorization"]),
                          st.text(st.characters(max_codepoint=255), max_size=40) | st.sampled_from(["t=1,v1=a", "v1=ab"]), max_size=4)
BODY = st.binary(max_size=60) | ANYTHING.map(lambda told: json.dumps(told).encode()) | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "a", "items", "data"), ANYTHING)).map(lambda told: json.dumps(told).encode())


@settings(max_examples=150, deadline=None)
@given(SETUPS, HEADERS, BODY, st.sampled_from(["user:password", "zz-not-hex", "abcd", "é"]))
def test_a_setup_that_is_accepted_never_breaks_whatever_comes(options, headers, body, secret):
    if wrong(**options):
        return
    by, where, sent = provider("custom"), endpoint(secret, **options), receipt(body, headers)

    with suppress(Rejected):
        by.verify(sent, where, NOW)
    with suppress(Unreadable):
        for incoming in by.parse(sent, where):
            if incoming.kind:
                by.changes(incoming, where)
    made = by.sample(where, NOW)
    if made is not None:
        by.verify(made, where, NOW + timedelta(seconds=1))
