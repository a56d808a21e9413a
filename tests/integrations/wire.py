"""A server of bare sockets on loopback: it plays what no HTTP server would, byte by byte."""
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Play = Callable[[socket.socket, bytes], None]


class Wire:
    """What was heard, and where it listens."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[bytes] = []
        self.names: list[str | None] = []     # by SNI
        self.over = threading.Event()         # the test has ended: whoever waits may stop

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def wire(play: Play, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """Answer every connection by `play(connection, request)`; the request is read up to the end of its head."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Wire(server.getsockname()[1])
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: found.names.append(name)
        threading.Thread(target=_serve, args=(server, found, play, tls), daemon=True).start()
        yield found
        found.over.set()
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, found: Wire, play: Play, tls: ssl.SSLContext | None) -> None:
    while not found.over.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, found, play, tls), daemon=True).start()


def _answer(connection: socket.socket, found: Wire, play: Play, tls: ssl.SSLContext | None) -> None:
    with connection, suppress(OSError), _spoken(connection, tls) as speaks:
        request = b""
        while b"\r\n\r\n" not in request and (piece := speaks.recv(65_536)):
            request += piece
        if request:
            found.heard.append(request)
            play(speaks, request)


def _spoken(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return connection if tls is None else tls.wrap_socket(connection, server_side=True)


def ok(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: r1\r\n\r\nok")


def self_signed(folder: Path, name: str = "localhost") -> ssl.SSLContext:
    """What a server needs for TLS under a name, with a certificate nobody has reason to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256()))
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                     + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
