"""Shippo: nothing is signed, so Shippo is asked; its client against a pretend one, and what each state of a parcel becomes."""
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from app.audit import COMMAND_LINE
from app.fakes.fake import failing, served
from app.fakes.shippo import TOKEN, FakeShippo
from app.integrations import breaker, connections, limiter
from app.integrations.connections import Wanted
from app.integrations.errors import BadResponse, NotFoundThere
from app.integrations.provider import EndpointConfig, Rejected, Secret, Unreadable
from app.providers.shippo_client import VERSION, ShippoClient
from app.records.changes import Change
from tests.providers.contract import NOW, Contract, case

NUMBER = "00340434161094021501"


class TestShippo(Contract):
    name = "shippo"
    secrets = ("a-token-of-ours-1", "a-token-of-ours-2")
    wrong_secret = None
    has_clock, has_proof = False, False
    key = "tracking_number"
    options = {"unproven": "believe"}

    def endpoint(self, *secrets: str) -> EndpointConfig:
        """Without a token in its address unless one is given."""
        return replace(super().endpoint(*secrets), secrets=tuple(Secret(id, value) for id, value in enumerate(secrets, 1)))

    def changes(self, case_name: str) -> list[Change]:
        """As where nobody can be asked, and the endpoint believes."""
        return [change for each in self.read(case_name) if each.kind for change in self.provider.changes(each, self.endpoint())]

    @pytest.mark.parametrize(("name", "status"), [
        ("label_made", "label_made"), ("in_transit", "in_transit"), ("not_handed_over", "held_up"), ("waits_at_a_counter", "held_up"),
        ("delivered", "delivered"), ("sent_back", "sent_back"), ("failed", "held_up"), ("lost", "lost"),
    ])
    def test_a_parcel_stands_as_its_status_and_what_more_is_said_of_it(self, name, status):
        [change] = self.changes(name)

        assert (change.resource, change.key) == ("deliveries", {"tracking_number": NUMBER})
        assert change.values == {"status": status, "carrier": "dhl_germany", "eta": date(2026, 6, 12)}

    @pytest.mark.parametrize("name", ["unknown", "label_bought"])
    def test_what_says_nothing_of_where_a_parcel_is_is_ignored(self, name):
        assert [each.kind for each in self.read(name)] == [None]

    def test_a_post_is_no_proof_unless_the_endpoint_says_so(self):
        [incoming] = self.read("delivered")
        asks = replace(self.endpoint(), options={"unproven": "ask"})
        [careful] = self.provider.parse(self.sent("delivered"), asks)

        assert (incoming.is_thin, incoming.is_shown, careful.is_shown) == (True, True, False)
        with pytest.raises(Unreadable, match="connect Shippo"):
            self.provider.changes(careful, asks)

    def test_the_same_news_by_another_registration_is_one_event(self):
        event = case("shippo", "delivered")
        event["data"]["messages"], event["data"]["tracking_status"]["object_id"] = ["sent again"], "another"

        [again] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        assert again.dedupe_key == self.read("delivered")[0].dedupe_key

    def test_where_the_address_has_a_token_it_has_to_be_right(self):
        right = replace(self.sent("delivered"), url=f"https://x.example/hooks?token={self.secrets[0]}")

        assert self.provider.verify(right, self.endpoint(self.secrets[0]), NOW) is not None
        for url in ("https://x.example/hooks", "https://x.example/hooks?token=another-token"):
            with pytest.raises(Rejected):
                self.provider.verify(replace(right, url=url), self.endpoint(self.secrets[0]), NOW)
        assert self.provider.verify(right, self.endpoint(), NOW) is None


@pytest.fixture
def shippo(app: Flask) -> Iterator[FakeShippo]:
    limiter.forget()
    breaker.forget()
    fake = FakeShippo()
    with served(fake) as url:
        connections.add("shippo", Wanted("Shippo", "", {"api_token": TOKEN}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def client(shippo: FakeShippo) -> ShippoClient:
    found = connections.of_account("shippo", "shippo")
    assert found is not None
    return ShippoClient(found)


def test_a_parcel_is_shown_as_it_stands(shippo: FakeShippo, client: ShippoClient):
    shippo.moved("usps", "9205590164917312751089", "TRANSIT")

    assert client.track("usps", "9205590164917312751089")["tracking_status"]["status"] == "TRANSIT"
    assert shippo.heard[0].headers["shippo-api-version"] == VERSION


def test_what_shippo_does_not_know_is_said_so(client: ShippoClient):
    with pytest.raises(NotFoundThere):
        client.track("usps", "1")


@pytest.mark.parametrize(("carrier", "number"), [("../addresses", "1"), ("usps", "1/../2"), ("usps", ""), ("usps", "1?x=1"), ("USPS", "1")])
def test_what_is_no_parcel_is_never_asked_for(shippo: FakeShippo, client: ShippoClient, carrier: str, number: str):
    with pytest.raises(BadResponse):
        client.track(carrier, number)
    assert shippo.heard == []


def test_the_probe_needs_the_token(shippo: FakeShippo, client: ShippoClient):
    assert client.client.call("probe", "GET", client.client.api.probe[1]).status == 200


@pytest.mark.parametrize(("token", "is_sandbox", "fits"), [(TOKEN, True, True), (TOKEN, False, False), ("shippo_live_1", True, False),
                                                           ("shippo_live_1", False, True)])
def test_a_token_of_the_other_mode_is_refused(token: str, is_sandbox: bool, fits: bool):
    assert (TestShippo().provider.api.check({"api_token": token}, is_sandbox) == {}) is fits  # type: ignore[union-attr]


def test_what_is_fetched_counts_as_of_the_moment_before_it_was_asked(shippo: FakeShippo, client: ShippoClient):
    by, before = TestShippo().provider, datetime.now(UTC)
    shippo.moved("dhl_germany", NUMBER, "DELIVERED")
    [thin] = TestShippo().read("in_transit")

    shippo.next(failing(503))
    found = by.fetch(thin, client.client.connection)

    assert found is not None
    [change] = by.changes(found, replace(TestShippo().endpoint(), options={"unproven": "ask"}))
    assert (change.values["status"], found.is_thin) == ("delivered", False)
    assert change.as_of is not None
    assert before <= change.as_of <= datetime.now(UTC)


