"""Answers about records, kept as long as nobody writes what they come from: counts, sums, tiles, what checks found.

They stand under what the actor may see, the generations of all records they can depend on, and the question. A generation is
read in the database at each request, so what somebody saved is in the next answer of every process; Redis has no part in it.
"""
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from sqlalchemy.orm import Session

from app import cache
from app.audit import Actor
from app.records import generations, policy
from app.records.asking import Query
from app.records.registry import named

T = TypeVar("T")
KEPT = 60.0      # seconds; of an answer nobody asks for again


def kept(session: Session, actor: Actor, about: Iterable[str], question: Hashable, make: Callable[[], T]) -> T:
    """The answer to `question` about these resources (the first of them leads), made where there is none for this generation.

    1 statement a transaction. Within a transaction that writes nothing is kept: it may be taken back.
    """
    if session.info.get("writing"):
        return make()
    names = tuple(dict.fromkeys(about))
    found = generations.now(session)
    key = (question, _sight(actor, names), tuple(found.get(name, 0) for name in names))
    return cache.get(generations.topic(names[0]), key, KEPT, make)


def asked(session: Session, query: Query, question: Hashable, make: Callable[[], T]) -> T:
    """The same about the records a query finds, wherever they begin."""
    words = (query.search, query.trashed, tuple(query.args.items(multi=True)))
    return kept(session, query.actor, behind(query.resource.name), (question, words), make)


def behind(name: str) -> list[str]:
    """The resource and all that filters and scopes on it may look into."""
    found = [name]
    for one in found:
        found += [to for to in named(one).targets if to not in found]
    return found


def _sight(actor: Actor, names: tuple[str, ...]) -> Hashable:
    """What of these the actor sees: rows by scope, fields by right."""
    return tuple((name, actor.scopes.get(name), *(field.name for field in policy.readable(actor, named(name)))) for name in names)
