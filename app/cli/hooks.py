"""`endpoint`: the addresses providers post to."""
import sys

import click

from app.audit import COMMAND_LINE
from app.webhooks import endpoints


@click.group()
def endpoint() -> None:
    """The addresses providers post to."""


@endpoint.command()
@click.argument("provider")
@click.option("--name", required=True, help="What staff will call it.")
@click.option("--secret", help="What the provider signs with. Others on this machine can see it: --secret-stdin hides it.")
@click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input.")
@click.option("--secret2", help="A second live secret, while the first is being rotated.")
@click.option("--account", help="Whose outside ids come in. Default: the provider's name.")
def add(provider: str, name: str, secret: str | None, secret_stdin: bool, secret2: str | None, account: str | None) -> None:
    """Make an endpoint for PROVIDER and print its path."""
    if (secret is None) == (not secret_stdin):
        raise click.UsageError("Give either --secret or --secret-stdin.")
    first = sys.stdin.readline().strip() if secret_stdin else str(secret)
    made = endpoints.add(provider, name, [first, *([secret2] if secret2 else [])], by=COMMAND_LINE, account=account)
    click.echo(made.path)
