"""Pages of bulk changes: choose, look at what would happen, run, take back."""
from app.records import bulk_changes

__all__ = ["bulk_changes"]
