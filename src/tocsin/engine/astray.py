"""Whether this node agrees with the others: on the time, and on the zones (design rule 12).

A node whose clock is off would fire deadlines early or late and take nodes for silent that are not; one with another
zone database would hand over at other instants (docs/reference/oncall.md T10). It leaves the work to a node that is
right (docs/decisions/0003-astray-clock.md); where there is none it goes on, since a page at a doubtful time beats none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from tocsin.engine.clock import Clock
from tocsin.engine.courier import SILENT_AFTER
from tocsin.store.contract import Node, Store

TOLERANCE = timedelta(seconds=1)
"""Two nodes may be off in opposite directions: twice this and a heartbeat must stay below `SILENT_AFTER`."""
ASTRAY = "astray"
"""The role under which the heartbeat of such a node is written: nobody waits for it."""
TZDATA = version("tzdata")
"""The version of the zones in this process."""


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


@dataclass(frozen=True, slots=True)
class OtherZones:
    """A zone database that is not the one of the node that has run longest."""

    here: str
    there: str
    alone: bool = False

    @property
    def reason(self) -> str:
        """For `alarmz`."""
        return (
            f"this node has the time zones of {self.here}, a node that has run longer those of {self.there}: "
            "it leaves the work to that one; install the same version of tocsin on every node"
        )


def astray(store: Store, clock: Clock, boot: str, zones: str) -> Astray | OtherZones | None:
    """How this node is off; None while it is right, or the database is its own alone (SQLite)."""
    before = clock.now()
    offset = store.clock_offset(before)
    if offset is None:
        return None
    # The database was asked at some instant until now: the kinder one counts.
    off = min(offset, max(offset - (clock.now() - before), timedelta(0)))
    nodes = store.nodes()
    others = [node for node in nodes if node.boot != boot and node.role not in {"web", ASTRAY}]
    live = [node for node in others if _live(node, before + offset)]
    if abs(off) > TOLERANCE:
        return Astray(off, alone=not live)
    began = next(((node.started_at, boot) for node in nodes if node.boot == boot), None)
    return _other_zones(live, began, zones)


def _live(node: Node, there: datetime) -> bool:
    return abs(there - node.beat_at) < SILENT_AFTER + TOLERANCE


def _other_zones(live: list[Node], began: tuple[datetime, str] | None, zones: str) -> OtherZones | None:
    """Whoever has run longest is right; a node that has not beaten yet has run for no time at all."""
    before = [
        node
        for node in live
        if node.tzdata not in {"", zones} and (began is None or (node.started_at, node.boot) < began)
    ]
    return OtherZones(zones, before[0].tzdata) if before else None
