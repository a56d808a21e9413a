"""Endpoints: made by command and in the browser, switched, their secrets rotated; nothing of a secret is ever shown."""
import pytest
from sqlalchemy import select

from app.audit import COMMAND_LINE, Audit
from app.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.integrations.provider import TEST
from app.integrations.registry import provider, providers
from app.records import owners
from app.webhooks import endpoints, testing
from app.webhooks.models import Endpoint, StoredSecret
from tests.webhooks.conftest import SECRETS, STANDARD_SECRET, STRIPE_SECRET, events, only, receipts

pytestmark = pytest.mark.alike
OTHERS = {"stripe": "whsec_another_secret", "standard": "whsec_" + "QUFB" * 8}


def made() -> list[Endpoint]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Endpoint).order_by(Endpoint.id)))


def secrets() -> list[tuple[str, str]]:
    db.session.rollback()
    db.session.expire_all()
    return [(each.hint, each.state) for each in db.session.scalars(select(StoredSecret).order_by(StoredSecret.id))]


def test_the_command_prints_only_the_path(app):
    result = app.test_cli_runner().invoke(args=["endpoint", "add", "stripe", "--name", "Stripe EU", "--secret", STRIPE_SECRET])

    assert result.exit_code == 0, result.output
    [endpoint] = made()
    assert result.output == f"/hooks/stripe/{endpoint.token}\n"
    assert (endpoint.name, endpoint.account, len(endpoint.token)) == ("Stripe EU", "stripe", 32)


def test_the_command_takes_the_secret_from_standard_input(app):
    result = app.test_cli_runner().invoke(args=["endpoint", "add", "standard", "--name", "Shop", "--secret-stdin", "--account", "shop"],
                                          input=STANDARD_SECRET + "\n")

    assert result.exit_code == 0, result.output
    assert made()[0].account == "shop"


def test_the_command_takes_a_second_secret(app):
    app.test_cli_runner().invoke(args=["endpoint", "add", "stripe", "--name", "A", "--secret", STRIPE_SECRET, "--secret2", "whsec_second_one"])

    assert secrets() == [("a3f1", "active"), ("_one", "active")]


@pytest.mark.parametrize(("args", "code"), [
    (["stripe", "--name", "A"], 2), (["stripe", "--name", "A", "--secret", STRIPE_SECRET, "--secret-stdin"], 2),
    (["stripe", "--secret", STRIPE_SECRET], 2), (["nobody", "--name", "A", "--secret", STRIPE_SECRET], 1),
    (["stripe", "--name", "A", "--secret", "sk_live_wrong_kind"], 1), (["stripe", "--name", "", "--secret", STRIPE_SECRET], 1),
])
def test_a_command_that_cannot_be_done_says_so_and_makes_nothing(app, args, code):
    result = app.test_cli_runner().invoke(args=["endpoint", "add", *args])

    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert made() == []


def test_a_name_is_given_once(endpoint):
    endpoint(name="Stripe")

    with pytest.raises(Invalid):
        endpoints.add("stripe", "Stripe", [STRIPE_SECRET], by=COMMAND_LINE)


def test_the_last_live_secret_stays(endpoint):
    found = endpoint()
    secret_id = only(StoredSecret).id

    with pytest.raises(Conflict):
        endpoints.retire_secret(found.id, secret_id, by=COMMAND_LINE)


def test_a_secret_of_another_endpoint_is_not_retired(endpoint):
    one, two = endpoint(name="One", secrets=[STRIPE_SECRET, STRIPE_SECRET + "2"]), endpoint(name="Two")
    of_one = db.session.scalars(select(StoredSecret.id).where(StoredSecret.endpoint_id == one.id)).all()[0]

    with pytest.raises(Conflict):
        endpoints.retire_secret(two.id, of_one, by=COMMAND_LINE)


def test_an_endpoint_that_is_not_there(app):
    for verb in (lambda: endpoints.switch(9, on=True, by=COMMAND_LINE), lambda: endpoints.add_secret(9, STRIPE_SECRET, by=COMMAND_LINE)):
        with pytest.raises(NotFound):
            verb()


def test_every_deed_is_in_the_trail_without_the_secret(endpoint):
    found = endpoint()
    endpoints.add_secret(found.id, "whsec_another_secret", by=COMMAND_LINE)
    endpoints.switch(found.id, on=False, by=COMMAND_LINE)
    endpoints.switch(found.id, on=False, by=COMMAND_LINE)

    rows = list(db.session.scalars(select(Audit).order_by(Audit.id)))
    assert [each.action for each in rows] == ["endpoints.add", "endpoints.add_secret", "endpoints.disable"]
    assert not any("whsec" in each.diff for each in rows)


def test_an_account_is_live_while_an_endpoint_of_it_listens(endpoint):
    found = endpoint(account="eu")
    assert owners.is_live(db.session(), "eu")
    assert not owners.is_live(db.session(), "us")

    endpoints.switch(found.id, on=False, by=COMMAND_LINE)
    assert not owners.is_live(db.session(), "eu")


def test_an_admin_adds_an_endpoint_in_the_browser(sign_in):
    admin = sign_in("admin")
    assert "Stripe" in admin.get("/webhooks/endpoints/new").text

    answer = admin.post("/webhooks/endpoints/new", data={"provider": "stripe", "name": "Stripe EU", "secret": STRIPE_SECRET, "account": ""})

    assert answer.status_code == 303
    page = admin.get(answer.location).text
    assert made()[0].path in page
    assert STRIPE_SECRET not in page
    assert "a3f1" in page


@pytest.mark.parametrize(("given", "sentence"), [
    ({"secret": "sk_live_wrong_kind"}, "begins with whsec_"), ({"name": ""}, "Fill this in."), ({"name": "Taken"}, "Another endpoint"),
    ({"account": "a/b"}, "without a slash"),
])
def test_what_cannot_be_saved_is_said_at_its_field_and_no_secret_comes_back(sign_in, endpoint, given, sentence):
    endpoint(name="Taken")
    data = {"provider": "stripe", "name": "New", "secret": STRIPE_SECRET, "account": ""} | given

    answer = sign_in("admin").post("/webhooks/endpoints/new", data=data)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert data["secret"] not in answer.text
    assert len(made()) == 1


def test_secrets_are_rotated_in_the_browser(sign_in, endpoint):
    admin, found = sign_in("admin"), endpoint()
    old = db.session.scalar(select(StoredSecret.id))

    assert admin.post(f"/webhooks/endpoints/{found.id}/secrets", data={"secret": "whsec_the_new_one"}).status_code == 303
    assert secrets() == [("a3f1", "retiring"), ("_one", "active")]
    assert admin.post(f"/webhooks/endpoints/{found.id}/secrets/{old}/retire").status_code == 303
    assert secrets() == [("a3f1", "retired"), ("_one", "active")]
    assert admin.post(f"/webhooks/endpoints/{found.id}/secrets", data={"secret": "nonsense!"}).status_code == 422


def test_an_endpoint_is_switched_off_and_on_in_the_browser(sign_in, endpoint):
    admin, found = sign_in("admin"), endpoint()

    for way, on in (("off", False), ("on", True)):
        assert admin.post(f"/webhooks/endpoints/{found.id}/{way}").status_code == 303
        assert made()[0].is_enabled is on


@pytest.mark.parametrize("role", ["viewer", "operator", "manager"])
def test_only_admins_see_addresses_and_touch_endpoints(sign_in, endpoint, role):
    client, found = sign_in(role), endpoint()

    assert found.token not in client.get("/webhooks/endpoints").text
    assert client.get(f"/webhooks/endpoints/{found.id}").status_code == 403
    assert client.post(f"/webhooks/endpoints/{found.id}/off").status_code == 403
    assert client.post("/webhooks/endpoints/new", data={}).status_code == 403


def test_integrations_shows_providers_and_what_connects_them(sign_in, endpoint):
    endpoint(name="Stripe EU")

    page = sign_in("viewer").get("/integrations").text

    assert "Stripe EU" in page
    assert "Standard Webhooks" in page


def test_a_test_event_goes_the_real_way_and_changes_nothing(sign_in, endpoint, drain):
    admin, found = sign_in("admin"), endpoint()

    answer = admin.post(f"/webhooks/endpoints/{found.id}/test")
    drain()

    [event] = events()
    assert answer.location == f"/webhooks/events/{event.id}"
    assert (event.said, event.status, event.outcome) == (TEST, "done", "ignored")
    [receipt] = receipts()
    assert (receipt.verdict, receipt.secret_id) == ("ok", only(StoredSecret).id)
    assert only(StoredSecret).used_at is not None
    assert [each.action for each in db.session.scalars(select(Audit).order_by(Audit.id))][-1] == "endpoints.test"


@pytest.mark.parametrize("name", ["stripe", "standard"])
def test_a_test_event_is_signed_with_the_newest_secret(endpoint, name):
    found = endpoint(name, secrets=[SECRETS[name], OTHERS[name]])

    testing.send(found.id, by=COMMAND_LINE)

    newest = db.session.scalars(select(StoredSecret.id).order_by(StoredSecret.id.desc())).first()
    assert [each.secret_id for each in receipts()] == [newest]


def test_a_test_is_not_refused_by_our_own_list_of_addresses(endpoint):
    found = endpoint()
    endpoints.configure(found.id, {"allow": "203.0.113.0/24"}, by=COMMAND_LINE)

    assert testing.send(found.id, by=COMMAND_LINE) == events()[0].id


def test_an_endpoint_that_is_off_is_not_tested(sign_in, endpoint):
    found = endpoint()
    endpoints.switch(found.id, on=False, by=COMMAND_LINE)

    assert sign_in("admin").post(f"/webhooks/endpoints/{found.id}/test").status_code == 409
    assert sign_in("admin").post("/webhooks/endpoints/4711/test").status_code == 404
    assert events() == []


def test_settings_are_changed_in_the_browser_and_wrong_ones_said_at_their_field(sign_in, endpoint):
    admin, found = sign_in("admin"), endpoint()
    address = f"/webhooks/endpoints/{found.id}/settings"

    refused = admin.post(address, data={"allow": "nowhere", "tolerance": "60", "max_bytes": "", "public_url": ""})
    assert refused.status_code == 422
    assert "nowhere is no address or network" in refused.text
    assert made()[0].config == {}
    assert admin.post(address, data={"allow": "203.0.113.7", "tolerance": "60", "max_bytes": "", "public_url": ""}).status_code == 303

    assert made()[0].config == {"allow": ["203.0.113.7/32"], "tolerance": 60}
    assert "203.0.113.7/32" in admin.get(address).text
    assert "203.0.113.7/32" in admin.get(f"/webhooks/endpoints/{found.id}").text


def test_the_page_says_where_to_paste_the_address(sign_in, endpoint):
    found = endpoint()

    page = sign_in("admin").get(f"/webhooks/endpoints/{found.id}").text

    assert provider("stripe").where in page
    assert found.path in page


def test_every_provider_is_offered_and_has_a_form(sign_in, app):
    admin = sign_in("admin")
    offered = admin.get("/webhooks/endpoints/new").text

    for each in providers():
        assert f'provider={each.name}"' in offered
        page = admin.get(f"/webhooks/endpoints/new?provider={each.name}")
        assert page.status_code == 200
        assert each.own_page or all(option.label in page.text for option in each.options)
    assert admin.get("/webhooks/endpoints/new?provider=nobody").status_code == 404
