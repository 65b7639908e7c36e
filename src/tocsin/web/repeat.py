"""POSTs of administrators under an Idempotency-Key: what was answered is kept in memory for a day.

Commands on incidents keep their answers in the database (`commands`). These here are rare, each can be repeated
without harm or sees that it was done, and some answers hold a secret that must not be stored.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.auth import caller_of, program_of
from tocsin.web.commands import once
from tocsin.web.problems import KeyReused
from tocsin.wiring.program import Program

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="makes a repeat of this request harmless")
]
Made = tuple[int, views.Json]

KEPT: Final = 1000
KEPT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was answered, to which request."""

    with_body: str
    made: Made
    at: datetime


@dataclass(slots=True)
class Answers:
    """The newest answers by key."""

    kept: OrderedDict[str, Remembered] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def made(self, key: str, with_body: str, now: datetime, make: Callable[[], Made]) -> Made:
        """The answer that was given, or a new one. Raises KeyReused for another body under the same key."""
        with self.lock:
            known = self.kept.get(key)
            if known is not None and now - known.at < KEPT_FOR:
                if known.with_body != with_body:
                    raise KeyReused("this Idempotency-Key was used for another request", "take a new key")
                return known.made
            made = make()
            self.kept[key] = Remembered(with_body, made, now)
            self.kept.move_to_end(key)
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
            return made


async def repeatable(
    request: Request, key: str | None, body: m.Body, make: Callable[[Program], Made]
) -> Response:
    """Do it, or say again what was answered under this key."""
    program = program_of(request)
    keys = once(caller_of(request), request.url.path, key, body)
    if keys is None:
        status, value = await run_in_threadpool(make, program)
    else:
        answers: Answers = request.app.state.answers
        now = program.clock.now()
        status, value = await run_in_threadpool(
            answers.made, keys.key, keys.with_body, now, lambda: make(program)
        )
    return views.json_response(value, status)
