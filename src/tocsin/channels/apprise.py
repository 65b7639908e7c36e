"""Everything else that can be told one-way, through the Apprise library (the extra `tocsin[apprise]`).

The library is synchronous and says of a failure only that it was one, so every refusal is worth another try, and only
an address that it cannot read is for good. Each send has a thread of its own: a thread cannot be stopped, so what hangs
ends by the library's own time limits, and while too many hang nothing new is begun.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import re
import threading
from typing import Any, Final
from urllib.parse import quote

from tocsin.channels.port import OWN_LIMIT_S, Message, Receipt
from tocsin.channels.text import clean_body, clean_line, clean_links
from tocsin.domain.delivery import Undelivered, in_doubt, permanent, retry

LIBRARY: Final = "apprise"
AT_ONCE: Final = 4
CONNECTION_LIMIT_S: Final = 4.0
"""Seconds that the library waits for a connection, and for an answer: after them a send that was given up is gone."""
_TITLE: Final = 200
_CUT_MARK: Final = 60
"""Room for the words that say that a text was cut, and for what is put between."""
_STATUS = re.compile(r"\berror=(\d{3})\b")
_CALLS = re.compile(r"@(?=(?:everyone|here|channel|all)\b)|<(?=[!@#&])", re.IGNORECASE)
"""What calls a whole room on some services."""


class AppriseChannel:
    """Tells the service at `url`, an address of Apprise, in which `{handle}` and `{address}` are replaced.

    Raises ValueError, which does not repeat the url, where the library is missing or cannot read it.
    """

    kind = "apprise"

    def __init__(self, name: str, *, url: str, limit_s: float = OWN_LIMIT_S) -> None:
        if importlib.util.find_spec(LIBRARY) is None:
            raise ValueError(
                f"channel {name}: Apprise is not installed; install it with: pip install 'tocsin[apprise]'"
            )
        self._name = name
        self._url = url
        self._limit_s = limit_s
        self._free = threading.Semaphore(AT_ONCE)
        self._library: Any = importlib.import_module(LIBRARY)
        _keep_quiet()
        self._service = self._sample().service_name

    def __repr__(self) -> str:
        return f"AppriseChannel({self._name!r}, {clean_line(str(self._service), 60)})"

    async def send(self, message: Message) -> Receipt:
        """Tell it. Refused, or no connection: retry; silence: in doubt; an address that is none: permanent."""
        try:
            target = self._target(message.person, message.to)
        except ValueError:
            raise permanent(f"{self._service} cannot be told at this address") from None
        if not self._free.acquire(blocking=False):
            raise retry(f"{AT_ONCE} sends to {self._service} hang, nothing more is begun")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[bool, str]] = loop.create_future()
        title, body = _words(message, target)

        def tell() -> None:
            try:
                found = self._tell(target, title, body)
            finally:
                self._free.release()
            _hand_back(loop, answer, found)

        threading.Thread(target=tell, name=f"apprise-{self._name}", daemon=True).start()
        try:
            async with asyncio.timeout(self._limit_s):
                taken, status = await answer
        except TimeoutError:
            raise self._silent() from None
        if not taken:
            raise retry(f"{self._service} did not take it" + (f": {status}" if status else ""))
        return Receipt(f"taken by {self._service}")

    async def aclose(self) -> None:
        """Nothing is held open between messages."""

    def _silent(self) -> Undelivered:
        return in_doubt(f"no answer in time from {self._service}")

    def _sample(self) -> Any:
        """The service for somebody, to see that the url can be read: a name, else a telephone number."""
        try:
            return self._target("handle", "address")
        except ValueError:
            return self._target("15551234567", "15551234567")

    def _target(self, handle: str, address: str) -> Any:
        """The service as the library builds it, with our time limits. Raises ValueError, which repeats no url."""
        url = self._url.replace("{handle}", quote(handle, safe="")).replace(
            "{address}", quote(address, safe="")
        )
        asset = self._library.AppriseAsset(app_id="tocsin", app_desc="tocsin", storage_mode="memory")
        target = self._library.Apprise.instantiate(url, asset=asset)
        if not target:  # unreadable, or nobody in it whom the service could tell
            raise ValueError("the url of this channel is none that Apprise can read")
        longest = min(CONNECTION_LIMIT_S, self._limit_s)
        target.socket_connect_timeout = min(target.socket_connect_timeout, longest)
        target.socket_read_timeout = min(target.socket_read_timeout, longest)
        return target

    def _tell(self, target: Any, title: str, body: str) -> tuple[bool, str]:
        """Whether it was taken, and the status that the library names, if any; the library raises nothing."""
        sender = self._library.Apprise()
        sender.add(target)
        result = sender.notify(title=title, body=body, body_format="text", interpret_escapes=False)
        if result:
            return True, ""
        said = (_STATUS.search(entry.message) for entry in result.logs())
        return False, next((found[1] for found in said if found), "")


def _hand_back(
    loop: asyncio.AbstractEventLoop, answer: asyncio.Future[tuple[bool, str]], found: tuple[bool, str]
) -> None:
    """Nobody may wait any more: the send was given up, or its loop has ended."""

    def settle() -> None:
        if not answer.done():
            answer.set_result(found)

    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return


def _words(message: Message, target: Any) -> tuple[str, str]:
    """Title and body within what the service takes: the text is cut, and says so, before a link is left out."""
    most = int(target.body_maxlen)
    title = _calls_nobody(clean_line(message.subject, min(_TITLE, most // 3)))
    links: list[str] = []
    for label, url in clean_links(message.links):
        if sum(map(len, links)) + len(label) + len(url) < most // 2:
            links.append(f"{label}: {url}")
    room = most - len(title) - sum(map(len, links)) - len(links) - _CUT_MARK
    text = _calls_nobody(clean_body(message.text, room).rstrip("\n")) if room > 0 else ""
    return title, "\n\n".join(filter(None, (text, "\n".join(links))))


def _calls_nobody(text: str) -> str:
    return _CALLS.sub(lambda found: f"{found[0]} ", text)


def _keep_quiet() -> None:
    """The library logs addresses, which hold tokens, and texts; what matters of it is in its result."""
    for name in (LIBRARY, "urllib3", "requests_oauthlib"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
