"""How often a program may ask the API: so many requests a minute and token, counted for all processes in Redis.

Without Redis each process counts for itself. Every answer says where the program stands (RateLimit-*, Retry-After in seconds).
"""
import time
from hashlib import sha256

from flask import Blueprint, Response, request

from app.extensions import limiter
from app.settings import Setting

RATE = Setting("api.rate", "API requests a minute", "How often a program may ask with one token; more are answered 429.", 600,
               least=10, most=1_000_000)


def limited(bp: Blueprint) -> None:
    """Count every request to this blueprint, once it is known whose it is."""
    limiter.shared_limit(lambda: f"{RATE.get()}/minute", "api", key_func=_who)(bp)
    bp.after_request(_tell)


def _who() -> str:
    """The token, not to be read from the key; without one, where the request comes from."""
    token = request.headers.get("Authorization")
    return sha256(token.encode()).hexdigest()[:32] if token else request.remote_addr or ""


def _tell(response: Response) -> Response:
    now = limiter.current_limit
    if now is not None:
        seconds = max(1, round(now.reset_at - time.time()))
        response.headers["RateLimit-Limit"] = str(now.limit.amount)
        response.headers["RateLimit-Remaining"] = str(now.remaining)
        response.headers["RateLimit-Reset"] = str(seconds)
        if now.breached:
            response.headers["Retry-After"] = str(seconds)
    return response
