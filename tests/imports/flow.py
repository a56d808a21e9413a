"""An import taken step by step: what its tests do and look at again and again."""
import io

from sqlalchemy import select

from app.audit import COMMAND_LINE, Actor, Door
from app.commerce.customers import Customer
from app.extensions import db
from app.imports import match
from app.imports.choices import Choices
from app.imports.models import Import
from app.imports.upload import upload
from app.records.batches import Batch
from app.records.changes import Change, Source, apply
from app.transaction import transaction

customers = Customer.__table__


def sent(content: str, resource: str = "customers", by: Actor = COMMAND_LINE) -> int:
    return upload(io.BytesIO(content.encode()), "customers.csv", resource, by=by)


def fresh(import_id: int) -> Import:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Import, import_id)


def batch_of(import_id: int) -> Batch:
    return db.session.get_one(Batch, fresh(import_id).batch_id)


def confirmed(import_id: int, **choices: object) -> None:
    """Take the suggested match."""
    fields = [column["field"] for column in fresh(import_id).columns]
    match.match(import_id, Choices(fields, **{"key": "email", **choices}), by=COMMAND_LINE)  # type: ignore[arg-type]


def many(count: int, name: str = "n") -> str:
    return "email,name\n" + "".join(f"c{number}@example.com,{name}{number}\n" for number in range(count))


def change(email: str, **values: object) -> None:
    with transaction() as session:
        apply(session, [Change("customers", values, key={"email": email})], Source(Door.FORM, COMMAND_LINE))


def names() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(customers.c.name).order_by(customers.c.id)))
