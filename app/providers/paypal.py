"""PayPal. SHA256withRSA over "id|time|webhook id|CRC-32 of the body", under a certificate it publishes; whole objects, in no
order, sent again for three days.

Docs: "Integrate webhooks", "Webhook event names", Payments v2, Subscriptions v1, Disputes v1. The webhook's ID is part of what is
signed, and stands where others have a secret. The time is that of an attempt or of the event, PayPal does not say which, so no
clock is checked. A payment of ours is a capture, or a sale where it still says so (payments of subscriptions): refunds and
disputes name it. An authorisation is a payment under its own ID until it is captured to the end; then only the capture is left.
"""
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from app.integrations.calling import Connection
from app.integrations.provider import (
    EndpointConfig,
    Incoming,
    Option,
    Provider,
    Receipt,
    Rejected,
    Secret,
    Unreadable,
    dig,
    from_iso,
)
from app.integrations.public_keys import rsa_sha256, vouched
from app.integrations.reading import text
from app.integrations.registry import register
from app.integrations.signing import first_verifying
from app.providers.paypal_client import API, PayPalClient
from app.providers.paypal_words import KINDS, TRANSLATIONS, status_of, tells_sum
from app.records.changes import Change

PUBLISHED = {"host": "*.paypal.com", "path": "/v1/notifications/certs/"}
SIGNER = "messageverificationcerts"
ISSUER = "*.digicert.com"                       # publishes what it signs with; whether to trust that is the roots' matter
ALGORITHM = "SHA256withRSA"
CA_ISSUERS = AuthorityInformationAccessOID.CA_ISSUERS
PAID = re.compile(r"/(?:captures|sale)/([A-Za-z0-9]+)$")
ONE, SEVERAL = "one", "several"


@register
class PayPal(Provider):
    name, label, icon = "paypal", "PayPal", "credit-card"
    api = API
    where = "Developer Dashboard, Apps & Credentials, your app, Webhooks, Add Webhook: Webhook URL"
    looks_like = "The Webhook ID that stands there once it is saved, like 5GP028458E2496506"
    options = (Option("merchants", "Merchants", "Of several merchants each is an account of its own.", default=ONE,
                      choices=((ONE, "One"), (SEVERAL, "Several, who let this app in"))),)
    roots: ClassVar[Sequence[x509.Certificate]] = ()    # who may vouch for its certificate; nobody: whom browsers trust

    def check_secret(self, value: str) -> None:
        if not (value.isascii() and value.isalnum() and value.isupper() and 10 <= len(value) <= 30):
            raise ValueError("Paste the Webhook ID, like 5GP028458E2496506. The client ID and its secret are something else.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        signature, url = receipt.header("PAYPAL-TRANSMISSION-SIG"), receipt.header("PAYPAL-CERT-URL")
        if not signature or not url or not endpoint.secrets:
            raise Rejected("The headers PAYPAL-TRANSMISSION-SIG and PAYPAL-CERT-URL are missing.")
        if receipt.header("PAYPAL-AUTH-ALGO") != ALGORITHM:
            raise Rejected(f"PAYPAL-AUTH-ALGO must be {ALGORITHM}.")
        chain = _with_issuer(endpoint.fetch(url, **PUBLISHED), endpoint)
        certificate = vouched(chain, _signer(url), now, self.roots)

        def check(webhook_id: str, made: str) -> bool:
            return rsa_sha256(signed_text(receipt, webhook_id), made, certificate)
        return first_verifying(endpoint.secrets, check, signature)

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        id, word = text(event, "id"), text(event, "event_type")
        if not id or not word:
            raise Unreadable("An event of PayPal has an id and an event_type; this has not.")
        kind, at = KINDS.get(word), from_iso(event.get("create_time"), "create_time")
        if kind is None:
            return [Incoming(None, id, None, at, event, word)]
        unclear = kind == "refund.made" and not tells_sum(event.get("resource"))
        return [Incoming(kind, id, _about(event, kind), at, event, word, account=_account(event, endpoint), is_thin=unclear,
                         is_shown=unclear)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        return TRANSLATIONS[str(incoming.kind).partition(".")[0]](incoming.payload["resource"], incoming)

    def fetch(self, incoming: Incoming, connection: Connection) -> Incoming | None:
        """The payment a refund gave back, or else the object itself, as of the moment before we asked.

        A payment that is complete knows nothing of a dispute about it: it counts as of its own moment.
        """
        before, thing = datetime.now(UTC), str(incoming.kind).partition(".")[0].replace("refund", "payment")
        kind = thing if thing != "payment" else "sale" if incoming.said.startswith("PAYMENT.SALE.") else "capture"
        id = text(incoming.payload["resource"], "dispute_id") if kind == "dispute" else incoming.object_key
        found = PayPalClient(connection).show(kind, id or "")
        dated = found if thing == "payment" and status_of(found) == "COMPLETED" else {**found, "update_time": None}
        return replace(incoming, kind=f"{thing}.changed", occurred_at=before, payload={**incoming.payload, "resource": dated})


def signed_text(receipt: Receipt, webhook_id: str) -> bytes:
    """What PayPal signs for a webhook of this ID."""
    id, time = receipt.header("PAYPAL-TRANSMISSION-ID"), receipt.header("PAYPAL-TRANSMISSION-TIME")
    return "|".join((id, time, webhook_id, str(zlib.crc32(receipt.body)))).encode("utf-8", "surrogateescape")


def _with_issuer(chain: bytes, endpoint: EndpointConfig) -> bytes:
    """A certificate that is published alone names where that of its issuer lies (RFC 5280, 4.2.2.1); a chain stays as it is."""
    try:
        [leaf] = x509.load_pem_x509_certificates(chain)
        named = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        url = next(str(each.access_location.value) for each in named if each.access_method == CA_ISSUERS)
        issuer = x509.load_der_x509_certificate(endpoint.fetch(url.replace("http://", "https://", 1), host=ISSUER))
    except (ValueError, x509.ExtensionNotFound, StopIteration):
        return chain
    return chain + b"\n" + issuer.public_bytes(Encoding.PEM)


def _signer(url: str) -> str:
    """Whose certificate lies there: that of the sandbox is another one."""
    is_sandbox = ".sandbox." in f".{urlsplit(url).hostname}"
    return f"{SIGNER}.sandbox.paypal.com" if is_sandbox else f"{SIGNER}.paypal.com"


def _about(event: Any, kind: str) -> str:
    """The payment, whatever happened to it; else what the event shows."""
    told = event.get("resource")
    if kind.startswith("refund"):
        found = text(told, "sale_id") or text(told, "capture_id") or _above(told)
    elif kind.startswith("dispute"):
        found = text(dig(told, "disputed_transactions", 0), "seller_transaction_id")
    else:
        found = text(told, "id")
    if not found or not isinstance(told, Mapping):
        raise Unreadable("The resource of the event must be an object that names what it is about by its ID.")
    return found


def _above(told: Any) -> str | None:
    """A refund links to the capture it gives back."""
    links = dig(told, "links")
    found = [PAID.search(text(each, "href") or "") for each in links] if isinstance(links, list) else []
    return next((match[1] for match in found if match), None)


def _account(event: Any, endpoint: EndpointConfig) -> str:
    """The merchant, as far as the event names one."""
    told = event["resource"]
    named = (dig(told, "payee", "merchant_id"), dig(told, "disputed_transactions", 0, "seller", "merchant_id"),
             dig(told, "payer", "merchant_id"))
    found = next((each for each in named if isinstance(each, str) and each), "")
    return found if endpoint.options.get("merchants") == SEVERAL else ""
