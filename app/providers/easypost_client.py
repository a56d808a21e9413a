"""Asking EasyPost: trackers, one by one or those made since a moment; shipments, and that their labels are taken back.

Docs: "Authentication" (the key is the user of HTTP basic), "Retrieve all Trackers", "Refund a Shipment",
"Pagination", "Rate limiting" (API v2).
"""
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from app.integrations.auth import Basic
from app.integrations.calling import Api, Connection, Credential, Limit
from app.integrations.client import ProviderClient
from app.integrations.errors import BadResponse
from app.integrations.paging import Page, by_cursor

TRACKERS, SHIPMENTS = "/v2/trackers", "/v2/shipments"


def _key(value: str) -> None:
    if not value.startswith(("EZAK", "EZTK")):
        raise ValueError("An API key of EasyPost begins with EZAK or EZTK. The secret of a webhook is not one.")


def _mode(credentials: Mapping[str, str], is_sandbox: bool) -> dict[str, str]:
    """Test keys see other parcels, none of which moves."""
    key = credentials.get("api_key", "")
    if is_sandbox and key.startswith("EZAK"):
        return {"api_key": "This is a production key (EZAK…). A sandbox needs a test key (EZTK…)."}
    if not is_sandbox and key.startswith("EZTK"):
        return {"api_key": "This key is for tests (EZTK…). Tick the sandbox, or give the production key."}
    return {}


API = Api(
    base="https://api.easypost.com",
    credentials=(Credential("api_key", "API key", "Begins with EZAK or EZTK, from API Keys in the dashboard.", check=_key),),
    auth=lambda connection: Basic(connection.credentials["api_key"]),
    probe=("trackers.list", f"{TRACKERS}?page_size=1"),
    limit=Limit(5),
    request_id="x-ep-request-uuid",
    check=_mode,
)


class EasyPostClient:
    """One account of EasyPost."""

    def __init__(self, connection: Connection) -> None:
        self.client = ProviderClient(connection, API)

    def show(self, id: str) -> dict[str, Any]:
        """A tracker as it stands now. Raises NotFoundThere."""
        if not re.fullmatch(r"trk_[A-Za-z0-9]{1,60}", id):
            raise BadResponse(f"{id[:60]!r} is no ID of a tracker.", sent=False)
        told = self.client.call("trackers.show", "GET", f"{TRACKERS}/{id}").json()
        if not isinstance(told, dict) or told.get("id") != id:
            raise BadResponse("The reply does not show this tracker.")
        return told

    def shipment(self, id: str) -> dict[str, Any]:
        """A shipment as it stands now: `refund_status` says whether its label was taken back. Raises NotFoundThere."""
        return _shipment(self.client.call("shipments.show", "GET", f"{SHIPMENTS}/{_segment(id)}").json())

    def take_back(self, id: str) -> dict[str, Any]:
        """Ask the carrier to take its label back; twice is once. Raises RejectedThere for one that was used, or asked before."""
        return _shipment(self.client.call("shipments.refund", "POST", f"{SHIPMENTS}/{_segment(id)}/refund", safe=True).json())

    def each(self, *, since: datetime | None = None, start: str | None = None, size: int = 100) -> Iterator[Page]:
        """Pages of what was made at or after `since`, the newest first; `start` is the `after` of the last page that was done."""
        params = {"page_size": size, "start_datetime": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else None}
        return by_cursor(lambda more: self.client.call("trackers.list", "GET", TRACKERS, params={**params, **more}),
                         items="trackers", param="before_id", start=start)


def _segment(id: str) -> str:
    if not re.fullmatch(r"shp_[A-Za-z0-9]{1,60}", id):
        raise BadResponse(f"{id[:60]!r} is no ID of a shipment.", sent=False)
    return id


def _shipment(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        raise BadResponse("The reply does not show the shipment.")
    return told
