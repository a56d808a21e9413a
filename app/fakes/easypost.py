"""A pretend EasyPost: trackers, shown one by one or from the newest on; shipments, whose labels are taken back once.

Docs: "Authentication", "Retrieve a Tracker", "Retrieve all Trackers", "Refund a Shipment", "Errors" (API v2).
"""
import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from werkzeug.wrappers import Request

from app.fakes.fake import Fake, Said, Shelf

KEY = "EZTKfakefakefakefakefake4242"


class FakeEasyPost(Fake):
    """What it keeps is in `trackers` and `shipments`; `taken` are the labels it took back; `key` is the one it accepts."""

    name: ClassVar[str] = "easypost"
    numbered_by: ClassVar[str] = "X-EP-Request-UUID"

    def __init__(self, key: str = KEY) -> None:
        super().__init__()
        self.key = key
        self.trackers, self.shipments = Shelf(), Shelf()
        self.taken: list[str] = []

    def tracked(self, id: str, status: str, *, created: str = "2026-06-10T14:00:00Z", label: str = "",
                refund: str | None = None) -> dict[str, Any]:
        """A tracker that stands like this; `label`: its shipment, if it was bought here, with what was said of taking it back."""
        if label:
            self.shipments.put({"id": label, "object": "Shipment", "refund_status": refund})
        return self.trackers.put({
            "id": id, "object": "Tracker", "mode": "test", "tracking_code": "JD014600003998877665", "status": status,
            "status_detail": "unknown",
            "created_at": created, "updated_at": created, "carrier": "DHLExpress", "est_delivery_date": None,
            "shipment_id": label or None, "tracking_details": []})

    def answer(self, request: Request) -> Said:
        if request.headers.get("Authorization") != f"Basic {base64.b64encode(f'{self.key}:'.encode()).decode()}":
            return _error(401, "APIKEY.INACTIVE", "This api key is no longer active.")
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["v2", "shipments"] and len(parts) > 2:
            return self._shipment(request.method, parts[2:])
        if request.method != "GET" or parts[:2] != ["v2", "trackers"] or len(parts) > 3:
            return _error(404, "NOT_FOUND", "The requested resource could not be found.")
        if len(parts) == 2:
            return self._list(request.args.to_dict())
        found = self.trackers.get(parts[2])
        return Said(200, found) if found else _error(404, "TRACKER.NOT_FOUND", "The requested resource could not be found.")

    def _shipment(self, method: str, parts: list[str]) -> Said:
        found = self.shipments.get(parts[0])
        if found is None:
            return _error(404, "SHIPMENT.NOT_FOUND", "The requested resource could not be found.")
        if method == "POST" and parts[1:] == ["refund"]:
            if found["refund_status"] in ("submitted", "refunded"):
                return _error(422, "SHIPMENT.REFUND.UNAVAILABLE", "Refund already submitted.")
            if found["refund_status"] is None:
                found["refund_status"] = "submitted"
                self.taken.append(found["id"])
        return Said(200, found)

    def _list(self, args: Mapping[str, str]) -> Said:
        """The newest first; `before_id` names the last one already seen."""
        found = [each for each in self.trackers.all() if args.get("start_datetime", "") <= each["created_at"]]
        ids = [each["id"] for each in found]
        if "before_id" in args:
            found = found[ids.index(args["before_id"]) + 1:] if args["before_id"] in ids else []
        size = int(args.get("page_size", 20))
        return Said(200, {"trackers": found[:size], "has_more": len(found) > size})


def _error(status: int, code: str, message: str) -> Said:
    return Said(status, {"error": {"code": code, "message": message, "errors": []}})
