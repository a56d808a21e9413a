"""`erase`: for people who ask to be forgotten."""
import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import COMMAND_LINE
from app.care import erase as erasing
from app.commerce.customers import Customer
from app.counting import counted
from app.errors import NotFound
from app.extensions import db
from app.transaction import transaction

KEPT = {"record": ("field of the record", "fields of the record"), "events": ("event", ""),
        "bodies": ("stored post", ""), "changes": ("change", ""), "notes": ("note", "")}
"""How each of what is kept about a person is counted."""


class Here:
    """An erasure in this process: begun anew, it finds what is left."""

    def __init__(self) -> None:
        self.cursor: dict[str, Any] = {}

    def transaction(self) -> AbstractContextManager[Session]:
        return transaction()


@click.command()
@click.argument("customer")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def erase(customer: str, dry_run: bool, as_json: bool) -> None:
    """Erase what is kept about CUSTOMER, an id or an e-mail address: in the record, posts of providers, the trail.

    Exit code 1: an event about them waits or runs, and kept what it needs. Run it again once that has ended.
    """
    id = _id(customer)
    if dry_run:
        found = asdict(erasing.preview(db.session(), id))
        click.echo(json.dumps(found) if as_json else _kept(found))
        return
    did = erasing.erase(Here(), id, by=COMMAND_LINE)
    click.echo(json.dumps(did) if as_json else f"Erased {counted(did['bodies'], 'stored post')} and the values of "
               f"{counted(did['changes'], 'change')} of customer {id}; {counted(did['left'], 'event')} left.")
    if did["left"]:
        raise SystemExit(1)


def _kept(found: dict[str, int]) -> str:
    said = [counted(found[name], one, many) for name, (one, many) in KEPT.items() if found[name]]
    return f"Would be erased of the customer: {', '.join(said)}." if said else "Nothing is kept of the customer any more."


def _id(customer: str) -> int:
    which = Customer.id == int(customer) if customer.isascii() and customer.isdecimal() else Customer.email == customer
    found = db.session.scalar(select(Customer.id).where(which))
    db.session.rollback()
    if found is None:
        raise NotFound("There is no such customer.")
    return found
