"""Who may read an incident, and that every read of a restricted one is written down.

Everybody else knows it by its codename: in lists, on the home page, in the live stream.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request

from tocsin.domain.incident import Incident
from tocsin.domain.restricted import may_read
from tocsin.engine.sitting import Answer
from tocsin.store.contract import JournalRow, StoreUnavailable
from tocsin.web.auth import Caller, caller_of, program_of
from tocsin.web.problems import Problem
from tocsin.web.stored import state_of
from tocsin.wiring.program import Program

AGAIN: Final = timedelta(minutes=1)
"""A page that follows the live picture reads all the time: one entry for a person, incident and part a minute."""
KEPT: Final = 5000
_ASK: Final = "ask whoever leads it to name you as a reader"


@dataclass(slots=True)
class Reads:
    """When who read what of a restricted incident last, as far as this process wrote it down."""

    last: OrderedDict[tuple[str, str, str], datetime] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_new(self, key: tuple[str, str, str], now: datetime) -> bool:
        """Whether it has to be written down."""
        with self.lock:
            known = self.last.get(key)
            return known is None or now - known >= AGAIN

    def written(self, key: tuple[str, str, str], now: datetime) -> None:
        """It is written down: not again for a while."""
        with self.lock:
            self.last[key] = now
            self.last.move_to_end(key)
            while len(self.last) > KEPT:
                self.last.popitem(last=False)


def readable(request: Request, ref: str) -> Incident:
    """The incident, if whoever asks may read it. Raises UnknownIncident, and Problem 403 naming the codename only."""
    state = state_of(program_of(request), ref)
    caller = caller_of(request)
    if not may_read(state, caller.handle):
        raise Problem(
            403,
            f"{state.ref} is restricted: all you may know of it is its name, {state.known_as}",
            possible=_ASK,
        )
    return _noted(request, state, caller)


def readable_after(request: Request, answer: Answer) -> Incident:
    """The incident after a command of whoever asks: a repeat shows no more than any other read would.

    Who gave up the last part in it still sees what that very command has left. Raises as `readable`.
    """
    program, caller = program_of(request), caller_of(request)
    state = state_of(program, answer.ref)
    if answer.replayed:
        return readable(request, answer.ref)
    if not may_read(state, caller.handle) and state.version != answer.version:
        raise Problem(
            403,
            f"It was done. {state.ref} is restricted now: all you may know of it is its name, {state.known_as}",
            possible=_ASK,
        )
    try:
        return _noted(request, state, caller)
    except StoreUnavailable:
        # Not the usual answer, which says that nothing was done.
        raise Problem(
            503,
            f"It was done, and {state.ref} is restricted: it is not shown while no read can be written down",
            possible="look again later",
            headers={"Retry-After": "5"},
        ) from None


def _noted(request: Request, state: Incident, caller: Caller) -> Incident:
    """What cannot be written down is not read: a store that takes no write raises."""
    if state.room.restriction is None:
        return state
    program: Program = program_of(request)
    reads: Reads = request.app.state.reads
    part, now = request.url.path.rsplit("/", 1)[-1], program.clock.now()
    key = (caller.handle, state.ref, part)
    if reads.is_new(key, now):
        what = "" if part == state.ref else f" ({part})"
        program.store.note(JournalRow(now, "restricted_read", f"{caller.handle} read {state.ref}{what}"))
        reads.written(key, now)
    return state
