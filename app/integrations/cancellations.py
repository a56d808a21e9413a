"""Cancelling a subscription from its page or by the API: at its provider, at once."""
from typing import Any

from app.audit import Actor
from app.errors import Conflict
from app.integrations import effects
from app.records.actions import action
from app.records.resource import Resource
from app.transaction import transaction

KIND = "subscriptions.cancel"


def can_be_cancelled(row: dict[str, Any]) -> bool | str:
    """It has not ended, and somebody can be asked to end it; else a sentence why not."""
    if row["status"] == "ended":
        return "This subscription has ended. There is nothing left to cancel."
    if not (row["account"] and row["external_id"]) or effects.through(KIND, row["account"]) is None:
        return "No connection to the provider of this subscription is on. Connect it under Integrations, or cancel it there."
    return True


@action("subscriptions", "cancel", when=can_be_cancelled)
def cancel(actor: Actor, resource: Resource, row: dict[str, Any], values: dict[str, Any]) -> str:
    """Commit to it; a job does it. The record changes once the provider shows it."""
    with transaction() as session:
        connection = effects.through(KIND, row["account"])
        if connection is None:
            raise Conflict("Its provider is not connected any more.")
        effects.ask(session, KIND, (resource.name, row["id"]), connection,
                    {"external_id": row["external_id"], "reason": values["reason"] or ""}, by=actor)
    return "The cancellation is on its way."
