"""A provider of the tests that can be told to do everything the contract allows."""
from datetime import UTC, datetime

from app.integrations.provider import Answer, Incoming, Option, Provider
from app.integrations.signing import basic_auth, first_matching, itself
from app.records.changes import Change


class Odd(Provider):
    """Says what the tests post."""

    name, label = "odd", "Odd"
    needs_secret = False
    success = Answer("[accepted]", 202)
    reject_status, reject_body = 401, ""
    kept_headers = ("x-kind", "authorization")
    options = (Option("shop", "Shop", required=True), Option("mode", "Mode", default="a", choices=(("a", "A"), ("b", "B"))))
    certificate = "https://certs.odd.example/one.pem"

    def greet(self, receipt, endpoint):
        if receipt.query("hub.verify_token"):
            first_matching(endpoint.secrets, itself, receipt.query("hub.verify_token"))
            return Answer(receipt.query("hub.challenge"))
        return None

    def verify(self, receipt, endpoint, now):
        if receipt.header("X-Cert"):
            endpoint.fetch(receipt.header("X-Cert"), host="certs.odd.example")
        return basic_auth(receipt, endpoint) if endpoint.secrets else None

    def parse(self, receipt, endpoint):
        return [Incoming("payments.updated", each["key"], each.get("id", each["key"]), datetime.fromtimestamp(each.get("at", 1), UTC),
                         each, "odd.thing", account=each.get("account", ""), is_strict=each.get("strict", False))
                for each in receipt.json()]

    def changes(self, incoming, endpoint):
        if incoming.payload.get("breaks"):
            raise ZeroDivisionError
        return [Change("payments", {"currency": "EUR", "amount_minor": incoming.payload.get("amount", 100), "status": "paid"},
                       key={"external_id": incoming.object_key}, as_of=incoming.occurred_at)]
