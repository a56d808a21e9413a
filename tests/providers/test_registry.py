"""Every provider there is keeps the contract: one without a test class of its own is a failure."""
from importlib import import_module
from pkgutil import iter_modules

import tests.providers
from app.integrations.registry import providers
from tests.providers.contract import Contract


def test_every_registered_provider_is_tested_by_the_contract():
    for module in iter_modules(tests.providers.__path__):
        if module.name.startswith("test_"):
            import_module(f"tests.providers.{module.name}")

    assert {each.name for each in providers()} == {tested.name for tested in Contract.__subclasses__()}


def test_names_fit_into_a_url():
    assert all(each.name.isidentifier() and each.name.islower() for each in providers())
