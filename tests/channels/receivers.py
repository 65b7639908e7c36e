"""Other sides that answer as told: a real SMTP server and a real HTTP server on loopback, in the loop of the test."""

from __future__ import annotations

import asyncio
import email
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping
    from email.message import EmailMessage

HANG = "hang"
DROP = "drop"
REFUSE = "refuse"


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class MailServer:
    """`answers`: by command (`MAIL`, `RCPT`, `DATA`, `AUTH`) a reply line, HANG or DROP; else everything is taken."""

    answers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    open: int = 0

    async def _answer(self, server: SMTP, command: str, usual: str) -> str:
        answer = self.answers.get(command, usual)
        if answer == HANG:
            await asyncio.sleep(3600)
        if answer == DROP:
            server.transport.abort()
            await asyncio.sleep(3600)
        return answer

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._answer(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._answer(server, "RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return await self._answer(server, "DATA", "250 2.0.0 queued as 4711")

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        if reply := self.answers.get("AUTH"):
            return AuthResult(success=False, handled=False, message=reply)
        return AuthResult(success=True)

    def protocol(self, tls: ssl.SSLContext | None, starttls: bool) -> SMTP:
        server = self

        class Counted(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                if self.transport is None:
                    server.open += 1
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                server.open -= 1
                super().connection_lost(error)

        return Counted(
            self,
            hostname="mail.test",
            authenticator=self.authenticate,
            auth_require_tls=False,
            tls_context=tls if starttls else None,
        )


@asynccontextmanager
async def mail_server(
    answers: dict[str, str] | None = None, *, tls: ssl.SSLContext | None = None, starttls: bool = False
) -> AsyncIterator[MailServer]:
    mail = MailServer(answers or {})
    server = await asyncio.get_running_loop().create_server(
        lambda: mail.protocol(tls, starttls), "127.0.0.1", 0, ssl=None if starttls else tls
    )
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpServer:
    """Answers every request with `status`, or does what HANG and DROP say once it has read it."""

    status: int | str = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    endless: bool = False
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while self.status != DROP or not self.requests:
                self.requests.append(await self._read(reader))
                if self.status == HANG:
                    await reader.read()
                elif self.status != DROP:
                    await self._answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.split(":", 1) for line in head[1:] if line]
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        return Request(head[0], headers, await reader.readexactly(int(headers.get("content-length", 0))))

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        length = 10**12 if self.endless else len(self.body)
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        writer.write(
            f"HTTP/1.1 {self.status} X\r\nContent-Length: {length}\r\n{extra}\r\n".encode() + self.body
        )
        await writer.drain()
        while self.endless:
            writer.write(b"x" * 65536)
            await writer.drain()


@asynccontextmanager
async def http_server(
    status: int | str = 200, *, tls: ssl.SSLContext | None = None, **more: Any
) -> AsyncIterator[HttpServer]:
    http = HttpServer(status, **more)
    server = await asyncio.start_server(http.serve, "127.0.0.1", 0, ssl=tls)
    http.port = server.sockets[0].getsockname()[1]
    try:
        yield http
    finally:
        server.close()
