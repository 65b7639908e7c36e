"""Clock readings and instants as whole minutes, and how a zone maps one to the other (T1 to T3, T12, 16.2).

Both are integers counted from 1970-01-01 00:00: `u` on the axis of UTC, `L` on an axis without a zone. A zone is read
once per stretch of a year into a table of offsets; after that only arithmetic is left.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from tocsin.domain.schedules import InvalidSchedule

HOUR: Final = 60
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
FOREVER: Final = 1 << 60
"""Later than every instant; its negative is earlier than all."""
FIRST_YEAR: Final = 1973
"""Before it, some zones differ from UTC by fractions of a minute (T12)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_EARLIEST: Final = (2 - _EPOCH_DAY) * DAY
_LATEST: Final = (date.max.toordinal() - 1 - _EPOCH_DAY) * DAY
_ERA_BITS: Final = 19
"""A table of offsets spans 2**19 minutes, 364 days."""
_MARGIN: Final = 3 * DAY
"""More than a reading and its instant can be apart, also where a zone changes sides of the date line."""


def minute(at: datetime) -> int:
    """The instant in whole minutes, rounded down."""
    since = at - _EPOCH
    return since.days * DAY + since.seconds // 60


def moment(u: int) -> datetime:
    """The instant as a UTC datetime; what lies outside of the calendar is its first or last day."""
    if not _EARLIEST <= u <= _LATEST:
        u = _EARLIEST if u < _EARLIEST else _LATEST
    return _EPOCH + timedelta(minutes=u)


def reading(text: str) -> int:
    """A local reading `YYYY-MM-DDTHH:MM`. Raises InvalidSchedule: not one, with a zone, or before 1973 (T8, T12)."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidSchedule(f"{text!r} is no local time; write YYYY-MM-DDTHH:MM") from None
    if local.tzinfo is not None:
        raise InvalidSchedule(f"{text!r} carries an offset; write the local time without it")
    if local.second or local.microsecond:
        raise InvalidSchedule(f"{text!r} has seconds; schedules are whole minutes (T8)")
    if local.year < FIRST_YEAR:
        raise InvalidSchedule(f"{text!r} is before {FIRST_YEAR} (T12)")
    return minute(local.replace(tzinfo=UTC))


def clock(text: str, *, end: bool = False) -> int:
    """Minutes since midnight of `HH:MM`; `24:00` only as an end (T8). Raises InvalidSchedule."""
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2:
        found = int(hours) * HOUR + int(minutes)
        if int(minutes) < HOUR and (found < DAY or (end and found == DAY)):
            return found
    raise InvalidSchedule(f"{text!r} is no time of day; write HH:MM")


def day_number(text: str) -> int:
    """Days since 1970-01-01 of a date `YYYY-MM-DD`. Raises InvalidSchedule."""
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH_DAY
    except ValueError:
        raise InvalidSchedule(f"{text!r} is no date; write YYYY-MM-DD") from None


def month_of(wall: int) -> int:
    """The month of a reading: year times 12 plus month from 0."""
    day = date.fromordinal(min(max(wall // DAY + _EPOCH_DAY, 1), date.max.toordinal()))
    return day.year * 12 + day.month - 1


def plus_months(wall: int, months: int) -> int:
    """The reading so many months later; a day that the month lacks is its last one (T6)."""
    local = date.fromordinal(wall // DAY + _EPOCH_DAY)
    month = local.year * 12 + local.month - 1 + months
    begin = _month_start(month)
    day = min(local.day, _month_start(month + 1) - begin)
    return (begin + day - 1) * DAY + wall % DAY


def _month_start(month: int) -> int:
    """Days since 1970-01-01 of the first of a month, in any year: the calendar repeats every 400 years."""
    cycles, within = divmod(month, 4800)
    first = date(within // 12 + 400, within % 12 + 1, 1).toordinal() - _EPOCH_DAY
    return first + (cycles - 1) * 146_097


class Zone:
    """A zone of the database. `first` and `last` are monotone, so intervals never invert (T2, T3)."""

    __slots__ = ("_eras", "_info", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._info = ZoneInfo(name)
        self._eras: dict[int, _Era] = {}

    def wall(self, u: int) -> int:
        """The reading at `u` (T1)."""
        era = self._era(u)
        return u + era.offsets[bisect_right(era.starts, u) - 1]

    def first(self, wall: int) -> int:
        """The first instant that reads `wall` or later: hand-offs, starts of windows and days (T2)."""
        era = self._eras.get(wall >> _ERA_BITS) or self._era(wall)
        i = bisect_right(era.highs, wall)
        u = wall - era.offsets[i]
        start = era.starts[i]
        return max(start, u)

    def last(self, wall: int) -> int:
        """The first instant from which on the clock never reads less than `wall`: ends of windows (T3)."""
        era = self._eras.get(wall >> _ERA_BITS) or self._era(wall)
        i = bisect_left(era.lows, wall) - 1
        u = wall - era.offsets[i]
        end = era.starts[i + 1]
        return min(end, u)

    def span(self, u: int) -> tuple[int, int]:
        """The lowest reading from `u` on and the highest one until `u`: both are `wall(u)` except around a fold.

        `first(L) <= u` exactly when `L <= highest`, and `u < last(L)` exactly when `lowest < L`.
        """
        era = self._era(u)
        i = bisect_right(era.starts, u) - 1
        wall = u + era.offsets[i]
        return min(wall, era.lows[i + 1]), max(wall, era.highs[i - 1] - 1) if i else wall

    def _era(self, minutes: int) -> _Era:
        number = minutes >> _ERA_BITS
        era = self._eras.get(number)
        if era is None:
            begin = (number << _ERA_BITS) - _MARGIN
            era = self._eras[number] = _Era(self._segments(begin, begin + (1 << _ERA_BITS) + 2 * _MARGIN))
        return era

    def _segments(self, begin: int, end: int) -> list[tuple[int, int]]:
        """(start, offset) from `begin` on: a look at every day, then halving where two looks differ."""
        found = [(begin, self._offset(begin))]
        for probe in range(begin, end, DAY):
            offset = self._offset(probe + DAY)
            if offset != found[-1][1]:
                self._halve(found, probe, probe + DAY, offset)
        return found

    def _halve(self, found: list[tuple[int, int]], low: int, high: int, offset: int) -> None:
        if found[-1][1] == offset:
            return
        if high - low == 1:
            found.append((high, offset))
            return
        middle = (low + high) // 2
        self._halve(found, low, middle, self._offset(middle))
        self._halve(found, middle, high, offset)

    def _offset(self, u: int) -> int:
        ahead = datetime.fromtimestamp(min(max(u, _EARLIEST), _LATEST) * 60, tz=self._info).utcoffset()
        return (ahead or timedelta()) // timedelta(minutes=1)


class _Era:
    """Offsets of about a year. `highs`: the highest reading so far, `lows`: the lowest one still to come."""

    __slots__ = ("highs", "lows", "offsets", "starts")

    def __init__(self, segments: list[tuple[int, int]]) -> None:
        starts = [start for start, _ in segments]
        self.offsets = [offset for _, offset in segments]
        ends = [*starts[1:], FOREVER]
        highs = (end + offset for end, offset in zip(ends, self.offsets, strict=True))
        lows = (start + offset for start, offset in segments[:0:-1])
        self.starts = [-FOREVER, *ends]
        self.highs = list(accumulate(highs, max))
        self.lows = [-FOREVER, *list(accumulate(lows, min))[::-1], FOREVER]


@cache
def zone(name: str) -> Zone:
    """The zone of that name, read once. Raises InvalidSchedule for an unknown one (T11)."""
    try:
        return Zone(name)
    except (KeyError, ValueError, OSError):
        raise InvalidSchedule(f"there is no time zone {name!r} (T11)") from None
