"""What proves a post: secrets that are sealed and rotated; and what is kept of a post that nothing proves."""
import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from app.audit import COMMAND_LINE
from app.extensions import db
from app.webhooks import endpoints, rejects
from app.webhooks.models import Body, StoredSecret
from tests.webhooks.conftest import SECRETS, STRIPE_SECRET, event, events, only, receipts, signed


def test_a_forged_post_is_answered_as_its_provider_wants_to_hear_it(post):
    assert post("payment_succeeded", secret="whsec_somebody_elses").status_code == 400
    assert post("payment_paid", "standard", secret="whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").status_code == 401

    assert events() == []


def test_a_forged_post_is_kept_with_its_reason_and_bytes(post):
    post("payment_succeeded", secret="whsec_somebody_elses")

    [kept] = receipts()
    assert (kept.verdict, kept.reason) == ("rejected", "No live secret of this endpoint made this signature.")
    assert kept.body_id is not None


def test_an_old_post_is_rejected(app, endpoint):
    body = json.dumps(event("payment_succeeded")).encode()
    headers = signed("stripe", body, STRIPE_SECRET, datetime.now(UTC) - timedelta(minutes=6))

    answer = app.test_client().post(endpoint().path, data=body, headers=headers)

    assert answer.status_code == 400
    assert "from our clock" in receipts()[0].reason


def test_a_flood_of_forged_posts_fills_no_table_and_is_counted(post, monkeypatch):
    for _ in range(25):
        post("payment_succeeded", secret="whsec_somebody_elses")
    assert len(receipts()) == rejects.A_MINUTE

    monkeypatch.setattr(rejects, "SECONDS", 0.0)     # the next minute
    post("payment_succeeded", secret="whsec_somebody_elses")

    assert receipts()[-1].more == 25 - rejects.A_MINUTE


def test_of_the_rejected_only_the_latest_are_kept(post, monkeypatch):
    monkeypatch.setattr(rejects, "KEPT", 3)
    for number in range(6):
        post(event("payment_succeeded", id=f"evt_{number}"), secret="whsec_somebody_elses")

    assert len(receipts()) == 3
    assert db.session.scalar(select(func.count()).select_from(Body)) == 3


def test_secrets_are_sealed_at_rest(endpoint):
    endpoint()

    stored = only(StoredSecret)
    assert STRIPE_SECRET not in stored.sealed
    assert stored.hint == STRIPE_SECRET[-4:]


def test_while_a_secret_is_rotated_both_are_good_and_then_only_the_new_one(post, endpoint):
    made, new = endpoint(), "whsec_the_new_secret_of_the_tests"
    endpoints.add_secret(made.id, new, by=COMMAND_LINE)
    old_id = only(StoredSecret, StoredSecret.state == "retiring").id
    assert post(event("payment_succeeded", id="evt_old")).status_code == 200
    assert post(event("payment_succeeded", id="evt_new"), secret=new).status_code == 200

    endpoints.retire_secret(made.id, old_id, by=COMMAND_LINE)

    assert post(event("payment_succeeded", id="evt_late")).status_code == 400
    assert post(event("payment_succeeded", id="evt_then"), secret=new).status_code == 200
    assert only(StoredSecret, StoredSecret.id == old_id).sealed == ""
    assert [receipt.secret_id == old_id for receipt in receipts() if receipt.verdict == "ok"] == [True, False, False]


def test_standard_webhooks_are_known_by_their_signed_id(post):
    for id in ("msg_1", "msg_1", "msg_2"):
        assert post("payment_paid", "standard", id=id).status_code == 200

    assert [each.dedupe_key for each in events()] == ["msg_1", "msg_2"]
    assert SECRETS["standard"] not in json.dumps([receipt.headers for receipt in receipts()])


def test_it_is_noted_when_a_secret_was_last_used_but_not_at_every_post(post, endpoint):
    endpoint()
    assert only(StoredSecret).used_at is None

    post("payment_succeeded")
    first = only(StoredSecret).used_at
    post("payment_created")

    assert first is not None
    assert only(StoredSecret).used_at == first
