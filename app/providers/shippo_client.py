"""Asking Shippo: where a parcel is, whose label it bears, and that one is taken back.

Docs: "Authentication" (ShippoToken), "Tracking Status", "Transactions", "Refunds", "Rate limits" (API 2018-02-08). A label is a
transaction, found by its tracking number among the newest: Shippo offers no other way.
"""
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from app.integrations.auth import ApiKey
from app.integrations.calling import Api, Connection, Credential, Limit
from app.integrations.client import ProviderClient
from app.integrations.errors import BadResponse
from app.integrations.paging import by_number
from app.integrations.provider import dig

VERSION = "2018-02-08"
LABELS, SIZE = 1_000, 100
CARRIER, NUMBER = re.compile(r"[a-z0-9_]{1,60}"), re.compile(r"[A-Za-z0-9_-]{1,80}")


def _token(value: str) -> None:
    if not value.startswith(("shippo_live_", "shippo_test_")):
        raise ValueError("An API token of Shippo begins with shippo_live_ or shippo_test_.")


def _mode(credentials: Mapping[str, str], is_sandbox: bool) -> dict[str, str]:
    """A test token knows made-up parcels only."""
    token = credentials.get("api_token", "")
    if is_sandbox and token.startswith("shippo_live_"):
        return {"api_token": "This is a live token. A sandbox needs one that begins with shippo_test_."}
    if not is_sandbox and token.startswith("shippo_test_"):
        return {"api_token": "This token is for tests. Tick the sandbox, or give the live token."}
    return {}


API = Api(
    base="https://api.goshippo.com",
    credentials=(Credential("api_token", "API token", "Begins with shippo_live_ or shippo_test_, from Settings, API.",
                            check=_token),),
    auth=lambda connection: ApiKey(connection.credentials["api_token"], header="Authorization", scheme="ShippoToken"),
    probe=("addresses.list", "/addresses/?results=1"),
    limit=Limit(5),
    headers={"Shippo-API-Version": VERSION},
    check=_mode,
)


class ShippoClient:
    """One account of Shippo."""

    def __init__(self, connection: Connection) -> None:
        self.client = ProviderClient(connection, API)

    def track(self, carrier: str, number: str) -> dict[str, Any]:
        """Where the parcel is now. Raises NotFoundThere."""
        if not (CARRIER.fullmatch(carrier) and NUMBER.fullmatch(number)):
            raise BadResponse(f"{carrier[:30]!r} {number[:60]!r} is no parcel Shippo could know.", sent=False)
        told = self.client.call("tracks.show", "GET", f"/tracks/{carrier}/{number}").json()
        if dig(told, "tracking_number") != number:
            raise BadResponse("The reply does not show this parcel.")
        return dict(told)

    def label(self, number: str) -> dict[str, Any] | None:
        """The label with this tracking number, sought among the newest LABELS; None: it is not one of them."""
        return self._first("transactions", lambda each: dig(each, "tracking_number") == number)

    def refund_of(self, label: str) -> dict[str, Any] | None:
        """What became of the wish that this label be taken back, as far as it is among the newest; None: nobody wished it."""
        return self._first("refunds", lambda each: dig(each, "transaction") == label)

    def take_back(self, label: str) -> dict[str, Any]:
        """Ask the carrier to take a label back; twice is once. Raises RejectedThere for one that was used, or asked before."""
        wish = {"transaction": label, "async": False}
        told = self.client.call("refunds.create", "POST", "/refunds/", json=wish, safe=True).json()
        if not isinstance(told, dict) or not isinstance(told.get("status"), str):
            raise BadResponse("The reply shows no refund.")
        return told

    def _first(self, things: str, is_it: Callable[[Any], bool]) -> dict[str, Any] | None:
        pages = by_number(lambda more: self.client.call(f"{things}.list", "GET", f"/{things}/", params=more), items="results",
                          size_param="results", size=SIZE)
        found = (each for page in islice(pages, LABELS // SIZE) for each in page.items if is_it(each))
        return next(found, None)
