"""What a provider shows us when we ask, on its way through the gate."""
from app.audit import Actor, Door
from app.integrations.calling import Connection
from app.records.change import Change
from app.records.changes import Outcome, Source, apply
from app.transaction import transaction

GRANTS = ("*.create", "*.edit")


def tell(connection: Connection, changes: list[Change]) -> list[Outcome]:
    """Apply what it shows, as said by this connection, in a transaction of its own."""
    by = Actor("provider", connection.name, connection.id, GRANTS)
    with transaction() as session:
        return apply(session, changes, Source(Door.SYNC, by, account=connection.account))
