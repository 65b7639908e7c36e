"""A ntfy server as its documentation and its published error codes describe it, for the real client to speak to.

It knows: publishing as JSON at the root, users and tokens, who may write where, the limits of message and document, the
number of buttons, and the burst limit, whose refusal names no time. What it takes can be read as a subscriber would.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from channels.receivers import DROP, HANG, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MESSAGE_LIMIT = 4_096
DOCUMENT_LIMIT = 2 * MESSAGE_LIMIT
TITLE_LIMIT = 200
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
DISALLOWED = {"docs", "static", "file", "app", "account", "settings", "signup", "login"}
KNOWN = {
    "topic",
    "message",
    "title",
    "tags",
    "priority",
    "actions",
    "click",
    "attach",
    "markdown",
    "icon",
} | {
    "filename",
    "delay",
    "email",
    "call",
    "sequence_id",
}


class Refused(Exception):
    """An answer that is no message: HTTP status, ntfy's own code, its words."""

    def __init__(self, status: int, code: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.code = code
        self.error = error


@dataclass
class NtfyServer:
    """`does`: HANG or DROP once a request was read, or a status for all. Without users everybody may write."""

    users: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)
    burst: int = 60
    does: str | int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    open: int = 0
    _number: Any = field(default_factory=lambda: itertools.count(1))

    def published(self, topic: str) -> list[dict[str, Any]]:
        """What a subscriber of the topic is shown: of messages that share a sequence id only the newest."""
        newest: dict[str, dict[str, Any]] = {}
        for message in self.messages:
            if message["topic"] == topic:
                newest[message.get("sequence_id") or message["id"]] = message
        return list(newest.values())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = [line.split(":", 1) for line in head[1:] if line]
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            request = Request(head[0], headers, body)
            self.requests.append(request)
            if self.does == HANG:
                await reader.read()
            elif self.does != DROP:
                status, answer = self._answer(request)
                more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}"
                    f"Content-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode()
                    + answer
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def _answer(self, request: Request) -> tuple[int, bytes]:
        try:
            if isinstance(self.does, int):
                raise Refused(self.does, self.does * 100 + 1, "as the test wants it")
            return 200, json.dumps(self._take(request)).encode()
        except Refused as refused:
            shape = {"code": refused.code, "http": refused.status, "error": refused.error}
            return refused.status, json.dumps(shape).encode()

    def _take(self, request: Request) -> dict[str, Any]:
        method, path, _ = request.line.split(" ")
        if method not in {"POST", "PUT"} or path != "/":
            raise Refused(404, 40401, "page not found")
        self.burst -= 1
        if self.burst < 0:
            raise Refused(429, 42901, "limit reached: too many requests, please be nice")
        user = self._user(request.headers.get("authorization", ""))
        if len(request.body) > DOCUMENT_LIMIT:
            raise Refused(413, 41303, "JSON body too large")
        try:
            document = json.loads(request.body)
        except ValueError:
            raise Refused(400, 40024, "invalid request: request body must be valid JSON") from None
        self._judge(document, user)
        shown = {name: value for name, value in document.items() if name in KNOWN and value}
        message = {"id": f"m{next(self._number):011}", "time": 1, "event": "message", **shown}
        message.setdefault("message", "triggered")
        self.messages.append(message)
        return message

    def _user(self, authorization: str) -> str:
        kind, _, rest = authorization.partition(" ")
        if not authorization:
            return ""
        if kind == "Bearer" and rest in self.tokens:
            return self.tokens[rest]
        if kind == "Basic":
            name, _, password = base64.b64decode(rest).decode().partition(":")
            if password and self.users.get(name) == password:
                return name
        raise Refused(401, 40101, "unauthorized")

    def _judge(self, document: dict[str, Any], user: str) -> None:
        topic = document.get("topic", "")
        if not TOPIC.fullmatch(topic):
            raise Refused(400, 40009, "invalid request: topic invalid")
        if topic in DISALLOWED:
            raise Refused(400, 40010, "invalid request: topic name is disallowed")
        if ((self.users or self.tokens) and not user) or topic in self.read_only:
            raise Refused(403, 40301, "forbidden")
        if document.get("priority", 3) not in range(1, 6):
            raise Refused(400, 40007, "invalid priority parameter")
        if len(document.get("message", "").encode()) >= MESSAGE_LIMIT:
            raise Refused(400, 40014, "invalid request: attachments not allowed")
        if len(document.get("title", "")) > TITLE_LIMIT:
            raise Refused(400, 40055, "invalid request: title too long")
        actions = document.get("actions", [])
        if len(actions) > 3 or any(a["action"] not in {"view", "http", "broadcast"} for a in actions):
            raise Refused(400, 40018, "invalid request: actions invalid")


@asynccontextmanager
async def ntfy_server(**more: Any) -> AsyncIterator[NtfyServer]:
    ntfy = NtfyServer(**more)
    server = await asyncio.start_server(ntfy.serve, "127.0.0.1", 0)
    ntfy.port = server.sockets[0].getsockname()[1]
    try:
        yield ntfy
    finally:
        server.close()
