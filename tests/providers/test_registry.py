"""Every provider there is keeps the contract: one without a test class of its own is a failure."""
from app.integrations.registry import providers
from tests.providers.every import contracts


def test_every_registered_provider_is_tested_by_the_contract():
    assert {each.name for each in providers()} == set(contracts())


def test_names_fit_into_a_url():
    assert all(each.name.isidentifier() and each.name.islower() for each in providers())
