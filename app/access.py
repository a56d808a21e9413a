"""Who may do what: roles as verb patterns, requires(…) on every endpoint, can(…) everywhere else."""
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import current_app, g, has_request_context, request

from app.audit import Actor, ActorKind
from app.errors import Forbidden, Unauthorised

F = TypeVar("F", bound=Callable[..., Any])
Loader = Callable[[int], Actor | None]

VIEWER = ("*.read", "account.manage")    # one's own account: password, sessions, tokens, looks
OPERATOR = (*VIEWER, "*.create", "*.edit", "*.trash", "*.restore", "*.import", "*.retry", "*.ignore",
            "*.refresh")
MANAGER = (*OPERATOR, "*.export", "*.sensitive", "*.refund", "*.cancel", "*.bulk", "*.detach")
ROLES: dict[str, tuple[str, ...]] = {"viewer": VIEWER, "operator": OPERATOR, "manager": MANAGER, "admin": ("*",)}
"""What each role may do. What ends in `.manage`, save one's own account, is admin's alone: users, settings, privacy …"""

NOBODY = Actor("system", "nobody")
_loaders: dict[ActorKind, Loader] = {}


def can(actor: Actor, permission: str) -> bool:
    """Whether `actor` holds `permission`, like "orders.edit"; "*.edit": on anything at all."""
    return actor.may(permission)


def check(actor: Actor, permission: str) -> None:
    """Raise Forbidden unless `actor` holds `permission`."""
    if not can(actor, permission):
        raise Forbidden(lacking(permission))


def lacking(permission: str) -> str:
    """What somebody without `permission` is told: which roles have it, and who gives roles."""
    roles = [role for role, grants in ROLES.items() if Actor("staff", role, grants=grants).may(permission)]
    named = " and ".join(filter(None, (", ".join(roles[:-1]), roles[-1])))
    who = f"the roles {named} have" if len(roles) > 1 else f"only the role {named} has"
    return (f"This needs the permission {permission.removeprefix('*.')}, which {who}. "
            "A person with the role admin can give you another role.")


def current_actor() -> Actor:
    """Who this request acts for; nobody, who may do nothing, when nobody signed in."""
    found: Actor = g.get("actor", NOBODY) if has_request_context() else NOBODY
    return found


def requires(permission: str) -> Callable[[F], F]:
    """Let only those in who hold `permission`; words in braces are filled from the route: "{resource}.edit".

    Where only what is sent says of what, "*.import" keeps those out who hold the verb on nothing; the view asks again.
    """

    def guard(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            actor = current_actor()
            if actor is NOBODY:
                raise Unauthorised("Sign in to go on.")
            check(actor, permission.format(**(request.view_args or {})))
            return current_app.ensure_sync(view)(*args, **kwargs)
        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]
    return guard


def public(why: str) -> Callable[[F], F]:
    """Let everybody in, and say why that is right."""

    def mark(view: F) -> F:
        view.permission = None  # type: ignore[attr-defined]
        view.public = why  # type: ignore[attr-defined]
        return view
    return mark


def takes_files(view: F) -> F:
    """Its requests may be as large as an upload."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def shows_again(view: F) -> F:
    """Run the view although its form token is stale: it shows what was typed. Only for views whose FlaskForm refuses it itself:
    nothing is written unless `form.validate()` holds."""
    view.shows_again = True  # type: ignore[attr-defined]
    return view


def loads(kind: ActorKind) -> Callable[[Loader], Loader]:
    """Register how an actor of this kind is found again by its id, with the rights it has now."""

    def register(loader: Loader) -> Loader:
        _loaders[kind] = loader
        return loader
    return register


def again(actor_kind: ActorKind, actor_id: int | None, fallback: Actor) -> Actor:
    """The actor behind stored work, with the rights it has *now*; nobody if it is gone. Others act as `fallback`."""
    loader = _loaders.get(actor_kind)
    if loader is None or actor_id is None:
        return fallback
    return loader(actor_id) or NOBODY
