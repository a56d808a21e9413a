"""A pretend Shippo: parcels by carrier and number. Docs: "Authentication", "Tracking Status" (API 2018-02-08)."""
from typing import Any, ClassVar

from werkzeug.wrappers import Request

from app.fakes.fake import Fake, Said

TOKEN = "shippo_test_fakefakefake4242"  # noqa: S105


class FakeShippo(Fake):
    """What it keeps is in `parcels`; `token` is the one it accepts."""

    name: ClassVar[str] = "shippo"

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.parcels: dict[tuple[str, str], dict[str, Any]] = {}

    def moved(self, carrier: str, number: str, status: str, *, substatus: str = "", eta: str | None = None,
              at: str = "2026-06-12T09:42:00Z") -> dict[str, Any]:
        """A parcel that stands like this."""
        more = {"code": substatus, "text": "", "action_required": False} if substatus else None
        told: dict[str, Any] = {"carrier": carrier, "tracking_number": number, "eta": eta, "original_eta": eta, "messages": [],
                "tracking_status": {"object_id": "3a5c2f", "status": status, "status_date": at, "status_details": "",
                                    "substatus": more},
                "tracking_history": []}
        self.parcels[carrier, number] = told
        return told

    def answer(self, request: Request) -> Said:
        if request.headers.get("Authorization") != f"ShippoToken {self.token}":
            return Said(401, {"detail": "Invalid token"})
        parts = request.path.strip("/").split("/")
        if parts == ["addresses"]:
            return Said(200, {"next": None, "previous": None, "results": []})
        found = self.parcels.get((parts[1], parts[2])) if len(parts) == 3 and parts[0] == "tracks" else None
        return Said(200, found) if found else Said(404, {"detail": "Not found"})
