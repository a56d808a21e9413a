"""What a file is by its first bytes, as far as they tell that it is nothing we read."""

WORKBOOK = b"PK\x03\x04"
SAVE = "Save the table as CSV or XLSX, and upload that."
OTHERS = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "It is protected by a password, or an old XLS file. Save it as XLSX without a password, "
                                          "or as CSV.",
    b"%PDF": f"It is a PDF. {SAVE}",
    b"\x89PNG": f"It is a picture. {SAVE}",
    b"\xff\xd8\xff": f"It is a picture. {SAVE}",
    b"GIF8": f"It is a picture. {SAVE}",
    b"\x1f\x8b": "It is packed. Unpack it, and upload the file inside.",
    b"7z\xbc\xaf": "It is packed. Unpack it, and upload the file inside.",
    b"Rar!": "It is packed. Unpack it, and upload the file inside.",
}


def unreadable(head: bytes) -> str | None:
    """Why a file that begins with these (eight or more) bytes cannot be read; None where only reading it will tell."""
    if not head:
        return "It is empty."
    return next((sentence for start, sentence in OTHERS.items() if head.startswith(start)), None)
