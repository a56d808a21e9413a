"""The Flask extensions, made once and bound to an application by create_app(), and the base of every table."""
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, registry

Id = BigInteger().with_variant(Integer(), "sqlite")
"""The type of every primary key and of every column that refers to one."""

SortKey = Text().with_variant(Text(collation="C"), "postgresql")
"""Text compared byte by byte, so that both databases sort alike."""


class Utc(TypeDecorator[datetime]):
    """A moment, kept in UTC, given back with its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }),
        type_annotation_map={datetime: Utc, int: BigInteger, str: Text,
                             dict[str, Any]: JSON, list[Any]: JSON, list[str]: JSON},
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False}, disable_autonaming=True)
login = LoginManager()
csrf = CSRFProtect()
migrate = Migrate()
limiter = Limiter(key_func=get_remote_address)


@limiter.request_filter
def is_of_a_provider() -> bool:
    """Posts to /hooks/ have no limit: one that is turned away only comes again."""
    return request.blueprint == "hooks"


if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
