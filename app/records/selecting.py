"""Which records somebody chose for a bulk change: some by hand, or all that a list shows."""
from dataclasses import dataclass

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.errors import BadRequest
from app.records import policy, query
from app.records.fields import Field
from app.records.filters import arguments
from app.records.parse import IDENTITY
from app.records.query import Count, Query
from app.records.resource import Resource
from app.records.values import PLAIN

Args = MultiDict[str, str]
LARGEST = 100_000
"""Records of one bulk change."""
BY_HAND = 200
"""Records chosen one by one: as many as a page has."""
PAGING = ("limit", "after", "before", "count", "totals", "view")
RIGHTS = {"edit": "edit", "status": "edit", "trash": "trash", "restore": "restore"}
"""What each deed needs besides `<resource>.bulk`."""


@dataclass(frozen=True)
class Selection:
    """`ids` chosen by hand; if there are none, all that the list shows. `list` is its query string, in the query grammar."""

    resource: Resource
    list: str
    ids: tuple[int, ...] = ()
    everything: bool = False

    def asked(self, actor: Actor) -> Query:
        """The selection as `actor` sees it now. Raises Forbidden, or BadRequest where the filter cannot be read."""
        return query.parse(self.resource, self.args, actor)

    @property
    def args(self) -> Args:
        if self.everything:
            return filtered(self.list)
        return MultiDict({"id": ",".join(map(str, self.ids)), "trashed": "with"})

    @property
    def in_trash(self) -> bool:
        return arguments(self.list).get("trashed") == "only"


def read(resource: Resource, args: Args) -> Selection:
    """From what a list page sends: `id` for each record, or all=1; `list` is the list they were chosen in. Raises BadRequest."""
    written = [word.strip() for value in args.getlist("id") for word in value.split(",") if word.strip()]
    if len(written) > BY_HAND:
        raise BadRequest(f"At most {BY_HAND} can be chosen one by one. Narrow the list with filters and choose all that match.")
    if not all(PLAIN.match(word) and 0 < int(word) < 2**63 for word in written):
        raise BadRequest("One of the chosen records has no such id. Go back to the list and choose again.")
    everything = args.get("all") == "1"
    return Selection(resource, args.get("list", ""), () if everything else tuple(dict.fromkeys(map(int, written))), everything)


def filtered(text: str) -> Args:
    """The filters of a list, without where its page begins."""
    return MultiDict([(name, value) for name, value in query.tidied(arguments(text)).items(multi=True) if name not in PAGING])


def count(session: Session, asked: Query) -> Count:
    """How many there are, counted a little further than may be changed at once."""
    return query.count(session, asked, LARGEST)


def deeds(resource: Resource, actor: Actor, in_trash: bool) -> list[str]:
    """What `actor` may do to many of these at once: edit, status, trash; in the trash: restore."""
    if not actor.may(f"{resource.name}.bulk"):
        return []
    names = ("restore",) if in_trash else ("edit", "status", "trash")
    return [name for name in names if actor.may(f"{resource.name}.{RIGHTS[name]}")
            and (RIGHTS[name] != "edit" or offered(resource, actor, name))]


def offered(resource: Resource, actor: Actor, deed: str) -> list[Field]:
    """The fields that can be set to one value in many records: those `actor` may write, but for what names a record."""
    if deed not in ("edit", "status"):
        return []
    return [field for field in policy.writable(actor, resource)
            if field.kind not in ("json", "lines") and not field.unique and field.name not in (resource.key, IDENTITY)
            and (deed == "edit" or field is resource.status)]
