"""A pretend Shippo: parcels by carrier and number, labels that are taken back once.

Docs: "Authentication", "Tracking Status", "Transactions", "Refunds" (API 2018-02-08).
"""
from typing import Any, ClassVar

from werkzeug.wrappers import Request

from app.fakes.fake import Fake, Said

TOKEN = "shippo_test_fakefakefake4242"  # noqa: S105


class FakeShippo(Fake):
    """What it keeps is in `parcels`, `labels` and `refunds`, the newest last; `token` is the one it accepts."""

    name: ClassVar[str] = "shippo"

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.parcels: dict[tuple[str, str], dict[str, Any]] = {}
        self.labels: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []

    def bought(self, number: str) -> str:
        """A label with this tracking number; its id."""
        self.labels.append({"object_id": f"{len(self.labels):032x}", "status": "SUCCESS", "tracking_number": number})
        return str(self.labels[-1]["object_id"])

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
        if parts == ["refunds"] and request.method == "POST":
            return self._take_back(request)
        if parts in (["transactions"], ["refunds"]):
            return self._list(self.labels if parts == ["transactions"] else self.refunds, request)
        found = self.parcels.get((parts[1], parts[2])) if len(parts) == 3 and parts[0] == "tracks" else None
        return Said(200, found) if found else Said(404, {"detail": "Not found"})

    def _take_back(self, request: Request) -> Said:
        wanted = request.get_json()["transaction"]
        if wanted not in [each["object_id"] for each in self.labels] or wanted in [each["transaction"] for each in self.refunds]:
            return Said(400, {"transaction": ["This transaction cannot be refunded, or was before."]})
        self.refunds.append({"object_id": f"r{len(self.refunds)}", "status": "QUEUED", "transaction": wanted})
        return Said(201, self.refunds[-1])

    def _list(self, things: list[dict[str, Any]], request: Request) -> Said:
        """The newest first."""
        page, size = int(request.args.get("page", 1)), int(request.args.get("results", 25))
        found = things[::-1][(page - 1) * size:page * size]
        return Said(200, {"next": None, "previous": None, "results": found})
