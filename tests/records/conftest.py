"""What the tests of the engine ask for."""
import pytest

from app.records import owners


@pytest.fixture
def live(monkeypatch):
    """The accounts somebody reports for. Take one out and its records are people's again."""
    accounts = {"stripe", "paypal"}
    monkeypatch.setattr(owners, "_checks", [lambda session, account: account in accounts])
    return accounts
