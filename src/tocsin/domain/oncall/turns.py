"""Whose turn it is: cadence, counting, and the changes of a rotation over time (R1 to R12).

Every hand-off is computed from the anchor, never from the one before it (T4).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import gcd
from typing import Final

from tocsin.domain.oncall.streams import Piece, once
from tocsin.domain.oncall.wall import DAY, FOREVER, HOUR, WEEK, Zone, minute, month_of, plus_months, reading
from tocsin.domain.oncall.windows import Hours, Pattern
from tocsin.domain.schedules import Change, InvalidSchedule, Rotation, Slot

_UNITS: Final = {"hour": HOUR, "day": DAY, "week": WEEK, "month": 0}


@dataclass(frozen=True, slots=True)
class Cadence:
    """When turns begin. `step`: minutes of a turn, 0 for months; `months`: the months of a turn.

    `origin`: the instant of turn 0 where turns have a fixed length (T5), else None.
    `counts`: how many of the first turns of a period touch a restriction; empty: all turns count (R4).
    """

    zone: Zone
    anchor: int
    step: int
    months: int
    origin: int | None
    counts: tuple[int, ...]

    def nominal(self, k: int) -> int:
        """What the clock should read at the beginning of turn `k`."""
        return self.anchor + k * self.step if self.step else plus_months(self.anchor, k * self.months)

    def handoff(self, k: int) -> int:
        """When turn `k` begins (R1)."""
        return self.zone.first(self.nominal(k)) if self.origin is None else self.origin + k * self.step

    def turn(self, u: int) -> int:
        """The turn that holds at `u`: the last one that has begun. A turn without length holds nowhere (R2)."""
        if self.origin is not None:
            return (u - self.origin) // self.step
        highest = self.zone.span(u)[1]
        if self.step:
            return (highest - self.anchor) // self.step
        k = (month_of(highest) - month_of(self.anchor)) // self.months
        return k if self.nominal(k) <= highest else k - 1

    def ordinal(self, k: int) -> int:
        """How many places the turns before `k` have used up since the anchor; negative before it (R3, R4)."""
        if not self.counts:
            return k
        periods, rest = divmod(k, len(self.counts) - 1)
        return periods * self.counts[-1] + self.counts[rest]

    def next_handoff(self, u: int) -> int:
        """The first hand-off at `u` or later."""
        k = self.turn(u)
        return u if self.handoff(k) == u else self.handoff(k + 1)


@dataclass(frozen=True, slots=True)
class Version:
    """A rotation as it is for a while; `shift` is what the count of turns is off by."""

    said: Rotation
    cadence: Cadence
    shift: int

    def index(self, k: int) -> int:
        """The position on duty in turn `k`; there must be one (R3)."""
        return (self.cadence.ordinal(k) + self.shift) % len(self.said.slots)

    def slot(self, k: int) -> Slot:
        """Who is on duty in turn `k`."""
        return self.said.slots[self.index(k)] if self.said.slots else ()


class Line:
    """A rotation with all of its changes, in the order of their effective instants (R11)."""

    def __init__(self, rotation: Rotation, where: Zone, hours: Hours) -> None:
        """Raises InvalidSchedule."""
        _check(rotation)
        rotation = replace(rotation, slots=tuple(map(once, rotation.slots)))
        base = cadence(rotation, where, hours)
        self.begins = base.handoff(0)
        self.starts = [-FOREVER]
        self.versions = [Version(rotation, base, rotation.start_index)]
        waiting = list(rotation.changes)
        while waiting:
            # Of several at the same instant the later written goes on top of the earlier (R11): min takes the first.
            effective, change = min(((self._effective(c), c) for c in waiting), key=_instant)
            waiting.remove(change)
            self.versions.append(_changed(self.versions[-1], change, effective, where, hours))
            self.starts.append(effective)

    def _effective(self, change: Change) -> int:
        """When it comes into force: `next_handoff` waits for the one of the version that holds until then."""
        at = max(minute(change.at), self.starts[-1])
        if change.when == "now":
            return at
        if change.when == "next_handoff":
            return self.versions[-1].cadence.next_handoff(at)
        raise InvalidSchedule(f"a change comes now or next_handoff, not {change.when!r} (R7)")

    def at(self, u: int) -> tuple[Slot, int]:
        """The slot on duty and the number of the turn."""
        version = self.versions[bisect_right(self.starts, u) - 1]
        k = version.cadence.turn(u)
        return version.slot(k), k

    def pieces(self, start: int, end: int, name: str) -> list[Piece]:
        """The turns of [start, end) in which somebody is on duty."""
        found: list[Piece] = []
        for begin, until, version in zip(
            self.starts, [*self.starts[1:], FOREVER], self.versions, strict=True
        ):
            low, high = max(start, begin), min(end, until)
            if low < high and version.said.slots:
                _add_turns(found, version, low, high, name)
        return found


def _add_turns(found: list[Piece], version: Version, start: int, end: int, name: str) -> None:
    handoff = version.cadence.handoff
    k = version.cadence.turn(start)
    while start < end:
        until = handoff(k + 1)
        if until > start:
            slot = version.slot(k)
            if slot:
                found.append((start, min(until, end), slot, ((name, k, ()),)))
            start = until
        k += 1


def _instant(item: tuple[int, Change]) -> int:
    return item[0]


def _check(rotation: Rotation) -> None:
    if rotation.advance not in {"calendar", "active"}:
        raise InvalidSchedule(f"a rotation advances calendar or active, not {rotation.advance!r} (R4)")


def cadence(rotation: Rotation, where: Zone, hours: Hours) -> Cadence:
    """When its turns begin. Raises InvalidSchedule."""
    if rotation.unit not in _UNITS:
        raise InvalidSchedule(f"a unit is hour, day, week or month, not {rotation.unit!r} (T5)")
    if rotation.clock not in {"wall", "elapsed"}:
        raise InvalidSchedule(f"a clock is wall or elapsed, not {rotation.clock!r} (T5)")
    if rotation.length < 1:
        raise InvalidSchedule(f"a turn lasts at least 1 {rotation.unit}, not {rotation.length} (R1)")
    elapsed = rotation.clock == "elapsed"
    step = _UNITS[rotation.unit] * rotation.length
    if elapsed and not step:
        raise InvalidSchedule("months have no fixed length; write clock = wall (T5)")
    anchor = reading(rotation.start)
    active = rotation.advance == "active" and hours.whole is not None
    return Cadence(
        zone=where,
        anchor=anchor,
        step=step,
        months=rotation.length,
        origin=where.first(anchor) if elapsed else None,
        counts=_counts(anchor, step, hours.whole) if active and hours.whole and 0 < step < WEEK else (),
    )


def _counts(anchor: int, step: int, hours: Pattern) -> tuple[int, ...]:
    """Turns that touch a restriction among the first 0, 1, 2 ... until the week repeats (R4).

    Only readings are compared: neither a change of the clock nor a holiday may move whose turn it is.
    """
    period = WEEK // gcd(step, WEEK)
    turns = (anchor + j * step for j in range(period))
    touched = (hours.meets(begin, begin + step - 1) for begin in turns)
    return tuple(accumulate(touched, initial=0))


def _changed(old: Version, change: Change, at: int, where: Zone, hours: Hours) -> Version:
    """The version after the change: what it leaves open stays, and R7 to R9 say who is on duty at `at`."""
    asked = {
        "start": change.start,
        "unit": change.unit,
        "length": change.length,
        "clock": change.clock,
        "slots": None if change.slots is None else tuple(map(once, change.slots)),
        "start_index": change.start_index,
    }
    said = replace(old.said, **{k: v for k, v in asked.items() if v is not None})  # type: ignore[arg-type]
    new = cadence(said, where, hours)
    running = new.ordinal(new.turn(at))
    if change.policy == "positional":
        return Version(said, new, said.start_index)
    if change.policy == "restart":
        return Version(said, new, said.start_index - running)
    if change.policy == "keep_current":
        return Version(said, new, _kept(old, said.slots, at) - running)
    raise InvalidSchedule(
        f"a change is keep_current, restart or positional, not {change.policy!r} (R7 to R9)"
    )


def _kept(old: Version, new: Sequence[Slot], at: int) -> int:
    """The position in the new list that takes over at `at` (R7)."""
    before = old.said.slots
    if not before or not new:
        return 0
    i = old.index(old.cadence.turn(at))
    if (found := _same(before, i, new)) is not None:
        return found
    if len(before[i]) > 1:
        shared = (j for j, slot in enumerate(new) if set(slot) & set(before[i]))
        if (found := next(shared, None)) is not None:
            return found
    ahead = (_same(before, (i + step) % len(before), new) for step in range(1, len(before)))
    return next((found for found in ahead if found is not None), 0)


def _same(old: Sequence[Slot], i: int, new: Sequence[Slot]) -> int | None:
    """Where the slot of `old[i]` is in the new list: its n-th occurrence is the n-th there, else the last one."""
    places = [j for j, slot in enumerate(new) if slot == old[i]]
    if not places:
        return None
    occurrence = old[:i].count(old[i])
    return places[min(occurrence, len(places) - 1)]
