"""Asking the provider how what an event is about stands now: for thin events, for ties, and where a person wants it."""
from dataclasses import dataclass

from app.errors import Conflict
from app.integrations import connections
from app.integrations.calling import Connection
from app.integrations.cause import because
from app.integrations.provider import Incoming, Provider
from app.webhooks.models import Event


@dataclass(frozen=True)
class Asker:
    """Whom to ask about one event. `connection` None: nobody can be asked."""

    by: Provider
    event_id: int
    account: str
    wants_latest: bool
    connection: Connection | None

    @property
    def may_ask(self) -> bool:
        """Whether a tie can still be settled by asking: not where that was done."""
        return self.connection is not None and not self.wants_latest

    def latest(self, incoming: Incoming) -> Incoming:
        """What it says, or what the provider says now where that is needed. Calls out: never within a transaction.

        Raises ProviderError, or Conflict where somebody wants to know and nobody can be asked.
        """
        if incoming.kind is None or not (self.wants_latest or incoming.is_thin):
            return incoming
        if self.connection is None and incoming.is_shown and not self.wants_latest:
            return incoming
        if self.connection is None:
            raise Conflict(f"Add a connection to {self.by.label} for the account {self.account}, and retry.",
                           title="Its provider has to be asked, and is not connected")
        with because(event=self.event_id):
            return self.by.fetch(incoming, self.connection) or incoming


def asker(by: Provider, event: Event, account: str) -> Asker:
    """Who can be asked about this event, by a provider that can be, through a connection that is on: of the same account, or of
    the endpoint's, where that hears of several ("square/MERCHANT")."""
    can_be_asked = type(by).fetch is not Provider.fetch and by.api is not None
    names = dict.fromkeys((account, account.partition("/")[0])) if can_be_asked else ()
    connection = next(filter(None, (connections.of_account(by.name, name) for name in names)), None)
    return Asker(by, event.id, account, event.wants_latest, connection)
