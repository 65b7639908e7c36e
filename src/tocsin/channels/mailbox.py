"""The mailbox of `make run`: an SMTP server on this machine that keeps what tocsin sent, for reading in a browser.

Not a channel. It delivers nothing, listens on loopback only and forgets all but the newest messages.
"""

from __future__ import annotations

import email
import socket
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT: Final = 500
PORTS_TRIED: Final = 21
_SIZE_LIMIT: Final = 1024 * 1024
"""Bytes of one message."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as its reader sees it; every field is plain text that may be hostile."""

    subject: str
    sender: str
    to: str
    date: datetime | None
    body: str
    ref: str
    """X-Tocsin-Ref: the incident's reference; empty on mail from elsewhere."""


class Mailbox:
    """Listens from `start` to `stop`. Raises ValueError for a host that is not loopback."""

    def __init__(self, host: str = "127.0.0.1", port: int = 1025) -> None:
        if not (host == "localhost" or _is_loopback(host)):
            raise ValueError(f"the mailbox listens on loopback only, not on {host}")
        self._host = host
        self._wanted = port
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._controller: Controller | None = None

    @property
    def port(self) -> int:
        """The port in use, once started; before that the one asked for."""
        return self._controller.port if self._controller else self._wanted

    def start(self) -> None:
        """Take the port asked for, or the next free one of twenty. Raises OSError when none is free."""
        controller = Controller(
            _Keeper(self),
            hostname=self._host,
            port=_free_port(self._host, self._wanted),
            server_hostname="tocsin.localhost",
            data_size_limit=_SIZE_LIMIT,
            enable_SMTPUTF8=True,
        )
        controller.start()
        self._controller = controller

    def stop(self) -> None:
        """Close the port; the messages stay readable."""
        if self._controller:
            self._wanted = self._controller.port
            self._controller.stop()
            self._controller = None

    def messages(self) -> tuple[Mail, ...]:
        """What is kept, newest first."""
        with self._lock:
            return tuple(reversed(self._mails))

    def keep(self, content: bytes) -> None:
        """Add a message as it came over the wire."""
        mail = read_mail(content)
        with self._lock:
            self._mails.append(mail)


class _Keeper:
    """What aiosmtpd calls at the end of DATA."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        content = envelope.content
        self._mailbox.keep(content if isinstance(content, bytes) else (content or "").encode())
        return "250 kept"


def read_mail(content: bytes) -> Mail:
    """The plain parts of a message; a part that cannot be read is empty, never an error."""
    message = email.message_from_bytes(content, policy=policy.default)
    return Mail(
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        to=_header(message, "To"),
        date=_date(_header(message, "Date")),
        body=_body(message),
        ref=_header(message, "X-Tocsin-Ref"),
    )


def _header(message: EmailMessage, name: str) -> str:
    value = message.get(name)
    return "" if value is None else str(value)


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        text = raw.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _free_port(host: str, wanted: int) -> int:
    """The first port from `wanted` upwards that nobody listens on; 0 lets the system choose."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port from {wanted} to {wanted + PORTS_TRIED - 1} on {host}")
