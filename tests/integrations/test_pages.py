"""The pages of connections and calls: who may see and do what, what a test says, and that no secret is shown."""
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from app.audit import COMMAND_LINE
from app.errors import Invalid, NotFound
from app.fakes.fake import REDIRECT, failing, limited, refusing, served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import breaker, connections
from app.integrations.connections import Wanted
from app.integrations.models import Call, StoredConnection
from app.integrations.secrets import seal, unseal
from app.jobs.models import Job
from app.transaction import transaction
from tests.integrations.conftest import calls, stored

pytestmark = pytest.mark.alike
FORM = {"provider": "stripe", "name": "Stripe EU", "credential_api_key": KEY, "is_sandbox": "y"}


@pytest.fixture
def stripe(app):
    fake = FakeStripe()
    with served(fake) as url:
        fake.url = url  # type: ignore[attr-defined]
        yield fake


@pytest.fixture
def connection(stripe):
    return connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, stripe.url, True), by=COMMAND_LINE)


def test_a_connection_is_made_tested_and_seen(sign_in, stripe):
    admin = sign_in("admin")
    made = admin.post("/integrations/connections/new", data=FORM | {"address": stripe.url})
    assert made.status_code == 303
    page = admin.get(made.location).text
    assert "Not tried yet" in page
    assert "Sandbox" in page

    tested = admin.post(f"{made.location}/test")
    page = admin.get(tested.location).text

    assert "Stripe answered in" in page
    assert KEY not in page
    assert "…4242" in page
    assert "Working" in admin.get("/integrations").text
    assert [heard.path for heard in stripe.heard] == ["/v1/balance"]
    assert stored().account == "stripe"


def test_credentials_are_kept_sealed(connection):
    assert KEY not in stored().sealed
    assert json.loads(unseal(stored().sealed)) == {"api_key": KEY}
    assert KEY not in repr(connections.opened(stored()))


@pytest.mark.parametrize(("wrong", "says"), [
    (refusing(401, "Invalid API Key provided"), "does not accept our credentials"), (refusing(403), "do not allow this"),
    (refusing(404), "nothing under this address"), (failing(500), "It answered 500"), (limited("60"), "wants fewer calls"),
    (REDIRECT, "wants another address")])
def test_a_test_says_exactly_what_is_wrong(sign_in, stripe, connection, wrong, says):
    stripe.next(wrong)
    admin = sign_in("admin")

    page = admin.get(admin.post(f"/integrations/connections/{connection}/test").location).text

    assert says in page
    assert "See the call" in page


@pytest.mark.parametrize(("address", "says"), [
    ("http://127.0.0.1:9", "refuses connections"), ("https://nobody.invalid", "is not known (DNS)"),
    ("https://10.0.0.1", "no public address"), ("http://example.invalid", "is not known (DNS)")])
def test_a_test_of_an_address_says_what_is_wrong_with_it(app, sign_in, address, says):
    with transaction() as session:
        row = StoredConnection(provider="stripe", name="Elsewhere", account="stripe", address=address, is_sandbox=True,
                               sealed=seal(json.dumps({"api_key": KEY})), created_at=datetime.now(UTC))
        session.add(row)
        session.flush()
        id = row.id
    admin = sign_in("admin")

    assert says in admin.get(admin.post(f"/integrations/connections/{id}/test").location).text
    assert "Failing" in admin.get("/integrations").text


def test_a_test_is_made_although_the_provider_is_left_alone(sign_in, stripe, connection):
    opened = connections.opened(stored())
    stripe.next(*[failing(500)] * breaker.FAILURES)
    client = connections.client(connection)
    for _ in range(breaker.FAILURES):
        with pytest.raises(Exception, match="500"):
            client.call("x", "GET", "/v1/balance", patience=connections.ONCE)
    assert breaker.state(opened) == "open"
    assert "Left alone" in sign_in("viewer").get("/integrations").text

    assert connections.test(connection) is None
    assert breaker.state(opened) == "closed"


@pytest.mark.parametrize(("wrong", "field"), [
    ({"name": ""}, "Name"), ({"credential_api_key": ""}, "Secret key"), ({"credential_api_key": "whsec_12345678"}, "Secret key"),
    ({"credential_api_key": "sk_live_12345678"}, "Secret key"), ({"address": "http://10.0.0.1"}, "Address"),
    ({"address": "https://user:pass@example.com"}, "Address"), ({"address": "javascript:alert(1)"}, "Address"),
    ({"account": "a/b"}, "Account")])
def test_what_cannot_be_is_said_beside_its_field(sign_in, wrong, field):
    answer = sign_in("admin").post("/integrations/connections/new", data=FORM | wrong)

    assert answer.status_code == 422
    assert "to mend before saving" in answer.text
    assert f">{field}: " in answer.text
    assert "sk_live_12345678" not in answer.text


def test_a_live_key_needs_the_sandbox_off_and_a_test_key_on(app):
    for key, sandbox in ((KEY, False), ("sk_live_12345678", True)):
        with pytest.raises(Invalid) as caught:
            connections.add("stripe", Wanted("A", "", {"api_key": key}, "", sandbox), by=COMMAND_LINE)
        assert "api_key" in caught.value.errors


def test_an_edit_keeps_the_secret_unless_it_is_typed_again(sign_in, stripe, connection):
    admin = sign_in("admin")
    url = f"/integrations/connections/{connection}/edit"
    assert KEY not in admin.get(url).text

    kept = admin.post(url, data={"name": "Stripe Europe", "is_sandbox": "y", "address": stripe.url})
    assert kept.status_code == 303
    assert json.loads(unseal(stored().sealed)) == {"api_key": KEY}
    assert stored().name == "Stripe Europe"

    admin.post(url, data={"name": "Stripe Europe", "is_sandbox": "y", "address": stripe.url, "credential_api_key": "sk_test_87654321"})
    assert json.loads(unseal(stored().sealed)) == {"api_key": "sk_test_87654321"}


def test_a_secret_is_not_sent_to_another_address_without_being_typed_again(sign_in, connection):
    """Whoever may edit a connection could read its secret otherwise."""
    answer = sign_in("admin").post(f"/integrations/connections/{connection}/edit", data={
        "name": "Stripe EU", "is_sandbox": "y", "address": "https://evil.example"})

    assert answer.status_code == 422
    assert "it would be sent to another address" in answer.text
    assert stored().address != "https://evil.example"


def test_a_connection_whose_credentials_nobody_can_read_is_shown_and_mended(sign_in, stripe, connection):
    with transaction() as session:
        session.get_one(StoredConnection, connection).sealed = "sealed with a key that is gone"
    admin, page = sign_in("admin"), f"/integrations/connections/{connection}"

    assert "Locked" in admin.get("/integrations").text
    assert "type them again" in admin.get(page).text
    form = {"name": "Stripe EU", "address": stripe.url, "is_sandbox": "y"}
    assert "Fill this in." in admin.post(f"{page}/edit", data=form).text
    assert admin.post(f"{page}/edit", data=form | {"credential_api_key": KEY}).status_code == 303
    assert connections.test(connection) is None


def test_two_connections_have_two_names(connection):
    with pytest.raises(Invalid, match=r"Nothing was saved"):
        connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, "", True), by=COMMAND_LINE)


def test_a_connection_that_is_off_is_not_used(sign_in, connection):
    admin = sign_in("admin")
    assert connections.of_account("stripe", "stripe") is not None
    admin.post(f"/integrations/connections/{connection}/off")

    assert connections.of_account("stripe", "stripe") is None
    with pytest.raises(Exception, match="switched off"):
        connections.client(connection)
    assert ">Off<" in admin.get("/integrations").text
    admin.post(f"/integrations/connections/{connection}/on")
    assert connections.of_account("stripe", "stripe") is not None


def test_reading_is_for_everybody_and_changing_for_admins(sign_in, connection):
    for role in ("viewer", "operator", "manager"):
        reader = sign_in(role)
        assert reader.get("/integrations").status_code == 200
        assert reader.get(f"/integrations/connections/{connection}").status_code == 200
        assert reader.get("/integrations/calls").status_code == 200
        assert reader.get("/integrations/connections/new").status_code == 403
        assert reader.get(f"/integrations/connections/{connection}/edit").status_code == 403
        for verb in ("test", "on", "off", "edit"):
            assert reader.post(f"/integrations/connections/{connection}/{verb}").status_code == 403


def test_what_was_sent_and_answered_is_for_those_who_see_what_is_sensitive(sign_in, stripe, connection):
    connections.test(connection)
    (call,) = calls()

    assert "livemode" in sign_in("manager").get(f"/integrations/calls/{call.id}").text
    shown = sign_in("viewer").get(f"/integrations/calls/{call.id}").text
    assert "livemode" not in shown
    assert "integrations.sensitive" in shown


def test_a_key_that_the_provider_quotes_is_hidden_everywhere(sign_in, stripe, connection):
    stripe.key = "sk_test_another_key"
    admin = sign_in("admin")

    pages = [admin.get(admin.post(f"/integrations/connections/{connection}/test").location).text,
             admin.get("/integrations/calls").text, admin.get(f"/integrations/calls/{calls()[0].id}").text]

    assert all("Invalid API Key provided: [hidden]" in page for page in pages)
    assert not any(KEY in page for page in pages)


def many(connection, number, **values):
    with transaction() as session:
        session.execute(insert(Call), [{
            "connection_id": connection, "provider": "stripe", "operation": f"o{place}", "op": "payments.show", "method": "GET",
            "url": "https://api.stripe.com/v1/x", "attempt": 1, "status": 200, "ms": 5, "request": "", "reply": "", "is_sent": True,
            "at": datetime.now(UTC), **values} for place in range(number)])


def test_the_log_is_paged_and_filtered(sign_in, connection):
    many(connection, 60)
    many(connection, 3, error="TimedOut", status=None, said="It was too slow", resource="payments", record_id=7, job_id=5, event_id=9)
    reader = sign_in("viewer")

    first = reader.get("/integrations/calls").text
    assert first.count('<th scope="row">') == 50
    assert "/integrations/calls?after=" in first
    for query in ("view=failed", "view=unanswered", "record=payments/7", "job=5", "event=9", "error=TimedOut"):
        assert reader.get(f"/integrations/calls?{query}").text.count('<th scope="row">') == 3
    assert "No call is like this" in reader.get("/integrations/calls?op=nothing").text
    eleventh = calls()[10].id
    assert reader.get(f"/integrations/calls?connection={connection}&after={eleventh}").text.count('<th scope="row">') == 10


@pytest.mark.parametrize("query", ["view=x", "job=x", "record=payments", "after=x", "other=1", "record=payments/x"])
def test_a_filter_nobody_knows_is_said_so(sign_in, query):
    assert sign_in("viewer").get(f"/integrations/calls?{query}").status_code == 400


def test_the_attempts_of_a_call_stand_together(sign_in, stripe, connection):
    stripe.next(limited("0"))
    connections.client(connection).call("balance", "GET", "/v1/balance")
    ids = [call.id for call in calls()]

    page = sign_in("viewer").get(f"/integrations/calls/{ids[0]}").text

    assert len(ids) == 2
    assert all(f'/integrations/calls/{id}"' in page for id in ids)


def test_the_page_of_a_job_leads_to_its_calls(sign_in, connection):
    with transaction() as session:
        job = Job(kind="jobs.prune", queue="default", args={}, status="done", run_at=datetime.now(UTC), max_attempts=1)
        session.add(job)
        session.flush()
        id = job.id
    many(connection, 2, job_id=id)
    assert f'/integrations/calls?job={id}">2 calls</a>' in sign_in("viewer").get(f"/jobs/{id}").text.replace(" to providers", "")


@pytest.mark.parametrize("path", ["connections/9", "calls/9", "connections/99999999999999999999", "calls/99999999999999999999"])
def test_what_is_not_there_is_not_found(sign_in, path):
    assert sign_in("admin").get(f"/integrations/{path}").status_code == 404


def test_a_provider_that_only_posts_cannot_be_called(app):
    with pytest.raises(NotFound, match="only posts"):
        connections.api_of("standard")
