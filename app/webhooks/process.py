"""Work events off: what a drain says of our records is one batch for the gate; the events are done in the same commit."""
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, and_, select, tuple_, update
from sqlalchemy.orm import Session

from app.audit import Actor, Door
from app.errors import Conflict, Invalid, Problem
from app.extensions import db
from app.integrations.provider import Incoming, Provider, Receipt, Unreadable
from app.integrations.registry import provider
from app.jobs import queues
from app.jobs.enqueue import ring_after
from app.jobs.queue import Claim, Queue, fail, finish_many, release
from app.records.changes import Change, Outcome, Source, apply
from app.records.registry import named
from app.records.resource import Resource
from app.transaction import transaction
from app.webhooks import live
from app.webhooks.asking import Asker, asker, whom
from app.webhooks.live import Live
from app.webhooks.models import Body, Event, StoredReceipt
from app.webhooks.texts import clean

GRANTS = ("*.create", "*.edit", "*.trash", "*.restore")
IN_ORDER = ("occurred_at", "received_at", "item", "id")      # what happened first; of one moment, what came first, place by place
UNENDED = ("waiting", "running", "dead")
REFUSED = ("invalid", "missing", "forbidden")
LOUDEST = ("created", "updated", "unchanged", "tie", "stale")     # what an event with several changes is said to have done


@dataclass(frozen=True)
class Told:
    """An event as its provider told it."""

    claim: Claim
    event: Event
    endpoint: Live
    receipt: Receipt


def process(claims: list[Claim]) -> None:
    """Do what these events say, each exactly once: effect and `done` are one commit. Events of one endpoint are one batch.

    An event that is refused or cannot be read is dead with a sentence and harms no other. Raises when a batch fails for
    another reason: then each claim is tried alone.
    """
    for (endpoint, account), told in _by_account(_load(claims)).items():
        _process(endpoint, account, told)


def waits_for(event: FromClause, earlier: FromClause) -> ColumnElement[bool]:
    """Strict order: an event that asks for it waits for everything of its object that happened before it and has not ended."""
    return and_(earlier.c.object_key == event.c.object_key, earlier.c.status.in_(UNENDED),
                tuple_(*(earlier.c[name] for name in IN_ORDER)) < tuple_(*(event.c[name] for name in IN_ORDER)))


EVENTS = queues.register(Queue("webhooks", Event, process, batch=100, object_key="object_key", strict="is_strict",
                               waits_for=waits_for))


def source(endpoint: Live, account: str | None = None) -> Source:
    """Through which door an endpoint's events come. `account`: that of the event, where the endpoint hears of several."""
    by = Actor("provider", endpoint.config.name, endpoint.id, GRANTS)
    return Source(Door.EVENT, by, account=account or endpoint.config.account)


def changes(event: Event, endpoint: Live, receipt: Receipt, ask: Asker | None = None) -> list[Change]:
    """What the event says should become of our records; [] if it says nothing we keep. Raises Unreadable.

    With `ask` the provider is asked where that is needed: that calls out, and raises what that raises.
    """
    by, told = provider(endpoint.provider), _incomings(provider(endpoint.provider), event, endpoint, receipt)
    return [change._replace(cause=event.id, word=event.dedupe_key, ask=ask is not None and ask.may_ask)
            for incoming in (map(ask.latest, told) if ask else told) if incoming.kind is not None
            for change in by.changes(incoming, endpoint.config)]


def first_receipt(session: Session, event_ids: Iterable[int]) -> dict[int, tuple[StoredReceipt, bytes]]:
    """The receipt each event was made from, and its bytes; nothing for those whose body retention has dropped."""
    rows = session.execute(select(StoredReceipt, Body.content).join(Body, Body.id == StoredReceipt.body_id)
                           .where(StoredReceipt.event_id.in_(event_ids), StoredReceipt.verdict == "ok"))
    return {receipt.event_id: (receipt, content) for receipt, content in rows if receipt.event_id is not None}


def as_received(stored: StoredReceipt, body: bytes, endpoint: Live) -> Receipt:
    """The receipt as the provider's parser takes it."""
    return Receipt("POST", endpoint.config.public_url, stored.headers, body, stored.remote_ip, stored.received_at)


def refusal(outcomes: Sequence[Outcome], told: Sequence[Change]) -> Problem | None:
    """Why an event cannot take effect, in one sentence a person can act on; None if it did, or is about nobody we know."""
    if all(outcome.kind == "missing" and change.only == "update" for outcome, change in zip(outcomes, told, strict=True)):
        return None
    for outcome, change in zip(outcomes, told, strict=True):
        resource = named(change.resource)
        label = resource.singular.lower()
        if outcome.kind == "conflict":
            return Conflict(f"Somebody changed the {label} at the same moment.", retry=True)
        if outcome.kind in REFUSED and outcome.errors:
            said = " ".join(f"{_title(resource, name)}{sentence}" for name, sentence in outcome.errors.items())
            return Invalid(clean(said)[:400], title=f"The {label} {outside(change)} was refused")
    if any(outcome.kind in REFUSED for outcome in outcomes):
        return Invalid("Another part of the event was refused.")
    return None


def _load(claims: list[Claim]) -> list[Told]:
    """The claimed events with everything needed to read them, in the order of the claims."""
    session: Session = db.session()
    by_id = {claim.id: claim for claim in claims}
    events = session.scalars(select(Event).where(Event.id.in_(by_id)).order_by(Event.id)).all()
    endpoints = live.by_ids(session.connection(), [event.endpoint_id for event in events])
    receipts = first_receipt(session, by_id)
    told = []
    for event in events:
        stored, body = receipts.get(event.id, (None, b""))
        endpoint = endpoints[event.endpoint_id]
        receipt = (Receipt("POST", endpoint.config.public_url, {}, b"", None, event.received_at) if stored is None
                   else as_received(stored, body, endpoint))
        told.append(Told(by_id[event.id], event, endpoint, receipt))
    session.rollback()
    return told


def _by_account(told: list[Told]) -> dict[tuple[Live, str | None], list[Told]]:
    found: dict[tuple[Live, str | None], list[Told]] = defaultdict(list)
    for each in told:
        found[each.endpoint, each.event.account].append(each)
    return found


def _process(endpoint: Live, account: str | None, told: list[Told]) -> None:
    wanted: list[tuple[Told, list[Change]]] = []
    failed: list[tuple[Told, Exception]] = []
    by, whose = provider(endpoint.provider), account or endpoint.config.account
    asked = whom(by, whose)
    for each in told:
        try:
            ask = asker(by, each.event, whose, asked)
            wanted.append((each, changes(each.event, endpoint, each.receipt, ask)))
        except Exception as error:   # the edge: what one event breaks must not touch its neighbours; kept as its attempt
            failed.append((each, error))
    with transaction() as session:
        outcomes = apply(session, [change for _, mine in wanted for change in mine], source(endpoint, account))
        _end(session, wanted, outcomes, failed)


def _end(session: Session, wanted: list[tuple[Told, list[Change]]], outcomes: list[Outcome],
         failed: list[tuple[Told, Exception]]) -> None:
    """Say of each event what came of it. The fences are the last statements of the transaction."""
    done: list[tuple[Claim, str]] = []
    at = 0
    for told, mine in wanted:
        became = outcomes[at:at + len(mine)]
        at += len(mine)
        problem = refusal(became, mine)
        if problem is None and any(outcome.kind == "tie" and change.ask for outcome, change in zip(became, mine, strict=True)):
            ask_next(session, told.claim)
        elif problem is None:
            done.append((told.claim, _outcome(became)))
        else:
            failed.append((told, problem))
    finish_many(session, done)
    for told, error in failed:
        fail(session, told.claim, error)


def ask_next(session: Session, claim: Claim) -> None:
    """Two events of one moment contradict each other: it goes back untried, and its provider is asked when it comes again."""
    release(session, [claim])
    session.execute(update(Event).where(Event.id == claim.id).values(wants_latest=True))
    ring_after(session, EVENTS.name)


def _outcome(outcomes: Sequence[Outcome]) -> str:
    kinds = {outcome.kind for outcome in outcomes}
    return next((kind for kind in LOUDEST if kind in kinds), "ignored")


def _incomings(by: Provider, event: Event, endpoint: Live, receipt: Receipt) -> list[Incoming]:
    """Read from the very bytes again: a parser that was mended since reads them better."""
    if not receipt.body:
        raise Unreadable("Its body is not kept any more.")
    incomings = by.parse(receipt, endpoint.config)
    mine = incomings if event.item is None else incomings[event.item:event.item + 1]
    for incoming in mine:
        if incoming.unread:
            raise Unreadable(incoming.unread)
    return mine


def _title(resource: Resource, name: str) -> str:
    """The field as a person knows it; what is no field, as the provider wrote it; "" for what concerns the whole record."""
    field = resource.field(name)
    return f"{name if field is None else field.title}: " if name else ""


def outside(change: Change) -> str:
    """What the provider calls the record: its outside id, or what else it is found by."""
    return clean(str(next(iter((change.key or {}).values()), "")))
