"""Push messages over ntfy: one topic per person, on a server of one's own or a hosted one.

Published as JSON at the server's root, so that no text ever stands in a header. A link is offered as a button that
opens it: nothing is acknowledged by the button itself. Sources: ntfy's documentation (publish as JSON, action buttons,
limitations, authentication, error codes) and its defaults: 4,096 bytes of message, the whole document twice that.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

import httpx2

from tocsin.channels.outbound import LATER, Outbound, Reply, seconds_to_wait
from tocsin.channels.port import OWN_LIMIT_S, Message, Receipt
from tocsin.channels.text import clean_body, clean_line, clean_links, without
from tocsin.domain.delivery import Undelivered, in_doubt, permanent, retry

TITLE_CHARACTERS: Final = 200
TITLE_BYTES: Final = 250
MESSAGE_BYTES: Final = 4_095
"""One less than the limit: a text that reaches it is taken for an attachment, which most servers refuse."""
DOCUMENT_BYTES: Final = 8_000
"""Of 8,192: what is longer is refused whole."""
BUTTONS: Final = 3
TOO_MANY_S: Final = 10.0
"""The pause where too many requests were sent and no time is named: whoever goes on is locked out by address."""
_CUT: Final = "\n[cut: the whole text is in tocsin]"
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_NOT_IN_TOPIC = re.compile(r"[^-_A-Za-z0-9]")
_LONGEST_LINK: Final = 700
_READ: Final = 16_384
_MEANS: Final = {
    401: "user and password, or the token, are not valid",
    403: "this user may not write to the topic",
    404: "this is no ntfy server: url must be its root",
    413: "the server takes shorter messages only",
}
_EVERYBODY: Final = frozenset({401, 404, 413})
"""What no topic has a share in."""


class NtfyChannel:
    """Publishes to the server at `url`, which may lie below a path.

    `topic` is a pattern: `{handle}` becomes the person's handle, in which what no topic may hold is written `_`.
    Somebody whose address is a topic (and not just her handle) is reached there instead.
    Raises ValueError, which repeats no secret, where the values do not fit together.
    """

    kind = "ntfy"

    def __init__(
        self,
        name: str,
        *,
        url: str,
        topic: str,
        now: Callable[[], datetime],
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        allow_loopback: bool = False,
        limit_s: float = OWN_LIMIT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._topic = topic
        if not _TOPIC.fullmatch(topic.replace("{handle}", "x")):
            raise ValueError("the topic of ntfy is A to Z, a to z, 0 to 9, - and _, and {handle}; at most 64")
        try:
            self._out = Outbound(url, allow_loopback=allow_loopback, limit_s=limit_s, tls=tls)
        except ValueError as unfit:
            raise ValueError(f"the url of ntfy {unfit}") from None
        self._root = httpx2.URL(str(self._out.url).rstrip("/") + "/")
        self._secrets = (token, password)
        self._authorization = _authorization(token, user, password)
        if self._authorization and self._root.scheme == "http" and not _is_loopback(self._root.host):
            raise ValueError(
                "the token or password would travel unencrypted: the url must begin with https://"
            )
        self._now = now

    def __repr__(self) -> str:
        return f"NtfyChannel({self._name!r}, {self._root.scheme}://{self._out.where})"

    async def send(self, message: Message) -> Receipt:
        """Publish it. 2xx: a receipt; 408, 425, 429, 5xx and no connection: retry; silence after the request: in
        doubt.
        """
        topic = self._topic_of(message)
        body = _document(topic, message)
        reply = await self._out.ask("POST", self._root, self._headers(body), body, most=_READ)
        said = f"{reply.status} from {self._out.where}"
        if not 200 <= reply.status <= 299:
            raise self._judge(reply, said, topic)
        if (identity := _field(reply, "id")) is None:
            raise in_doubt(f"{said}, but no answer of ntfy: is its root what url names?")
        return Receipt(clean_line(f"message {identity} taken by {self._out.where}"))

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._out.aclose()

    def _topic_of(self, message: Message) -> str:
        if message.to != message.person and _TOPIC.fullmatch(message.to):
            return message.to
        topic = self._topic.replace("{handle}", _NOT_IN_TOPIC.sub("_", message.person))
        if not _TOPIC.fullmatch(topic):
            raise permanent("no topic that ntfy takes: with this handle it has more than 64 characters")
        return topic

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "user-agent": "tocsin",
            **({"authorization": self._authorization} if self._authorization else {}),
        }

    def _judge(self, reply: Reply, said: str, topic: str) -> Undelivered:
        asked = seconds_to_wait(reply.headers.get("retry-after"), self._now())
        if reply.status == 429:
            return retry(f"{said}: too many messages", asked or TOO_MANY_S)
        if reply.status in LATER or 500 <= reply.status <= 599:
            return retry(said, asked)
        if 300 <= reply.status <= 399:
            return permanent(f"{said}: redirects are not followed", channel=True)
        why = _MEANS.get(reply.status) or _field(reply, "error")
        if why:
            said = f"{said}: {clean_line(without(why, (*self._secrets, topic)), 160)}"
        return permanent(said, channel=reply.status in _EVERYBODY)


def _authorization(token: str | None, user: str | None, password: str | None) -> str:
    if bool(user) != bool(password) or (token and user):
        raise ValueError("ntfy takes a token, or user and password together, or neither")
    if user and ":" in user:
        raise ValueError("the user of ntfy holds a colon, which cannot be sent")
    if user:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("the token of ntfy holds characters that cannot be sent")
    return f"Bearer {token}" if token else ""


def _document(topic: str, message: Message) -> bytes:
    """The message as ntfy takes it, within every limit; whatever is cut says so."""
    links = [
        (clean_line(label, 40), url)
        for label, url in clean_links(message.links)
        if url.startswith(("http://", "https://")) and len(url) <= _LONGEST_LINK
    ][:BUTTONS]
    identity = hashlib.sha256(message.key.encode("utf-8", "replace")).hexdigest()[:32]
    document: dict[str, Any] = {
        "topic": topic,
        "title": _cut_to(clean_line(message.subject, TITLE_CHARACTERS), TITLE_BYTES, "…"),
        "priority": 5 if message.urgent else 3,
        "tags": ["rotating_light"] if message.urgent else ["information_source"],
        # A second try of the same page takes the place of the first, where the first has arrived after all.
        "sequence_id": f"msg_{identity}",
        "actions": [{"action": "view", "label": label or "Open", "url": url} for label, url in links],
    }
    if links:
        document["click"] = links[0][1]
    text, room = clean_body(message.text).strip("\n"), MESSAGE_BYTES
    while len(body := _encoded({**document, "message": _cut_to(text, room, _CUT)})) > DOCUMENT_BYTES:
        room -= len(body) - DOCUMENT_BYTES  # what JSON adds to a text is never negative, so this ends
    return body


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _cut_to(text: str, limit: int, mark: str) -> str:
    """At most so many bytes of UTF-8, with the mark where something is missing."""
    raw = text.encode("utf-8")
    if len(raw) <= limit:
        return text
    return raw[: max(limit - len(mark.encode("utf-8")), 0)].decode("utf-8", "ignore") + mark


def _field(reply: Reply, name: str) -> str | None:
    """A text of the answer; None where it is no answer of ntfy."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return None
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
