"""Refunding a payment from its page or by the API: all of it or a part, above a limit only with a second person."""
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import Conflict, Invalid
from app.integrations import effects
from app.integrations.models import Effect
from app.records.actions import action
from app.records.money import from_minor, places
from app.records.resource import Resource
from app.settings import Setting
from app.transaction import transaction

KIND = "payments.refund"
LIMIT = Setting("refund_limit", "Refunds without a second person (up to)", "A refund with which more than so many whole units of "
                "its currency go back of one payment waits until a second person approves it. 0: every refund does.",
                500, least=0, most=1_000_000_000)
REFUNDABLE = ("paid", "part_refunded")


def can_be_refunded(row: dict[str, Any]) -> bool | str:
    """Money was taken, some of it is left, and somebody can be asked to send it back; else a sentence why not."""
    if row["status"] not in REFUNDABLE:
        return f"This payment is {_word(row['status'])}. Only one that is {' or '.join(map(_word, REFUNDABLE))} can be refunded."
    if _left(row) <= 0:
        return "All of this payment is refunded: nothing is left."
    if not row["account"] or effects.through(KIND, row["account"]) is None:
        return "No connection to the provider of this payment is on. Connect it under Integrations, or refund it there."
    return True


@action("payments", "refund", when=can_be_refunded)
def refund(actor: Actor, resource: Resource, row: dict[str, Any], values: dict[str, Any]) -> str:
    """Commit to it; a job does it. The record changes once the provider shows it. No amount: all that is left."""
    amount, currency = values["amount_minor"], row["currency"]
    amount = _left(row) if amount is None else amount
    if not 0 < amount <= _left(row):
        least = f"Write more than 0 and at most {from_minor(_left(row), currency)}, which is what is left."
        raise Invalid("Nothing was sent back.", errors={"amount": least})
    with transaction() as session:
        connection = effects.through(KIND, row["account"])
        if connection is None:
            raise Conflict("Its provider is not connected any more.")
        needs_second = _gone(session, row) + amount > LIMIT.get() * 10 ** places(currency)
        effects.ask(session, KIND, (resource.name, row["id"]), connection,
                    {"external_id": row["external_id"], "amount_minor": amount, "currency": currency,
                     "reason": values["reason"] or ""}, by=actor, needs_second=needs_second)
    shown = f"{from_minor(amount, currency)} {currency}"
    return f"The refund of {shown} waits for a second person." if needs_second else f"The refund of {shown} is on its way."


def _word(status: str | None) -> str:
    return (status or "in no state").replace("_", " ")


def _gone(session: Session, row: dict[str, Any]) -> int:
    """What went back of it so far: as the record knows, or as we did, whichever is more; the record may not have heard yet."""
    done = select(Effect.asked).where(Effect.kind == KIND, Effect.record_id == row["id"], Effect.status == "done")
    return max(int(row["refunded_minor"] or 0), sum(int(asked["amount_minor"]) for asked in session.scalars(done)))


def _left(row: dict[str, Any]) -> int:
    return int(row["amount_minor"] or 0) - int(row["refunded_minor"] or 0)
