"""Mail over SMTP: one connection per message, every refusal told apart from every lost connection.

Sources: RFC 5321 (replies: 4yz may work later, 5yz never), RFC 5322 (Message-ID, In-Reply-To, References), RFC 3834
(Auto-Submitted), RFC 2045 (quoted-printable, so that any relay carries the text). A paging mail has no
List-Unsubscribe: being on call is not a subscription.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import socket
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import aiosmtplib

from tocsin.channels.port import OWN_LIMIT_S, Message, Receipt
from tocsin.channels.text import clean_body, clean_line, clean_links, without
from tocsin.domain.delivery import Undelivered, in_doubt, permanent, retry

_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_ANY_ADDRESS: Final = re.compile(r"[^\s<>\"',;:()]+@[^\s<>\"',;()]+")
"""What a server names in its refusals: people's addresses, which alarms and timelines do not repeat."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}
_GOODBYE_S: Final = 0.5
"""Seconds for QUIT after the message was taken; nothing depends on its answer."""


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    tls: str
    """`none`, `starttls` (required, not merely tried) or `tls` (from the first byte)."""


class EmailChannel:
    """Sends through the server at `url`: `smtp://host[:port][?tls=starttls]` or `smtps://host[:port]`.

    `sender` is an address, or a name with an address in angle brackets. Raises ValueError where the values do not fit
    together, among them a password that would travel unencrypted to another machine.
    """

    kind = "email"

    def __init__(
        self,
        name: str,
        *,
        url: str,
        sender: str,
        user: str | None = None,
        password: str | None = None,
        limit_s: float = OWN_LIMIT_S,
    ) -> None:
        self._name = name
        self._server = _read_url(url)
        self._from = _read_sender(sender)
        if bool(user) != bool(password):
            raise ValueError("user and password belong together: give both or neither")
        if password and self._server.tls == "none" and self._server.host not in _LOOPBACK:
            raise ValueError("the password would travel unencrypted: use smtps:// or ?tls=starttls")
        self._user = user
        self._password = password
        self._limit_s = limit_s

    def __repr__(self) -> str:
        return f"EmailChannel({self._name!r}, {self._server.host}:{self._server.port})"

    async def send(self, message: Message) -> Receipt:
        """Hand the mail to the server. 4yz and no connection: retry; 5yz: permanent; silence after DATA: in doubt."""
        to = _read_recipient(message.to)
        mail = compose(message, self._from, to).as_bytes()
        smtp = self._connection()
        handed_over = asyncio.Event()
        try:
            async with asyncio.timeout(self._limit_s):
                reply = await self._deliver(smtp, to, mail, handed_over)
        except aiosmtplib.SMTPResponseException as refusal:
            raise self._judge(refusal, after_data=handed_over.is_set()) from None
        except (aiosmtplib.SMTPException, OSError) as trouble:  # OSError: TimeoutError, connections, TLS
            raise self._lost(trouble, after_data=handed_over.is_set()) from None
        else:
            await _say_goodbye(smtp)
        finally:
            smtp.close()
        return Receipt(clean_line(f"{reply.code} {reply.message}"))

    async def aclose(self) -> None:
        """Nothing is held open between messages."""

    def _connection(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            use_tls=self._server.tls == "tls",
            start_tls=self._server.tls == "starttls",
            username=self._user,
            password=self._password,
            local_hostname=_own_name(),
            timeout=self._limit_s,
        )

    async def _deliver(
        self, smtp: aiosmtplib.SMTP, to: str, mail: bytes, handed_over: asyncio.Event
    ) -> aiosmtplib.SMTPResponse:
        await smtp.connect()
        await smtp.mail(self._from.addr_spec)
        await smtp.rcpt(to)
        handed_over.set()
        return await smtp.data(mail)

    def _judge(self, refusal: aiosmtplib.SMTPResponseException, *, after_data: bool) -> Undelivered:
        if isinstance(refusal, aiosmtplib.SMTPAuthenticationError):
            said = f"{refusal.code} the mail server refused user and password"
        else:
            words = without(f"{refusal.code} {refusal.message}", (self._password, self._user))
            said = clean_line(_ANY_ADDRESS.sub("***", words))
        if 400 <= refusal.code <= 499:
            return retry(said)
        if 500 <= refusal.code <= 599:
            about_her = after_data or isinstance(refusal, aiosmtplib.SMTPRecipientRefused)
            return permanent(said, channel=not about_her)
        return in_doubt(said) if after_data else retry(said)

    def _lost(self, trouble: Exception, *, after_data: bool) -> Undelivered:
        where = f"{self._server.host}:{self._server.port}"
        if not isinstance(trouble, OSError) and not after_data:
            said = f"{where} does not offer what the settings ask for (STARTTLS or sign-in)"
            return permanent(said, channel=True)
        what = "no answer in time" if isinstance(trouble, TimeoutError) else "connection failed or lost"
        if after_data:
            return in_doubt(f"{what} from {where} after the mail was handed over")
        return retry(f"{what}: {where}")


def compose(message: Message, sender: Address, to: str) -> EmailMessage:
    """The mail as it goes out; the same message gives the same identity and the same thread every time."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = clean_line(message.subject) or "(no subject)"
    mail["Date"] = format_datetime(message.sent_at)
    mail["Message-ID"] = _identity("message", message.key, sender.domain)
    thread = _identity("thread", message.thread_id, sender.domain)
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    if message.urgent:
        mail["Importance"] = "high"
    mail["X-Tocsin-Ref"] = clean_line(message.ref, 100)
    links = [f"{label}: {url}" for label, url in clean_links(message.links)]
    body = "\n\n".join(filter(None, (clean_body(message.text).rstrip("\n"), "\n".join(links))))
    mail.set_content(body + "\n", charset="utf-8", cte="quoted-printable")
    return mail


def _identity(what: str, key: str, domain: str) -> str:
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]
    return f"<{what}.{digest}@{domain}>"


def _read_url(url: str) -> _Server:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("the url of a mail server is smtp://host:port or smtps://host:port")
    if "@" in parts.netloc:
        raise ValueError("user and password do not belong into the url: use the settings user and password")
    tls = query.pop("tls", "none" if parts.scheme == "smtp" else "tls")
    if query or (parts.scheme == "smtp") == (tls == "tls") or tls not in _PORTS:
        raise ValueError("the url of a mail server knows one option: smtp://host:port?tls=starttls")
    return _Server(parts.hostname, parts.port or _PORTS[tls], tls)


def _read_sender(sender: str) -> Address:
    name, address = parseaddr(sender)
    if not _ADDRESS.fullmatch(address):
        raise ValueError("from is no e-mail address")
    return Address(display_name=clean_line(name, 100), addr_spec=address)


def _read_recipient(address: str) -> str:
    """One address and nothing else; the domain in its ASCII form. Raises Undelivered(permanent)."""
    local, _, domain = address.strip().rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        plain = ""
    if len(plain) > 254 or not _ADDRESS.fullmatch(plain):
        raise permanent(f"no e-mail address that can be sent to: {clean_line(address, 80)!r}")
    return plain


def _own_name() -> str:
    """What to say in EHLO (RFC 5321 4.1.4): the full name of this machine, else an address literal; asks no DNS."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


async def _say_goodbye(smtp: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await smtp.quit(timeout=_GOODBYE_S)
