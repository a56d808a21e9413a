"""The mail that says a scheduled export is there: a link, never the file. Who may have the file is asked when it is fetched."""
from app import mail
from app.config import config
from app.counting import counted
from app.errors import Problem
from app.exports.models import Definition, Export
from app.extensions import db
from app.jobs.work import Work
from app.records.registry import named

TEXT = """{rows} were exported from {list}.

Download the file: {url}

It is kept until {until:%d %B %Y}. You will be asked to sign in; the link works for whoever may export these records.
"""


def tell(work: Work, export_id: int) -> dict[str, str]:
    """Mail the link to whom the export is for, at most once: after a crash in its midst nobody knows, and it is left at that."""
    export = db.session.get_one(Export, export_id)
    to = mail.address(export.mail_to) if export.mail_to else None
    if to is None or not mail.is_on():
        return {"mailed": "no"}
    if work.cursor.get("begun"):
        return {"mailed": "unknown"}
    resource, name = named(export.resource), _name(export)
    rows = counted(export.rows or 0, "row")
    text = TEXT.format(rows=rows[0].upper() + rows[1:], list=resource.plural, url=f"{config().address}/exports/{export.id}",
                       until=export.expires_at)
    with work.transaction(cursor={"begun": True}):
        pass
    try:
        mail.send(to, f"Export ready: {name}", text, id=f"export-{export_id}")
    except Problem:
        with work.transaction(cursor={"begun": False}):
            pass
        raise
    return {"mailed": "yes"}


def _name(export: Export) -> str:
    kept = db.session.get(Definition, export.definition_id) if export.definition_id else None
    return kept.name if kept else named(export.resource).plural
