"""What is left of an import: the file as it was sent, and what taking it back would do."""
from typing import Any

from flask import redirect, render_template, send_file, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access import check, current_actor, requires
from app.errors import NotFound
from app.extensions import db
from app.files.storage import open_storage
from app.imports.blueprint import bp
from app.imports.making import beside
from app.imports.standing import Standing, standing
from app.records import prospect
from app.records.registry import named
from app.transaction import transaction


@bp.get("/imports/<int:import_id>/file")
@requires("imports.read")
def sent_file(import_id: int) -> Response:
    """The file as it was sent, while it is kept; taking it is noted."""
    imported, actor = _mine(import_id).imported, current_actor()
    if imported.file is None:
        raise NotFound("Files are deleted thirty days after their import has ended. What became of the rows is kept.",
                       title="This file is not kept any more")
    file = open_storage().open(imported.file)
    with transaction() as session:
        audit.note(session, actor, "imports.download", "imports", import_id, resource=imported.resource, file=imported.file_name)
    return send_file(file, "application/octet-stream", as_attachment=True, download_name=imported.file_name)


@bp.get("/imports/<int:import_id>/undo")
@requires("*.import")
def confirm_undo(import_id: int) -> Any:
    """What would go to the trash, get its old values, or stay because somebody has changed it since."""
    found = _mine(import_id)
    imported = found.imported
    if found.batch is None or imported.stage != "done" and not (imported.stage == "apply" and found.is_stuck):
        return redirect(url_for(".show", import_id=import_id), 303)
    return render_template("imports/undo.html", imported=imported, resource=named(imported.resource),
                           found=prospect.of(db.session(), found.batch, current_actor()),
                           made=[(named(batch.resource), prospect.of(db.session(), batch, current_actor()))
                                 for batch in beside(db.session(), imported)])


def _mine(import_id: int) -> Standing:
    """One that may be acted on. Raises NotFound or Forbidden."""
    found = standing(db.session(), import_id, current_actor())
    check(current_actor(), f"{found.imported.resource}.import")
    return found
