"""What every provider has to keep: a test class inherits these, names its provider, and signs."""
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.integrations.provider import TEST, EndpointConfig, Incoming, Provider, Receipt, Rejected, Secret, Unreadable
from app.integrations.registry import provider
from app.records.changes import Change
from app.records.registry import named

NOW = datetime(2026, 6, 12, 9, 42, tzinfo=UTC)
FOLDER = Path(__file__).parent
META = {"trashed_at"}


def case(provider_name: str, name: str) -> dict[str, Any]:
    """The body of a fixture: tests/providers/<provider>/<case>.json."""
    found: dict[str, Any] = json.loads((FOLDER / provider_name / f"{name}.json").read_text())
    return found


def cases(provider_name: str) -> list[str]:
    return sorted(path.stem for path in (FOLDER / provider_name).glob("*.json"))


ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)


def _spoil(event: Any, data: st.DataObject) -> None:
    """Put anything JSON knows in the place of one value, however deep, or take it away."""
    while isinstance(event, dict | list) and event:
        key = data.draw(st.sampled_from(list(event) if isinstance(event, dict) else list(range(len(event)))))
        inside = event[key]
        if not isinstance(inside, dict | list) or not inside or data.draw(st.integers(0, 3)) == 0:
            if data.draw(st.booleans()):
                event[key] = data.draw(ANYTHING)
            else:
                del event[key]
            return
        event = inside


class Contract:
    """Inherit, set `name` and `secrets`, and write `sign`, or `seal` where the signature is in the body."""

    name: ClassVar[str]
    secrets: ClassVar[tuple[str, str]]       # two valid ones
    wrong_secret: ClassVar[str | None] = "sk_live_notasecret"    # refused by its check_secret; None: any text can be one
    has_clock: ClassVar[bool] = True         # it signs the time
    signs_body: ClassVar[bool] = True        # False: what proves it stands beside the body, and would prove any other
    has_proof: ClassVar[bool] = True         # False: it proves nothing, the address is its secret
    key: ClassVar[str] = "external_id"       # what its changes find records by
    options: ClassVar[dict[str, str]] = {}   # what the endpoint is told
    minimal: ClassVar[bytes] = b'{"a": 1}'   # a body that can be signed, with a 1 in it

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        """The headers the provider would send; `case`: with this fixture."""
        return {}

    def seal(self, body: bytes, secret: str, at: datetime) -> bytes:
        """The body the provider would send. Leaves alone what it cannot read."""
        return body

    @property
    def provider(self) -> Provider:
        return provider(self.name)

    @property
    def has_secrets(self) -> bool:
        """Whether a secret of the endpoint proves what it sends."""
        return self.provider.needs_secret

    def endpoint(self, *secrets: str) -> EndpointConfig:
        live = tuple(Secret(id, value) for id, value in enumerate(secrets or self.secrets[:1], 1))
        return EndpointConfig("Test", "acct", live, "https://x.example/hooks", options=self.options)

    def receipt(self, body: bytes, headers: dict[str, str]) -> Receipt:
        return Receipt("POST", "https://x.example/hooks", headers, body, "192.0.2.1", NOW)

    def signed(self, body: bytes, secret: str = "", at: datetime = NOW, case: str = "") -> Receipt:
        secret = secret or self.secrets[0]
        sent = self.seal(body, secret, at)
        return self.receipt(sent, self.sign(sent, secret, at, case))

    def sent(self, case_name: str) -> Receipt:
        """The case, as the provider would send it."""
        return self.signed(json.dumps(case(self.name, case_name)).encode(), case=case_name)

    def read(self, case_name: str) -> list[Incoming]:
        return self.provider.parse(self.sent(case_name), self.endpoint())

    def changes(self, case_name: str) -> list[Change]:
        """What the case says, without kinds we do not act on, as for the worker, and without what shows nothing."""
        return [change for incoming in self.read(case_name) if incoming.kind is not None and not incoming.is_thin
                for change in self.provider.changes(incoming, self.endpoint())]

    def proven_by(self, receipt: Receipt, *secrets: str) -> int:
        """The number of the secret that proves it, from 1; 1 as well where no secret is needed. Raises Rejected."""
        proof = self.provider.verify(receipt, self.endpoint(*secrets), NOW)
        assert proof is not None or not self.provider.needs_secret
        return 1 if proof is None else proof.id

    def only_with_proof(self) -> None:
        if not self.has_proof:
            pytest.skip("the address is its secret")

    def test_a_signed_post_is_proven_by_its_secret(self):
        assert self.proven_by(self.signed(self.minimal)) == 1

    def test_a_test_event_of_ours_is_proven_and_changes_nothing(self):
        sent = [self.provider.sample(self.endpoint(), NOW + timedelta(seconds=second)) for second in range(2)]
        if None in sent:
            return                                   # we cannot sign as it does
        found = [each for receipt in sent if receipt is not None and self.proven_by(receipt)
                 for each in self.provider.parse(receipt, self.endpoint())]

        assert [(each.kind, each.said) for each in found] == [(None, TEST)] * 2
        assert len({each.dedupe_key for each in found}) == 2

    def test_every_live_secret_is_tried(self):
        if not self.has_secrets:
            pytest.skip("it needs no secret")
        assert self.proven_by(self.signed(self.minimal, self.secrets[1]), *self.secrets) == 2

    def test_a_changed_byte_is_rejected(self):
        if not self.signs_body:
            pytest.skip("it signs no body")
        self.only_with_proof()
        receipt = self.signed(self.minimal)
        receipt = replace(receipt, body=receipt.body.replace(b"1", b"2", 1))

        with pytest.raises(Rejected):
            self.provider.verify(receipt, self.endpoint(), NOW)

    def test_another_secret_is_rejected(self):
        if not self.has_secrets:
            pytest.skip("it needs no secret")
        with pytest.raises(Rejected):
            self.provider.verify(self.signed(self.minimal, self.secrets[1]), self.endpoint(), NOW)

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_clock_too_far_from_ours_is_rejected(self, minutes):
        if not self.has_clock:
            pytest.skip("it signs no time")
        receipt = self.signed(self.minimal, at=NOW + timedelta(minutes=minutes))

        with pytest.raises(Rejected):
            self.provider.verify(receipt, self.endpoint(), NOW)

    @pytest.mark.parametrize("spoil", ["", "x", "t=,v1=", "v1,", "v1,===", "ü", "t=9" * 500, "v1=" + "a" * 64])
    def test_headers_that_are_no_signature_are_rejected(self, spoil):
        self.only_with_proof()
        headers = dict.fromkeys(self.sign(b"{}", self.secrets[0], NOW), spoil)

        with pytest.raises(Rejected):
            self.provider.verify(self.receipt(b"{}", headers), self.endpoint(), NOW)

    def test_without_headers_it_is_rejected(self):
        self.only_with_proof()
        with pytest.raises(Rejected):
            self.provider.verify(self.receipt(b"{}", {}), self.endpoint(), NOW)

    def test_its_own_secrets_pass_its_check(self):
        for secret in self.secrets:
            self.provider.check_secret(secret)
        if self.wrong_secret is not None:
            with pytest.raises(ValueError, match=r"secret|key"):
                self.provider.check_secret(self.wrong_secret)

    @pytest.mark.parametrize("body", [
        b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}", b'{"id": 1}', b'{"type": "charge.refunded"}',
        b'{"id": "e", "type": "charge.refunded", "object": "event"}', b'{"type": "payments.updated", "data": {}}',
        b'{"type": "payments.updated", "data": {"id": "1"}, "timestamp": "yesterday"}', b"[" * 100_000,
        b'{"id": "e", "object": "event", "type": "charge.refunded", "created": 1e400}', b'{"a": NaN}',
        b'{"id": "e", "object": "event", "type": "charge.refunded", "created": 99999999999999}',
    ])
    def test_what_cannot_be_read_is_said_in_a_sentence(self, body):
        try:
            incomings = self.provider.parse(self.signed(body), self.endpoint())
            made = [self.provider.changes(each, self.endpoint()) for each in incomings if each.kind and not each.is_thin]
        except Unreadable as problem:
            said = [problem.detail]
        else:
            said = [each.unread for each in incomings if each.unread]
            assert made == []
        assert all(each.endswith(".") for each in said)

    def test_no_unsigned_header_makes_another_event(self):
        for name in cases(self.name):
            receipt = self.sent(name)
            keys = [each.dedupe_key for each in self.read(name)]
            for header in receipt.headers:
                changed = replace(receipt, headers={**receipt.headers, header: "changed"})
                with suppress(Rejected, Unreadable):
                    self.provider.verify(changed, self.endpoint(), NOW)
                    found = self.provider.parse(changed, self.endpoint())
                    assert [each.dedupe_key for each in found] == keys or not any(each.kind for each in found)

    def test_a_case_with_other_bytes_is_not_proven(self):
        if not self.signs_body:
            pytest.skip("it signs no body")
        self.only_with_proof()
        for name in cases(self.name):
            receipt = self.sent(name)
            bare = replace(receipt, body=json.dumps({"x": case(self.name, name)}).encode())
            with pytest.raises(Rejected):
                self.provider.verify(bare, self.endpoint(), NOW)

    def test_every_case_is_read_alike_each_time(self):
        for name in cases(self.name):
            assert self.read(name) == self.read(name)

    def test_every_case_has_a_key_and_a_word_of_the_provider(self):
        for name in cases(self.name):
            for incoming in self.read(name):
                assert incoming.dedupe_key
                assert incoming.said

    def test_every_case_changes_only_declared_fields(self):
        for name in cases(self.name):
            for change in self.changes(name):
                resource = named(change.resource)
                assert resource.outside
                assert set(change.key or ()) == {self.key}
                assert [field for field in change.values if resource.field(field) is None and field not in META] == []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(st.data())
    def test_whatever_stands_in_a_payload_it_is_read_or_said_to_be_unreadable(self, data):
        name = data.draw(st.sampled_from(cases(self.name)))
        event = case(self.name, name)
        for _ in range(data.draw(st.integers(1, 3))):
            _spoil(event, data)

        with suppress(Unreadable):
            for incoming in self.provider.parse(self.signed(json.dumps(event).encode(), case=name), self.endpoint()):
                for change in self.provider.changes(incoming, self.endpoint()) if incoming.kind else ():
                    assert change.as_of is not None
                    assert set(change.key or ()) == {self.key}

    def test_every_change_says_when_it_happened(self):
        for name in cases(self.name):
            assert all(change.as_of is not None for change in self.changes(name))
