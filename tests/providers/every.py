"""Every provider with its contract test class: what tests elsewhere need to speak as each of them."""
from importlib import import_module
from pkgutil import iter_modules

import tests.providers
from tests.providers.contract import Contract


def contracts() -> dict[str, Contract]:
    """By provider: a new provider is here once its tests are."""
    for module in iter_modules(tests.providers.__path__):
        if module.name.startswith("test_"):
            import_module(f"tests.providers.{module.name}")
    return {each.name: each() for each in Contract.__subclasses__()}
