"""Who is on duty in the next weeks, as it was computed last, with the zones it was computed with (T10, T11).

It is kept in the database: after a change of the zones it says which hand-offs moved, and it serves where a schedule
cannot be computed any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Interval, Layer, Schedule, Shift
from tocsin.store.contract import Store

KEPT = "rota"
"""Meta key of the timeline."""
AHEAD = timedelta(days=60)
CLOSE = timedelta(days=2)
"""A hand-off to the same people that is no further away is the same one, moved."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What every schedule gave from `at` on, for `AHEAD`."""

    at: datetime
    tzdata: str
    schedules: dict[str, tuple[Interval, ...]] = field(default_factory=dict)

    def schedule(self, name: str) -> Schedule:
        """The kept intervals as explicit shifts."""
        shifts = tuple(Shift(i.people, i.start, i.end) for i in self.schedules[name] if i.people)
        return Schedule(name, "UTC", (Layer("as computed last", 0, "UTC", shifts=shifts),))


def timeline_of(rota: Rota, now: datetime, tzdata: str) -> Timeline:
    """The next weeks of every schedule, from the minute that has begun."""
    at = minute(now)
    return Timeline(at, tzdata, {name: tuple(rota.final(name, at, at + AHEAD)) for name in rota.names()})


def kept_timeline(store: Store) -> Timeline | None:
    """The one that was kept last; None when there is none that this program can read."""
    return read_timeline(store.meta(KEPT))


def read_timeline(stored: str | None) -> Timeline | None:
    """A kept timeline; None when there is none, or it is of another shape."""
    try:
        return None if stored is None else msgspec.json.decode(stored, type=Timeline)
    except msgspec.MsgspecError:
        return None


def written(timeline: Timeline) -> str:
    """As it is kept."""
    return msgspec.json.encode(timeline).decode()


def minute(at: datetime) -> datetime:
    """The whole minute that has begun."""
    return at.replace(second=0, microsecond=0)


def moved(before: Timeline, after: Timeline, since: datetime) -> list[str]:
    """One line for each hand-off from `since` on that is not where it was; both cover the same range (T10)."""
    lines = []
    for name, intervals in before.schedules.items():
        was, now = _handoffs(intervals, since), _handoffs(after.schedules.get(name, ()), since)
        gone = sorted(was - now)
        new = sorted(now - was)
        for at, people in gone:
            to = next((n for n in new if n[1] == people and abs(n[0] - at) <= CLOSE), None)
            if to is not None:
                new.remove(to)
            goes = f"to {_said(to[0])}" if to else "is gone"
            lines.append(f"{name}: {_said(at)} {goes} ({', '.join(people) or 'nobody'})")
        lines += [f"{name}: {_said(at)} is new ({', '.join(people) or 'nobody'})" for at, people in new]
    return lines


def _handoffs(intervals: tuple[Interval, ...], since: datetime) -> set[tuple[datetime, tuple[str, ...]]]:
    return {(i.start, i.people) for i in intervals[1:] if i.start >= since - CLOSE}


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
