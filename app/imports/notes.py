"""What is told about a file beside its rows, in sentences: what is hidden, merged, or not what its name says."""
from collections.abc import Collection

from app.files.reading import About

KINDS = {"csv": "CSV", "xlsx": "XLSX", "xlsb": "XLSB", "xls": "XLS", "ods": "ODS"}
ENDINGS = {"csv": "csv", "tsv": "csv", "txt": "csv", "xlsx": "xlsx", "xlsm": "xlsx", "xltx": "xlsx", "xlsb": "xlsb", "xls": "xls",
           "ods": "ods"}


def notes(file_name: str, about: About, told: dict[str, int], examples: Collection[int] = ()) -> list[str]:
    """One sentence or two each, in the order they matter."""
    found = [_name(file_name, about.format)]
    if about.sheet in about.hidden:
        found.append(f"The sheet {about.sheet} is hidden in the file.")
    found += [f"Row {number} is the example of the template and is left out." for number in examples]
    if hidden := told.get("hidden rows"):
        found.append(f"{_rows(hidden)} {'is' if hidden == 1 else 'are'} hidden in the file, by hand or by a filter. "
                     f"{'It is' if hidden == 1 else 'They are'} read like the others.")
    if merged := told.get("merged rows"):
        found.append(f"{_rows(merged)} took a value from a cell merged down from above.")
    return [sentence for sentence in found if sentence]


def _name(file_name: str, kind: str) -> str:
    ending = file_name.rpartition(".")[2].lower()
    if ENDINGS.get(ending, kind) == kind:
        return ""
    return f"It is called .{ending}, but is {KINDS[kind]}, and was read as that."


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
