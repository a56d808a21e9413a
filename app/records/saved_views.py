"""Lists kept under a name, and how each person likes the lists of each resource."""
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, delete, exists, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, query_expression, with_expression

from app import audit
from app.access import ROLES
from app.audit import Actor
from app.errors import BadRequest, Forbidden, Invalid, NotFound
from app.extensions import Id, Model
from app.records import policy, query
from app.records.fields import Field
from app.records.filters import BUILT_IN, arguments
from app.records.resource import Resource
from app.transaction import transaction

MOST = 30                # of one person and resource; all of them are tabs of the list
LONGEST = 60
SIZES = (25, 50, 100, 200)


class SavedView(Model):
    """A list with its filters and sort under a name: one's own, or shared with everybody who may see the resource."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("uq_saved_views_name", "resource", "owner_id", "name", unique=True),
                      Index("ix_saved_views_shared", "resource", "is_shared"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    name: Mapped[str]
    query: Mapped[str] = mapped_column(default="")                    # in the grammar of lists
    owner_id: Mapped[int]
    owner: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    changed_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    is_default: Mapped[bool] = query_expression()                     # of the role of who asks; `of` fills it


class DefaultView(Model):
    """The shared view whoever has this role begins with."""

    __tablename__ = "default_views"
    role: Mapped[str] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    view_id: Mapped[int] = mapped_column(Id, ForeignKey("saved_views.id", ondelete="CASCADE"), index=True)


class ListChoice(Model):
    """How one person likes the list of one resource. NULL: as everybody has it."""

    __tablename__ = "list_choices"
    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    resource: Mapped[str] = mapped_column(primary_key=True)
    columns: Mapped[list[Any] | None]                                 # field names in order
    page_size: Mapped[int | None]                                     # rows


def of(session: Session, resource: Resource, actor: Actor) -> list[SavedView]:
    """The views this person has of the resource, their own and shared ones, as far as they can still be read. 1 statement."""
    mine = or_(SavedView.owner_id == (actor.id if actor.kind == "staff" else None), SavedView.is_shared)
    default = exists().where(DefaultView.view_id == SavedView.id, DefaultView.role == actor.role, SavedView.is_shared)
    found = session.scalars(select(SavedView).options(with_expression(SavedView.is_default, default))
                            .where(SavedView.resource == resource.name, mine)
                            .order_by(SavedView.is_shared, SavedView.name, SavedView.id).limit(2 * MOST)
                            .execution_options(populate_existing=True))
    return [view for view in found if _readable(resource, view.query, actor)]


def first(views: Sequence[SavedView]) -> SavedView | None:
    """The one whoever asked for these begins the list with; None: with all records."""
    return next((view for view in views if view.is_default), None)


def save(resource: Resource, name: str, asked: str, actor: Actor, *, shared: bool = False) -> int:
    """Keep the list under this name; the same name again changes what it shows. Returns its id.

    Raises Invalid with the errors by field, BadRequest for a list that cannot be read, Forbidden where this person may not share.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise Invalid("Nothing was saved.", errors={"name": f"Give the view a name of at most {LONGEST} characters."})
    if shared and not may_share(actor, resource):
        raise Forbidden("Only who may change many records at once shares views with everybody.")
    query.parse(resource, arguments(asked), actor)
    with transaction() as session:
        mine = select(SavedView).where(SavedView.resource == resource.name, SavedView.owner_id == _person(actor))
        views = {view.name: view for view in session.scalars(mine.with_for_update())}
        if name not in views and len(views) >= MOST:
            raise Invalid("Nothing was saved.", errors={"name": f"You have {MOST} views of these already. Remove one first."})
        view = views.get(name) or SavedView(resource=resource.name, name=name, owner_id=_person(actor), owner=actor.name)
        view.query, view.is_shared, view.changed_at = asked, shared, datetime.now(UTC)
        session.add(view)
        session.flush()
        audit.note(session, actor, "views.save", "saved_views", view.id, name=name, query=asked, shared=shared)
        return view.id


def remove(view_id: int, actor: Actor) -> None:
    """Forget a view; its owner may, and an admin. Raises NotFound for anybody else's, also when pressed twice."""
    with transaction() as session:
        view = session.get(SavedView, view_id)
        if view is None or not (view.owner_id == _person(actor) or (view.is_shared and actor.may("settings.manage"))):
            raise NotFound("There is no such view among yours.")
        audit.note(session, actor, "views.remove", "saved_views", view.id, name=view.name)
        session.delete(view)


def defaults(session: Session, resource: Resource) -> dict[int, list[str]]:
    """The roles that begin with each view, by its id. 1 statement."""
    found: dict[int, list[str]] = {}
    chosen = select(DefaultView.view_id, DefaultView.role).where(DefaultView.resource == resource.name).order_by(DefaultView.role)
    for view_id, role in session.execute(chosen):
        found.setdefault(view_id, []).append(role)
    return found


def make_default(resource: Resource, view_id: int, role: str, actor: Actor) -> None:
    """Whoever has this role begins with this shared view from now on, instead of another or of all. Twice is once.

    Raises NotFound for a view that is not shared, Forbidden for whoever may not share, BadRequest for a role there is none of.
    """
    _check_default(resource, role, actor)
    with transaction() as session:
        view = session.get(SavedView, view_id)
        if view is None or not view.is_shared or view.resource != resource.name:
            raise NotFound("There is no such view that everybody has.")
        session.merge(DefaultView(role=role, resource=resource.name, view_id=view_id))
        audit.note(session, actor, "views.make_default", "saved_views", view_id, name=view.name, role=role)


def drop_default(resource: Resource, view_id: int, role: str, actor: Actor) -> None:
    """This role begins with all records again. Raises Forbidden and BadRequest as above."""
    _check_default(resource, role, actor)
    with transaction() as session:
        session.execute(delete(DefaultView).where(DefaultView.resource == resource.name, DefaultView.role == role,
                                                  DefaultView.view_id == view_id))
        audit.note(session, actor, "views.drop_default", "saved_views", view_id, role=role)


def _check_default(resource: Resource, role: str, actor: Actor) -> None:
    if not may_share(actor, resource):
        raise Forbidden("Only who may change many records at once says what others begin with.")
    if role not in ROLES:
        raise BadRequest(f"There is no role {role}.")


def may_share(actor: Actor, resource: Resource) -> bool:
    return actor.may(f"{resource.name}.bulk")


def choice(session: Session, resource: Resource, actor: Actor) -> ListChoice | None:
    """How this person likes the list; None: as everybody has it. 1 statement."""
    return session.get(ListChoice, (actor.id, resource.name)) if actor.kind == "staff" and actor.id is not None else None


def choose(resource: Resource, columns: Sequence[str], page_size: int, actor: Actor) -> None:
    """Keep which columns this person sees, in order, and how many rows. Raises Invalid with the errors by field."""
    known = {field.name for field in offered(resource, actor)}
    if not columns or not known.issuperset(columns):
        raise Invalid("Nothing was saved.", errors={"columns": "Choose at least one column."})
    if page_size not in SIZES:
        raise Invalid("Nothing was saved.", errors={"page_size": f"Choose one of {', '.join(map(str, SIZES))}."})
    with transaction() as session:
        session.merge(ListChoice(user_id=_person(actor), resource=resource.name, columns=list(columns), page_size=page_size))


def forget_choice(resource: Resource, actor: Actor) -> None:
    """The list looks to this person as it does to everybody again."""
    with transaction() as session:
        session.execute(delete(ListChoice).where(ListChoice.user_id == _person(actor), ListChoice.resource == resource.name))


def offered(resource: Resource, actor: Actor) -> list[Field]:
    """The fields that can be columns for this person."""
    return [field for field in (*policy.readable(actor, resource), *BUILT_IN) if field.kind not in ("lines", "json")]


def listed(resource: Resource, chosen: ListChoice | None) -> tuple[str, ...]:
    """The names of the columns, in order."""
    return tuple(chosen.columns) if chosen is not None and chosen.columns else resource.listed


def _readable(resource: Resource, asked: str, actor: Actor) -> bool:
    try:
        query.parse(resource, arguments(asked), actor)
    except Exception as error:
        if getattr(error, "status", 500) != 400:
            raise
        return False
    return True


def _person(actor: Actor) -> int:
    if actor.kind != "staff" or actor.id is None:
        raise Forbidden("Only a person has views and columns of their own.")
    return actor.id
