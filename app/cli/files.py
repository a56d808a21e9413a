"""`import` and `export`: records from and into files, from the command line, without Redis or a web server."""
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import click

from app.access import check
from app.accounts import actors, users
from app.audit import COMMAND_LINE, Actor
from app.counting import counted
from app.errors import BadRequest, NotFound
from app.exports import columns as export_columns
from app.exports import run as exports
from app.files.limits import Options
from app.imports.command import Wishes, import_file
from app.records.registry import named, resources

AS = "Act with the rights of this person. Default: the command line, with every right."
SHOWN = 50      # lines of the same sort
STDOUT = ("-", "/dev/stdout")
DELIMITERS = {",": ",", ";": ";", "tab": "\t", "|": "|"}
COUNTS = ("created", "updated", "unchanged", "skipped", "refused")


@click.command("import")
@click.argument("resource")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--mode", type=click.Choice(["create", "update", "upsert"]),
              help="What rows may do: only create, only change, or both. Default: upsert.")
@click.option("--key", metavar="FIELD", help="The field that says which record a row means. Default: the resource's own.")
@click.option("--map", "mapping", metavar='"Column=field"', multiple=True,
              help='Match a column of the file with a field; "Column=" leaves it out. The rest is matched by itself.')
@click.option("--mapping", "saved", metavar="NAME", help="A mapping that was kept beside the columns of an import.")
@click.option("--sheet", metavar="NAME", help="Of a workbook, the sheet to read. Default: the first visible one with a table.")
@click.option("--header-row", metavar="N", type=click.IntRange(1, 9_999), help="The row with the headings. Default: found out.")
@click.option("--encoding", metavar="NAME", help="Of a text file, how its letters are written, like cp1252. Default: found out.")
@click.option("--delimiter", type=click.Choice([*DELIMITERS]), help="What stands between cells of a text. Default: found out.")
@click.option("--all-or-nothing", is_flag=True, help="Write nothing if one row is refused.")
@click.option("--dry-run", is_flag=True, help="Say what would become of the rows; write nothing.")
@click.option("--as", "email", metavar="EMAIL", help=AS)
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def import_command(resource: str, file: Path, mode: str | None, key: str | None, mapping: tuple[str, ...], all_or_nothing: bool,
                   dry_run: bool, email: str | None, as_json: bool, delimiter: str | None, saved: str | None,
                   **reading: Any) -> None:
    """Import FILE (CSV, XLSX, XLS or ODS) into RESOURCE. Exits with 1 when rows were refused."""
    _known(resource)
    options = Options(**reading, delimiter=DELIMITERS.get(delimiter or ""))
    wishes = Wishes(mode, key, _mapped(mapping), all_or_nothing, dry_run, options, saved=saved)
    with _usage():
        report = import_file(file, resource, wishes, by=_actor(email))
    click.echo(json.dumps(report, ensure_ascii=False, indent=1) if as_json else _said(report))
    if report["status"] != "done":
        raise click.exceptions.Exit(1)


@click.command("export")
@click.argument("resource")
@click.option("--filter", "query", metavar="QUERYSTRING", default="",
              help='Which records, as in a list: "status=paid&sort=-placed_at".')
@click.option("--columns", metavar="a,b", help="Which fields, in this order. Default: all that an import can read back.")
@click.option("--format", "kind", type=click.Choice(exports.FORMATS), help="Default: by the name of FILE, else csv.")
@click.option("--as", "email", metavar="EMAIL", help=AS)
@click.option("-o", "--output", metavar="FILE", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="Where to write; it appears when it is whole. - is standard output.")
@click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")
def export_command(resource: str, query: str, columns: str | None, kind: str | None, email: str | None, output: Path,
                   as_json: bool) -> None:
    """Export RESOURCE into a file."""
    _known(resource)
    actor, found = _actor(email), named(resource)
    check(actor, f"{resource}.export")
    names = [field.name for field in export_columns.usual(actor, found)] if columns is None else columns.split(",")
    with _usage():
        fields, asked = export_columns.chosen(actor, found, [name.strip() for name in names]), exports.asked(found, query, actor)
    format = kind or (output.suffix[1:] if output.suffix[1:] in exports.FORMATS else "csv")
    to_stdout = str(output) in STDOUT
    with _to_stdout() if to_stdout else _to_file(output) as file:
        rows = exports.write(file, asked, fields, format)
    told = {"file": str(output), "rows": rows, "columns": [field.name for field in fields], "format": format}
    said = f"{output}: {counted(rows, found.label.lower(), found.plural.lower())}."
    click.echo(json.dumps(told) if as_json else said, err=to_stdout)


@contextmanager
def _to_file(output: Path) -> Iterator[BinaryIO]:
    """Beside the file, and in its place once it is whole. That it cannot be is wrong usage: exit code 2."""
    draft = output.with_name(f".{output.name}.part")
    try:
        file = draft.open("wb")
    except OSError as error:
        raise click.UsageError(f"{output} cannot be written: {error.strerror}.") from None
    try:
        with file:
            yield file
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _to_stdout() -> Iterator[BinaryIO]:
    """Nothing of it comes before it is whole; a workbook also has to go back and forth in its file."""
    with TemporaryFile() as file:
        yield cast(BinaryIO, file)
        file.seek(0)
        copyfileobj(file, sys.stdout.buffer)


def _known(resource: str) -> None:
    try:
        named(resource)
    except NotFound as problem:
        known = ", ".join(sorted(one.name for one in resources()))
        raise click.UsageError(f"{problem.detail} There are {known}.") from None


@contextmanager
def _usage() -> Iterator[None]:
    """What cannot be read in the options is wrong usage: exit code 2."""
    try:
        yield
    except BadRequest as problem:
        sentences = [f"{name}: {sentence}" for name, sentence in problem.errors.items()]
        raise click.UsageError(" ".join(filter(None, (problem.title + ".", problem.detail, *sentences)))) from None


def _actor(email: str | None) -> Actor:
    if email is None:
        return COMMAND_LINE
    user_id = users.by_email(email)
    found = None if user_id is None else actors.staff(user_id)
    if found is None:
        raise click.UsageError(f"Nobody with the address {email} can sign in here.")
    return found


def _mapped(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        header, equals, field = pair.rpartition("=")
        if not equals or not header.strip():
            raise click.UsageError(f'--map {pair!r} is not like "Column=field".')
        mapping[header.strip()] = field.strip()
    return mapping


def _said(report: dict[str, Any]) -> str:
    """The report in words: the counts, then why rows were refused, then why rows were skipped."""
    would = "would be " if report.get("dry_run") else ""
    nothing = "Nothing was written. " if would or report["status"] == "refused" else ""
    counts = ", ".join(f"{report[name]:,} {would}{name}" for name in COUNTS if report[name])
    refused = [f"  {_place(error)}: {error['message']}" + (f" (is: {error['value']})" if error["value"] else "")
               for error in report["errors"]]
    skipped = [f"  row {skip['row']} {would or 'was '}skipped: {skip['message']}" for skip in report["skips"]]
    rows = counted(report["rows"], "row")
    return "\n".join([f"{nothing}{rows}{': ' + counts if counts else ''}.", *_some(refused), *_some(skipped)])


def _place(error: dict[str, Any]) -> str:
    return (f"row {error['row']}" if error["row"] else "file") + (f", {error['column']}" if error["column"] else "")


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], f"  … and {more:,} more; --json lists all."] if more > 0 else lines


