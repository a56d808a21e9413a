"""`user` and `token`: who may come in, from the command line."""
import json
import sys

import click
from flask import current_app, url_for

from app import commands
from app.access import ROLES
from app.accounts import tokens, users
from app.audit import COMMAND_LINE
from app.config import config
from app.errors import NotFound


@click.group()
def user() -> None:
    """People with an account."""


@user.command("add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(list(ROLES)), help="What the person may do.")
@click.option("--name", default="", help="What the person is called; else the part of EMAIL before the @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else a one-time link is printed.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def add_user(email: str, role: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Make an account for EMAIL and print the one-time link with which the person sets a password."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    user_id = users.add(email, role, name=name, password=password, by=COMMAND_LINE)
    link = None if password_stdin else _link(user_id)
    if as_json:
        click.echo(json.dumps({"id": user_id, "email": email, "role": role, "link": link}))
    else:
        click.echo(link or f"{email} can sign in.")


@user.command("link")
@click.argument("email")
def link_user(email: str) -> None:
    """Print a new one-time link with which EMAIL sets a password. A link made before is spent by it."""
    click.echo(_link(_known(email)))


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def list_users(as_json: bool) -> None:
    """Everybody with an account, their role and whether it is on."""
    rows = [{"id": one.id, "email": one.email, "name": one.name, "role": one.role, "active": one.is_active}
            for one in users.everybody()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['email']}\t{row['role']}\t{'on' if row['active'] else 'off'}")


@click.group()
def token() -> None:
    """API tokens."""


@token.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What will use it; the trail names it.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good; else until it is revoked.")
def add_token(email: str, name: str, days: int | None) -> None:
    """Make an API token that acts with the rights of EMAIL, and print nothing but the token."""
    click.echo(tokens.add(_known(email), name, days=days, by=COMMAND_LINE))


def _known(email: str) -> int:
    user_id = users.by_email(email)
    if user_id is None:
        raise NotFound(f"Nobody has an account with the address {email}. "
                       f"Add one: {commands.line(f'user add {email} --role operator')}")
    return user_id


def _link(user_id: int) -> str:
    secret = users.make_link(user_id, by=COMMAND_LINE)
    with current_app.test_request_context():
        return config().address + url_for("accounts.welcome", link=secret)
