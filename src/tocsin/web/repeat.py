"""POSTs of administrators under an Idempotency-Key: what was answered is kept in memory for a day.

Commands on incidents keep their answers in the database (`commands`). These here are rare, each can be repeated
without harm or sees that it was done, and some answers hold a secret that must not be stored.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final

import structlog
from fastapi import Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.auth import caller_of, program_of
from tocsin.web.commands import not_in_time, once
from tocsin.web.problems import KeyReused
from tocsin.wiring.program import Program

log = structlog.get_logger("tocsin.web")

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="makes a repeat of this request harmless")
]
Made = tuple[int, views.Json]

KEPT: Final = 1000
KEPT_FOR: Final = timedelta(days=1)
PATIENCE_S: Final = 15.0
"""Seconds until whoever asked is told that no answer came: a database that hangs keeps nobody longer."""
UNHURRIED_S: Final = 300.0
"""The same for what works long by its nature: a copy of the whole database, a whole handbook."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was answered, to which request."""

    with_body: str
    made: Made
    at: datetime


@dataclass(slots=True)
class Turn:
    """Who works under a key; the others of the same key wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0


@dataclass(slots=True)
class Answers:
    """The newest answers by key. Only requests under the same key wait for each other."""

    kept: OrderedDict[str, Remembered] = field(default_factory=OrderedDict)
    turns: dict[str, Turn] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held for looking up only, never while anything is done."""

    def made(self, key: str, with_body: str, now: datetime, make: Callable[[], Made]) -> Made:
        """The answer that was given, or a new one.

        Raises KeyReused for another body under the same key, Problem 503 when whoever had it first still works.
        """
        with self._turn(key):
            with self.lock:
                known = self.kept.get(key)
            if known is not None and now - known.at < KEPT_FOR:
                if known.with_body != with_body:
                    raise KeyReused("this Idempotency-Key was used for another request", "take a new key")
                return known.made
            made = make()
            with self.lock:
                self.kept[key] = Remembered(with_body, made, now)
                self.kept.move_to_end(key)
                while len(self.kept) > KEPT:
                    self.kept.popitem(last=False)
            return made

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        with self.lock:
            turn = self.turns.setdefault(key, Turn())
            turn.wanted += 1
        try:
            if not turn.lock.acquire(timeout=PATIENCE_S):
                raise not_in_time()
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self.lock:
                turn.wanted -= 1
                if not turn.wanted:
                    del self.turns[key]


async def repeatable(
    request: Request,
    key: str | None,
    body: m.Body,
    make: Callable[[Program], Made],
    within_s: float = PATIENCE_S,
) -> Response:
    """Do it, or say again what was answered under this key. Raises Problem 503 when no answer comes in time."""
    program = program_of(request)
    keys = once(caller_of(request), request.url.path, key, body)
    if keys is None:
        status, value = await in_time(lambda: make(program), within_s)
    else:
        answers: Answers = request.app.state.answers
        now = program.clock.now()
        status, value = await in_time(
            lambda: answers.made(keys.key, keys.with_body, now, lambda: make(program)), within_s
        )
    return views.json_response(value, status)


async def in_time(work: Callable[[], Made], within_s: float) -> Made:
    """What it returns or raises, in a thread; it goes on when nobody waits any more. Raises Problem 503."""
    task = asyncio.ensure_future(run_in_threadpool(work))
    try:
        async with asyncio.timeout(within_s):
            return await asyncio.shield(task)
    except TimeoutError:
        task.add_done_callback(_ended_late)
        raise not_in_time() from None


def _ended_late(task: asyncio.Future[Made]) -> None:
    """Nobody waits for it any more; what it made is kept under its key."""
    failed = None if task.cancelled() else task.exception()
    if failed is not None:
        log.warning("a request failed after its time", error=type(failed).__name__)
