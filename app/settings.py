"""Settings kept in the database, typed, changed on the settings page: declared once, read with their default."""
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit, cache
from app.audit import Actor
from app.extensions import Model, db
from app.transaction import after_commit

T = TypeVar("T", bool, int, str)
_declared: dict[str, "Setting[Any]"] = {}


class StoredSetting(Model):
    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]          # {"value": …}
    changed_at: Mapped[datetime]


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One choice of the installation: what it is called, what it means, what holds until somebody changes it."""

    name: str
    label: str
    help: str
    default: T
    least: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        _declared[self.name] = self

    def get(self) -> T:
        """The value that holds now, at most five seconds old."""
        value: T = cache.get("settings", self.name, 5.0, self._stored)
        return value

    def set(self, session: Session, value: T, *, by: Actor) -> None:
        """Change it, in the caller's transaction. Raises ValueError with a sentence when the value is out of bounds."""
        self._check(value)
        session.merge(StoredSetting(name=self.name, value={"value": value}, changed_at=datetime.now(UTC)))
        audit.note(session, by, "settings.change", "settings", setting=self.name, value=value)
        after_commit(session, lambda: cache.drop("settings"))

    def _stored(self) -> T:
        row = db.session.get(StoredSetting, self.name)
        return self.default if row is None else row.value["value"]

    def _check(self, value: T) -> None:
        if type(value) is not type(self.default):
            raise ValueError(f"{self.label} must be a {type(self.default).__name__}")
        if self.least is not None and value < self.least or self.most is not None and value > self.most:  # type: ignore[operator]
            raise ValueError(f"{self.label} must be from {self.least} to {self.most}")


def declared() -> list[Setting[Any]]:
    """Every setting there is, by name."""
    return [_declared[name] for name in sorted(_declared)]
