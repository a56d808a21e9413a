"""A pretend Xero: a token for client credentials, then contacts, invoices and payments by their IDs (Accounting API 2.0)."""
import base64
import secrets
from typing import Any, ClassVar

from werkzeug.wrappers import Request

from app.fakes.fake import Fake, Said

CLIENT_ID, CLIENT_SECRET = "0F4A" * 8, "fake-client-secret-of-xero-4242"  # noqa: S105
PREFIX = ["api.xro", "2.0"]


class FakeXero(Fake):
    """What it keeps is in `kept`, by name of the list and id in lower case; `end_tokens` makes every token given useless."""

    name: ClassVar[str] = "xero"
    numbered_by: ClassVar[str] = "Xero-Correlation-Id"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}
        self._tokens: set[str] = set()

    def put(self, things: str, thing: dict[str, Any]) -> None:
        """Keep one of `things`, like Contacts."""
        self.kept[things, str(thing[f"{things.removesuffix('s')}ID"]).lower()] = thing

    def end_tokens(self) -> None:
        self._tokens.clear()

    def answer(self, request: Request) -> Said:
        if request.path == "/connect/token":
            return self._grant(request)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            return Said(401, {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": "AuthenticationUnsuccessful"})
        parts = request.path.strip("/").split("/")
        if parts == [*PREFIX, "Organisation"]:
            return Said(200, {"Status": "OK", "Organisations": [{"Name": "Example Ltd"}]})
        if len(parts) == 3 and parts[:2] == PREFIX:
            return self._list(parts[2], request)
        found = self.kept.get((parts[2], parts[3].lower())) if len(parts) == 4 and parts[:2] == PREFIX else None
        if found is None:
            return Said(404, {"Type": "ObjectNotFoundException", "Title": "Not Found", "Status": 404,
                              "Detail": "The resource you're looking for cannot be found"})
        return Said(200, {"Status": "OK", parts[2]: [found]})

    def _list(self, things: str, request: Request) -> Said:
        """What was changed after If-Modified-Since, the oldest change first; what says no `changed` was changed long ago."""
        after = request.headers.get("If-Modified-Since", "")
        found = sorted((each for (kind, _), each in self.kept.items() if kind == things and each.get("changed", "") >= after),
                       key=lambda each: str(each.get("changed", "")))
        page, size = int(request.args.get("page", 1)), int(request.args.get("pageSize", 100))
        return Said(200, {"Status": "OK", things: found[(page - 1) * size:page * size]})

    def _grant(self, request: Request) -> Said:
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {known}" or request.form.get("grant_type") != "client_credentials":
            return Said(400, {"error": "invalid_client"})
        token = secrets.token_hex(16)
        self._tokens.add(token)
        scope = request.form.get("scope", "")
        return Said(200, {"access_token": token, "token_type": "Bearer", "expires_in": 1800, "scope": scope})
