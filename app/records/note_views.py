"""What staff leave beside a record: notes, and who has it open."""
from app.records import notes, openings

__all__ = ["notes", "openings"]
