"""Record pages in the URL map: the converter that knows the resources, and the blueprint the pages hang on."""
from flask import Blueprint, Flask
from werkzeug.routing import BaseConverter, ValidationError

from app import ui
from app.records import labels, registry

bp = Blueprint("records", __name__)


class ResourceConverter(BaseConverter):
    """The name of a registered resource; anything else is no page of ours. The view gets the name."""

    regex = "[a-z][a-z0-9_]*"

    def to_python(self, value: str) -> str:
        if value not in {resource.name for resource in registry.resources()}:
            raise ValidationError
        return value

    def to_url(self, value: object) -> str:
        return str(getattr(value, "name", value))


def init_app(app: Flask) -> None:
    """Make `<resource:resource>` work in routes, and give templates the words for values."""
    app.url_map.converters["resource"] = ResourceConverter
    app.jinja_env.globals.update(said=labels.said, amount=labels.amount)


def _entries() -> list[ui.Entry]:
    return [ui.Entry(resource.name, resource.plural, resource.icon, "records.index", f"{resource.name}.read",
                     {"resource": resource.name}) for resource in registry.resources()]


ui.shelf(_entries)
