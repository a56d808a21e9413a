"""A pretend PayPal: tokens that end, objects shown by their IDs, and what moved on the account by windows and pages.

Docs: "Authentication", Payments v2, Subscriptions v1, Disputes v1, Transaction Search v1, "Error messages".
"""
import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from werkzeug.wrappers import Request

from app.fakes.fake import Fake, Said

CLIENT_ID, CLIENT_SECRET = "AfakefakefakefakefakefakeClient", "EfakefakefakefakefakeSecret"  # noqa: S105
PATHS = ("/v2/payments/captures/", "/v2/payments/authorizations/", "/v2/payments/refunds/", "/v1/payments/sale/",
         "/v1/billing/subscriptions/", "/v1/customer/disputes/")
LONGEST = timedelta(days=31)


class FakePayPal(Fake):
    """What it keeps is in `kept`, by path, and `moves`; `end_tokens` makes every token given so far useless."""

    name: ClassVar[str] = "paypal"
    numbered_by: ClassVar[str] = "PayPal-Debug-Id"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, Any]] = {}
        self.moves: list[dict[str, Any]] = []
        self._tokens: set[str] = set()
        self._numbers = count(1)

    def captured(self, id: str, status: str = "COMPLETED", *, amount: str = "248.90", currency: str = "EUR") -> None:
        """A capture that stands like this."""
        self.kept[f"/v2/payments/captures/{id}"] = {
            "id": id, "status": status, "amount": {"value": amount, "currency_code": currency}, "final_capture": True,
            "create_time": "2026-06-12T09:40:58Z", "update_time": "2026-06-12T09:41:00Z"}

    def moved(self, id: str, at: str, *, code: str = "T0006", status: str = "S", amount: str = "248.90", of: str = "") -> None:
        """A transaction of the account, as its reports show it; `of` is what a refund gives back."""
        self.moves.append({"transaction_info": {
            "transaction_id": id, "transaction_initiation_date": at, "transaction_updated_date": at, "transaction_status": status,
            "transaction_event_code": code, "transaction_amount": {"currency_code": "EUR", "value": amount},
            **({"paypal_reference_id": of, "paypal_reference_id_type": "TXN"} if of else {})}})

    def end_tokens(self) -> None:
        self._tokens.clear()

    def answer(self, request: Request) -> Said:
        if request.path == "/v1/oauth2/token":
            return self._grant(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            return Said(401, {"error": "invalid_token", "error_description": "Token signature verification failed"})
        if request.path == "/v1/notifications/webhooks":
            return Said(200, {"webhooks": []})
        if request.path == "/v1/reporting/transactions":
            return self._report(request.args.to_dict())
        found = self.kept.get(request.path) if request.path.startswith(PATHS) else None
        return Said(200, found) if found else _error(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.")

    def _grant(self, request: Request) -> Said:
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {pair}" or request.form.get("grant_type") != "client_credentials":
            return Said(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
        token = f"A21AAfake{next(self._numbers)}"
        self._tokens.add(token)
        return Said(200, {"access_token": token, "token_type": "Bearer", "expires_in": 32400})

    def _report(self, args: Mapping[str, str]) -> Said:
        begin, end = args["start_date"], args["end_date"]
        if _moment(end) - _moment(begin) > LONGEST:
            return _error(400, "INVALID_REQUEST", "Date range is greater than 31 days")
        found = [each for each in self.moves if begin <= each["transaction_info"]["transaction_initiation_date"] < end]
        size, page = int(args.get("page_size", 100)), int(args.get("page", 1))
        return Said(200, {"transaction_details": found[(page - 1) * size:page * size], "page": page, "total_items": len(found),
                          "total_pages": -(-len(found) // size)})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _error(status: int, name: str, message: str) -> Said:
    return Said(status, {"name": name, "message": message, "debug_id": "fake"})
