"""Hours and days in which a layer is heard: restrictions, coverage, holidays (W1 to W6).

A week of restrictions is a pattern on the axis of clock readings. An instant is inside when the pattern meets the
readings from the lowest one still to come to the highest one so far: the hull rule of W3 without a case of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tocsin.domain.oncall.wall import DAY, WEEK, Zone, clock, day_number, zone
from tocsin.domain.schedules import Holidays, InvalidSchedule, Restriction

Span = tuple[int, int]
"""Half-open, in minutes."""

_MONDAY = 3 * DAY
"""1970-01-01 was a Thursday; so long after the Monday before."""


def joined(spans: Iterable[Span]) -> list[Span]:
    """The union: sorted, apart from each other, none empty."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def outside(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """What of [start, end) no span covers; the spans are sorted and do not overlap."""
    found = []
    for begin, until in spans:
        if begin > start:
            found.append((start, min(begin, end)))
        start = max(start, until)
    if start < end:
        found.append((start, end))
    return [span for span in found if span[0] < span[1]]


def both(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """The intersection of two lists as `joined` gives them."""
    found = []
    i = 0
    for start, end in one:
        while i < len(other) and other[i][1] <= start:
            i += 1
        j = i
        while j < len(other) and other[j][0] < end:
            found.append((max(start, other[j][0]), min(end, other[j][1])))
            j += 1
    return found


@dataclass(frozen=True, slots=True)
class Pattern:
    """A union of weekly and daily restrictions within a week of readings from Monday 00:00 on; never empty."""

    spans: tuple[Span, ...]
    ends: tuple[int, ...] = field(compare=False)

    def meets(self, lowest: int, highest: int) -> bool:
        """Whether a reading of [lowest, highest] lies in it."""
        at = (lowest + _MONDAY) % WEEK
        i = bisect_right(self.ends, at)
        next_start = self.spans[i][0] if i < len(self.spans) else self.spans[0][0] + WEEK
        return next_start <= at + highest - lowest


def pattern(restrictions: Iterable[Restriction]) -> Pattern:
    """All of them together. Raises InvalidSchedule."""
    found: list[Span] = []
    for restriction in restrictions:
        for start, end in _nominal(restriction):
            found += [(start, min(end, WEEK)), (0, end - WEEK)]
    united = tuple(joined(found))
    return Pattern(united, tuple(end for _, end in united))


def _nominal(restriction: Restriction) -> list[Span]:
    """Spans within a week, which may reach into the next (W1, W2)."""
    start, end = clock(restriction.start), clock(restriction.end, end=True)
    if restriction.type == "daily":
        length = end - start if end > start else end - start + DAY
        return [(_day(d) * DAY + start, _day(d) * DAY + start + length) for d in restriction.days or range(7)]
    if restriction.type == "weekly":
        start += _day(restriction.start_day) * DAY
        end += _day(restriction.end_day) * DAY
        return [(start, end if end > start else end + WEEK)]
    raise InvalidSchedule(f"a restriction is daily or weekly, not {restriction.type!r} (W1, W2)")


def _day(number: int | None) -> int:
    if number is None or not 0 <= number <= 6:
        raise InvalidSchedule(f"{number!r} is no day of the week; 0 is Monday, 6 is Sunday (W1, W2)")
    return number


@lru_cache(maxsize=1024)
def spans_of(shape: Pattern, where: Zone, start: int, end: int) -> tuple[Span, ...]:
    """The instants of [start, end) inside the pattern, as `joined` gives them (W3). Kept: schedules share hours."""
    if shape.spans == ((0, WEEK),):
        return ((start, end),)
    lowest, highest = where.span(start)[0], where.span(end)[1]
    week = (lowest + _MONDAY) // WEEK * WEEK - _MONDAY - WEEK
    found: list[Span] = []
    while week <= highest:
        for begin, until in shape.spans:
            if week + until > lowest and week + begin <= highest:
                found.append((max(start, where.first(week + begin)), min(end, where.last(week + until))))
        week += WEEK
    return tuple(joined(found))


class Hours:
    """The restrictions of a layer or of a coverage, united. Without any, always (W1 to W4)."""

    def __init__(self, restrictions: Sequence[Restriction], home: Zone) -> None:
        """`home` is the zone of those without one of their own (W4). Raises InvalidSchedule."""
        zones = {r.tz or home.name for r in restrictions}
        shapes = {tz: pattern(r for r in restrictions if (r.tz or home.name) == tz) for tz in sorted(zones)}
        self.member = shapes.pop("member", None)
        self.fixed = tuple((zone(tz), shape) for tz, shape in shapes.items())
        self.always = not restrictions
        self.whole = pattern(restrictions) if restrictions else None
        """All of them as readings, whatever their zones: what a turn must touch to count (R4)."""

    def open(self, u: int, person: Zone | None = None) -> bool:
        """Whether `u` is inside; with the zone of a person, also inside her own hours (W4)."""
        if self.always or any(shape.meets(*where.span(u)) for where, shape in self.fixed):
            return True
        return person is not None and self.member is not None and self.member.meets(*person.span(u))

    def spans(self, start: int, end: int, person: Zone | None = None) -> Sequence[Span]:
        """The same for all of [start, end)."""
        if self.always:
            return [(start, end)]
        parts = [spans_of(shape, where, start, end) for where, shape in self.fixed]
        if person is not None and self.member is not None:
            parts.append(spans_of(self.member, person, start, end))
        return parts[0] if len(parts) == 1 else joined(span for part in parts for span in part)


class Days:
    """Holidays of a layer: days from midnight to midnight of its zone (W6)."""

    def __init__(self, holidays: Holidays | None, where: Zone) -> None:
        """Raises InvalidSchedule."""
        if holidays is not None and holidays.mode not in {"off", "only"}:
            raise InvalidSchedule(f"holidays are off or only, not {holidays.mode!r} (W6)")
        self.where = where
        self.days = sorted({day_number(text) for text in holidays.dates}) if holidays else []
        self.only = holidays is not None and holidays.mode == "only"
        self._set = frozenset(self.days)

    @property
    def silent(self) -> bool:
        """Whether they ever silence anything."""
        return self.only or bool(self.days)

    def open(self, u: int) -> bool:
        """Whether the layer is heard at `u`."""
        return not self.silent or (self.where.span(u)[1] // DAY in self._set) == self.only

    def spans(self, start: int, end: int) -> list[Span]:
        """When of [start, end) it is heard."""
        low = bisect_left(self.days, self.where.span(start)[1] // DAY)
        high = bisect_right(self.days, self.where.span(end)[1] // DAY)
        first = self.where.first
        found = joined(
            (max(start, first(day * DAY)), min(end, first(day * DAY + DAY))) for day in self.days[low:high]
        )
        return found if self.only else outside(found, start, end)
