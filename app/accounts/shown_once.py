"""A secret just made, on its way to the one page that shows it: sealed in the cookie of whoever made it, kept nowhere by us."""
from flask import session as cookie

from app.integrations.secrets import Sealed, seal, unseal


def hand_over(kind: str, secret: str) -> None:
    """Let the next page that takes a secret of this kind show it, in this browser."""
    cookie[f"once.{kind}"] = seal(secret)


def take(kind: str) -> str:
    """The secret handed over, and "" ever after: loading the page again neither shows nor makes another."""
    sealed = cookie.pop(f"once.{kind}", "")
    try:
        return unseal(sealed) if sealed else ""
    except Sealed:      # SECRET_KEY was changed in between: it is lost, and another is soon made
        return ""
