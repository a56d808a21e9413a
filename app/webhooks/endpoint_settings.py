"""What an endpoint can be set to: its clock, its address, who may post to it, how much, and what its provider has to be told.

Kept as JSON in `config`, only what differs from the default. Typed and wrong values go by the same names: `tolerance`,
`public_url`, `allow`, `max_bytes`, and `option_<name>` for each option the provider declares.
"""
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from app.errors import Invalid
from app.integrations.provider import Option, Provider

Network = IPv4Network | IPv6Network
OPTION = "option_"
LONGEST_TOLERANCE = 86_400
LEAST_BYTES, MOST_BYTES = 1_024, 25_000_000
MOST_NETWORKS = 200
LONGEST_URL = 2_000


def read(speaks: Provider, typed: Mapping[str, str]) -> dict[str, Any]:
    """The config a person typed; what is left empty is the default. Raises Invalid by field."""
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, convert in READERS.items():
        text = typed.get(name, "").strip()
        try:
            if text:
                found[name] = convert(text)
        except ValueError as error:
            errors[name] = str(error)
    known = {*READERS, *(OPTION + each.name for each in speaks.options)}
    errors |= {name: "There is no such setting." for name in typed if name not in known}
    options = _options(speaks, typed, errors)
    if errors:
        raise Invalid("Nothing was saved.", errors=errors)
    return found | ({"options": options} if options else {})


def typed(speaks: Provider, config: Mapping[str, Any]) -> dict[str, str]:
    """The same config as a form shows it."""
    found = {name: str(config.get(name, "")) for name in ("tolerance", "public_url", "max_bytes")}
    found["allow"] = "\n".join(config.get("allow", ()))
    return found | {OPTION + name: value for name, value in options(speaks, config).items()}


def mark(config: Mapping[str, Any]) -> str:
    """Tells one config from any other: a form carries the mark of the one it was filled from."""
    return sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def options(speaks: Provider, config: Mapping[str, Any]) -> dict[str, str]:
    """The provider's options by name, those left out with their default."""
    given = config.get("options", {})
    return {each.name: given.get(each.name, each.default) for each in speaks.options}


def networks(config: Mapping[str, Any]) -> tuple[Network, ...]:
    """Who may post; empty means everybody."""
    return tuple(ip_network(each) for each in config.get("allow", ()))


def may_post(allow: tuple[Network, ...], remote_ip: str | None) -> bool:
    """Whether this address is on the list. An IPv4 address in IPv6 clothes is the IPv4 address."""
    if not allow:
        return True
    try:
        found = ip_address((remote_ip or "").partition("%")[0])
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in allow)


def _options(speaks: Provider, typed: Mapping[str, str], errors: dict[str, str]) -> dict[str, str]:
    found = {each.name: typed.get(OPTION + each.name, "").strip() for each in speaks.options}
    for each in speaks.options:
        wrong = _wrong_option(each, found[each.name])
        if wrong:
            errors[OPTION + each.name] = wrong
    if not errors:
        whole = {each.name: found[each.name] or each.default for each in speaks.options}
        errors.update({OPTION + name: sentence for name, sentence in speaks.check_options(whole).items()})
    return {name: value for name, value in found.items() if value}


def _wrong_option(option: Option, value: str) -> str:
    if option.required and not value and not option.default:
        return "Fill this in."
    if option.choices and value and value not in {choice for choice, _ in option.choices}:
        return "Choose one of the list."
    if len(value) > option.limit:
        return f"It may have {option.limit:,} characters."
    if option.kind == "text" and not value.isprintable():
        return "It holds a character that cannot be printed."
    return ""


def _seconds(text: str) -> int:
    return _number(text, 1, LONGEST_TOLERANCE, "seconds")


def _bytes(text: str) -> int:
    return _number(text, LEAST_BYTES, MOST_BYTES, "bytes")


def _number(text: str, least: int, most: int, unit: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise ValueError(f"Give a whole number of {unit} from {least:,} to {most:,}.")
    return int(text)


def _url(text: str) -> str:
    sentence = "Give the address as the provider has it, like https://backroom.example.com/hooks/…"
    try:
        parts = urlsplit(text)
        usual = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise ValueError(sentence) from None
    if not usual or len(text) > LONGEST_URL or not text.isascii() or re.search(r"\s|[^ -~]", text):
        raise ValueError(sentence)
    return text


def _allow(text: str) -> list[str]:
    found = []
    for each in re.split(r"[\s,;]+", text.strip(" ,;\n")):
        try:
            found.append(str(ip_network(each, strict=False)))
        except ValueError:
            raise ValueError(f"{each[:60]} is no address or network. Give them like 203.0.113.7 or 203.0.113.0/24.") from None
    if len(found) > MOST_NETWORKS:
        raise ValueError(f"An endpoint can name {MOST_NETWORKS} networks.")
    return list(dict.fromkeys(found))


READERS: dict[str, Any] = {"tolerance": _seconds, "public_url": _url, "allow": _allow, "max_bytes": _bytes}
