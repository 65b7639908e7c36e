"""Sorted pieces of time with the people on duty, and how they are cut, stacked and united. Linear in their number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from tocsin.domain.oncall.windows import Span, outside
from tocsin.domain.schedules import Slot

Trace = tuple[tuple[str, int | None, tuple[int, ...]], ...]
"""Where people come from: (layer, turn, adjustments that changed it); without a layer: those of the whole schedule."""

Piece = tuple[int, int, Slot, Trace]
"""Start, end, people, where they come from. In a list of them: sorted, not overlapping, none without length."""


def once(people: Iterable[str]) -> Slot:
    """Each person once, where she comes first (A7)."""
    return tuple(dict.fromkeys(people))


def within(pieces: Iterable[Piece], spans: Sequence[Span]) -> list[Piece]:
    """What of the pieces the spans cover."""
    found: list[Piece] = []
    i = 0
    many = len(spans)
    for start, end, people, trace in pieces:
        while i < many and spans[i][1] <= start:
            i += 1
        j = i
        while j < many and (span := spans[j])[0] < end:
            if span[0] >= start and span[1] <= end:
                found.append((*span, people, trace))
            else:
                found.append((max(start, span[0]), min(end, span[1]), people, trace))
            j += 1
    return found


def cut(pieces: Iterable[Piece], marks: Iterable[int]) -> list[Piece]:
    """The same pieces, cut at every mark."""
    edges = sorted(marks)
    if not edges:
        return list(pieces)
    found: list[Piece] = []
    i = 0
    many = len(edges)
    for start, end, people, trace in pieces:
        while i < many and edges[i] <= start:
            i += 1
        while i < many and edges[i] < end:
            found.append((start, edges[i], people, trace))
            start = edges[i]
            i += 1
        found.append((start, end, people, trace))
    return found


def below(top: Sequence[Piece], lower: Sequence[Piece], start: int, end: int) -> list[Piece]:
    """The top, and what of the lower pieces shows through its holes (L2, L3)."""
    if not top or not lower:
        return list(top or lower)
    holes = outside([(piece[0], piece[1]) for piece in top], start, end)
    return sorted([*top, *within(lower, holes)])


def united(one: Sequence[Piece], other: Sequence[Piece]) -> list[Piece]:
    """Both at once: where they meet, the people of both, each once (L2)."""
    if not one or not other:
        return list(one or other)
    found = {piece[0]: piece for piece in cut(one, _edges(other))}
    for piece in cut(other, _edges(one)):
        start, end, people, trace = piece
        here = found.get(start)
        found[start] = piece if here is None else (start, end, once(here[2] + people), here[3] + trace)
    return [found[start] for start in sorted(found)]


def _edges(pieces: Iterable[Piece]) -> set[int]:
    return {edge for piece in pieces for edge in piece[:2]}


def whole(pieces: Iterable[Piece], start: int, end: int) -> list[Piece]:
    """The pieces with every hole between `start` and `end` as a piece of nobody (F1)."""
    found: list[Piece] = []
    for piece in pieces:
        if piece[0] > start:
            found.append((start, piece[0], (), ()))
        found.append(piece)
        start = piece[1]
    if start < end:
        found.append((start, end, (), ()))
    return found


class Index:
    """Spans in the order given; which of them hold at an instant, in that order, without looking at all (16.3)."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._order = sorted((i for i, span in enumerate(spans) if span[0] < span[1]), key=lambda i: spans[i])
        self._starts = [spans[i][0] for i in self._order]
        self._ends = [spans[i][1] for i in self._order]
        self._latest = list(accumulate(self._ends, max))

    def __bool__(self) -> bool:
        return bool(self._starts)

    def at(self, u: int) -> list[int]:
        """The positions of the spans that hold at `u`."""
        i = bisect_right(self._starts, u)
        return self.within(u, u + 1) if i and self._latest[i - 1] > u else []

    def within(self, start: int, end: int) -> list[int]:
        """The positions of the spans that hold somewhere in [start, end)."""
        return sorted(self._order[i] for i in self._places(start, end))

    def marks(self, start: int, end: int) -> set[int]:
        """Starts and ends strictly inside of (start, end)."""
        edges = (edge for i in self._places(start, end) for edge in (self._starts[i], self._ends[i]))
        return {edge for edge in edges if start < edge < end}

    def _places(self, start: int, end: int) -> list[int]:
        found = []
        i = bisect_right(self._starts, end - 1)
        while i and self._latest[i - 1] > start:
            i -= 1
            if self._ends[i] > start:
                found.append(i)
        return found
