"""Mappings kept under a name: what columns mean and what is said of their values, for all who import such records."""
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Invalid, NotFound
from app.imports.choices import Choices
from app.imports.matching import is_ours
from app.imports.meant import DAYS, NUMERIC
from app.imports.models import Import, Mapping
from app.imports.noticing import day_first, decimal
from app.imports.rules import Rules
from app.imports.targets import targets
from app.records.batches import Batch
from app.records.registry import named
from app.transaction import transaction

MOST, LONGEST = 100, 60      # of one resource; characters of a name


def of(session: Session, resource: str) -> list[Mapping]:
    """All mappings of a resource, by name."""
    found = select(Mapping).where(Mapping.resource == resource).order_by(Mapping.name, Mapping.id)
    return list(session.scalars(found.limit(MOST)))


def find(session: Session, resource: str, name: str) -> Mapping:
    """By its name, however it is written, or its id. Raises NotFound."""
    said = _cleaned(name).casefold()
    for one in of(session, resource):
        if one.name.casefold() == said or str(one.id) == said:
            return one
    raise NotFound(f"There is no mapping “{name[:LONGEST]}” for {named(resource).plural.lower()}. Keep one under this name "
                   "beside the columns of an import.")


def choices(imported: Import, mapping: Mapping, actor: Actor) -> Choices:
    """What was chosen in it, for the columns of this import. Raises Invalid that names the columns the file lacks."""
    left, fields = defaultdict[str, list[str | None]](list), list[str | None]()
    for header, field in mapping.columns:
        left[header].append(field)
    for column in imported.columns:
        fields.append(left[column["header"]].pop(0) if left[column["header"]] else None)
    lacking = [header for header, rest in left.items() if any(rest)]
    if lacking:
        raise Invalid(_lacks(mapping, lacking), errors={"mapping": _lacks(mapping, lacking)})
    offered = {target.name for target in targets(actor, named(imported.resource))}
    fields = [field if field in offered else None for field in fields]
    how = mapping.options
    mark = decimal(_of_kind(imported, fields, NUMERIC), how.get("decimal"))
    order = day_first(_of_kind(imported, fields, DAYS), how.get("day_first"))
    rules = Rules.of(mapping.rules).fitting(fields, offered)
    return Choices(fields, how["mode"], how["key"], how["blank"], mark, order, rules=rules)


def _lacks(mapping: Mapping, headers: Sequence[str]) -> str:
    told = f"column {headers[0]}" if len(headers) == 1 else f"columns {', '.join(headers)}"
    return f"The mapping “{mapping.name}” needs the {told}, which the file does not have."


def _of_kind(imported: Import, fields: Sequence[str | None], kinds: Sequence[str]) -> list[dict[str, Any]]:
    resource = named(imported.resource)
    return [column for column, name in zip(imported.columns, fields, strict=True)
            if name and (field := resource.field(name)) is not None and field.kind in kinds]


def fitting(session: Session, imported: Import, headers: Sequence[str]) -> Mapping | None:
    """The latest that was kept for a file with the same headings, in whatever order."""
    wanted = sorted(header for header in headers if not is_ours(header))
    fit = [one for one in of(session, imported.resource) if sorted(header for header, _ in one.columns) == wanted]
    return max(fit, key=lambda one: (one.changed_at, one.id), default=None)


def keep(session: Session, imported: Import, batch: Batch, name: str, by: Actor) -> None:
    """Keep what is chosen in this import under a name, in the caller's transaction; the same name again replaces it."""
    check(by, f"{imported.resource}.import")
    name, known = checked(name), of(session, imported.resource)
    kept = next((one for one in known if one.name.casefold() == name.casefold()), None)
    if kept is None and len(known) >= MOST:
        raise Invalid("Nothing was saved.", errors={"keep": f"There are {MOST} mappings already. Remove one first."})
    kept = kept or Mapping(resource=imported.resource, name=name)
    kept.columns = [[column["header"], column["field"]] for column in imported.columns if not is_ours(column["header"])]
    kept.options = _how(imported, batch)
    kept.rules, kept.changed_by, kept.changed_at = imported.rules, by.name, datetime.now(UTC)
    session.add(kept)
    session.flush()
    audit.note(session, by, "imports.keep_mapping", "import_mappings", kept.id, resource=imported.resource, name=kept.name)


def checked(name: str) -> str:
    """The name as it is kept. Raises Invalid."""
    found = _cleaned(name)
    if not found or len(found) > LONGEST or not found.isprintable() or found.isdecimal():
        sentence = f"Give the mapping a name of at most {LONGEST} characters, with a letter in it."
        raise Invalid("Nothing was saved.", errors={"keep": sentence})
    return found


def _how(imported: Import, batch: Batch) -> dict[str, Any]:
    """What is chosen for the file as a whole; how numbers and days are written only where that makes a difference."""
    fields = [column["field"] for column in imported.columns]
    numbers, days = _of_kind(imported, fields, NUMERIC), _of_kind(imported, fields, DAYS)
    return ({"mode": batch.mode, "key": batch.key, "blank": imported.blank}
            | ({"decimal": batch.decimal} if any(one["marks"] or one["likely"] for one in numbers) else {})
            | ({"day_first": batch.day_first} if any(one["day_order"] or one["unsure"] for one in days) else {}))


def remove(mapping_id: int, *, by: Actor) -> None:
    """Forget it; imports made with it stay as they are. Raises NotFound, also when pressed twice, and Forbidden."""
    with transaction() as session:
        kept = session.get(Mapping, mapping_id) if mapping_id < 2**63 else None
        if kept is None:
            raise NotFound("There is no such mapping any more.")
        check(by, f"{kept.resource}.import")
        audit.note(session, by, "imports.remove_mapping", "import_mappings", kept.id, resource=kept.resource, name=kept.name)
        session.delete(kept)


def _cleaned(name: str) -> str:
    return " ".join(name.split())
