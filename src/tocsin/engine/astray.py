"""Whether this node's clock agrees with the database's (design rule 12, docs/decisions/0003-astray-clock.md).

A node that is off would fire deadlines early or late and take nodes for silent that are not. It leaves the work to a
node in time; where there is none it goes on, since a page at a doubtful time beats none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tocsin.engine.clock import Clock
from tocsin.engine.courier import SILENT_AFTER
from tocsin.store.contract import Store

TOLERANCE = timedelta(seconds=1)
"""Two nodes may be off in opposite directions: twice this and a heartbeat must stay below `SILENT_AFTER`."""
ASTRAY = "astray"
"""The role under which the heartbeat of such a node is written: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Astray:
    """How far the database's clock is ahead of this node's, and whether this node works all the same."""

    by: timedelta
    alone: bool

    @property
    def reason(self) -> str:
        """For `alarmz`."""
        seconds = self.by.total_seconds()
        where = f"{abs(seconds):.1f} s {'behind' if seconds > 0 else 'ahead of'} the database's"
        does = "goes on, since no node is in time" if self.alone else "leaves the work to the nodes in time"
        return f"this node's clock is {where}: it {does}; set the clock (NTP)"


def astray(store: Store, clock: Clock, boot: str) -> Astray | None:
    """How far off this node is; None while it is in time, or the database has no clock of its own."""
    before = clock.now()
    offset = store.clock_offset(before)
    if offset is None:
        return None
    # The database was asked at some instant until now: the kinder one counts.
    off = min(offset, max(offset - (clock.now() - before), timedelta(0)))
    if abs(off) <= TOLERANCE:
        return None
    there = before + offset
    others = (n for n in store.nodes() if n.boot != boot and n.role not in {"web", ASTRAY})
    return Astray(off, alone=not any(abs(there - n.beat_at) < SILENT_AFTER + TOLERANCE for n in others))
