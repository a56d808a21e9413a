"""How people and programs write numbers and days, put into the plain way the gate reads. What is neither stays as it is."""
import re

CURRENCIES = {"€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₴": "UAH", "₪": "ILS", "฿": "THB",
              "₫": "VND", "₱": "PHP", "zł": "PLN", "Kč": "CZK", "R$": "BRL", "US$": "USD"}
"""Signs that mean one currency; others, like $, kr and ¥, mean several."""
CODES = frozenset(re.findall("...", (
    "AED ALL AMD ANG AOA ARS AUD AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP "
    "CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD "
    "JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SLE SOS SRD SSP STN SYP SZL THB "
    "TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG").replace(" ", "")))
"""ISO 4217."""
SIGNS = map(re.escape, sorted(CURRENCIES, key=len, reverse=True))
SIGN = "|".join((*SIGNS, "[$¥]", r"kr\.?", r"Fr\.?", "Ft", "лв", *sorted(CODES)))
BEFORE, AFTER = re.compile(rf"({SIGN})(?=[\s\d.,'’(+-])\s*"), re.compile(rf"(?<=[\s\d.,'’-])\s*({SIGN})$")
PLAIN = re.compile(r"[+-]?[\d.,]*\d", re.ASCII)
MINUSES = str.maketrans("−–", "--")
NOUGHT = re.compile(r"[.,](?:-{1,2}|—)$")
"""12,- as prices are written where there are no cents."""
MONTHS = (
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "januari februari mars april maj juni juli augusti september oktober november december")
BETWEEN = r"[\s./-]{0,2}(?:de\s)?"
DAY_MONTH = re.compile(r"(?:\w{2,10}\.?,?\s)?(\d{1,2})(?:st|nd|rd|th)?"
                       rf"{BETWEEN}([^\W\d_]{{3,12}}){BETWEEN},?\s?(\d{{4}}|\d{{2}})(?!\d)")
MONTH_DAY = re.compile(r"(?:\w{2,10}\.?,\s)?([^\W\d_]{3,12})\.?\s(\d{1,2})(?:st|nd|rd|th)?,?\s(\d{4})(?!\d)")
TWO_DIGITS = re.compile(r"(\d{1,2})([./])(\d{1,2})\2(\d{2})(?!\d)")
FOUR_DIGITS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?!\d)")
CLOSE = re.compile(r"((?:19|20)\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\Z")
EASTERN = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
CLOCK = re.compile(r"[\s,T]+(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?(\.\d+)?\s*([AaPp])?\.?(?:[Mm]\.?)?(?=\Z|Z|[+-]|\s[+-])")
TURN = 70
"""Years of two digits from here on are of the last century."""


def _months() -> dict[str, int]:
    """{name or its first letters: month}; what begins two months means neither."""
    found: dict[str, set[int]] = {}
    for names in MONTHS:
        for month, name in enumerate(names.split(), 1):
            for word in (name, name[:3], name[:4]):
                found.setdefault(word, set()).add(month)
    found["sept"] = {9}
    return {word: months.pop() for word, months in found.items() if len(months) == 1}


MONTH = _months()


def number(words: str) -> tuple[str, str | None]:
    """(the number as the grammar has it, the currency it names): "(1.234,50 €)" -> ("-1.234,50", "EUR"). A percent sign stays."""
    text = words.strip()
    if PLAIN.fullmatch(text):
        return text, None
    text, outside = _bare(text.translate(MINUSES))
    text, negative = _unsigned(text)
    text, inside = _bare(text)
    text, currency = NOUGHT.sub("", text), outside or inside
    if not any(letter.isdecimal() for letter in text):
        return words, None
    return f"{'-' if negative else ''}{text}", currency


def _unsigned(text: str) -> tuple[str, bool]:
    """Without what says that it is negative: a minus before or after it, or parentheses around it."""
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), True
    if text.startswith("-"):
        return text[1:].lstrip(), True
    if text.endswith("-") and NOUGHT.search(text) is None:
        return text[:-1].rstrip(), True
    return text, False


def _bare(text: str) -> tuple[str, str | None]:
    """Without the currency before or after it."""
    found = None if text[:1].isdecimal() else BEFORE.match(text)
    if found is not None:
        return text[found.end():].strip(), _code(found[1])
    found = None if text[-1:].isdecimal() else AFTER.search(text)
    return (text, None) if found is None else (text[:found.start()].strip(), _code(found[1]))


def _code(sign: str) -> str | None:
    return CURRENCIES.get(sign) or (sign if len(sign) == 3 and sign.isascii() and sign.isupper() else None)


def day(words: str) -> str:
    """A day, with or without a time: "31. Mai 2026" -> "2026-05-31", "5/31/26 2:30 PM" -> "05/31/2026 14:30"."""
    if words[4:5] == "-" and words[:4].isdecimal():    # most are like this
        return words
    text = words.strip()
    for read in (_numeric, _named, _other):
        if (found := read(text)) is not None:
            return found[0] + _time(text[found[1]:])
    return words


def _numeric(text: str) -> tuple[str, int] | None:
    if found := FOUR_DIGITS.match(text) or TWO_DIGITS.match(text):
        year = found[4] if len(found[4]) == 4 else _century(found[4])
        return f"{found[1]:0>2}{found[2]}{found[3]:0>2}{found[2]}{year}", found.end()
    return None


def _named(text: str) -> tuple[str, int] | None:
    folded = text.casefold()
    if found := DAY_MONTH.match(folded):
        day, name, year = found.groups()
    elif found := MONTH_DAY.match(folded):
        name, day, year = found.groups()
    else:
        return None
    month = MONTH.get(name)
    return None if month is None else (f"{year if len(year) == 4 else _century(year)}-{month:02}-{day:0>2}", found.end())


def _other(text: str) -> tuple[str, int] | None:
    found = CLOSE.match(text) or EASTERN.match(text)
    return None if found is None else (f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}", found.end())


def _century(year: str) -> str:
    return f"{19 if int(year) >= TURN else 20}{year}"


def _time(rest: str) -> str:
    """" 2:30 PM" -> " 14:30"; what is no time stays."""
    found = CLOCK.match(rest)
    if found is None:
        return rest
    hour, half = int(found[1]), (found[5] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + 12 * (half == "p")
    seconds = f":{found[3]}{found[4] or ''}" if found[3] else ""
    return f" {hour:02}:{found[2]}{seconds}{rest[found.end():].replace(' ', '')}"
