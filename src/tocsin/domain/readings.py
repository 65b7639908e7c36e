"""A time typed without an offset, as the instants at which the clock of a zone shows it (oncall.md T9)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tocsin.domain.oncall.wall import minute, moment, zone


def instants_of(reading: datetime, name: str) -> tuple[datetime, ...]:
    """The instants at which the zone's clock shows `reading` (whole minutes, without zone), in order.

    None: the clock jumps over it. Two: it is shown twice. Raises InvalidSchedule for an unknown zone.
    """
    where = zone(name)
    first = where.first(minute(reading.replace(tzinfo=UTC)))
    if where.wall(first) != minute(reading.replace(tzinfo=UTC)):
        return ()
    second = minute(reading.replace(tzinfo=ZoneInfo(name), fold=1))
    return tuple(moment(u) for u in dict.fromkeys((first, second)))


def after_jump(reading: datetime, name: str) -> datetime:
    """The instant to which the clock jumps that leaves `reading` out (T2)."""
    return moment(zone(name).first(minute(reading.replace(tzinfo=UTC))))


def with_offset(at: datetime, name: str) -> str:
    """The instant as the zone's clock shows it, with its offset: `2026-10-25T02:30+02:00`."""
    return at.astimezone(ZoneInfo(name)).isoformat(timespec="minutes")
