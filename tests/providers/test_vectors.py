"""Published signature vectors of the vendors, where the file is at hand: WEBHOOK_VECTORS names it, or data/ holds it.

Vendors we have no file for are judged by the same pieces their file would be made of.
"""
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.integrations.provider import EndpointConfig, Receipt, Rejected, Secret
from app.integrations.public_keys import ecdsa_p256
from app.integrations.registry import find
from app.integrations.signing import basic_auth, check_clock, first_matching, first_verifying, hmac_base64, hmac_hex, itself
from app.providers.paypal import signed_text
from tests.providers.contract import NOW

FILE = Path(os.environ.get("WEBHOOK_VECTORS", Path(__file__).parent.parent / "data" / "webhook-vectors.json"))
OURS = {"standard_webhooks": "standard", "standard_webhooks_ed25519": "standard", "stripe": "stripe", "adyen_item": "adyen",
        "adyen_header": "adyen", "shopify": "shopify", "square": "square", "woocommerce": "woocommerce", "easypost": "easypost",
        "paddle": "paddle", "sendgrid_ecdsa": "sendgrid"}       # scheme -> provider
ANY_TIME = 36_500 * 86_400
Judge = Callable[[Receipt, EndpointConfig, dict[str, Any]], object]


def _hmac(receipt: Receipt, endpoint: EndpointConfig, params: dict[str, Any]) -> object:
    made = hmac_hex if params["encoding"] == "hex" else hmac_base64
    return first_matching(endpoint.secrets, made(params["hash"], receipt.body), receipt.header(params["header"]))


def _github(receipt: Receipt, endpoint: EndpointConfig, params: dict[str, Any]) -> object:
    return first_matching(endpoint.secrets, hmac_hex("sha256", receipt.body), receipt.header("X-Hub-Signature-256").removeprefix("sha256="))


def _slack(receipt: Receipt, endpoint: EndpointConfig, params: dict[str, Any]) -> object:
    clock, signature = receipt.header("X-Slack-Request-Timestamp"), receipt.header("X-Slack-Signature").removeprefix("v0=")
    found = first_matching(endpoint.secrets, hmac_hex("sha256", b"v0:" + clock.encode() + b":" + receipt.body), signature)
    check_clock(clock, endpoint, receipt.received_at)
    return found


def _sendgrid(receipt: Receipt, endpoint: EndpointConfig, params: dict[str, Any]) -> object:
    signed = receipt.header("X-Twilio-Email-Event-Webhook-Timestamp").encode() + receipt.body
    return first_verifying(endpoint.secrets, ecdsa_p256(signed), receipt.header("X-Twilio-Email-Event-Webhook-Signature"))


PIECES: dict[str, Judge] = {
    "hmac": _hmac,
    "github": _github,
    "slack": _slack,
    "sendgrid_ecdsa": _sendgrid,
    "basic": lambda receipt, endpoint, params: basic_auth(receipt, endpoint),
    "api_key": lambda receipt, endpoint, params: first_matching(endpoint.secrets, itself, receipt.header(params["header"])),
}


def vectors(schemes: set[str]) -> list[Any]:
    found = json.loads(FILE.read_text())["vectors"] if FILE.is_file() else []
    return [pytest.param(each, id=each["id"]) for each in found if each["scheme"] in schemes]


def told(vector: Any) -> tuple[Receipt, EndpointConfig]:
    at = datetime.fromtimestamp(vector["now"], UTC) if "now" in vector else NOW
    known = vector["secret"] if isinstance(vector["secret"], list) else [vector["secret"]]
    secrets = tuple(Secret(1, ":".join(each.values()) if isinstance(each, dict) else each) for each in known)
    seconds = vector.get("tolerance", 300) if "now" in vector else ANY_TIME
    endpoint = EndpointConfig("Test", "test", secrets, vector.get("url", ""), timedelta(seconds=seconds))
    return Receipt("POST", "https://elsewhere.example/", vector["headers"], vector["body"].encode(), None, at), endpoint


@pytest.mark.parametrize("vector", vectors({scheme for scheme, name in OURS.items() if find(name)}))
def test_a_published_vector_is_judged_as_its_vendor_judges_it(vector):
    by = find(OURS[vector["scheme"]])
    assert by is not None
    receipt, endpoint = told(vector)

    try:
        by.verify(receipt, endpoint, receipt.received_at)
        valid = not by.refused(receipt, endpoint, by.parse(receipt, endpoint)) if vector["scheme"] == "adyen_item" else True
    except Rejected:
        valid = False

    assert valid == vector["valid"]


@pytest.mark.parametrize("vector", vectors({"paypal_signed_string"}))
def test_paypal_signs_what_we_think_it_signs(vector):
    receipt, endpoint = told(vector)

    assert signed_text(receipt, endpoint.secrets[0].value).decode() == vector["expected_signed_string"]


@pytest.mark.parametrize("vector", vectors(set(PIECES)))
def test_the_pieces_judge_what_other_vendors_publish(vector):
    receipt, endpoint = told(vector)

    try:
        PIECES[vector["scheme"]](receipt, endpoint, vector.get("params", {}))
        valid = True
    except Rejected:
        valid = False

    assert valid == vector["valid"]
