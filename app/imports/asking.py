"""What a program asks for with a file: the parts of its form, each checked and named where it is wrong."""
import json
from collections.abc import Mapping
from typing import Any

from app.audit import Actor
from app.errors import Invalid, NotFound
from app.extensions import db
from app.files.limits import Options
from app.imports import mappings
from app.imports.command import Wishes
from app.imports.match import MODES
from app.imports.targets import keys, targets
from app.records.problems import escaped
from app.records.registry import named
from app.records.resource import Resource

DELIMITERS = {",": ",", ";": ";", "tab": "\t", "|": "|"}
TRUTH = {"true": True, "false": False}
ONE_OF: dict[str, Mapping[str, Any]] = {
    "mode": {mode: mode for mode in MODES}, "apply": {"good": False, "all": True}, "dry_run": TRUTH, "day_first": TRUTH,
    "blank": {"leave": "leave", "clear": "clear"}, "decimal": {".": ".", ",": ","}, "delimiter": DELIMITERS}
KNOWN = ("resource", "mapping", "saved_mapping", "match", "sheet", "header_row", "encoding", *ONE_OF)


def wished(form: Mapping[str, str], resource: Resource, by: Actor) -> Wishes:
    """What the form asks. Raises Invalid with every part that cannot be followed, by JSON pointer."""
    errors = {f"/{escaped(name)}": "There is no such part." for name in form if name not in KNOWN}
    chosen: dict[str, Any] = {}
    for name, words in ONE_OF.items():
        if name in form and form[name] not in words:
            errors[f"/{name}"] = f"This is not one of the choices. Send one of: {', '.join(words)}."
        elif name in form:
            chosen[name] = words[form[name]]
    columns = _columns(form.get("mapping", ""), resource, by, errors)
    key = form.get("match") or None
    known = [field.name for field in keys(resource)]
    if key is not None and key not in known:
        errors["/match"] = f"{resource.plural} cannot be found by this. Send one of: {', '.join(known)}."
    saved = form.get("saved_mapping") or None
    if saved is not None:
        try:
            mappings.find(db.session(), resource.name, saved)
        except NotFound as problem:
            errors["/saved_mapping"] = problem.detail
    options = Options(form.get("sheet") or None, _row(form.get("header_row", ""), errors), form.get("encoding") or None,
                      chosen.get("delimiter"))
    if errors:
        raise Invalid("Nothing was imported. Correct what is named under errors and send it again.", errors=errors)
    return Wishes(chosen.get("mode"), key, columns, chosen.get("apply", False), chosen.get("dry_run", False), options,
                  chosen.get("blank"), chosen.get("decimal"), chosen.get("day_first"), saved)


def _columns(said: str, resource: Resource, by: Actor, errors: dict[str, str]) -> dict[str, str]:
    """{column: field, "" to leave it out}."""
    if not said.strip():
        return {}
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str | None) for one in found.values()):
        errors["/mapping"] = 'This is not a JSON object of texts. Send one like {"Column": "field"}.'
        return {}
    offered = {target.name for target in targets(by, resource)}
    for field in found.values():
        if field and field not in offered:
            known = ", ".join(sorted(offered))
            errors["/mapping"] = f"{resource.plural} have no field {field[:80]!r} to fill. There are {known}."
    return {column.strip(): field or "" for column, field in found.items()}


def _row(said: str, errors: dict[str, str]) -> int | None:
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and 0 < int(said[:5]) < 10_000):
        errors["/header_row"] = "This is not the number of a row. Rows count from 1."
        return None
    return int(said)


def resource_of(form: Mapping[str, str]) -> Resource:
    """What the rows are. Raises Invalid, or NotFound for a resource there is none of."""
    if not form.get("resource"):
        raise Invalid("Nothing was imported.", errors={"/resource": "Say which records the rows are."})
    return named(form["resource"])
