"""Every endpoint says who may use it; what a role may do is what DESIGN says; nobody gets past either."""
import inspect
from fnmatch import fnmatchcase

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.access import ROLES
from app.audit import Actor
from app.protection import is_static
from tests.client import Client

PUBLIC = {"accounts.login", "accounts.logout", "accounts.welcome", "ui.look", "health.alive", "health.ready", "health.metrics",
          "hooks.ask", "hooks.post", "api.openapi", "records.docs"}
"""Endpoints that let everybody in. Whoever adds one has to name it here too."""
SAMPLE = {"resource": "orders", "id": 1, "provider": "stripe", "token": "t", "filename": "x", "link": "x", "request_id": "x", "name": "x",
          "verb": "stop", "action": "refund"}
VERBS = {"viewer": {"read", "account"}, "operator": {"read", "account", "create", "edit", "trash", "restore", "import", "retry", "ignore", "refresh"}}
VERBS["manager"] = VERBS["operator"] | {"export", "sensitive", "refund", "bulk", "detach"}
ALL_VERBS = VERBS["manager"] | {"manage"}
THINGS = ("customers", "products", "orders", "payments", "subscriptions", "deliveries", "webhooks", "imports", "exports", "jobs", "integrations",
          "trail", "users", "endpoints", "settings")


def endpoints(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if not is_static(rule.endpoint)]


def test_every_endpoint_declares_a_permission_or_why_it_has_none(made):
    silent = []
    for rule in endpoints(made):
        view = made.view_functions[rule.endpoint]
        if getattr(view, "permission", None) is None and not getattr(view, "public", None):
            silent.append(f"{rule.endpoint} {rule.rule}")
    assert not silent, "decorate these with @requires or @public: " + ", ".join(silent)


def test_no_endpoint_is_public_that_is_not_on_the_list(made):
    public = {rule.endpoint for rule in endpoints(made) if getattr(made.view_functions[rule.endpoint], "permission", None) is None}
    assert public <= PUBLIC, f"these let everybody in: {sorted(public - PUBLIC)}"


def test_whoever_is_public_says_why_in_words(made):
    for rule in endpoints(made):
        why = getattr(made.view_functions[rule.endpoint], "public", None)
        assert why is None or len(why.split()) >= 4, rule.endpoint


def test_the_words_in_braces_of_a_permission_come_from_the_address(made):
    for rule in endpoints(made):
        permission = getattr(made.view_functions[rule.endpoint], "permission", None)
        if permission and "{" in permission:
            assert permission.format(**dict.fromkeys(rule.arguments, "x")), rule.endpoint


def test_permissions_are_a_thing_and_a_verb_we_know(made):
    for rule in endpoints(made):
        permission = getattr(made.view_functions[rule.endpoint], "permission", None)
        if permission is not None:
            thing, _, verb = permission.partition(".")
            assert thing, rule.endpoint
            assert verb in ALL_VERBS or verb.startswith("{"), f"{rule.endpoint}: {permission}"


def test_the_guard_is_outermost_so_that_nothing_runs_before_it(made):
    for rule in endpoints(made):
        view = made.view_functions[rule.endpoint]
        if getattr(view, "permission", None) is not None:
            outer = inspect.unwrap(view, stop=lambda f: f.__code__.co_name == "guarded")
            assert outer.__code__.co_name == "guarded", rule.endpoint


@pytest.mark.parametrize("role", list(VERBS))
@pytest.mark.parametrize("thing", THINGS)
def test_a_role_grants_its_verbs_on_every_thing_and_no_others(role, thing):
    granted = {verb for verb in ALL_VERBS - {"account"} if any(fnmatchcase(f"{thing}.{verb}", one) for one in ROLES[role])}
    assert granted == VERBS[role] - {"account"}


def test_admins_may_do_everything_and_roles_grow(app):
    assert ROLES["admin"] == ("*",)
    assert set(ROLES["viewer"]) < set(ROLES["operator"]) < set(ROLES["manager"])


def address(app: Flask, rule: Rule) -> str:
    """An address of this rule. Values that name nothing are as good as others: rights are asked for first."""
    values = {name: SAMPLE.get(name, 1) for name in rule.arguments}
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=sorted(rule.methods or ())[0], force_external=False))


def guarded(app: Flask) -> list[tuple[Rule, str, str]]:
    """(rule, method, permission) of all endpoints that need one."""
    found = []
    for rule in endpoints(app):
        permission = getattr(app.view_functions[rule.endpoint], "permission", None)
        if permission is not None:
            verb = permission.format(**{name: SAMPLE.get(name, 1) for name in rule.arguments})
            found += [(rule, method, verb) for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS")]
    return found


def asked(client: Client, rule: Rule, method: str, **headers: str) -> int:
    return int(client.open(address(client.application, rule), method=method, headers=headers).status_code)


@pytest.mark.parametrize("role", ["viewer", "operator", "manager"])
def test_whatever_a_role_does_not_grant_is_refused_at_every_endpoint(sign_in, token, made, role):
    page, bearer = sign_in(role), {"Authorization": f"Bearer {token(role)}"}
    tried = 0
    for rule, method, permission in guarded(made):
        if not any(fnmatchcase(permission, grant) for grant in ROLES[role]):
            headers = bearer if rule.rule.startswith("/api/") else {}
            assert asked(page, rule, method, **headers) == 403, f"{role} {method} {rule.rule} needs {permission}"
            tried += 1
    assert tried


READING = {
    "records.opened": "it tells colleagues that one looks at the page",
    "records.do_action": "the declared action names its own right, asked first",
    "records.choose_columns": "how one sees a list oneself",
    "records.save_view": "one's own views; sharing one asks for more",
    "records.remove_view": "one's own views; an admin removes shared ones",
    "api.act": "the declared action names its own right, asked first",
}
"""Unsafe endpoints that take no more than the right to read, and why that is right."""


def test_nothing_is_changed_by_the_right_to_read(made):
    found = {rule.endpoint for rule, method, permission in guarded(made) if method != "GET" and permission.endswith(".read")}
    assert found == READING.keys(), "name the right these need, \"*.verb\" where only what is sent says of what"


def test_a_verb_on_anything_is_asked_for_with_a_star():
    clerk = Actor("staff", "clerk", 1, grants=("*.read", "orders.import", "payments.*"))
    assert clerk.may("*.import")
    assert clerk.may("*.export"), "all verbs on payments"
    assert not Actor("staff", "viewer", 1, grants=ROLES["viewer"]).may("*.import")
    assert Actor("staff", "admin", 1, grants=ROLES["admin"]).may("*.export")


@pytest.mark.parametrize(("role", "offered"), [("viewer", set()), ("operator", {"/imports"}), ("manager", {"/imports", "/exports"})])
def test_the_menu_offers_imports_and_exports_to_those_who_may(sign_in, role, offered):
    menu = sign_in(role).get("/").text.split("<nav")[1].split("</nav>")[0]
    assert {path for path in ("/imports", "/exports") if f'href="{path}"' in menu} == offered


def test_strangers_get_past_no_endpoint(client, made):
    for rule, method, _ in guarded(made):
        status = asked(client, rule, method)
        api = rule.rule.startswith("/api/")
        assert status == (401 if api or method != "GET" else 303), f"{method} {rule.rule}"


def test_the_rights_of_a_page_do_not_come_with_its_cookie_to_the_api(sign_in, made):
    client = sign_in("admin")
    for rule, method, _ in guarded(made):
        if rule.rule.startswith("/api/"):
            assert asked(client, rule, method) == 401, f"{method} {rule.rule}"
