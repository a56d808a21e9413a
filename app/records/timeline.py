"""What happened to a record, newest first: who, through which door, old → new."""
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor, Audit, Door
from app.counting import counted
from app.records import labels, policy
from app.records.fields import Field
from app.records.resource import Resource

Row = dict[str, Any]
LIMIT = 20
DEEDS = {"created": "created it", "trashed": "moved it to the trash", "restored": "took it out of the trash"}
ICONS = {Door.API: "code-slash", Door.BULK: "collection", Door.IMPORT: "file-earmark-spreadsheet", Door.EVENT: "broadcast",
         Door.SYNC: "arrow-left-right", Door.UNDO: "arrow-counterclockwise"}
NAMES = {Door.FORM: "Form", Door.API: "API", Door.BULK: "Bulk change", Door.IMPORT: "Import", Door.EVENT: "Event",
         Door.SYNC: "Sync", Door.UNDO: "Undo"}
PAGES = {Door.IMPORT: "imports.show", Door.EVENT: "webhooks.show", Door.SYNC: "integrations.syncs.show",
         Door.BULK: "records.bulk_show"}


@dataclass(frozen=True)
class Happening:
    """One entry. `face` is set for people who used the form; the rest have an icon."""

    who: str
    deed: str
    icon: str
    face: bool
    changes: list[labels.Difference]
    door: str
    url: str | None
    at: datetime
    version: int | None


def happenings(session: Session, resource: Resource, row: Row, actor: Actor, before: int | None = None,
               limit: int = LIMIT) -> tuple[list[Happening], int | None]:
    """The changes of this record older than version `before`, and what to pass as `before` for the ones after these."""
    conditions = [Audit.resource == resource.name, Audit.record_id == row["id"], Audit.version.is_not(None)]
    if before is not None:
        conditions.append(Audit.version < before)
    found = list(session.scalars(select(Audit).where(*conditions).order_by(Audit.version.desc()).limit(limit + 1)))
    shown = found[:limit]
    return read(session, resource, {row["id"]: row}, shown, actor), shown[-1].version if len(found) > limit else None


def read(session: Session, resource: Resource, records: Mapping[int, Row], found: list[Audit], actor: Actor) -> list[Happening]:
    """The audit rows `found` in words, for `actor`: of each record as it is now, by id, what it was and became."""
    rows = [records.get(one.record_id or 0, {"id": one.record_id}) for one in found]
    diffs = [json.loads(one.diff) if one.action == "updated" else {} for one in found]
    sides = [tuple(labels.turned(resource, row, diff, side) for side in (0, 1)) for row, diff in zip(rows, diffs, strict=True)]
    labels.label(session, resource, [side for pair in sides for side in pair], actor)
    open_ = [field for field in policy.readable(actor, resource) if field.kind != "json"]
    shown = [[field for field in open_ if field.column in diff] for diff in diffs]
    return [_happening(one, _changes(fields, *pair), _deed(one, diff, len(fields)))
            for one, diff, fields, pair in zip(found, diffs, shown, sides, strict=True)]


def since(session: Session, resource: Resource, row: Row, version: int) -> list[Audit]:
    """The audit rows of what happened after `version`, newest first."""
    return list(session.scalars(select(Audit).where(
        Audit.resource == resource.name, Audit.record_id == row["id"], Audit.version > version).order_by(Audit.version.desc())))


def trashing(session: Session, resource: Resource, row: Row) -> Audit | None:
    """The audit row of who moved the record to the trash, the last time somebody did."""
    return session.scalars(select(Audit).where(
        Audit.resource == resource.name, Audit.record_id == row["id"], Audit.action == "trashed").order_by(
        Audit.version.desc()).limit(1)).first()


def deleter(session: Session, resource: Resource, row: Row) -> str:
    """The provider that reported this record of the trash deleted, "" where a person moved it there."""
    gone = trashing(session, resource, row)
    return gone.actor if gone is not None and gone.door in (Door.EVENT, Door.SYNC) else ""


def as_it_was(resource: Resource, row: Row, later: list[Audit]) -> Row:
    """The record before the changes in `later`, newest first: each is taken back in turn."""
    for one in later:
        row = labels.turned(resource, row, json.loads(one.diff), 0)
    return row


def _changes(fields: list[Field], old: Row, new: Row) -> list[labels.Difference]:
    return [one for field in fields for one in labels.differences(field, old, new)]


def _happening(one: Audit, changes: list[labels.Difference], deed: str) -> Happening:
    door = Door(one.door) if one.door else None
    typed = door in (None, Door.FORM) and one.actor_kind == "staff"
    return Happening(one.actor, deed, ICONS.get(door, "gear") if door else "gear", typed, changes,
                     _door_text(door, one), _door_url(door, one), one.at, one.version)


def _deed(one: Audit, diff: labels.Diff, fields: int) -> str:
    if one.action in DEEDS:
        return DEEDS[one.action]
    if diff.get("account", ["", ""])[0] and not diff["account"][1]:
        return f"detached it from {diff['account'][0]}"
    verb = "reported" if one.door in (Door.EVENT, Door.SYNC) else "changed"
    if _adopts(diff):
        verb = f"took it into its keeping and {verb}"
    if not fields:
        return f"{verb} something your role does not show"
    return f"{verb} {counted(fields, 'field')}"


def _adopts(diff: labels.Diff) -> bool:
    """Whether a provider began to keep a record that people made."""
    before, after = diff.get("account", ["", ""])
    return not before and bool(after)


def _door_text(door: Door | None, one: Audit) -> str:
    if door is None:
        return ""
    if door is Door.API and one.actor_kind == "token":
        return f"API token “{one.actor.partition(' (')[0]}”"
    if _is_revert(door, one):
        return f"Back to version {one.door_id}"
    number = f" {one.door_id}" if one.door_id is not None else ""
    part = f", row {one.door_part}" if door is Door.IMPORT and one.door_part is not None else ""
    return f"{NAMES[door]}{number}{part}"


def _door_url(door: Door | None, one: Audit) -> str | None:
    """The page of the source, if there is such a page in this installation: of an import at the row, of a token what it did."""
    if door is Door.API and one.actor_kind == "token" and one.actor_id is not None:
        return _page("trail.index", actor=f"token:{one.actor_id}")
    if door is None or door not in PAGES or one.door_id is None:
        return None
    at_row = {"rows": "", "after": one.door_part - 1} if door is Door.IMPORT and one.door_part else {}
    return _page(PAGES[door], one.door_id, **at_row)


def _is_revert(door: Door | None, one: Audit) -> bool:
    """A record that went back to an earlier version of its own; the undo of a batch knows the row it takes back."""
    return door is Door.UNDO and one.door_id is not None and one.door_part is None


def _page(endpoint: str, id: int | None = None, **values: Any) -> str | None:
    """The address of a page some room may have; `id` fills the one word in its path."""
    if endpoint not in current_app.view_functions:
        return None
    words = [*next(current_app.url_map.iter_rules(endpoint)).arguments]
    if len(words) != (id is not None):
        return None
    return url_for(endpoint, **dict.fromkeys(words, id), **values)
