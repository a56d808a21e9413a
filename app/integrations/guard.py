"""Which addresses may be called: what people type must not lead Backroom into the network it stands in (SSRF)."""
import ipaddress
import queue
import socket
import threading
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from app.integrations.errors import BlockedTarget, TimedOut, UnavailableThere

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PORTS = (443, 8443)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@lru_cache(maxsize=8)
def networks(written: tuple[str, ...]) -> tuple[Network, ...]:
    """The private networks an installation allows. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(each, strict=False) for each in written)


def vetted(host: str, port: int, *, secure: bool, allowed: Iterable[Network], seconds: float) -> list[str]:
    """The addresses of `host` that may be connected to, looked up once: whoever connects goes to these, not to the name.

    Public ones by https on PORTS, and whatever is in an `allowed` network, by http and on any port too. Raises BlockedTarget,
    UnavailableThere for a name nobody knows, or TimedOut after `seconds`.
    """
    found = [ipaddress.ip_address(text) for text in _look_up(host, port, seconds)]
    private = [each for each in found if any(_real(each) in network for network in allowed)]
    if private:
        return [str(each) for each in private]
    if not secure:
        raise BlockedTarget("It must begin with https://, or what is sent could be read on the way.", sent=False)
    if port not in PORTS:
        raise BlockedTarget(f"Port {port} is not called, only {' and '.join(map(str, PORTS))}.", sent=False)
    public = [each for each in found if is_public(each)]
    if not public:
        raise BlockedTarget(f"{host} leads to {found[0]}, which is no public address. If that is meant, add its network to "
                            "OUTBOUND_ALLOW.", sent=False)
    return [str(each) for each in public]


def plain(url: str) -> SplitResult:
    """The parts of an address that names a host and nothing secret. Raises BlockedTarget before anybody looks it up."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise BlockedTarget("This is no address.", sent=False) from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise BlockedTarget("An address begins with https:// and names a host.", sent=False)
    if "@" in parts.netloc:
        raise BlockedTarget("An address must not carry a user name or password; they have fields of their own.", sent=False)
    return parts


def written_for(url: str, allowed: Iterable[Network]) -> None:
    """Refuse a typed address as far as that can be said without asking anybody. Raises BlockedTarget."""
    parts = plain(url)
    if parts.query or parts.fragment:
        raise BlockedTarget("It ends with a path, without ? and #.", sent=False)
    try:
        vetted_literal(parts, allowed)
    except ValueError:
        if parts.scheme != "https" and not list(allowed):       # a name: known once it is called
            raise BlockedTarget("It must begin with https://, or what is sent could be read on the way.", sent=False) from None


def vetted_literal(parts: SplitResult, allowed: Iterable[Network]) -> None:
    """The same for an address of numbers. Raises ValueError for a name, BlockedTarget for what is never called."""
    address = ipaddress.ip_address(parts.hostname or "")
    secure = parts.scheme == "https"
    vetted(str(address), parts.port or (443 if secure else 80), secure=secure, allowed=allowed, seconds=1)


def is_public(address: IP) -> bool:
    """Whether anybody on the internet could mean this address; what only wraps an IPv4 address is judged by that."""
    real = _real(address)
    is_local = isinstance(real, ipaddress.IPv6Address) and real.is_site_local       # which Python takes for global
    return real.is_global and not (is_local or real.is_multicast or real.is_reserved or real.is_unspecified)


def _real(address: IP) -> IP:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one; any other as it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """Every address of a name. The system's resolver knows no deadline, so it is asked in a thread that may be left behind."""
    answer: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()
    threading.Thread(target=_resolve, args=(host, port, answer), daemon=True, name="dns").start()
    try:
        found = answer.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise TimedOut(f"Looking up the name {host} took too long.", sent=False) from None
    if isinstance(found, Exception):
        raise UnavailableThere(f"The name {host} is not known (DNS).", why="dns", sent=False) from found
    return found


def _resolve(host: str, port: int, answer: "queue.SimpleQueue[list[str] | OSError | UnicodeError]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.put(list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)))
    except (OSError, UnicodeError) as error:
        answer.put(error)
