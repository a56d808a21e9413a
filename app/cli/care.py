"""`doctor`, `backup` and `restore`: looking after an installation."""
import json
from dataclasses import asdict
from pathlib import Path

import click

from app.care.backup import backup as make_backup
from app.care.doctor import Finding, examine
from app.care.restore import restore as put_back
from app.counting import counted

MARKS = {"good": "ok", "note": "--", "wrong": "!!"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def doctor(as_json: bool) -> None:
    """Say what is wrong with this installation and how to mend it. Exits with 1 when something is."""
    findings = examine()
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        click.echo("\n".join(map(_line, findings)))
    if any(finding.verdict == "wrong" for finding in findings):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def backup(file: Path, as_json: bool) -> None:
    """Write the database, the files and the key to FILE, while everything runs on. Keep FILE as safe as a password."""
    manifest = make_backup(file)
    size = file.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": size, "files": manifest.files, "revision": manifest.revision}))
    else:
        click.echo(f"{file}: {size:,} bytes, the database and {counted(manifest.files, 'file')}.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the data that is here.")
def restore(file: Path, force: bool) -> None:
    """Make this installation what FILE holds. Refuses while Backroom runs, and where data is, unless --force is said."""
    manifest = put_back(file, force=force)
    click.echo(f"Restored as of {manifest.made_at}, with {counted(manifest.files, 'file')}. Start Backroom as usual.")


def _line(finding: Finding) -> str:
    cure = f"\n   {'':<11} {finding.cure}" if finding.cure else ""
    return f"{MARKS[finding.verdict]} {finding.check:<11} {finding.said}{cure}"
