"""How connections and calls read on a page: the light, what a call came to, and what to do about an error."""
from app.integrations import breaker
from app.integrations.connections import described, is_locked
from app.integrations.errors import ProviderError
from app.integrations.models import Call, StoredConnection

Light = tuple[str, str, str]
ADVICE = {
    "AuthError": "Give this connection new credentials: these are mistyped, revoked, or of another account.",
    "PermissionDenied": "At the provider, allow the key to do this, or give this connection one that may.",
    "NotFoundThere": "Check the address of this connection: nothing answers there under this path.",
    "ConflictThere": "Wait a moment and look at the object at the provider.",
    "UnderWayThere": "Wait: it is busy with the same call. Jobs ask again by themselves.",
    "RejectedThere": "Its words say what it does not like. Nothing was done.",
    "RateLimited": "Calls to this account pause until it allows them again; jobs come back by themselves.",
    "UnavailableThere": "If the address is right, the provider or the way to it has a problem. Jobs try again by themselves.",
    "TimedOut": "The provider is slow or unreachable. Jobs try again by themselves.",
    "AmbiguousOutcome": "Look at the provider whether it was done before it is repeated.",
    "BadResponse": "This is not what its API answers: check that the address is that of the API.",
    "Redirected": "Set the address of this connection to where the provider wants it. Credentials follow no redirect.",
    "CircuitOpen": "Press Test once it is mended, or wait: the next call after the rest tries by itself.",
    "BlockedTarget": "Give an address that is public and begins with https://, or allow its network by OUTBOUND_ALLOW.",
}


def light(stored: StoredConnection) -> Light:
    """How a connection stands: off, locked, left alone by the breaker, failing, not tried yet, working."""
    if not stored.is_enabled:
        return "mute", "open", "Off"
    if is_locked(stored):
        return "bad", "call", "Locked"
    state = breaker.state(described(stored))
    if state != "closed":
        return breaker.LIGHTS[state]
    if stored.last_error:
        return "bad", "call", "Failing"
    return breaker.LIGHTS[state] if stored.last_ok_at else ("mute", "open", "Not tried yet")


def came(call: Call) -> Light:
    """What a call came to."""
    if call.error is None:
        return "ok", "full", str(call.status)
    tone = "wait" if call.error in ("RateLimited", "CircuitOpen") else "bad"
    if call.status is not None:
        return tone, "half" if tone == "wait" else "full", str(call.status)
    return tone, "open", "No answer" if call.is_sent else "Not sent"


def said(call: Call) -> str:
    """What went wrong, and what to do about it."""
    found = (call.said or "").rstrip()
    return f"{found}{'' if found[-1:] in '.!?' else '.'} {advice(call)}".strip()


def title(call: Call) -> str:
    """What its error is called; "" for none."""
    known = {kind.__name__: kind.title for kind in _kinds(ProviderError)}
    return known.get(call.error or "", call.error or "")


def advice(call: Call) -> str:
    """What to do about it."""
    return ADVICE.get(call.error or "", "")


def _kinds(kind: type[ProviderError]) -> list[type[ProviderError]]:
    return [kind, *(inner for each in kind.__subclasses__() for inner in _kinds(each))]
