"""Issues on GitHub: one for each incident, opened once, brought up to date, closed and reopened with it.

A ticket is known again by a mark in its text: an issue of which nobody knows whether it was opened is looked for before
another one is, among those that the token's own user opened. Title and state are always set, so that a restriction
reaches them; a text that people have changed stays theirs. Sources: GitHub's REST API, issues, users, rate limits, best
practices (wait for Retry-After, for the reset of a used-up limit, else a minute).
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx2

from tocsin.channels.outbound import LATER, LONGEST_WAIT_S, Outbound, Reply, seconds_to_wait
from tocsin.channels.port import OWN_LIMIT_S
from tocsin.channels.text import clean_body, clean_line
from tocsin.domain.delivery import Failure, Undelivered, in_doubt, permanent, retry

API_VERSION: Final = "2022-11-28"
SECONDARY_LIMIT_S: Final = 60.0
"""So long at least after a refusal for sending too much that names no time."""
_READ: Final = 4_000_000
"""Bytes read of an answer; a page of issues with the longest texts may be cut, and then counts as unreadable."""
_LOOKED_THROUGH: Final = 30
_TAKE_OUT: Final = "take out what only few may read now; once it is empty, it is written anew"
_MENTION = re.compile(r"@(?=[A-Za-z0-9])|(?<![\w&])#(?=\d)|(?<=[A-Za-z0-9])#(?=\d)")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket shall say. `mark` makes it known again; `since`: no older issue can be it."""

    mark: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    closed: bool
    reason: str
    """Why it is closed: `completed` or `not_planned`."""
    since: datetime
    restricted: bool = False
    """Whether what an older text may tell is now for a few only."""


class StillTold(Undelivered):
    """A text that people changed may tell what was restricted since: they have to take it out; it is tried again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was written last: the number, its address, and the hash of the text."""

    number: int
    address: str
    digest: str


class GitHubIssues:
    """The issues of one repository. Raises ValueError where the url cannot be used."""

    def __init__(
        self,
        *,
        repository: str,
        token: str,
        now: Callable[[], datetime],
        url: str = "https://api.github.com",
        allow_loopback: bool = False,
        limit_s: float = OWN_LIMIT_S / 2,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.repository = repository
        self._token = token
        self._now = now
        try:
            self._out = Outbound(url, allow_loopback=allow_loopback, limit_s=limit_s, tls=tls)
        except ValueError as unfit:
            raise ValueError(f"the url of the tickets {unfit}") from None
        self._base = str(self._out.url).rstrip("/")
        self._issues = f"{self._base}/repos/{repository}/issues"

    def __repr__(self) -> str:
        return f"GitHubIssues({self.repository!r}, {self._out.where})"

    async def write(self, ticket: Ticket, kept: Kept | None) -> Kept:
        """Open it, or bring it up to date. Raises Undelivered, StillTold once title and state are set."""
        known = kept or await self._find(ticket)
        if known is None:
            known = await self._open(ticket)
            if not ticket.closed:
                return known
        return await self._change(ticket, known)

    async def aclose(self) -> None:
        """Close what is still open."""
        await self._out.aclose()

    async def _open(self, ticket: Ticket) -> Kept:
        title, text = _shown(ticket)
        return _kept(await self._ask("POST", self._issues, {"title": title, "body": text}))

    async def _change(self, ticket: Ticket, kept: Kept) -> Kept:
        """Title and state always; the text only while nobody has changed it, or where somebody emptied it."""
        address = f"{self._issues}/{kept.number}"
        there = await self._ask("GET", address)
        title, text = _shown(ticket)
        state = "closed" if ticket.closed else "open"
        wanted: dict[str, Any] = {"title": title}
        if there.get("state") != state:
            wanted |= {"state": state, "state_reason": ticket.reason if ticket.closed else "reopened"}
        ours = _digest(there.get("body")) == kept.digest or not str(there.get("body") or "").strip()
        if ours:
            wanted["body"] = text
        done = kept if _same(wanted, there) else _kept(await self._ask("PATCH", address, wanted))
        if ticket.restricted and not ours:
            raise StillTold(
                Failure.RETRY, f"people changed the text of #{kept.number}, so it stays as it is: {_TAKE_OUT}"
            )
        return done if ours else Kept(done.number, done.address, kept.digest)

    async def _find(self, ticket: Ticket) -> Kept | None:
        since = ticket.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"state": "all", "sort": "created", "direction": "desc", "since": since}
        url = httpx2.URL(self._issues, params={**query, "per_page": str(_LOOKED_THROUGH)})
        listed = await self._answer("GET", url)
        issues = listed if isinstance(listed, list) else []
        marked = [i for i in issues if isinstance(i, dict) and _mark(ticket) in (i.get("body") or "")]
        own = await self._own_id() if marked else None
        found = next((i for i in marked if own is not None and _author(i) == own), None)
        return _kept(found) if found is not None else None

    async def _own_id(self) -> int | None:
        """Who the token is. An app's is nobody: then no issue is taken over, for a second one harms less."""
        url = httpx2.URL(f"{self._base}/user")
        reply = await self._out.ask("GET", url, self._headers(b""), b"", most=_READ)
        if reply.status in {403, 404} and self._limited(reply) is None:
            return None
        user = self._read(reply)
        found = user.get("id") if isinstance(user, dict) else None
        return found if isinstance(found, int) else None

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._answer(method, httpx2.URL(url), body)
        if not isinstance(answer, dict):
            raise in_doubt(f"an answer from {self._out.where} that is no issue")
        return answer

    async def _answer(self, method: str, url: httpx2.URL, body: Mapping[str, Any] | None = None) -> Any:
        content = json.dumps(body).encode("ascii") if body is not None else b""
        return self._read(await self._out.ask(method, url, self._headers(content), content, most=_READ))

    def _read(self, reply: Reply) -> Any:
        if not 200 <= reply.status <= 299:
            raise self._judge(reply)
        try:
            return json.loads(reply.body)
        except ValueError:
            raise in_doubt(f"an answer from {self._out.where} that cannot be read") from None

    def _headers(self, content: bytes) -> dict[str, str]:
        return {
            "accept": "application/vnd.github+json",
            "accept-encoding": "identity",
            "authorization": f"Bearer {self._token}",
            "user-agent": "tocsin",
            "x-github-api-version": API_VERSION,
            **({"content-type": "application/json", "content-length": str(len(content))} if content else {}),
        }

    def _judge(self, reply: Reply) -> Undelivered:
        """What GitHub documents for each status, and what somebody can do about it."""
        said = f"{reply.status} from {self._out.where}"
        limited = self._limited(reply)
        if limited is not None:
            return retry(f"{said}: too many requests", limited)
        if reply.status in LATER or 500 <= reply.status <= 599:
            return retry(said, seconds_to_wait(reply.headers.get("retry-after"), self._now()))
        if 300 <= reply.status <= 399:
            return permanent(f"{said}: {self.repository} has moved, name its new place in tocsin.toml")
        means = {
            401: "the token is not valid, or has run out",
            403: f"the token may not write issues of {self.repository}",
            404: f"there is no {self.repository}, or the token may not see it",
            410: f"{self.repository} has no issues: switch them on, or take [ticket] out",
            422: f"it was not accepted{_why(reply)}",
        }
        return permanent(f"{said}: {means[reply.status]}" if reply.status in means else said)

    def _limited(self, reply: Reply) -> float | None:
        """Seconds to wait where this is a limit, primary or secondary; None where it is not."""
        if reply.status not in {403, 429}:
            return None
        headers = reply.headers
        asked = seconds_to_wait(headers.get("retry-after"), self._now())
        if asked is not None:
            return asked
        reset = headers.get("x-ratelimit-reset", "")
        if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
            return min(max(float(reset[:12]) - self._now().timestamp(), 1.0), LONGEST_WAIT_S)
        if reply.status == 429 or b"rate limit" in reply.body:
            return SECONDARY_LIMIT_S
        return None


def _shown(ticket: Ticket) -> tuple[str, str]:
    """Title and text as sent: nobody is called by a name in them, no other issue is linked."""
    text = _quiet(clean_body(ticket.text, 60_000))
    return _quiet(clean_line(ticket.title, 250)), f"{text}\n\n{_mark(ticket)}"


def _mark(ticket: Ticket) -> str:
    return f"<!-- tocsin {re.sub('[^A-Za-z0-9/_.-]', '', ticket.mark)} -->"


def _quiet(text: str) -> str:
    """`@team` and `#12` as they read, without being a call or a link: a word joiner stands behind the sign."""
    return _MENTION.sub(lambda found: f"{found[0]}\u2060", text)


def _digest(text: object) -> str:
    """Line ends are GitHub's to choose."""
    return hashlib.sha256(str(text or "").replace("\r\n", "\n").encode("utf-8", "replace")).hexdigest()


def _author(issue: Mapping[str, Any]) -> object:
    user = issue.get("user")
    return user.get("id") if isinstance(user, dict) else None


def _same(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    return all(there.get(name) == value for name, value in wanted.items())


def _kept(issue: Mapping[str, Any]) -> Kept:
    """Raises Undelivered where it is no issue."""
    number, address = issue.get("number"), issue.get("html_url")
    if not isinstance(number, int) or not isinstance(address, str) or not address.startswith("http"):
        raise in_doubt("an answer that names no issue")
    return Kept(number, clean_line(address, 500), _digest(issue.get("body")))


def _why(reply: Reply) -> str:
    try:
        message = json.loads(reply.body).get("message", "")
    except (ValueError, AttributeError):
        return ""
    return f": {clean_line(str(message), 120)}" if message else ""
