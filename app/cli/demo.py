"""`demo`: something to look at."""
import json

import click

from app.demo import load


@click.command()
@click.option("--orders", default=2000, show_default=True, type=click.IntRange(1, 1_000_000), help="How many orders.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same data.")
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def demo(orders: int, seed: int, as_json: bool) -> None:
    """Fill an empty installation with invented customers, orders, payments, parcels and webhook events."""
    counts = load(orders, seed).counts
    click.echo(json.dumps(counts) if as_json else "\n".join(f"{count:>7,} {kind}" for kind, count in counts.items()))
