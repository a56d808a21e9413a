"""ODS files as LibreOffice lays them out, from the XML of their rows."""
import zipfile
from pathlib import Path

NAMES = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style"))
CALC = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
STYLES = ('<office:automatic-styles><style:style style:name="unseen" style:family="table"><style:table-properties '
          'table:display="false"/></style:style></office:automatic-styles>')
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"


def ods(path: Path, sheets: dict[str, str], *, hidden: tuple[str, ...] = (), doctype: str = "", kind: str = SPREADSHEET,
        manifest: str = "") -> Path:
    """`sheets`: {name: rows as XML}."""
    tables = "".join(f'<table:table table:name="{name}"{" table:style-name=" + chr(34) + "unseen" + chr(34) if name in hidden else ""}>'
                     f'{rows}</table:table>' for name, rows in sheets.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("META-INF/manifest.xml", f"<manifest>{manifest}</manifest>")
        archive.writestr("content.xml", f'<?xml version="1.0"?>{doctype}<office:document-content {NAMES} {CALC}>{STYLES}<office:body>'
                                        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>")
    return path


def row(*cells: str, also: str = "") -> str:
    return f'<table:table-row{also}>{"".join(cells)}</table:table-row>'


def words(text: str, also: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{also}><text:p>{text}</text:p></table:table-cell>'


def typed(kind: str, value: str, also: str = "") -> str:
    name = {"date": "date-value", "time": "time-value", "boolean": "boolean-value"}.get(kind, "value")
    return f'<table:table-cell office:value-type="{kind}" office:{name}="{value}"{also}><text:p>shown</text:p></table:table-cell>'
