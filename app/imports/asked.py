"""What the forms of an import ask, in words, for a page that shows what was sent without the file it was about."""
from collections.abc import Mapping

from app.records.registry import resources
from app.typed import Asked, Questions

MODES = {"create": "Create", "update": "Update", "upsert": "Create or update"}
BLANKS = {"leave": "Leaves the value", "clear": "Clears it"}
DELIMITERS = {",": "Comma", ";": "Semicolon", "tab": "Tab", "|": "Bar"}
NUMBERS = {".": "1,234.50", ",": "1.234,50"}
DAYS = {"day": "31/05/2026", "month": "05/31/2026"}


def of_upload(**_: object) -> Questions:
    return {"resource": Asked("The rows are", {one.name: one.plural for one in resources()})}


def of_columns(**_: object) -> Questions:
    """Nothing of the file itself: whoever sees it may not be signed in."""
    return {"mode": Asked("Rows in the file", MODES), "key": Asked("Same record if equal in", fields()),
            "blank": Asked("A blank cell", BLANKS), "decimal": Asked("Numbers are written", NUMBERS),
            "day_first": Asked("31 May is written", DAYS), "field-*": Asked("Field of column {}", fields())}


def of_reading(**_: object) -> Questions:
    return {"sheet": Asked("Sheet"), "header_row": Asked("Headings are in row"), "encoding": Asked("Letters"),
            "delimiter": Asked("Between cells", DELIMITERS)}


def of_run(**_: object) -> Questions:
    return {"all": Asked("What to apply", {"0": "The good rows", "1": "All rows or none"})}


def fields() -> Mapping[str, str]:
    """What the fields of all records are called."""
    return {field.name: field.title for one in resources() for field in one.fields}
