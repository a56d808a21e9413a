"""A storm of events: what is sent, who sends it until it is acknowledged, and what must be there when it is over."""
import http.client
import json
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue

from tests.chaos.poison import DEEDS
from tests.webhooks.conftest import STANDARD_SECRET, signed

BEGAN = datetime(2026, 6, 1, tzinfo=UTC)
STATES = ("pending", "authorised", "failed", "paid", "part_refunded", "refunded", "disputed")
COPIES = 4


@dataclass(frozen=True)
class Happening:
    """One event: what it says of one payment, and when."""

    id: str
    object: str
    place: int                    # in time; no two are alike
    said: tuple[tuple[str, str], ...]

    @property
    def is_poison(self) -> bool:
        return self.id.partition(":")[0] in DEEDS

    @property
    def body(self) -> bytes:
        at = (BEGAN + timedelta(seconds=self.place)).isoformat().replace("+00:00", "Z")
        return json.dumps({"type": "payments.updated", "timestamp": at, "data": {"id": self.object, **dict(self.said)}}).encode()


def happenings(count: int, objects: int, poison: int) -> list[Happening]:
    """So many events, so many of them poison, of so many payments: each says a part of the payment, no two the same."""
    deeds = [DEEDS[number % len(DEEDS)] for number in range(poison)] + ["event"] * (count - poison)
    random.shuffle(deeds)
    return [Happening(f"{deed}:{number}", f"PAY-{number % objects}", number, _said(number)) for number, deed in enumerate(deeds)]


def _said(number: int) -> tuple[tuple[str, str], ...]:
    parts = ((("amount", f"{number}.00"), ("currency", "EUR")), (("method", f"method {number}"),),
             (("status", random.choice(STATES)), ("method", f"method {number}")),
             (("amount", f"{number}.00"), ("currency", "EUR"), ("status", random.choice(STATES))))
    return random.choice(parts)


def latest(happened: Sequence[Happening]) -> dict[str, dict[str, str]]:
    """payment → field → what was said of it last, as poison is never heard."""
    found: dict[str, dict[str, str]] = {}
    for one in sorted(happened, key=lambda each: each.place):
        if not one.is_poison:
            found.setdefault(one.object, {}).update(one.said)
    return found


class Senders:
    """Providers that send each receipt until they hear 2xx, over connections they keep while they can."""

    def __init__(self, port: int, path: str, receipts: Sequence[Happening]) -> None:
        self.port, self.path = port, path
        self.acknowledged = 0
        self._left: SimpleQueue[Happening] = SimpleQueue()
        for receipt in receipts:
            self._left.put(receipt)

    @contextmanager
    def sending(self, at_once: int) -> Iterator[list[Future[None]]]:
        """In the background while the block runs; all are acknowledged when it ends."""
        with ThreadPoolExecutor(at_once) as pool:
            found = [pool.submit(self._send_all) for _ in range(at_once)]
            yield found
            for one in found:
                one.result()

    def _send_all(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            while True:
                receipt = self._left.get_nowait()
                while not self._is_taken(connection, receipt):
                    connection.close()
                self.acknowledged += 1       # good enough for pacing
        except Empty:
            connection.close()

    def _is_taken(self, connection: http.client.HTTPConnection, receipt: Happening) -> bool:
        try:
            connection.request("POST", self.path, receipt.body, signed("standard", receipt.body, STANDARD_SECRET, id=receipt.id))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):     # its process was killed, or takes too long
            return False
        assert answer.status in (200, 503), answer.status
        return answer.status == 200
