"""T1 to T3, found by looking at the clock minute after minute.

Instants and readings are whole minutes: instants since 1970-01-01T00:00Z, readings on an axis without zones.
"""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

DAY = 1440
WEEK = 7 * DAY
FARTHEST = 16 * 60
"""No zone is further from UTC: so long before `L` on the UTC axis no clock shows `L` yet, so long after it all do."""

ZERO = datetime(1970, 1, 1, tzinfo=UTC)
ZERO_READING = datetime(1970, 1, 1)  # noqa: DTZ001 - a reading has no zone


def minute(at: datetime) -> int:
    return (at - ZERO) // timedelta(minutes=1)


def instant(minutes: int) -> datetime:
    return ZERO + timedelta(minutes=minutes)


def reading(text: str) -> int:
    """`2026-03-29T02:30` or `2026-03-29` as minutes on the wall axis."""
    return (datetime.fromisoformat(text) - ZERO_READING) // timedelta(minutes=1)


def clock(text: str) -> int:
    """`08:30` as minutes since midnight; `24:00` is 1440 (T8)."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


@cache
def zone(tz: str) -> ZoneInfo:
    return ZoneInfo(tz)


def wall(tz: str, u: int) -> int:
    """T1."""
    shown = instant(u).astimezone(zone(tz)).replace(tzinfo=None)
    return (shown - ZERO_READING) // timedelta(minutes=1)


class Literal:
    """T2 and T3 minute by minute. Nothing is skipped."""

    @staticmethod
    def first(tz: str, at: int) -> int:
        u = at - FARTHEST
        while wall(tz, u) < at:
            u += 1
        return u

    @staticmethod
    def last(tz: str, at: int) -> int:
        u = at + FARTHEST
        while wall(tz, u - 1) >= at:
            u -= 1
        return u


@lru_cache(maxsize=8000)
def shown(tz: str, day: int) -> tuple[array[int], int, int]:
    """What the clock shows in each minute of a UTC day; the earliest and the latest of it.

    A day at whose end the clock shows a day more has no change. Otherwise every quarter of an hour is looked at: within
    one no clock in use since 1973 changes. Of the zones that are drawn, both are tested.
    """
    reads = wall(tz, day * DAY)
    if wall(tz, (day + 1) * DAY) == reads + DAY:
        return array("q", range(reads, reads + DAY)), reads, reads + DAY - 1
    walls = array("q")
    for quarter in range(day * DAY, (day + 1) * DAY, 15):
        reads = wall(tz, quarter)
        walls.extend(range(reads, reads + 15))
    return walls, min(walls), max(walls)


class Skipping:
    """The same, but days in which the clock shows nothing of interest are not looked through."""

    @staticmethod
    @lru_cache(maxsize=200_000)
    def first(tz: str, at: int) -> int:
        day = (at - FARTHEST) // DAY
        while shown(tz, day)[2] < at:
            day += 1
        walls = shown(tz, day)[0]
        return day * DAY + next(i for i in range(DAY) if walls[i] >= at)

    @staticmethod
    @lru_cache(maxsize=200_000)
    def last(tz: str, at: int) -> int:
        day = (at + FARTHEST) // DAY
        while shown(tz, day)[1] >= at:
            day -= 1
        walls = shown(tz, day)[0]
        return day * DAY + next(i for i in range(DAY - 1, -1, -1) if walls[i] < at) + 1


@cache
def changes(tz: str, since: int = 1990, until: int = 2037) -> tuple[int, ...]:
    """The minutes at which the offset of the zone changes, between two years."""
    found: list[int] = []
    u, end = minute(datetime(since, 1, 1, tzinfo=UTC)), minute(datetime(until, 1, 1, tzinfo=UTC))
    while u < end:
        if wall(tz, u + DAY) - wall(tz, u) != DAY:
            v = u
            while wall(tz, v + 1) - wall(tz, v) == 1:
                v += 1
            found.append(v + 1)
        u += DAY
    return tuple(found)
