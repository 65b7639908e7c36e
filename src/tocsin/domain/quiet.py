"""Quiet hours: until when a message of low urgency waits (docs/reference/oncall.md N4, E21).

In the person's own zone, by the rules of windows: when the clock is unsure, the quiet is longer (T2, T3).
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from tocsin.domain.oncall.wall import WEEK, minute, moment, zone
from tocsin.domain.oncall.windows import Hours
from tocsin.domain.people import Person, Quiet
from tocsin.domain.schedules import InvalidSchedule, Restriction

NIGHT = Quiet("22:00", "06:00")
"""Nobody is reminded of something of low urgency at night, unless she has quiet hours of her own (E21)."""


def quiet_until(person: Person, at: datetime, *, reminder: bool = False) -> datetime | None:
    """The end of the quiet hours that hold at `at`, or None. For a `reminder` the night is quiet too.

    Hours that cannot be read, or that never end, keep nothing back.
    """
    hours = person.quiet or (NIGHT if reminder else None)
    if hours is None:
        return None
    try:
        end = _end(hours, person.tz, minute(at))
    except (InvalidSchedule, LookupError, ValueError):
        return None
    return moment(end) if end is not None else None


@lru_cache(maxsize=4096)
def _end(hours: Quiet, tz: str, at: int) -> int | None:
    restriction = Restriction("daily", hours.start, hours.end, hours.days)
    spans = Hours((restriction,), zone(tz)).spans(at, at + WEEK)
    if not spans or spans[0][0] > at or spans[0][1] >= at + WEEK:
        return None
    return spans[0][1]
