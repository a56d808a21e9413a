"""A pretend Stripe: customers, payment intents, charges, refunds, subscriptions; idempotency keys and cursors as Stripe has them.

Docs: "Idempotent requests", "Pagination", "Errors", the objects' pages (API 2025).
"""
import time
from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar

from werkzeug.wrappers import Request

from app.fakes.fake import Fake, Said, Shelf

KINDS = ("customers", "payment_intents", "charges", "refunds", "subscriptions", "disputes")
KEY = "sk_test_fakefakefake4242"


class FakeStripe(Fake):
    """What it keeps is in `shelves`; `key` is the one it accepts."""

    name: ClassVar[str] = "stripe"
    numbered_by: ClassVar[str] = "Request-Id"

    def __init__(self, key: str = KEY) -> None:
        super().__init__()
        self.key = key
        self.shelves = {kind: Shelf() for kind in KINDS}
        self._numbers = count(1)
        self._kept: dict[str, tuple[Any, Said]] = {}     # by idempotency key: what was asked and what was said

    def paid(self, id: str = "", *, amount: int = 5000, currency: str = "eur", created: int = 0) -> dict[str, Any]:
        """A payment intent that succeeded, with its charge."""
        id = id or f"pi_{next(self._numbers)}"
        at = created or int(time.time())
        charge = self.shelves["charges"].put({
            "id": f"ch_{id}", "object": "charge", "amount": amount, "amount_captured": amount, "amount_refunded": 0,
            "currency": currency, "captured": True, "refunded": False, "status": "succeeded", "payment_intent": id, "created": at,
            "metadata": {}, "payment_method_details": {"type": "card"}})
        return self.shelves["payment_intents"].put({
            "id": id, "object": "payment_intent", "amount": amount, "amount_received": amount, "currency": currency,
            "created": at, "status": "succeeded", "latest_charge": charge["id"], "metadata": {},
            "payment_method_types": ["card"]})

    def answer(self, request: Request) -> Said:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given != self.key:
            return _error(401, "invalid_request_error", f"Invalid API Key provided: {given}")
        key = request.headers.get("Idempotency-Key", "")
        asked = (request.path, request.form.to_dict())
        if request.method == "POST" and key in self._kept:
            before, said = self._kept[key]
            if before != asked:
                return _error(400, "idempotency_error", "Keys for idempotent requests can only be used with the same parameters.")
            return Said(said.status, said.body, {"Idempotent-Replayed": "true"})
        said = self._route(request)
        if request.method == "POST" and key:
            self._kept[key] = (asked, said)
        return said

    def _route(self, request: Request) -> Said:
        parts = request.path.strip("/").split("/")
        if parts == ["v1", "balance"]:
            return Said(200, {"object": "balance", "livemode": False, "available": []})
        if len(parts) not in (2, 3) or parts[0] != "v1" or parts[1] not in KINDS:
            return _error(404, "invalid_request_error", f"Unrecognized request URL ({request.method}: {request.path}).")
        if request.method == "POST" and parts[1:] == ["refunds"]:
            return self._refund(request.form.to_dict())
        if request.method == "DELETE" and parts[1] == "subscriptions" and len(parts) == 3:
            return self._cancel(parts[2])
        if len(parts) == 2:
            return self._list(parts[1], request.args.to_dict())
        found = self.shelves[parts[1]].get(parts[2])
        return Said(200, found) if found else _missing(parts[1][:-1], parts[2])

    def _list(self, kind: str, args: Mapping[str, str]) -> Said:
        """The newest first; `starting_after` names the last one already seen."""
        found = [each for each in self.shelves[kind].all() if int(args.get("created[gte]", 0)) <= each.get("created", 0)
                 and args.get("payment_intent", each.get("payment_intent")) == each.get("payment_intent")]
        if "starting_after" in args:
            ids = [each["id"] for each in found]
            if args["starting_after"] not in ids:
                return _missing(kind[:-1], args["starting_after"])
            found = found[ids.index(args["starting_after"]) + 1:]
        size = int(args.get("limit", 10))
        shown = [self._expanded(each, args.get("expand[]", "").removeprefix("data.")) for each in found[:size]]
        return Said(200, {"object": "list", "url": f"/v1/{kind}", "data": shown, "has_more": len(found) > size})

    def _expanded(self, thing: dict[str, Any], name: str) -> dict[str, Any]:
        """With its charge in the place of its id."""
        charge = self.shelves["charges"].get(str(thing.get(name))) if name else None
        return thing if charge is None else {**thing, name: charge}

    def _refund(self, form: Mapping[str, str]) -> Said:
        intent = self.shelves["payment_intents"].get(form.get("payment_intent", ""))
        charge = self.shelves["charges"].get(intent["latest_charge"] if intent else form.get("charge", ""))
        if charge is None:
            return _missing("payment_intent", form.get("payment_intent", ""))
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(form.get("amount", left))
        if left == 0:
            return _error(400, "invalid_request_error", f"Charge {charge['id']} has already been refunded.",
                          "charge_already_refunded")
        if not 0 < amount <= left:
            return _error(400, "invalid_request_error",
                          f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        made = self.shelves["refunds"].put({
            "id": f"re_{next(self._numbers)}", "object": "refund", "amount": amount, "currency": charge["currency"],
            "charge": charge["id"], "payment_intent": charge["payment_intent"], "status": "succeeded",
            "created": int(time.time()), "reason": form.get("reason"), "metadata": _metadata(form)})
        return Said(200, made)

    def _cancel(self, id: str) -> Said:
        found = self.shelves["subscriptions"].get(id)
        if found is None or found["status"] == "canceled":
            return _missing("subscription", id)
        found["status"] = "canceled"
        return Said(200, found)


def _metadata(form: Mapping[str, str]) -> dict[str, str]:
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}


def _missing(kind: str, id: str) -> Said:
    return _error(404, "invalid_request_error", f"No such {kind}: '{id}'", "resource_missing")


def _error(status: int, type: str, message: str, code: str = "") -> Said:
    return Said(status, {"error": {"type": type, "message": message} | ({"code": code} if code else {})})
