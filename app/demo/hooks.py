"""The providers of the demo: what they reported before, and what they post now, an event in every state there is."""
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.audit import COMMAND_LINE, Actor
from app.demo.gate import count, write
from app.demo.posts import Carrier, Post, Stripe
from app.demo.shop import Shop, Values
from app.errors import Unavailable
from app.extensions import db
from app.jobs.drain import drain
from app.jobs.queue import claim, fail
from app.records.changes import Change, Door, Source
from app.transaction import transaction
from app.webhooks import endpoints
from app.webhooks.models import Endpoint, Event
from app.webhooks.process import EVENTS

ARRIVING = 60      # payments whose money arrives by event
MOVING = 40        # parcels whose carrier reports by event


def replay(shop: Shop) -> None:
    """Tell what the providers know already, then let them post: events done, stale, ignored, dead, retrying and waiting."""
    paid = [payment for payment in shop.payments if payment["status"] == "paid"][-ARRIVING:]
    moving = [parcel for parcel in shop.deliveries if parcel["external_id"] and parcel["status"] != "label_made"][-MOVING:]
    settled, held, waiting = paid[:-8], paid[-8:-5], paid[-5:]
    _report(shop, settled, held + waiting, moving)
    one, two = Stripe.new_secret(), Carrier.new_secret()
    stripe = Stripe(endpoints.add("stripe", "Stripe", [one], by=COMMAND_LINE), one)
    carrier = Carrier(endpoints.add("standard", "Parcelway", [two], by=COMMAND_LINE, account="parcelway"), two)
    _send((*stripe.arrived(settled), *carrier.moved(moving), *stripe.arrived(settled[:3]), *stripe.late(settled[:8])))
    _send((*stripe.odd(), *stripe.forged()))
    drain(EVENTS.name)
    _send(stripe.arrived(held))
    _hold_up()
    _send(stripe.arrived(waiting))


def counts() -> dict[str, int]:
    """How many endpoints and events there are."""
    rows = db.session.execute(sa.select(Event.status, sa.func.count()).group_by(Event.status).order_by(Event.status))
    return {"webhook endpoints": count(Endpoint), **{f"events {status}": number for status, number in rows}}


def _report(shop: Shop, settling: Sequence[Values], open: Sequence[Values], moving: Sequence[Values]) -> None:
    """What a sync would have brought: everything as it is, save what the events will tell.

    Events that stay open would add how somebody paid, not whether: what an order says of its payment holds before and after.
    """
    untold: dict[str, Values] = {payment["external_id"]: {"status": "authorised"} for payment in settling}
    untold |= {payment["external_id"]: {"method": None} for payment in open}
    leaving = {parcel["external_id"]: "label_made" for parcel in moving}
    stripe = Source(Door.SYNC, Actor("provider", "Stripe", grants=("*",)), account="stripe")
    parcelway = Source(Door.SYNC, Actor("provider", "Parcelway", grants=("*",)), account="parcelway")
    write([_payment(each | untold.get(each["external_id"], {})) for each in shop.payments], stripe)
    write([Change("subscriptions", each, as_of=datetime.now(UTC)) for each in shop.subscriptions], stripe)
    write([_parcel(each, leaving.get(each["external_id"], each["status"])) for each in shop.deliveries], parcelway)


def _payment(payment: Values) -> Change:
    return Change("payments", {name: value for name, value in payment.items() if name != "at"}, as_of=payment["at"])


def _parcel(parcel: Values, status: str | None) -> Change:
    return Change("deliveries", parcel | {"status": status}, as_of=datetime.now(UTC) - timedelta(hours=1))


def _send(posts: Iterable[Post]) -> None:
    for post in posts:
        post()


def _hold_up() -> None:
    """What is due now waits for its provider to answer: it is tried again in two hours."""
    error = Unavailable("Stripe did not answer when asked for the payment.", retry=datetime.now(UTC) + timedelta(hours=2))
    for one in claim(EVENTS, "demo"):
        with transaction() as session:
            fail(session, one, error)
