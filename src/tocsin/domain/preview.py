"""What an edit of a schedule changes: before and after, who gains and loses time, which gaps are new (oncall.md V5).

Both sides are asked of the one resolver (F2); nothing is computed here but the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Interval

SPAN = timedelta(weeks=8)
"""How far ahead a preview looks at least."""
SOON = timedelta(days=14)
"""A gap that begins within this time must be confirmed (docs/reference/oncall.md F5)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch in which other people are on call than before; nobody is a gap."""

    start: datetime
    end: datetime
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How much time on call a person gains and loses."""

    person: str
    gained: timedelta
    lost: timedelta


@dataclass(frozen=True, slots=True)
class Preview:
    """What changes in [start, end)."""

    start: datetime
    end: datetime
    differences: tuple[Difference, ...]
    shares: tuple[Share, ...]
    gaps: tuple[Interval, ...]
    """Gaps that were none before."""

    def gaps_soon(self, now: datetime) -> tuple[Interval, ...]:
        """New gaps that begin within `SOON`."""
        return tuple(gap for gap in self.gaps if gap.start < now + SOON)


def preview(before: Rota, after: Rota, name: str, start: datetime, end: datetime) -> Preview:
    """Compare the final schedules of [start, end). Raises LookupError for an unknown schedule."""
    found = tuple(_differences(before.final(name, start, end), after.final(name, start, end)))
    gaps = _without(after.gaps(name, start, end), before.gaps(name, start, end))
    return Preview(start, end, found, _shares(found), tuple(gaps))


def _differences(before: Iterable[Interval], after: Iterable[Interval]) -> Iterable[Difference]:
    """Both cover the same stretch without a hole: gone through side by side."""
    old, new = list(before), list(after)
    i = j = 0
    while i < len(old) and j < len(new):
        one, two = old[i], new[j]
        start, end = max(one.start, two.start), min(one.end, two.end)
        if set(one.people) != set(two.people):
            yield Difference(start, end, one.people, two.people)
        i, j = i + (one.end == end), j + (two.end == end)


def _shares(differences: Iterable[Difference]) -> tuple[Share, ...]:
    gained: dict[str, timedelta] = {}
    lost: dict[str, timedelta] = {}
    for difference in differences:
        before, after = set(difference.before), set(difference.after)
        for people, kept in ((after - before, gained), (before - after, lost)):
            for person in people:
                kept[person] = kept.get(person, timedelta(0)) + (difference.end - difference.start)
    none = timedelta(0)
    return tuple(Share(p, gained.get(p, none), lost.get(p, none)) for p in sorted({*gained, *lost}))


def _without(these: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """What of `these` lies in none of the `others`."""
    left = list(these)
    for other in others:
        cut: list[Interval] = []
        for one in left:
            if other.end <= one.start or one.end <= other.start:
                cut.append(one)
                continue
            if one.start < other.start:
                cut.append(Interval(one.start, other.start, ()))
            if other.end < one.end:
                cut.append(Interval(other.end, one.end, ()))
        left = cut
    return left
