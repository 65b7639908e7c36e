"""One HTTP request to an address of the settings: judged by `egress`, sent once, of the answer only so much is read.

Requests go straight to the transport: no redirect is followed, no proxy or password taken from the environment, no
address written to a log (it may hold a token). Every request has a connection of its own, so that a lost one is known
to have carried it. Sources: RFC 9110 (10.2.3 Retry-After, 15 status codes).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final

import httpx2

from tocsin.channels.egress import Address, resolve
from tocsin.channels.port import OWN_LIMIT_S
from tocsin.channels.text import clean_line
from tocsin.domain.delivery import Undelivered, in_doubt, retry

LATER: Final = frozenset({408, 425, 429})
"""Refusals that may pass: too slow, too early, too many."""
LONGEST_WAIT_S: Final = 3600.0
_ADDRESSES_TRIED: Final = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `body` as far as it was asked for."""

    status: int
    headers: httpx2.Headers
    body: bytes = field(default=b"", repr=False)


class Outbound:
    """Sends to one host. Raises ValueError where `url` cannot be used; the error does not repeat it."""

    def __init__(
        self,
        url: str,
        *,
        allow_loopback: bool = False,
        limit_s: float = OWN_LIMIT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = _read_url(url)
        self._allow_loopback = allow_loopback
        self._limit_s = limit_s
        self._transport = httpx2.AsyncHTTPTransport(
            verify=tls or ssl.create_default_context(),
            limits=httpx2.Limits(max_keepalive_connections=0),
        )

    @property
    def where(self) -> str:
        """Host and port: the path may hold a token and is never shown."""
        return f"{self.url.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    async def ask(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], body: bytes, *, most: int = 0
    ) -> Reply:
        """The answer with up to `most` bytes of its body. Raises Undelivered: retry while nothing was sent, then in
        doubt.
        """
        request_sent = asyncio.Event()
        try:
            async with asyncio.timeout(self._limit_s):
                addresses = await resolve(url.host, self._port, allow_loopback=self._allow_loopback)
                return await self._to_first(
                    addresses, _Request(method, url, headers, body, most), request_sent
                )
        except (httpx2.HTTPError, TimeoutError) as trouble:
            raise self._lost(trouble, request_sent=request_sent.is_set()) from None

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._transport.aclose()

    async def _to_first(
        self, addresses: list[Address], request: _Request, request_sent: asyncio.Event
    ) -> Reply:
        """Use the first address that takes a connection; nothing was sent to the others."""
        *others, last = addresses[:_ADDRESSES_TRIED]
        for address in others:
            try:
                return await self._to(address, request, request_sent)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._to(last, request, request_sent)

    async def _to(self, address: Address, request: _Request, request_sent: asyncio.Event) -> Reply:
        async def trace(step: str, _: dict[str, Any]) -> None:
            if step.endswith("send_request_headers.started"):
                request_sent.set()

        made = httpx2.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers={"host": request.url.netloc.decode("ascii"), **request.headers},
            content=request.body,
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._limit_s),
                "trace": trace,
                **({} if _is_address(request.url.host) else {"sni_hostname": request.url.host}),
            },
        )
        response = await self._transport.handle_async_request(made)
        try:
            return Reply(response.status_code, response.headers, await _read(response, request.most))
        finally:
            await response.aclose()

    def _lost(self, trouble: Exception, *, request_sent: bool) -> Undelivered:
        what = (
            "no answer in time"
            if isinstance(trouble, TimeoutError | httpx2.TimeoutException)
            else "connection lost"
        )
        if request_sent:
            return in_doubt(f"{what} from {self.where} after the request was sent")
        why = clean_line(str(trouble), 120) if isinstance(trouble, httpx2.ConnectError) else ""
        return retry(f"no connection to {self.where}" + (f": {why}" if why else ""))


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: httpx2.URL
    headers: Mapping[str, str]
    body: bytes
    most: int


async def _read(response: httpx2.Response, most: int) -> bytes:
    """No more than that, however much is sent."""
    if not most:
        return b""
    found = b""
    async for part in response.aiter_raw():
        found += part
        if len(found) >= most:
            break
    return found[:most]


def _read_url(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        parsed = httpx2.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or (parsed.port or 1) > 65535:
        raise ValueError("is no http or https address")
    if parsed.userinfo:
        raise ValueError("holds a user or password")
    return parsed


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def seconds_to_wait(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After as seconds from now, at most an hour; None where it is missing or unreadable."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:9]), LONGEST_WAIT_S)
    try:
        then = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return min(max((then - now).total_seconds(), 0.0), LONGEST_WAIT_S)
