"""One schedule ready to be asked: its layers stacked, its adjustments folded in, and a memo of what was computed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from tocsin.domain.oncall.crew import Crew
from tocsin.domain.oncall.fixes import SCOPED, Fixes
from tocsin.domain.oncall.layers import Track
from tocsin.domain.oncall.streams import Piece, Trace, below, cut, once, united, whole
from tocsin.domain.oncall.wall import zone
from tocsin.domain.oncall.windows import Hours, Span, both
from tocsin.domain.schedules import Adjustment, Layer, Schedule, Slot

Stretch = tuple[int, int, Slot]
"""Start, end, people."""

_LEAF_BITS: Final = 17
"""A leaf of the memo spans 2**17 minutes, 91 days."""
_LEAVES: Final = 64


class Book:
    """A compiled schedule. `who` looks at one instant (16.3), `final` compiles leaf by leaf (16.4); they agree."""

    def __init__(self, schedule: Schedule, crew: Crew) -> None:
        """Raises InvalidSchedule."""
        self._crew = crew
        self._home = zone(schedule.tz)
        tracks = [(Track(layer, _about(schedule, layer), crew), layer) for layer in schedule.layers]
        ranked = sorted((t for t, layer in tracks if layer.role == "oncall"), key=_rank)
        self._ranks = [list(group) for _, group in groupby(ranked, key=_rank)]
        self._shadows = [track for track, layer in tracks if layer.role == "shadow"]
        self._fixes = Fixes(a for a in schedule.adjustments if not _scoped(a))
        self._brought = {p for a in schedule.adjustments for p in (*a.users, a.add, *_of_shifts(a))} - {""}
        self._coverage = Hours(schedule.coverage, self._home)
        self._leaves: dict[int, tuple[list[int], list[Stretch]]] = {}

    def who(self, u: int) -> Slot:
        """Who is on call at `u`."""
        leaf = self._leaves.get(u >> _LEAF_BITS)
        if leaf is not None:
            starts, stretches = leaf
            return stretches[bisect_right(starts, u) - 1][2]
        return self._settled(*self._stacked(u), u)[0]

    def _stacked(self, u: int) -> tuple[Slot, Trace]:
        """The highest priority at which somebody is on duty, all of its layers together (L2, L3)."""
        for rank in self._ranks:
            found = [track.at(u) for track in rank]
            people = once(person for slot, _ in found for person in slot)
            if people:
                return people, tuple(origin for _, trace in found for origin in trace)
        return (), ()

    def _settled(self, people: Slot, trace: Trace, u: int) -> tuple[Slot, Trace]:
        """After the adjustments of the schedule, without who is not active: the final word (A8)."""
        if self._fixes:
            people, changed = self._fixes.fold(people, u)
            if changed:
                trace = (*trace, ("", None, changed))
        return self._crew.active(people, u), trace

    def shadows(self, u: int) -> Slot:
        """Who is on a shadow layer at `u`: they never win, so all of them count (L6)."""
        return self._crew.active(once(person for track in self._shadows for person in track.at(u)[0]), u)

    def pieces(self, start: int, end: int) -> list[Piece]:
        """All of [start, end), gaps as pieces of nobody, cut wherever turn or adjustments change (F3)."""
        found: list[Piece] = []
        for rank in self._ranks:
            layer: list[Piece] = []
            for track in rank:
                layer = united(layer, track.pieces(start, end))
            found = below(found, layer, start, end)
        found = whole(found, start, end)
        marks = self._fixes.marks(start, end) | self._crew.marks(self._brought)
        if not marks and not self._fixes:
            return found
        return [(low, high, *self._settled(p, trace, low)) for low, high, p, trace in cut(found, marks)]

    def final(self, start: int, end: int) -> list[Stretch]:
        """The minimal sequence of stretches that covers [start, end) (F1)."""
        found: list[Stretch] = []
        for low, high, people in self.walk(start, end):
            last = found[-1][2] if found else None
            if last is not None and (people == last or set(people) == set(last)):
                found[-1] = (found[-1][0], high, last)
            else:
                found.append((low, high, people))
        return found

    def walk(self, start: int, end: int) -> Iterator[Stretch]:
        """The same, computed only as far as it is read; where a leaf of the memo ends, neighbours may be equal."""
        if start >= end:
            return
        for number in range(start >> _LEAF_BITS, ((end - 1) >> _LEAF_BITS) + 1):
            for stretch in self._leaf(number):
                low, high, people = stretch
                if low >= start and high <= end:
                    yield stretch
                elif high > start and low < end:
                    yield max(low, start), min(high, end), people

    def gaps(self, start: int, end: int) -> list[Span]:
        """When of [start, end) nobody is on call although the coverage wants somebody (F4)."""
        empty = [(low, high) for low, high, people in self.final(start, end) if not people]
        return both(empty, self._coverage.spans(start, end, self._home)) if empty else []

    def _leaf(self, number: int) -> list[Stretch]:
        leaf = self._leaves.get(number)
        if leaf is None:
            start = number << _LEAF_BITS
            end = start + (1 << _LEAF_BITS)
            stretches = _merged((low, high, people) for low, high, people, _ in self.pieces(start, end))
            leaf = ([stretch[0] for stretch in stretches], stretches)
            if len(self._leaves) >= _LEAVES:
                self._leaves.clear()
            self._leaves[number] = leaf
        return leaf[1]


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Neighbours with the same people in the same order as one."""
    found: list[Stretch] = []
    last: Slot | None = None
    for stretch in stretches:
        if stretch[2] == last:
            found[-1] = (found[-1][0], stretch[1], stretch[2])
        else:
            found.append(stretch)
            last = stretch[2]
    return found


def _rank(track: Track) -> int:
    return -track.priority


def _scoped(adjustment: Adjustment) -> bool:
    return adjustment.layer is not None and adjustment.kind in SCOPED


def _about(schedule: Schedule, layer: Layer) -> list[Adjustment]:
    return [a for a in schedule.adjustments if _scoped(a) and a.layer == layer.name]


def _of_shifts(adjustment: Adjustment) -> set[str]:
    return {user for shift in adjustment.shifts for user in shift.users}
