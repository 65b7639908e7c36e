"""Sends to a lane that nobody runs any more, since its channel was taken out of tocsin.toml: each fails for good.

Otherwise a page whose every way was given to such a lane would ring for ever without a sound, and nothing would go on
in its stead (docs/reference/oncall.md N7, E19).
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from tocsin.domain.delivery import Failure, Undelivered
from tocsin.engine.clock import Clock
from tocsin.engine.ports import Carried, Lane
from tocsin.engine.release import overdue
from tocsin.store.contract import Store, Taken

LOOK_EVERY = timedelta(seconds=30)
AFTER = timedelta(seconds=30)
"""What waits so long for a lane that this node does not have was left behind."""
AFTER_OTHERS = timedelta(minutes=10)
"""The same beside other nodes: one of them may have the lane, and be slow."""
CARRIES = frozenset({"all", "engine"})


async def _refuse(taken: Taken) -> Carried:
    raise Undelivered(Failure.PERMANENT, f"there is no channel {taken.lane} in tocsin.toml any more")


LANE = Lane("(abandoned)", _refuse)
"""No channel can be called so."""


class Abandoned:
    """Looks now and then, and leases what was left behind."""

    def __init__(
        self, store: Store, clock: Clock, lanes: Container[str], *, owner: str, silent: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._owner = owner
        self._silent = silent
        self._look_at: datetime | None = None

    def take(self, free: int) -> list[Taken]:
        """At most `free` sends that nobody will carry; none until it is time to look again. Raises StoreUnavailable."""
        now = self._clock.now()
        if self._look_at is not None and now < self._look_at:
            return []
        late = overdue(self._store, now - (AFTER_OTHERS if self._beside_others(now) else AFTER))
        names = dict.fromkeys(row.lane for row in late if row.lane not in self._lanes)
        taken: list[Taken] = []
        for name in names:
            taken += self._lease(name, now, free - len(taken)) if len(taken) < free else []
        if not taken:
            self._look_at = now + LOOK_EVERY
        return taken

    def _lease(self, name: str, now: datetime, limit: int) -> list[Taken]:
        until = now + timedelta(seconds=LANE.lease_s)
        live = now - self._silent
        return self._store.take_effects(
            name, owner=self._owner, now=now, lease_until=until, limit=limit, live=live
        )

    def _beside_others(self, now: datetime) -> bool:
        """Whether another node carries messages too."""
        nodes = (n for n in self._store.nodes() if n.boot != self._owner and n.role in CARRIES)
        return any(node.beat_at > now - self._silent for node in nodes)
