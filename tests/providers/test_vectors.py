"""Published signature vectors of the vendors, where the file is at hand: WEBHOOK_VECTORS names it, or data/ holds it."""
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.integrations.provider import EndpointConfig, Receipt, Rejected, Secret
from app.integrations.registry import provider

FILE = Path(os.environ.get("WEBHOOK_VECTORS", Path(__file__).parent.parent / "data" / "webhook-vectors.json"))
OURS = {"standard_webhooks": "standard", "stripe": "stripe"}       # scheme -> provider


def vectors() -> list[Any]:
    found = json.loads(FILE.read_text())["vectors"] if FILE.is_file() else []
    return [pytest.param(each, id=each["id"]) for each in found if each["scheme"] in OURS]


@pytest.mark.parametrize("vector", vectors())
def test_a_published_vector_is_judged_as_its_vendor_judges_it(vector):
    at = datetime.fromtimestamp(vector["now"], UTC)
    secrets = vector["secret"] if isinstance(vector["secret"], list) else [vector["secret"]]
    endpoint = EndpointConfig("Test", "test", tuple(Secret(1, each) for each in secrets),
                              tolerance=timedelta(seconds=vector.get("tolerance", 300)))
    receipt = Receipt("POST", "", vector["headers"], vector["body"].encode(), None, at)

    try:
        provider(OURS[vector["scheme"]]).verify(receipt, endpoint, at)
        valid = True
    except Rejected:
        valid = False

    assert valid == vector["valid"]
