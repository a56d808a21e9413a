"""Whether a text mentions a person, by words that are theirs alone: as whole words, however JSON or an address writes them."""
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

# not within a word, but after what is escaped
BEGINS = rb"(?:(?<![0-9a-z])|(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4})|(?<=%[0-9a-f]{2}))"
ENDS = rb"(?![0-9a-z])"


class Mention:
    """What to look for: an e-mail address is not found in a longer one, nor a number in another."""

    def __init__(self, words: Iterable[str]) -> None:
        spelt = sorted({each.lower().encode() for word in words for each in (word, json.dumps(word)[1:-1], quote(word))})
        self._pattern = re.compile(BEGINS + b"(?:" + b"|".join(map(re.escape, spelt)) + b")" + ENDS)

    def stands_in(self, *texts: bytes | str | None) -> bool:
        """Whether one of these holds one of the words, in letters of any size."""
        return any(self._pattern.search((text.encode("utf-8", "replace") if isinstance(text, str) else text).lower())
                   for text in texts if text)
