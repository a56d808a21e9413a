"""What the forms of an import ask, in words, for a page that shows what was sent without the file it was about."""
from collections.abc import Mapping

from app.records.registry import resources
from app.typed import Asked, Questions

MODES = {"create": "Create", "update": "Update", "upsert": "Create or update"}
BLANKS = {"leave": "Leaves the value", "clear": "Clears it"}
DELIMITERS = {",": "Comma", ";": "Semicolon", "tab": "Tab", "|": "Bar"}
LETTERS = {
    "utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Western (Windows)", "iso8859_15": "Western (Latin 9)",
    "mac_roman": "Western (Mac)", "cp850": "Western (DOS)", "cp437": "American (DOS)",
    "cp1250": "Central European (Windows)", "cp1251": "Cyrillic (Windows)",
    "koi8_r": "Cyrillic (KOI8)", "cp866": "Cyrillic (DOS)", "cp1253": "Greek (Windows)", "cp1254": "Turkish (Windows)",
    "cp1255": "Hebrew (Windows)", "cp1256": "Arabic (Windows)", "shift_jis": "Japanese (Shift JIS)", "euc_jp": "Japanese (EUC)",
    "gb18030": "Chinese (GB 18030)", "big5": "Chinese (Big5)", "euc_kr": "Korean (EUC)"}
TOTALS = {"0": "Left out", "1": "Imported too"}
NUMBERS = {".": "1,234.50", ",": "1.234,50"}
DAYS = {"day": "31/05/2026", "month": "05/31/2026"}


def of_upload(**_: object) -> Questions:
    return {"resource": Asked("The rows are", {one.name: one.plural for one in resources()})}


def of_columns(**_: object) -> Questions:
    """Nothing of the file itself: whoever sees it may not be signed in."""
    return {"mode": Asked("Rows in the file", MODES), "key": Asked("Same record if equal in", fields()),
            "blank": Asked("A blank cell", BLANKS), "decimal": Asked("Numbers are written", NUMBERS),
            "day_first": Asked("31 May is written", DAYS), "totals": Asked("What looks like a total is", TOTALS),
            "field-*": Asked("Field of column {}", fields()), "treat-*": Asked("A blank cell of column {}", BLANKS),
            "default-*": Asked("A blank cell of column {} gets"), "unit-*": Asked("Unit of column {}"),
            "rest-*": Asked("Second part of column {}", fields()), "keep": Asked("Keep this mapping as"),
            **{f"same-{name}": Asked(f"{title} in every row") for name, title in fields().items()}}


def of_reading(**_: object) -> Questions:
    return {"sheet": Asked("Sheet"), "header_row": Asked("Headings are in row"), "encoding": Asked("Letters", LETTERS),
            "delimiter": Asked("Between cells", DELIMITERS)}


def of_run(**_: object) -> Questions:
    return {"all": Asked("What to apply", {"0": "The good rows", "1": "All rows or none"})}


def of_mending(**_: object) -> Questions:
    return {"cell-*": Asked("Column {}")}


def of_replacing(**_: object) -> Questions:
    return {"find": Asked("Find"), "put": Asked("Replace with")}


def fields() -> Mapping[str, str]:
    """What the fields of all records are called."""
    return {field.name: field.title for one in resources() for field in one.fields}
