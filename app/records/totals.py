"""What the columns of a list come to: from the rows of the page where they are all there is, else by query, for who asks."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.errors import BadRequest
from app.records import money, policy, summary
from app.records.asking import Query
from app.records.fields import Field, Money
from app.records.listing import Column
from app.records.query import Page

Sums = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Totals:
    """How many records there are, and by field name {currency: minor units}; of plain numbers {"": their sum}.

    `refused` is a sentence instead, where the database was stopped.
    """

    count: int
    sums: Sums
    refused: str = ""


def columns(asked: Query, shown: Sequence[Column]) -> list[Field]:
    """The fields of the list that are added up, as far as this person may see them and the currencies of their amounts."""
    seen = {field.name for field in policy.readable(asked.actor, asked.resource)}
    return [one.field for one in shown
            if one.field.summed and (not isinstance(one.field, Money) or one.field.currency in seen)]


def of(session: Session, asked: Query, page: Page, fields: Sequence[Field], wanted: bool) -> Totals | None:
    """The totals of all records the list has; None where nothing is added up, or they would cost something and nobody asked.

    No statement where the page is all there is. What it costs otherwise is bounded, and kept until a record is written.
    """
    if not fields:
        return None
    if not (page.next or page.previous):
        return _of_rows(page, fields) if len(page.rows) > 1 else None
    return _asked(session, asked, fields) if wanted else None


def _of_rows(page: Page, fields: Sequence[Field]) -> Totals:
    sums: Sums = {field.name: {} for field in fields}
    for row in page.rows:
        for field in fields:
            if row[field.column] is not None:
                code = (row[field.currency] or "") if isinstance(field, Money) else ""
                sums[field.name][code] = sums[field.name].get(code, 0) + row[field.column]
    return Totals(len(page.rows), sums)


def _asked(session: Session, asked: Query, fields: Sequence[Field]) -> Totals:
    try:
        found = summary.of(session, asked, {"sum": ",".join(field.name for field in fields)})
    except BadRequest as error:
        return Totals(0, {}, error.detail)
    if found["capped"]:
        return Totals(0, {}, "These are in too many currencies to add up. Narrow the list down.")
    sums: Sums = {field.name: {} for field in fields}
    for line in found["data"]:
        for field in fields:
            code, value = _told(field, line)
            sums[field.name][code] = sums[field.name].get(code, 0) + value
    return Totals(sum(line["count"] for line in found["data"]), sums)


def _told(field: Field, line: Mapping[str, Any]) -> tuple[str, int]:
    """The currency, or "", and the sum as we store it."""
    value = line["sum"][field.name]
    if not isinstance(field, Money):
        return "", value
    return line[field.currency] or "", int(Decimal(value).scaleb(money.places(line[field.currency]), money.EXACT))
