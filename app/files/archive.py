"""What is in a ZIP file, before anything of it is unpacked: a workbook of which kind, or something else."""
import zipfile
from pathlib import Path

from app.files.kinds import HEAD, SAVE
from app.files.limits import BadFile, Limits
from app.sizes import size

MOST, LOOKED_AT = 10_000, 1000
ENTITIES = "It declares entities of its own, as no spreadsheet program does. Save it as CSV, and upload that."
SHEETS = b"application/vnd.oasis.opendocument.spreadsheet"
OTHERS = (("word/", f"It is a text document (Word). {SAVE}"), ("ppt/", f"It is a presentation. {SAVE}"),
          ("Index/", "It is a file of Apple Numbers. Export it as XLSX or CSV, and upload that."))


def kind(path: Path, limits: Limits) -> str:
    """"xlsx", "xlsb" or "ods". Raises BadFile for everything else, and for what unpacks to far more than it should."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check(parts, limits)
            _check_declarations(archive, parts)
            return _kind(archive, {part.filename for part in parts})
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        raise BadFile("It is damaged: it begins like a workbook, but cannot be opened. Save it again, and upload that.") from None
    except RuntimeError:  # zipfile's word for a part with a password
        raise BadFile("It is protected by a password. Save it without one, and upload that.") from None


def _check(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(parts) > MOST or sum(part.file_size for part in parts) > limits.unpacked:
        raise BadFile(f"It unpacks to more than {size(limits.unpacked)}. Save only the sheet with the data, as CSV.")
    for part in parts:
        if part.file_size > limits.plain and part.file_size > limits.ratio * max(part.compress_size, 1):
            raise BadFile("It is packed so tightly that it looks made to fill our memory. Save it as CSV, and upload that.")


def _check_declarations(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """Workbooks may not declare entities (ECMA-376 part 2, §6.2.5): whoever does wants them to grow."""
    for part in [part for part in parts if part.filename.endswith((".xml", ".rels"))][:LOOKED_AT]:
        with archive.open(part) as file:
            if b"<!DOCTYPE" in file.read(HEAD):
                raise BadFile(ENTITIES)


def _kind(archive: zipfile.ZipFile, names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "xlsb"
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    if "content.xml" in names:
        return _open_document(archive, names)
    for folder, sentence in OTHERS:
        if any(name.startswith(folder) for name in names):
            raise BadFile(sentence)
    if any(name.lower().endswith((".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")) for name in names):
        raise BadFile("It is packed. Unpack it, and upload the file inside.")
    raise BadFile("It is no workbook. Save it as XLSX or CSV, and upload that.")


def _open_document(archive: zipfile.ZipFile, names: set[str]) -> str:
    if "mimetype" in names and not archive.read("mimetype").startswith(SHEETS):
        raise BadFile(f"It is an OpenDocument file, but no spreadsheet. {SAVE}")
    if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise BadFile("It is protected by a password. Save it without one, and upload that.")
    return "ods"
