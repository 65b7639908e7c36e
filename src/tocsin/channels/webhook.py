"""Signed POSTs in the manner of Standard Webhooks: the same id on every try, a new timestamp and signature.

How a request goes out is `outbound`'s; of an answer only status and headers are read. Source: Standard Webhooks.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from tocsin.channels.outbound import LATER, Outbound, Reply, seconds_to_wait
from tocsin.channels.port import OWN_LIMIT_S, Message, Receipt
from tocsin.channels.signature import read_secret, sign
from tocsin.channels.text import clean_body, clean_line, clean_links
from tocsin.domain.delivery import Undelivered, permanent, retry


class WebhookChannel:
    """POSTs to `url` what is sent, signed with `secret`.

    Raises ValueError where url is no http or https address or secret no signing secret; the error repeats neither.
    """

    kind = "webhook"

    def __init__(
        self,
        name: str,
        *,
        url: str,
        secret: str,
        now: Callable[[], datetime],
        allow_loopback: bool = False,
        limit_s: float = OWN_LIMIT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._key = read_secret(secret)
        self._now = now
        self._out = _outbound(url, allow_loopback, limit_s, tls)

    def __repr__(self) -> str:
        return f"WebhookChannel({self._name!r}, {self._out.url.scheme}://{self._out.where})"

    async def send(self, message: Message) -> Receipt:
        """POST it. 2xx: a receipt; 408, 425, 429, 5xx and no connection: retry; silence after the request: in doubt."""
        body = _body(message)
        reply = await self._out.ask("POST", self._out.url, self._headers(message, body), body)
        if 200 <= reply.status <= 299:
            return Receipt(f"{reply.status} from {self._out.where}")
        raise self._judge(reply)

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._out.aclose()

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        identity = "msg_" + hashlib.sha256(message.key.encode("utf-8", "replace")).hexdigest()[:32]
        timestamp = int(self._now().timestamp())
        return {
            "content-type": "application/json",
            "user-agent": "tocsin",
            "webhook-id": identity,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._key, identity, timestamp, body),
        }

    def _judge(self, reply: Reply) -> Undelivered:
        said = f"{reply.status} from {self._out.where}"
        if reply.status in LATER or 500 <= reply.status <= 599:
            return retry(said, seconds_to_wait(reply.headers.get("retry-after"), self._now()))
        if 300 <= reply.status <= 399:
            return permanent(f"{said}: redirects are not followed", channel=True)
        return permanent(said, channel=True)


def _outbound(url: str, allow_loopback: bool, limit_s: float, tls: ssl.SSLContext | None) -> Outbound:
    try:
        return Outbound(url, allow_loopback=allow_loopback, limit_s=limit_s, tls=tls)
    except ValueError as unfit:
        raise ValueError(f"the url of a webhook {unfit}") from None


def _body(message: Message) -> bytes:
    """`type`, `timestamp`, `data`: the three members of the specification."""
    event = {
        "type": "incident." + message.about.replace("-", "_"),
        "timestamp": message.sent_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "ref": message.ref,
            "thread": message.thread_id,
            "about": message.about,
            "person": message.person,
            "to": clean_line(message.to),
            "urgent": message.urgent,
            "subject": clean_line(message.subject),
            "text": clean_body(message.text),
            "links": [{"label": label, "url": url} for label, url in clean_links(message.links)],
        },
    }
    return json.dumps(event, ensure_ascii=True, separators=(",", ":")).encode("ascii")
