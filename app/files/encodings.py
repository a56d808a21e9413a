"""Which encoding a text file is in: the proven one, else the likeliest of those that fit, with the others to choose from."""
import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from charset_normalizer import from_bytes

from app.files.limits import BadFile

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
USUAL = ("cp1252", "iso8859_15", "cp1250", "mac_roman", "cp850", "cp437", "cp1254", "cp1251", "koi8_r", "cp866", "cp1253",
         "cp1255", "cp1256", "shift_jis", "gb18030", "euc_kr", "big5", "euc_jp")
"""What files of old programs are in, the commonest first."""
SAMPLE = 64 * 1024
SHOWN, SAMPLES, LONGEST = 6, 5, 40
COMMON = frozenset("ãÃäöüßÄÖÜéèêëÉÈàâÀçÇñÑóíáúÓÍÁÚìòùôîïæøåÆØÅœ’‘“”„–—…€£§°·²½«»™®")
RARE = frozenset("ðþÐÞÝýÿŸªºµ¤¦¨¬¯¶¸¹¼¾×÷ƒˆ‡‰‹›")
OTHERS = {"HALFWIDTH": 2.2, "HIRAGANA": 0.1, "KATAKANA": 0.1, "HANGUL": 0.15}
"""What letters of other scripts cost: the rarer by chance, the less."""
CELL_ENDS = re.compile(r"[,;\t|\r\n\"]+")
SIGNS = (b",", b";", b"\t", b"\n", b"\r", b" ")


class Candidate(NamedTuple):
    """An encoding, and cells of the file as they read in it."""

    encoding: str
    samples: list[str]


class Found(NamedTuple):
    """The encoding that is taken, and what else it could be; nothing where it is proven."""

    encoding: str
    candidates: list[Candidate]


def find(path: Path, wanted: str | None = None) -> Found:
    """By its mark, else UTF-8 if all of it is, else UTF-16 without mark, else the likeliest old one. `wanted` goes before."""
    proven, part = _proven(path)
    if wanted and not _known(wanted):
        raise BadFile(f"{wanted} is no encoding we know. Choose another.")
    if wanted == "utf-16" and proven != "utf-16":  # Python reads it with a mark only
        return Found(proven if proven in ("utf-16-le", "utf-16-be") else "utf-16-le", [])
    if part is None:
        return Found(wanted or proven or "utf-8", [])
    fitting = _fitting(part)
    return Found(wanted or fitting[0].encoding, fitting[:SHOWN])


def _known(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


def _proven(path: Path) -> tuple[str | None, bytes | None]:
    """(encoding, None), or (None, the part around the first byte that is not UTF-8)."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for mark, name in MARKS:
        if head.startswith(mark):
            return name, None
    if (pairs := _utf16(head)) is not None:
        return pairs, None
    odd = _first_odd(path)
    return ("utf-8", None) if odd is None else (None, odd)


def _utf16(head: bytes) -> str | None:
    """Without a mark, UTF-16 shows by the NUL beside each blank, delimiter and line end."""
    if b"\0" not in head:
        return None
    whole = head[:len(head) // 2 * 2]
    little, big = (sum(_at_even(whole, pair) for pair in pairs) for pairs in (
        [sign + b"\0" for sign in SIGNS], [b"\0" + sign for sign in SIGNS]))
    if max(little, big) * 40 < len(whole) // 2:
        return None
    return "utf-16-le" if little > big * 4 else "utf-16-be" if big > little * 4 else None


def _at_even(whole: bytes, pair: bytes) -> int:
    return sum(found.start() % 2 == 0 for found in re.finditer(re.escape(pair), whole))


def _first_odd(path: Path) -> bytes | None:
    decoder, before = codecs.getincrementaldecoder("utf-8")(), b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                at = len(before) + max(error.start, 0)
                return (before + piece)[max(0, at - SAMPLE):at + SAMPLE]
            before = piece[-SAMPLE:]
    return None


def _fitting(part: bytes) -> list[Candidate]:
    """The encodings `part` can be in, the likeliest first; those that read alike are one."""
    found: dict[tuple[str, ...], tuple[float, Candidate]] = {}
    for rank, name in enumerate(_order(part)):
        try:
            text = _decoded(part, name)
        except UnicodeDecodeError:
            continue
        samples = _samples(text)
        score = _strangeness(text) + rank * 0.02
        if tuple(samples) not in found:
            found[tuple(samples)] = score, Candidate(name, samples)
    ranked = [candidate for _, candidate in sorted(found.values(), key=lambda one: one[0])]
    return _mostly_utf8(part) + (ranked or [Candidate("cp1252", _samples(part.decode("cp1252", "replace")))])


def _order(part: bytes) -> Iterator[str]:
    """The usual ones; where many letters speak, what statistics say comes first."""
    first = None
    if sum(byte >= 0x80 for byte in part) * 8 >= len(part) >= 240:
        best = from_bytes(part, cp_isolation=list(USUAL)).best()
        first = best.encoding if best is not None else None
    yield from dict.fromkeys((first, *USUAL)) if first else USUAL


def _decoded(part: bytes, name: str) -> str:
    """The text, forgiving letters of several bytes that are cut at the ends of the part."""
    for start in range(4):
        try:
            return codecs.getincrementaldecoder(name)().decode(part[start:])
        except UnicodeDecodeError as error:
            if error.start > 4 or start == 3:
                raise
    return ""


def _mostly_utf8(part: bytes) -> list[Candidate]:
    """UTF-8 with a few broken letters is UTF-8."""
    text = _whole_letters(part).decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(letter >= "\x80" for letter in text) > broken * 5:
        return [Candidate("utf-8", _samples(text))]
    return []


def _whole_letters(part: bytes) -> bytes:
    return part.lstrip(bytes(range(0x80, 0xC0)))


def _samples(text: str) -> list[str]:
    """The first cells with letters beyond ASCII."""
    found: dict[str, None] = {}
    for cell in CELL_ENDS.split(text):
        if not cell.isascii() and (shown := cell.strip()):
            found[_window(shown)] = None
            if len(found) == SAMPLES:
                break
    return list(found)


def _window(cell: str) -> str:
    """The part of a cell with the letter in question."""
    at = next((place for place, letter in enumerate(cell) if letter >= "\x80"), 0)
    start = max(0, at - LONGEST // 2) if len(cell) > LONGEST else 0
    return cell[start:start + LONGEST]


def _strangeness(text: str) -> float:
    """How unlike writing the letters beyond ASCII look, on average."""
    odd = [place for place, letter in enumerate(text) if letter >= "\x80"][:2000]
    if not odd:
        return 9.0
    return sum(_strange(text[place], text[place - 1:place], text[place + 1:place + 2]) for place in odd) / len(odd)


def _strange(letter: str, before: str, after: str) -> float:
    kind = unicodedata.category(letter)
    if kind in ("Cc", "Cn", "Co", "Cs"):
        return 6.0
    if kind[0] == "L":
        return _strange_letter(letter, before, after)
    cost = (0.0 if letter in COMMON else 1.5) + (1.0 if before.isalpha() and letter in "·¬¨¸¤" else 0.0)
    return cost + (3.0 if before.isalpha() and after.isalpha() and letter not in "’‘·" else 0.0)


def _strange_letter(letter: str, before: str, after: str) -> float:
    script = _script(letter)
    latin = script == "LATIN"
    cost = (0.0 if letter in COMMON else 0.8 if letter in RARE else 0.3) if latin else OTHERS.get(script, 0.2)
    if letter.isupper() and before.isalpha() and (before.islower() or after.islower()):
        cost += 3.0 if before.islower() else 1.0
    if latin and letter.islower() and not before.isalnum():
        cost += 0.3
    for beside in (before, after):
        if beside.isalpha() and _script(beside) != script:
            cost += 2.0 if "LATIN" in (_script(beside), script) else 0.5 if "HANGUL" in (_script(beside), script) else 0.0
    if latin and before >= "\x80" and after >= "\x80" and before.isalpha() and after.isalpha():
        cost += 1.5
    return cost


def _script(letter: str) -> str:
    return unicodedata.name(letter, "NONE").split(maxsplit=1)[0]
