"""`endpoint`: the addresses providers post to."""
import sys

import click

from app.audit import COMMAND_LINE
from app.integrations import registry
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
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", callback=lambda _context, _option, given: _pairs(given),
              help="tolerance, public_url, allow, max_bytes, or option_ and what the provider has to be told. Many times.")
def add(provider: str, name: str, secret: str | None, secret_stdin: bool, secret2: str | None, account: str | None,
        settings: dict[str, str]) -> None:
    """Make an endpoint for PROVIDER and print its path."""
    needed = registry.provider(provider).needs_secret
    if secret is not None and secret_stdin or needed and secret is None and not secret_stdin:
        raise click.UsageError("Give either --secret or --secret-stdin.")
    first = sys.stdin.readline().strip() if secret_stdin else secret
    secrets = [each for each in (first, secret2) if each is not None]
    made = endpoints.add(provider, name, secrets, by=COMMAND_LINE, account=account, settings=settings)
    click.echo(made.path)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if not all(middle for _, middle, _ in pairs):
        raise click.BadParameter("Write it like tolerance=60.")
    return {name.strip(): value for name, _, value in pairs}
