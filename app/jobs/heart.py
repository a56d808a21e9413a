"""The heartbeat: while rows are worked on, a thread holds on to them with a connection of its own."""
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog
from flask import Flask, current_app

from app.config import config
from app.jobs import presence
from app.jobs.queue import Claim, extend

log = structlog.get_logger()


class Heart:
    """Extends the leases of these claims four times a lease, for as long as the block runs."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = claims
        self._over = threading.Event()
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._beat, args=(app, config().lease_seconds / 4), daemon=True, name="heart")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self, app: Flask, every: float) -> None:
        while not self._over.wait(every):
            with app.app_context():
                try:
                    extend(self._claims)
                    presence.seen()
                except Exception as error:  # the fence decides; a missed beat is not the end of the work
                    log.warning("heart.missed", error=str(error))
