"""Taking back the label of a parcel nobody has handed over, from its page or by the API: at whoever sold it."""
from typing import Any

from app.audit import Actor
from app.errors import Conflict
from app.integrations import effects
from app.integrations.models import StoredConnection
from app.records.actions import action
from app.records.resource import Resource
from app.transaction import transaction

KIND = "deliveries.cancel"


def can_be_taken_back(row: dict[str, Any]) -> bool | str:
    """The carrier does not have the parcel, and somebody can be asked to take the label back; else a sentence why not."""
    if row["status"] != "label_made":
        return f"This delivery is {(row['status'] or 'in no state').replace('_', ' ')}. Only an unused label can be taken back."
    if _through(row) is None:
        return "No connection to who sold this label is on. Connect it under Integrations, or take the label back there."
    return True


@action("deliveries", "cancel", when=can_be_taken_back)
def cancel(actor: Actor, resource: Resource, row: dict[str, Any], values: dict[str, Any]) -> str:
    """Commit to it; a job does it. The record changes once the provider has agreed."""
    with transaction() as session:
        connection = _through(row)
        if connection is None:
            raise Conflict("Who sold it is not connected any more.")
        effects.ask(session, KIND, (resource.name, row["id"]), connection,
                    {"external_id": row["external_id"] or "", "number": row["tracking_number"] or ""}, by=actor)
    return "The label is on its way back."


def _through(row: dict[str, Any]) -> StoredConnection | None:
    """By the outside id within its account; a parcel of no account by its number."""
    if row["account"]:
        return effects.through(KIND, row["account"])
    return effects.through_any(KIND) if row["tracking_number"] else None
