"""Asking the provider how what an event is about stands now: for thin events, for ties, and where a person wants it."""
from dataclasses import dataclass

from app.errors import Conflict
from app.extensions import db
from app.integrations import connections
from app.integrations.cause import because
from app.integrations.provider import Incoming, Provider
from app.webhooks.models import Event


@dataclass(frozen=True)
class Asker:
    """Whom to ask about one event. `connection_id` None: nobody can be asked."""

    by: Provider
    event_id: int
    account: str
    wants_latest: bool
    connection_id: int | None

    @property
    def may_ask(self) -> bool:
        """Whether a tie can still be settled by asking: not where that was done."""
        return self.connection_id is not None and not self.wants_latest

    def latest(self, incoming: Incoming) -> Incoming:
        """What it says, or what the provider says now where that is needed. Calls out: never within a transaction, and what the
        session was reading ends.

        Raises ProviderError, or Conflict where somebody wants to know and nobody can be asked.
        """
        if incoming.kind is None or not (self.wants_latest or incoming.is_thin):
            return incoming
        if self.connection_id is None and incoming.is_shown and not self.wants_latest:
            return incoming
        if self.connection_id is None:
            raise Conflict(f"Add a connection to {self.by.label} for the account {self.account}, and retry.",
                           title="Its provider has to be asked, and is not connected")
        connection = connections.opened(connections.get(self.connection_id))
        db.session.rollback()        # no transaction waits for the provider
        with because(event=self.event_id):
            return self.by.fetch(incoming, connection) or incoming


def whom(by: Provider, account: str) -> int | None:
    """The connection that can be asked about an account: its own that is on, or that of the endpoint's, where an endpoint hears
    of several ("square/MERCHANT"). None: nobody can be asked. One statement."""
    can_be_asked = type(by).fetch is not Provider.fetch and by.api is not None
    return connections.id_of(by.name, account, account.partition("/")[0]) if can_be_asked else None


def asker(by: Provider, event: Event, account: str, connection_id: int | None) -> Asker:
    """Asks about this event by the connection `whom` found."""
    return Asker(by, event.id, account, event.wants_latest, connection_id)
