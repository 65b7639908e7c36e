"""The other ways: how people hear of trouble in tocsin itself, without desk, lanes, database and channels.

Everything here blocks its caller for a bounded time and is called from threads of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import httpx2
import structlog

from tocsin.channels.email import EmailChannel
from tocsin.channels.outbound import Outbound
from tocsin.channels.port import Message
from tocsin.config import SelfAlarm
from tocsin.domain.delivery import Undelivered
from tocsin.sentinel import FAILURES, Single, Word, posted

log = structlog.get_logger("tocsin.self_alarm")

LIMIT_S: Final = 10.0
"""Seconds for one way; a name server that does not answer counts too."""
END_S: Final = 2.0
"""Seconds for a hook that was killed to be gone."""
LEFT_MOST: Final = 3
"""So many hooks that cannot be ended may be left behind; then none is begun."""
CLEAN: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Way(Protocol):
    """`tell` returns when somebody was told; else it raises one of `sentinel.FAILURES`."""

    name: str

    def tell(self, word: Word) -> None:
        """Tell them."""
        ...


class Ways:
    """In this order, until one takes it; for one caller. Raises ValueError where the settings do not fit together."""

    def __init__(self, settings: SelfAlarm, now: Callable[[], datetime]) -> None:
        self.ways: list[Way] = []
        if settings.url and settings.sender:
            self.ways.append(_Mail(settings, now))
        if settings.webhook:
            self.ways.append(_Webhook(settings.webhook.reveal(), settings.allow_loopback))
        if settings.hook:
            self.ways.append(_Program(settings.hook))
        mails = len(settings.to)
        self.longest_s = (mails + len(self.ways)) * (LIMIT_S + END_S)
        """Seconds that `tell` takes at most: every mail and every other way at its limit."""

    def tell(self, word: Word) -> bool:
        """Whether a way took it; where none did, that is critical."""
        for way in self.ways:
            try:
                way.tell(word)
            except FAILURES as failed:
                log.warning("this way did not work", way=way.name, reason=str(failed))
            else:
                log.warning("told", way=way.name, state=word.state, subject=word.subject)
                return True
        log.critical("nobody could be told", subject=word.subject, text=word.text)
        return False


class _Mail:
    name = "mail"

    def __init__(self, settings: SelfAlarm, now: Callable[[], datetime]) -> None:
        self._to = settings.to
        self._singles = {to: Single() for to in settings.to}
        self._now = now
        self._channel = EmailChannel(
            "self_alarm",
            url=settings.url or "",
            sender=settings.sender or "",
            user=settings.user.reveal() if settings.user else None,
            password=settings.password.reveal() if settings.password else None,
            limit_s=LIMIT_S,
        )

    def tell(self, word: Word) -> None:
        """One mail each; told is who could be told."""
        now = self._now()
        failures = [failed for to in self._to if (failed := self._one(word, to, now))]
        for failed in failures:
            log.error("a recipient was not told", way=self.name, reason=failed)
        if len(failures) == len(self._to):
            raise OSError(failures[0])

    def _one(self, word: Word, to: str, now: datetime) -> str:
        """Why this one was not told; empty when she was."""
        key = hashlib.sha256(f"{now.isoformat()} {word.subject} {to}".encode()).hexdigest()
        message = Message(
            key=key, to=to, person=to, subject=word.subject, text=word.text, ref="self-alarm", about="self-alarm",
            sent_at=now, urgent=word.state != "well",
        )  # fmt: skip
        try:
            bounded(lambda: self._channel.send(message), self._singles[to])
        except FAILURES as failed:
            return str(failed)
        return ""


class _Webhook:
    name = "webhook"

    def __init__(self, url: str, allow_loopback: bool) -> None:
        self._target = Target(url, allow_loopback, "self_alarm.webhook")

    def tell(self, word: Word) -> None:
        headers, body = posted(word)
        self._target.ask("POST", {**headers, "Content-Length": str(len(body))}, body)


class _Program:
    """The words on its input, the state in its environment; nothing of ours, and nothing of an incident in its argv."""

    name = "hook"

    def __init__(self, argv: tuple[str, ...]) -> None:
        self._argv = argv
        self._left: list[subprocess.Popen[bytes]] = []

    def tell(self, word: Word) -> None:
        """Bounded even where it can be neither waited for nor ended: one that took another user's rights."""
        self._left = [running for running in self._left if running.poll() is None]
        if len(self._left) >= LEFT_MOST:
            raise TimeoutError(f"{len(self._left)} of {self._argv[0]} still run and cannot be ended")
        running = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**CLEAN, "TOCSIN_STATE": word.state, "TOCSIN_SUBJECT": word.subject},
            cwd="/",
            start_new_session=True,
        )
        try:
            running.communicate(f"{word.subject}\n\n{word.text}".encode(), timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self._end(running)
            raise TimeoutError(f"{self._argv[0]} took longer than {LIMIT_S:g} s") from None
        if running.returncode:
            raise OSError(f"{self._argv[0]} ended with {running.returncode}")

    def _end(self, running: subprocess.Popen[bytes]) -> None:
        """Kill it with its children; whatever does not end in time is left to itself."""
        try:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait(END_S)
        except (OSError, subprocess.TimeoutExpired) as failed:
            log.warning("a hook cannot be ended", pid=running.pid, reason=str(failed))
            self._left.append(running)
        if running.stdin is not None:
            with suppress(OSError):  # what it was never told is still in the buffer
                running.stdin.close()


class Target:
    """An address of the settings, asked by the rules for requests that leave this machine (`channels.outbound`).

    Raises ValueError, which names `key` and not the url, where it cannot be used.
    """

    def __init__(self, url: str, allow_loopback: bool, key: str) -> None:
        self._url = url
        self._allow_loopback = allow_loopback
        self._single = Single()
        try:
            self.where = self._outbound().where
        except ValueError as unfit:
            raise ValueError(f"{key} {unfit}") from None

    def ask(self, method: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Ask; nothing of the answer is read. Raises one of `sentinel.FAILURES` where it is no success."""
        status, _ = self._ask(method, "", headers, body, 0)
        if not 200 <= status <= 299:
            raise OSError(f"{status} from {self.where}")

    def get(self, path: str, headers: Mapping[str, str], most: int) -> tuple[int, bytes]:
        """Status and up to so many bytes of a path below. Raises one of `sentinel.FAILURES`."""
        return self._ask("GET", path, headers, b"", most)

    def _outbound(self) -> Outbound:
        return Outbound(self._url, allow_loopback=self._allow_loopback, limit_s=LIMIT_S)

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> tuple[int, bytes]:
        async def once() -> tuple[int, bytes]:
            out = self._outbound()  # one for each request: every request has an event loop of its own
            url = httpx2.URL(str(out.url).rstrip("/") + path) if path else out.url
            try:
                reply = await out.ask(method, url, headers, body, most=most)
            finally:
                await out.aclose()
            return reply.status, reply.body

        return bounded(once, self._single)


Answer = TypeVar("Answer")


def bounded(work: Callable[[], Coroutine[Any, Any, Answer]], single: Single) -> Answer:
    """What it returns, within the limit whatever hangs. Raises one of `sentinel.FAILURES`."""

    def run() -> Answer:
        try:
            return asyncio.run(work())
        except Undelivered as failed:
            raise OSError(failed.reason) from None

    return single.within(LIMIT_S + 1, run)
