"""What schedules know of people: where they live, and from when until when they are active (L5, R13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tocsin.domain.oncall.wall import FOREVER, Zone, minute, zone
from tocsin.domain.schedules import Member, Slot


class Crew:
    """Everybody who is known. Of whom nothing is known is active, and at home where the layer is."""

    def __init__(self, members: Mapping[str, Member]) -> None:
        self._members = members
        self._limits = {
            m.handle: (
                -FOREVER if m.active_from is None else minute(m.active_from),
                FOREVER if m.inactive_from is None else minute(m.inactive_from),
            )
            for m in members.values()
            if m.active_from is not None or m.inactive_from is not None
        }

    def zone(self, handle: str, home: Zone) -> Zone:
        """Where a person lives. Raises InvalidSchedule when her zone is unknown (T11)."""
        member = self._members.get(handle)
        return zone(member.tz) if member else home

    def active(self, people: Slot, u: int) -> Slot:
        """Those of them who are active at `u`, in order."""
        if not self._limits:
            return people
        return tuple(p for p in people if p not in self._limits or self._within(p, u))

    def _within(self, handle: str, u: int) -> bool:
        start, end = self._limits[handle]
        return start <= u < end

    def marks(self, people: Iterable[str]) -> set[int]:
        """When one of them becomes active or inactive."""
        return {edge for p in people if p in self._limits for edge in self._limits[p]}
