"""Providers translate: their tests need the declarations, but no database."""
from importlib import import_module
from pkgutil import iter_modules

import app.commerce
import app.providers

for package in (app.commerce, app.providers):
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
