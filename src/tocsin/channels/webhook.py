"""Signed POSTs in the manner of Standard Webhooks: the same id on every try, a new timestamp and signature.

Requests go straight to the transport: no redirect is followed, no proxy or password taken from the environment, no
address written to a log (it may hold a token). Of an answer only status and headers are read. Every try has a
connection of its own, so that a lost one is known to have carried this request. Sources: Standard Webhooks; RFC 9110
(10.2.3 Retry-After, 15 status codes).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final

import httpx2

from tocsin.channels.egress import Address, resolve
from tocsin.channels.port import OWN_LIMIT_S, Message, Receipt
from tocsin.channels.signature import read_secret, sign
from tocsin.channels.text import clean_body, clean_line, clean_links
from tocsin.domain.delivery import Undelivered, in_doubt, permanent, retry

_ADDRESSES_TRIED: Final = 3
_LONGEST_WAIT_S: Final = 3600.0
_LATER: Final = frozenset({408, 425, 429})
"""Refusals that may pass: too slow, too early, too many."""


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
        self._url = _read_url(url)
        self._key = read_secret(secret)
        self._now = now
        self._allow_loopback = allow_loopback
        self._limit_s = limit_s
        self._transport = httpx2.AsyncHTTPTransport(
            verify=tls or ssl.create_default_context(),
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    def __repr__(self) -> str:
        return f"WebhookChannel({self._name!r}, {self._url.scheme}://{self._where})"

    async def send(self, message: Message) -> Receipt:
        """POST it. 2xx: a receipt; 408, 425, 429, 5xx and no connection: retry; silence after the request: in doubt."""
        request_sent = asyncio.Event()
        try:
            async with asyncio.timeout(self._limit_s):
                addresses = await resolve(self._url.host, self._port, allow_loopback=self._allow_loopback)
                status, headers = await self._post_to_first(addresses, message, request_sent)
        except (httpx2.HTTPError, TimeoutError) as trouble:
            raise self._lost(trouble, request_sent=request_sent.is_set()) from None
        if 200 <= status <= 299:
            return Receipt(f"{status} from {self._where}")
        raise self._judge(status, headers)

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._transport.aclose()

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    @property
    def _where(self) -> str:
        """Host and port: the path may hold a token and is never shown."""
        return f"{self._url.host}:{self._port}"

    async def _post_to_first(
        self, addresses: list[Address], message: Message, request_sent: asyncio.Event
    ) -> tuple[int, httpx2.Headers]:
        """Use the first address that takes a connection; nothing was sent to the others."""
        *others, last = addresses[:_ADDRESSES_TRIED]
        for address in others:
            try:
                return await self._post(address, message, request_sent)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._post(last, message, request_sent)

    async def _post(
        self, address: Address, message: Message, request_sent: asyncio.Event
    ) -> tuple[int, httpx2.Headers]:
        async def trace(step: str, _: dict[str, Any]) -> None:
            if step.endswith("send_request_headers.started"):
                request_sent.set()

        body = _body(message)
        request = httpx2.Request(
            "POST",
            self._url.copy_with(host=str(address)),
            headers={"host": self._url.netloc.decode("ascii"), **self._headers(message, body)},
            content=body,
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._limit_s),
                "trace": trace,
                **({} if _is_address(self._url.host) else {"sni_hostname": self._url.host}),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            return response.status_code, response.headers
        finally:
            await response.aclose()

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

    def _judge(self, status: int, headers: httpx2.Headers) -> Undelivered:
        said = f"{status} from {self._where}"
        if status in _LATER or 500 <= status <= 599:
            return retry(said, _seconds(headers.get("retry-after"), self._now()))
        if 300 <= status <= 399:
            return permanent(f"{said}: redirects are not followed")
        return permanent(said)

    def _lost(self, trouble: Exception, *, request_sent: bool) -> Undelivered:
        what = (
            "no answer in time"
            if isinstance(trouble, TimeoutError | httpx2.TimeoutException)
            else "connection lost"
        )
        if request_sent:
            return in_doubt(f"{what} from {self._where} after the request was sent")
        why = clean_line(str(trouble), 120) if isinstance(trouble, httpx2.ConnectError) else ""
        return retry(f"no connection to {self._where}" + (f": {why}" if why else ""))


def _read_url(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or (parsed.port or 1) > 65535:
        raise ValueError("the url of a webhook is an http or https address")
    if parsed.userinfo:
        raise ValueError("the url of a webhook holds no user and password: the signature proves the sender")
    return parsed


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


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


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After as seconds from now, at most an hour; None where it is missing or unreadable."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:9]), _LONGEST_WAIT_S)
    try:
        then = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return min(max((then - now).total_seconds(), 0.0), _LONGEST_WAIT_S)
