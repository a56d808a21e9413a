"""SendGrid. ECDSA P-256 over the time and the body, to its last line end; batches, doubled, in no order, for a day.

Docs: "Event Webhook Reference", "Getting Started with the Event Webhook Security Features". What a mail did says something of a
customer only where the address is put on a list of those no more mail goes to. A mail that was read, deferred or refused for
now says nothing, nor does one that arrived: mail may be sent to whom has unsubscribed all the same.
"""
from datetime import datetime
from typing import Any

from app.integrations.provider import (
    EndpointConfig,
    Incoming,
    Provider,
    Receipt,
    Rejected,
    Secret,
    Unreadable,
    from_epoch,
    one_by_one,
    shown,
)
from app.integrations.public_keys import ecdsa_p256, p256_key
from app.integrations.reading import text
from app.integrations.registry import register
from app.integrations.signing import check_clock, first_verifying
from app.records.changes import Change

SIGNATURE, CLOCK = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"

STATUS = {
    "bounce": "bounced",                        # `type` blocked: refused for now, nobody is put on a list
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",              # from all; a group is but one kind of mail
}
DROPPED = {
    "bounced address": "bounced",
    "invalid": "bounced",
    "unsubscribed address": "unsubscribed",
    "spam reporting address": "complained",
}
"""Why a mail was not even tried: the list the address is on. Other reasons are about the mail."""


@register
class SendGrid(Provider):
    name, label, icon = "sendgrid", "SendGrid", "envelope"
    where = "Settings, Mail Settings, Event Webhooks: Post URL, with the Signed Event Webhook on"
    looks_like = "The verification key shown there, which begins with MFkw"
    tolerance = 86_400                          # it is not said that what is sent again, for a day, is signed anew

    def check_secret(self, value: str) -> None:
        try:
            p256_key(value)
        except ValueError:
            raise ValueError("This is no verification key: a public key in base64, which begins with MFkw.") from None

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        clock, signature = receipt.header(CLOCK), receipt.header(SIGNATURE)
        if not (clock and signature):
            raise Rejected(f"The header {SIGNATURE if clock else CLOCK} is missing: switch the Signed Event Webhook on.")
        found = first_verifying(endpoint.secrets, ecdsa_p256(clock.encode("utf-8", "surrogateescape") + receipt.body), signature)
        check_clock(clock, endpoint, now)
        return found

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        items = receipt.json()
        if not isinstance(items, list):
            raise Unreadable(f"The body must be a list of events, and {shown(items)}.")
        return one_by_one(items, _read, receipt.received_at)

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        """Only of a customer who is here: mail goes to others, too."""
        told = incoming.payload
        return [Change("customers", {"mail_status": _status(told)}, key={"email": text(told, "email")},
                       as_of=incoming.occurred_at, only="update")]


def _read(item: Any) -> Incoming:
    id, said, email = (text(item, name) for name in ("sg_event_id", "event", "email"))
    if not id or not said:
        raise Unreadable("An event of SendGrid has an sg_event_id and an event; this has not.")
    status = _status(item)
    if status and not email:
        raise Unreadable(f"email must be an address, and {shown(item.get('email'))}.")
    about = f"mail:{email.lower()}" if email and status else None
    return Incoming("mail.changed" if status else None, id, about, from_epoch(item.get("timestamp"), "timestamp"), item, said)


def _status(item: Any) -> str | None:
    """What the event says of the address; None for one that is about this mail only."""
    said = text(item, "event") or ""
    if said == "dropped":
        return DROPPED.get((text(item, "reason") or "").lower())
    return None if said == "bounce" and text(item, "type") == "blocked" else STATUS.get(said)
