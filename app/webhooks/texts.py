"""Text from outside, as our tables and indexes take it."""
import hashlib

LONGEST_KEY = 200        # characters; an index does not take a key of any length


def clean(text: str) -> str:
    """`text` as every database takes it: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def key(text: str) -> str:
    """`text` as a key: clean, and beyond 200 characters with a digest in place of its end."""
    found = clean(text)
    if len(found) <= LONGEST_KEY:
        return found
    return f"{found[:100]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
