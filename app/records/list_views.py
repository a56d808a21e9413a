"""How a person likes a list: columns, page size, views kept under a name."""
from app.records import saved_views

__all__ = ["saved_views"]
