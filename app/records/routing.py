"""Record pages in the URL map: the converter that knows the resources, and the blueprint the pages hang on."""
from flask import Blueprint, Flask, g, url_for
from werkzeug.routing import BaseConverter, Map

from app import ui
from app.records import labels, registry

bp = Blueprint("records", __name__)


class ResourceConverter(BaseConverter):
    """The name of a resource registered when the map is made; anything else is no page of ours. The view gets the name.

    The names stand in the expression itself: a name refused later would be answered "method not allowed", not "not found".
    """

    def __init__(self, map: Map) -> None:
        super().__init__(map)
        self.regex = "(?:{})".format("|".join(resource.name for resource in registry.resources()) or "(?!)")

    def to_url(self, value: object) -> str:
        return str(getattr(value, "name", value))


class ActionConverter(BaseConverter):
    """The name of an action some resource declares."""

    def __init__(self, map: Map) -> None:
        super().__init__(map)
        names = sorted({action.name for resource in registry.resources() for action in resource.actions})
        self.regex = "(?:{})".format("|".join(names) or "(?!)")


def init_app(app: Flask) -> None:
    """Make `<resource:resource>` and `<action:action>` work in routes, and give templates the words for values."""
    app.url_map.converters.update(resource=ResourceConverter, action=ActionConverter)
    app.jinja_env.globals.update(said=labels.said, amount=labels.amount, record_url=record_url)


def record_url(resource: str, id: int) -> str:
    """The page of a record. The address of the list before it is made once a request: a list has a link a row and more."""
    lists: dict[str, str] = g.setdefault("record_lists", {})
    if resource not in lists:
        lists[resource] = url_for("records.index", resource=resource)
    return f"{lists[resource]}/{id}"


def _entries() -> list[ui.Entry]:
    return [ui.Entry(resource.name, resource.plural, resource.icon, "records.index", f"{resource.name}.read",
                     {"resource": resource.name}) for resource in registry.resources()]


ui.shelf(_entries)
