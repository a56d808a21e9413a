"""Record pages for reading, the same for every resource: list, record, filter form, picker, search."""
from dataclasses import replace
from typing import Any

from flask import abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.access import current_actor, requires
from app.errors import BadRequest
from app.extensions import db
from app.records import detail, listing, narrowing, query, saved_views, search_all, totals
from app.records.filters import arguments
from app.records.registry import named
from app.records.routing import bp


@bp.get("/<resource:resource>")
@requires("{resource}.read")
def index(resource: str) -> Any:
    kind, actor = named(resource), current_actor()
    views = saved_views.of(db.session(), kind, actor)
    first = listing.begin(kind, views)
    if first is not None and not request.args:
        return redirect(listing.address(kind, arguments(first.query)), 303)
    try:
        asked = query.parse(kind, query.tidied(request.args), actor, extra=("count", "totals", "view"))
        chosen = saved_views.choice(db.session(), kind, actor)
        if chosen is not None and chosen.page_size and "limit" not in request.args:
            asked = replace(asked, limit=chosen.page_size)
        page = query.page(db.session(), asked)
    except BadRequest as error:
        return render_template("records/unreadable.html", resource=kind, error=error), 400
    columns, wanted = listing.columns(asked, saved_views.listed(kind, chosen)), "totals" in request.args
    summed = totals.columns(asked, columns)
    total = totals.of(db.session(), asked, page, summed, wanted)
    count = (query.Count(total.count, False) if total is not None and not total.refused else
             listing.counted(db.session(), asked, page, exact=request.args.get("count") == "exact"))
    easier = listing.easier(db.session(), asked) if not page.rows else []
    return render_template(
        "records/list.html", resource=kind, asked=asked, page=page, count=count, easier=easier,
        columns=columns, totals=total, summed=summed, chips=listing.chips(asked),
        tabs=listing.tabs(asked, views),
        urls=listing.pages(asked, page, totals="1" if wanted else None),
        fields=narrowing.offered(asked), base=url_for(".index", resource=resource), import_url=listing.way_in(kind, actor),
        template_url=listing.template(kind, actor), export_url=listing.way_out(asked),
        clear_url=listing.address(kind, listing.cleared(asked)),
        keep=listing.query_string(asked.args), inline=listing.inline(asked))


@bp.get("/<resource:resource>/filter")
@requires("{resource}.read")
def narrow(resource: str) -> Any:
    """The form for one filter; sent, it leads to the list with the filter in its address."""
    kind, actor = named(resource), current_actor()
    form = narrowing.read(kind, actor, request.args)
    if form is None:
        abort(404)
    if form.sent:
        try:
            query.parse(kind, form.target, actor)
            return redirect(listing.address(kind, form.target), 303)
        except BadRequest as error:
            form.error = error.errors.get(form.param) or "; ".join(error.errors.values()) or error.detail
    return render_template("records/filter.html", resource=kind, form=form), 400 if form.error else 200


@bp.get("/<resource:resource>/lookup")
@requires("{resource}.read")
def lookup(resource: str) -> Any:
    """Records whose key or title begins like what is typed, for pickers: [{"value": key, "label": title}]."""
    found = query.lookup(db.session(), named(resource), request.args.get("q", "")[:200], current_actor())
    return jsonify([{"value": ref.key, "label": ref.label} for ref in found])


@bp.get("/<resource:resource>/<int:id>")
@requires("{resource}.read")
def show(resource: str, id: int) -> Any:
    kind, actor = named(resource), current_actor()
    row = query.one(db.session(), kind, id, actor)
    return detail.page(kind, row, actor)


@bp.get("/search")
@requires("search.read")
def search() -> Response | str:
    """Every kind of record at once; what is typed exactly as somewhere is jumped to."""
    text = request.args.get("q", "").strip()[:200]
    actor = current_actor()
    exact = search_all.exact(db.session(), text, actor) if text else []
    if len(exact) == 1:
        resource, ref = exact[0]
        return redirect(url_for("records.show", resource=resource.name, id=ref.id), 303)
    found = search_all.everywhere(db.session(), text, actor) if text else []
    return render_template("records/search.html", text=text, found=found)

