"""Mail to the people who work here: one plain text by SMTP (RFC 5321), where MAIL_URL says so; else nobody is written to."""
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from app.config import Config, config
from app.errors import Problem, Unavailable

PATIENCE = 20.0     # seconds
_addresses: list[Callable[[int], str | None]] = []


class Unmailable(Problem):
    """The server will not take it, however often it is asked."""

    status, title = 502, "The mail was refused"


def addressed(find: Callable[[int], str | None]) -> Callable[[int], str | None]:
    """Register how the address of a person is found by their id; None if they are not to be written to."""
    _addresses.append(find)
    return find


def address(person_id: int) -> str | None:
    """Where this person reads mail now."""
    return next((found for find in _addresses if (found := find(person_id))), None)


def is_on() -> bool:
    return config().mail_url is not None


def send(to: str, subject: str, text: str, *, id: str) -> None:
    """Hand it to the server. `id` names this mail for ever: who gets it twice sees that it is one.

    Raises Unavailable where trying again can help, Unmailable where it cannot.
    """
    settings = config()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message["Date"], message["Message-ID"] = formatdate(), f"<{id}@{urlsplit(settings.address).hostname}>"
    message["Auto-Submitted"] = "auto-generated"      # RFC 3834: nobody's absence answers
    message.set_content(text)
    try:
        _hand_over(_server(settings), message)
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(*next(iter(error.recipients.values()))) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error) from None
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"The mail server does not answer: {error}") from None


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    """What is said after it took the mail changes nothing."""
    try:
        server.send_message(message)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _server(settings: Config) -> smtplib.SMTP:
    url = urlsplit(settings.mail_url or "")
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(url.hostname or "", url.port or 465, timeout=PATIENCE,
                                                context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(url.hostname or "", url.port or 587, timeout=PATIENCE)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
    return server


def _refused(code: int, said: bytes | str) -> Problem:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    sentence = f"The mail server said {code} {words}"
    return Unmailable(sentence) if 500 <= code < 600 else Unavailable(sentence)
