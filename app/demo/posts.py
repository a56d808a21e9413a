"""Posts as the providers of the demo sign them. Nothing leaves this machine: they go straight into the receive path."""
import base64
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from app.demo.shop import Values
from app.integrations.provider import Receipt, Rejected
from app.integrations.signing import from_base64, hmac_base64, hmac_hex
from app.webhooks.models import Endpoint
from app.webhooks.receive import receive

Post = Callable[[], object]
UNKNOWN = ("invoice.created", "payout.paid", "invoice.finalized", "balance.available")   # nobody here acts on these


class Stripe:
    """Stripe, with the secret it signs with."""

    @staticmethod
    def new_secret() -> str:
        return f"whsec_{secrets.token_hex(16)}"

    def __init__(self, endpoint: Endpoint, secret: str) -> None:
        self._endpoint, self._secret = endpoint, secret

    def arrived(self, payments: Sequence[Values]) -> Iterator[Post]:
        """The money is there. The same payment again is the same event, sent twice."""
        return (self._about(payment, "payment_intent.succeeded", "succeeded", timedelta(minutes=2)) for payment in payments)

    def late(self, payments: Sequence[Values]) -> Iterator[Post]:
        """Older than what we know: stale."""
        return (self._about(payment, "payment_intent.processing", "processing", timedelta(minutes=-1)) for payment in payments)

    def odd(self) -> Iterator[Post]:
        """Kinds nobody acts on, events about nothing, and a body that broke off."""
        now = datetime.now(UTC)
        for number, kind in enumerate(UNKNOWN * 3):
            told = {"id": f"in_{number}", "object": kind.partition(".")[0]}
            yield self._event(f"evt_demo_odd_{number}", kind, now - timedelta(minutes=number), told)
        for number in range(3):
            yield self._event(f"evt_demo_empty_{number}", "charge.refunded", now, {"object": "charge"})
        yield lambda: self._post(b'{"id": "evt_demo_cut", "type": "charge.ref')

    def forged(self) -> Iterator[Post]:
        """Posts somebody else signed: turned away, and listed as rejected."""
        forger = Stripe(self._endpoint, "whsec_guessed")
        return (forger._event(f"evt_forged_{number}", "charge.refunded", datetime.now(UTC), {}) for number in range(2))

    def _about(self, payment: Values, kind: str, status: str, after: timedelta) -> Post:
        amount = payment["amount_minor"]
        told = {"id": payment["external_id"], "object": "payment_intent", "status": status, "amount": amount,
                "amount_received": amount if status == "succeeded" else 0, "currency": payment["currency"].lower(),
                "payment_method_types": [payment["method"]], "metadata": {"order": payment["order"]}}
        return self._event(f"evt_demo_{status}_{payment['external_id'][3:]}", kind, payment["at"] + after, told)

    def _event(self, id: str, kind: str, at: datetime, told: Values) -> Post:
        body = {"id": id, "object": "event", "type": kind, "created": int(at.timestamp()), "data": {"object": told}}
        return lambda: self._post(json.dumps(body, indent=1).encode())

    def _post(self, body: bytes) -> None:
        clock = str(int(datetime.now(UTC).timestamp()))
        proof = hmac_hex("sha256", clock.encode() + b"." + body)(self._secret)
        _arrive(self._endpoint, body, {"stripe-signature": f"t={clock},v1={proof}"})


class Carrier:
    """A carrier that speaks Standard Webhooks, with the secret it signs with."""

    @staticmethod
    def new_secret() -> str:
        return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    def __init__(self, endpoint: Endpoint, secret: str) -> None:
        self._endpoint, self._secret = endpoint, secret

    def moved(self, parcels: Sequence[Values]) -> Iterator[Post]:
        """Where these parcels are now."""
        return (self._about(parcel) for parcel in parcels)

    def _about(self, parcel: Values) -> Post:
        body = {"type": "deliveries.updated", "timestamp": datetime.now(UTC).isoformat(),
                "data": {"id": parcel["external_id"], "status": parcel["status"], "eta": parcel["eta"].isoformat()}}
        return lambda: self._post(f"msg_demo_{parcel['external_id']}", json.dumps(body).encode())

    def _post(self, id: str, body: bytes) -> None:
        clock = str(int(datetime.now(UTC).timestamp()))
        signed = b".".join((id.encode(), clock.encode(), body))
        proof = hmac_base64("sha256", signed, lambda secret: from_base64(secret.removeprefix("whsec_")))(self._secret)
        _arrive(self._endpoint, body, {"webhook-id": id, "webhook-timestamp": clock, "webhook-signature": f"v1,{proof}"})


def _arrive(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> None:
    headers = {"content-type": "application/json", "user-agent": "Backroom demo", **headers}
    try:
        receive(endpoint.provider, endpoint.token, Receipt("POST", endpoint.path, headers, body, "127.0.0.1", datetime.now(UTC)))
    except Rejected:
        return   # it is in the list of rejected posts now, which is what a forged one is for
