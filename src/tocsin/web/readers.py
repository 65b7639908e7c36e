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
from tocsin.store.contract import JournalRow
from tocsin.web.api_incidents import state_of
from tocsin.web.auth import Caller, caller_of, program_of
from tocsin.web.problems import Problem
from tocsin.wiring.program import Program

AGAIN: Final = timedelta(minutes=1)
"""A page that follows the live picture reads all the time: one entry for a person, incident and part a minute."""
KEPT: Final = 5000


@dataclass(slots=True)
class Reads:
    """When who read what of a restricted incident last, as far as this process wrote it down."""

    last: OrderedDict[tuple[str, str, str], datetime] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_new(self, key: tuple[str, str, str], now: datetime) -> bool:
        """Whether it has to be written down; from now on it counts as written."""
        with self.lock:
            known = self.last.get(key)
            if known is not None and now - known < AGAIN:
                return False
            self.last[key] = now
            self.last.move_to_end(key)
            while len(self.last) > KEPT:
                self.last.popitem(last=False)
            return True


def readable(request: Request, ref: str) -> Incident:
    """The incident, if whoever asks may read it. Raises UnknownIncident, and Problem 403 naming the codename only."""
    program = program_of(request)
    state = state_of(program, ref)
    if state.room.restriction is not None:
        _let_in(program, request, state, caller_of(request))
    return state


def _let_in(program: Program, request: Request, state: Incident, caller: Caller) -> None:
    """What cannot be written down is not read: a store that takes no write raises."""
    if not may_read(state, caller.handle):
        raise Problem(
            403,
            f"{state.ref} is restricted: all you may know of it is its name, {state.known_as}",
            possible="ask whoever leads it to name you as a reader",
        )
    part, now = request.url.path.rsplit("/", 1)[-1], program.clock.now()
    reads: Reads = request.app.state.reads
    if reads.is_new((caller.handle, state.ref, part), now):
        what = "" if part == state.ref else f" ({part})"
        program.store.note(JournalRow(now, "restricted_read", f"{caller.handle} read {state.ref}{what}"))
