"""Providers translate: their tests need the declarations, but no database."""
from importlib import import_module
from pkgutil import iter_modules

import pytest

import app.commerce
import app.providers
from app.integrations import shared

for package in (app.commerce, app.providers):
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What clients share in Redis, where other tests have started it, must not reach from one test into the next."""
    monkeypatch.setattr(shared, "_away_until", float("inf"))
