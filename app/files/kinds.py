"""What a file is by its first bytes, as far as they tell that it is nothing we read."""
import codecs

WORKBOOK = b"PK\x03\x04"
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEAD = 1024
"""Bytes that are enough to tell."""
SAVE = "Save the table as CSV or XLSX, and upload that."
AGAIN = "Open it in a spreadsheet program, save it as XLSX or CSV, and upload that."
PICTURE = f"It is a picture. {SAVE}"
PACKED = "It is packed. Unpack it, and upload the file inside."
TEXTS = {
    b"%PDF-": f"It is a PDF. {SAVE}",
    b"{\\rtf": f"It is a text document (RTF). {SAVE}",
    b"SQLite format 3\0": f"It is a database. {SAVE}",
    b"MIME-Version:": f"It is a web page under the name of a spreadsheet. {AGAIN}",
    b"PK\x05\x06": "It is empty.",
}
BINARIES = {
    b"\x89PNG": PICTURE, b"\xff\xd8\xff": PICTURE, b"GIF8": PICTURE, b"RIFF": PICTURE,
    b"\x1f\x8b": PACKED, b"7z\xbc\xaf": PACKED, b"Rar!": PACKED, b"BZh": PACKED, b"\xfd7zXZ": PACKED,
    b"PAR1": f"It is a Parquet file. {SAVE}",
}
"""Some of these begin like a heading might: they count only where bytes follow that no text has."""
WEB = (b"<!doctype html", b"<html", b"<head", b"<meta", b"<body", b"<table", b"<style", b"<div")
JSON = (b"{\"", b"[{", b"[[")


def unreadable(head: bytes) -> str | None:
    """Why a file that begins with these bytes cannot be read; None where only reading it will tell."""
    if not head:
        return "It is empty."
    kinds = TEXTS if head.isascii() and not any(byte < 9 for byte in head) else TEXTS | BINARIES
    return next((sentence for start, sentence in kinds.items() if head.startswith(start)), None) or _marked_up(head)


def _marked_up(head: bytes) -> str | None:
    """Web pages, XML and JSON: text that is no table."""
    start = head.removeprefix(codecs.BOM_UTF8).removeprefix(codecs.BOM_UTF16_LE).replace(b"\0", b"").lstrip().lower()
    if start.startswith(WEB) or start.startswith(b"<?xml") and b"<html" in start:
        return f"It is a web page under the name of a spreadsheet. {AGAIN}"
    if start.startswith(b"<?xml") and b"spreadsheet" in start:
        return f"It is an XML spreadsheet. {AGAIN}"
    if start.startswith((b"<?xml", b"<!doctype", b"<svg")):
        return f"It is XML. {SAVE}"
    if start.startswith(JSON) or start.startswith(b"{") and start[1:].lstrip().startswith(b'"'):
        return f"It is JSON. {SAVE}"
    return None
