"""What the program says while it runs: one line an event, with the request it belongs to, without secrets."""
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
SECRET_NAMES = re.compile(r"pass(word|wd|phrase)|secret|token|authori[sz]ation|cookie|api_?key|private_?key|credential|signature"
                          r"|csrf|^session$|^auth$|^link$|card_?number|^cvc$|^iban$", re.I)
HARMLESS_NAMES = frozenset({"lease_token", "token_id", "token_name", "secret_id", "token_prefix"})
SECRET_VALUES = re.compile(
    r"(?P<kept>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}"             # Authorization headers
    r"|\bbr_[0-9a-f]{8}_[A-Za-z0-9_-]{20,}"                              # our API tokens
    r"|\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9+/=_-]{8,}|\bshp(?:at|ss|ca)_[A-Za-z0-9]{8,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"        # JSON web tokens
    r"|(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)"          # passwords in addresses
    r"|(?P<hook>/hooks/[a-z0-9_-]+/|/welcome/)[A-Za-z0-9_-]{8,}(?:\?[^\s\"']*)?"    # paths that are secrets
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.S)
DEEPEST = 6
CHATTY = ("flask_wtf",)    # tells of every form that is too old: the page says it to whoever sent it, nobody else has to hear


def init(level: str) -> None:
    """Write to standard error from now on, ours and what libraries log alike: for people on a terminal, else as JSON lines."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_shared(), redact,
                    structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False)
    handler = logging.StreamHandler()
    handler.set_name("backroom")
    handler.setFormatter(_formatter())
    root = logging.getLogger()
    root.handlers = [*(known for known in root.handlers if known.get_name() != "backroom"), handler]
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else "WARNING")


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The line without secrets: by the names of its keys, at any depth, and by what values look like."""
    return {key: HIDDEN if _is_secret(key) else clean(value) for key, value in event.items()}


def clean(value: Any, depth: int = 0) -> Any:
    """`value` without what looks like a secret; what is nested deeper than anybody reads is left out."""
    if isinstance(value, str):
        return SECRET_VALUES.sub(_cover, value)
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "replace"))
    if depth >= DEEPEST and isinstance(value, Mapping | list | tuple | set):
        return "…"
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(str(key)) else clean(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [clean(inner, depth + 1) for inner in value]
    return value


def _is_secret(name: str) -> bool:
    return name not in HARMLESS_NAMES and SECRET_NAMES.search(name) is not None


def _cover(found: re.Match[str]) -> str:
    return (found["kept"] or found["before"] or found["hook"] or "") + HIDDEN


def _shared() -> list[Processor]:
    return [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name,
            structlog.stdlib.PositionalArgumentsFormatter(), structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer()]


def _formatter() -> logging.Formatter:
    terminal = sys.stderr.isatty()
    last: list[Processor] = ([redact, structlog.dev.ConsoleRenderer()] if terminal
                             else [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer(default=str)])
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(), processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last])
