"""Asking Shippo: where a parcel is. Docs: "Authentication" (ShippoToken), "Tracking Status", "Rate limits" (API 2018-02-08)."""
import re
from collections.abc import Mapping
from typing import Any

from app.integrations.auth import ApiKey
from app.integrations.calling import Api, Connection, Credential, Limit
from app.integrations.client import ProviderClient
from app.integrations.errors import BadResponse
from app.integrations.provider import dig

VERSION = "2018-02-08"
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
