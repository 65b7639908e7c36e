"""Random schedules that use everything the rules offer, most of them where a clock changes.

A case follows from its seed alone: `case(seed)`. Features are drawn independently, so that every pair of them meets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from oncall_reference.clocks import DAY, Skipping, changes, instant, minute, reading, wall
from tocsin.domain.schedules import (
    Adjustment,
    Change,
    Holidays,
    Layer,
    Member,
    Restriction,
    Rotation,
    Schedule,
    Shift,
    Slot,
)

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "UTC",
)
PEOPLE = ("ana", "bo", "cy", "di", "eli", "fay", "gus")
STEPS = (1, 1, 1, 15, 30, 60, 60, 180, 720, DAY)
NOT_A_ROTATION = 0.2


@dataclass(frozen=True, slots=True)
class Case:
    """What is rendered: a schedule, its people, a range of two or three weeks."""

    seed: int
    schedule: Schedule
    members: tuple[Member, ...]
    start: datetime
    end: datetime


class Draw:
    """One source of chance, and the middle of the range that is looked at."""

    def __init__(self, seed: int, zones: tuple[str, ...] = ZONES) -> None:
        self.random = Random(seed)
        self.zones = zones
        self.tz = self.random.choice(zones)
        moments = changes(self.tz)
        if moments and self.random.random() < 0.85:
            self.middle = self.random.choice(moments)
        else:
            self.middle = self.random.randrange(minute_of(2000), minute_of(2035))
        self.crowded = self.random.random() < 0.12
        """Many adjustments upon each other, those of layers all upon the first."""
        lead = self.random.randrange(3 * DAY, 14 * DAY)
        self.start = instant(self.middle - lead)
        self.end = self.start + timedelta(
            days=self.random.randint(14, 21), minutes=self.random.randint(0, 90)
        )

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def people(self, low: int, high: int) -> tuple[str, ...]:
        return tuple(self.random.sample(PEOPLE, self.random.randint(low, high)))

    def near(self) -> int:
        """A minute in or around the range, often right beside the change of the clock."""
        if self.chance(0.4):
            step = self.random.choice(STEPS)
            return self.middle + step * self.random.randint(-4, 4)
        return minute(self.start) + self.random.randrange(-5 * DAY, 26 * DAY)

    def instant(self) -> datetime:
        return instant(self.near())

    def span(self) -> tuple[datetime, datetime]:
        start = self.near()
        length = self.random.choice((1, 30, 60, 90, 480, DAY, 3 * DAY, 10 * DAY, 40 * DAY))
        return instant(start), instant(start + length)

    def reading(self, far: int = 0) -> str:
        """A local reading, up to `far` days before the range; hours around the change of the clock are likely."""
        at = wall(self.tz, self.near()) - self.random.randint(0, far) * DAY
        if self.chance(0.3):
            at -= at % 60
        return f"{instant(at):%Y-%m-%dT%H:%M}"

    def clock(self) -> str:
        """A time of day; those around the change of the clock are likely."""
        if self.chance(0.5):
            at = (
                wall(self.tz, self.middle) + self.random.choice((-61, -60, -30, -1, 0, 1, 30, 59, 60))
            ) % DAY
        else:
            at = self.random.choice((0, 8 * 60, 9 * 60, 18 * 60, 20 * 60, 22 * 60 + 30))
        return f"{at // 60:02}:{at % 60:02}"


def minute_of(year: int) -> int:
    return (year - 1970) * 365 * DAY + (year - 1969) // 4 * DAY


def case(seed: int, zones: tuple[str, ...] = ZONES) -> Case:
    draw = Draw(seed, zones)
    layers = tuple(layer(draw, place) for place in range(draw.random.choice((1, 1, 2, 2, 3, 4))))
    names = tuple(entry.name for entry in layers)
    adjustments = tuple(
        adjustment(draw, seq, names if not draw.crowded else names[:1])
        for seq in range(1, 1 + draw.random.choice((6, 8, 10) if draw.crowded else (0, 0, 1, 2, 3, 5)))
    )
    coverage = tuple(restriction(draw) for _ in range(draw.random.choice((0, 0, 1, 2))))
    schedule = Schedule(
        name="drawn",
        tz=draw.tz,
        layers=layers,
        adjustments=adjustments,
        coverage=tuple(replace(window, tz=None) if window.tz == "member" else window for window in coverage),
    )
    return Case(seed, schedule, members(draw), draw.start, draw.end)


def members(draw: Draw) -> tuple[Member, ...]:
    def member(handle: str) -> Member:
        tz = draw.random.choice(draw.zones)
        left = draw.instant() if draw.chance(0.12) else None
        joined = draw.instant() if draw.chance(0.08) and left is None else None
        return Member(handle, tz, joined, left)

    return tuple(member(handle) for handle in PEOPLE)


def layer(draw: Draw, place: int) -> Layer:
    tz = draw.tz if draw.chance(0.8) else draw.random.choice(draw.zones)
    fixed = draw.chance(NOT_A_ROTATION)
    return Layer(
        name=f"layer{place}",
        priority=place if draw.chance(0.5) else draw.random.randint(0, 2),
        tz=tz,
        since=draw.instant() if draw.chance(0.2) else None,
        until=draw.instant() if draw.chance(0.2) else None,
        role="shadow" if draw.chance(0.1) else "oncall",
        rotation=None if fixed else rotation(draw),
        shifts=shifts(draw, draw.random.randint(0, 5)) if fixed else (),
        restrictions=tuple(restriction(draw) for _ in range(draw.random.choice((0, 0, 0, 1, 1, 2, 3)))),
        holidays=holidays(draw) if draw.chance(0.2) else None,
    )


def shifts(draw: Draw, count: int) -> tuple[Shift, ...]:
    return tuple(Shift(draw.people(0, 2), *draw.span()) for _ in range(count))


def slots(draw: Draw) -> tuple[Slot, ...]:
    count = draw.random.choice((0, 1, 2, 3, 3, 4, 5, 7))
    sizes = (1, 1, 1, 1, 1, 1, 0, 2, 2, 3)
    return tuple(
        tuple(draw.random.choices(PEOPLE, k=1))
        if (size := draw.random.choice(sizes)) == 1
        else draw.people(size, size)
        for _ in range(count)
    )


def edited(draw: Draw, old: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """A list as somebody would change it: one more, one less, another order, or all new."""
    new = list(old)
    for _ in range(draw.random.randint(1, 3)):
        match draw.random.randint(0, 4):
            case 0:
                new.insert(draw.random.randint(0, len(new)), draw.people(1, 1))
            case 1 if new:
                del new[draw.random.randrange(len(new))]
            case 2:
                draw.random.shuffle(new)
            case 3 if new:
                new[draw.random.randrange(len(new))] = draw.people(0, 2)
            case _:
                new = list(slots(draw)) if draw.chance(0.3) else new
    return tuple(new)


def cadence(draw: Draw) -> tuple[str, int, str]:
    unit = draw.random.choice(("hour", "hour", "day", "day", "day", "week", "week", "month"))
    length = draw.random.choice(
        {"hour": (1, 2, 5, 8, 12, 24, 36), "day": (1, 1, 2, 3), "week": (1, 1, 2)}.get(unit, (1, 1, 2))
    )
    return unit, length, "elapsed" if unit != "month" and draw.chance(0.2) else "wall"


def rotation(draw: Draw) -> Rotation:
    unit, length, clock = cadence(draw)
    listed = slots(draw)
    start = draw.reading(far={"hour": 20, "day": 60}.get(unit, 200))
    return Rotation(
        start=start,
        unit=unit,
        slots=listed,
        length=length,
        clock=clock,
        advance="active" if draw.chance(0.3) else "calendar",
        start_index=draw.random.randrange(len(listed)) if listed and draw.chance(0.4) else 0,
        changes=rotation_changes(draw, listed, (start, unit, length)),
    )


def agreed_handoff(draw: Draw, start: str, unit: str, length: int) -> datetime:
    """The instant of a hand-off in or around the range, as far as the zone of the schedule is that of the layer."""
    step = length * {"hour": 60, "day": DAY, "week": 7 * DAY, "month": 30 * DAY}[unit]
    anchor = reading(start)
    return instant(Skipping.first(draw.tz, anchor + (wall(draw.tz, draw.near()) - anchor) // step * step))


def rotation_changes(draw: Draw, old: tuple[Slot, ...], first: tuple[str, str, int]) -> tuple[Change, ...]:
    found = []
    for _ in range(draw.random.choice((0, 0, 0, 1, 1, 2, 3))):
        listed = edited(draw, old) if draw.chance(0.8) else None
        unit, length, new_clock = cadence(draw) if draw.chance(0.3) else (None, None, None)
        found.append(
            Change(
                at=agreed_handoff(draw, *first) if draw.chance(0.25) else draw.instant(),
                when=draw.random.choice(("now", "next_handoff")),
                policy=draw.random.choice(("keep_current", "keep_current", "restart", "positional")),
                slots=listed,
                start_index=0 if draw.chance(0.3) else None,
                start=draw.reading(far=10) if draw.chance(0.15) else None,
                unit=unit,
                length=length,
                clock=new_clock,
            )
        )
        old = old if listed is None else listed
    return tuple(found)


def restriction(draw: Draw) -> Restriction:
    tz = draw.random.choice((None, None, None, "member", draw.random.choice(draw.zones)))
    start, end = draw.clock(), draw.random.choice((draw.clock(), draw.clock(), "24:00"))
    if draw.chance(0.6):
        days = tuple(sorted(draw.random.sample(range(7), draw.random.choice((0, 0, 1, 3, 5)))))
        return Restriction("daily", start, end, days=days, tz=tz)
    first, last = draw.random.randrange(7), draw.random.randrange(7)
    return Restriction("weekly", start, end, start_day=first, end_day=last, tz=tz)


def holidays(draw: Draw) -> Holidays:
    dates = {draw.reading()[:10] for _ in range(draw.random.randint(1, 5))}
    return Holidays(draw.random.choice(("off", "off", "only")), tuple(sorted(dates)))


def adjustment(draw: Draw, seq: int, layers: tuple[str, ...]) -> Adjustment:
    kind = draw.random.choice(("set", "replace", "replace", "add", "remove", "swap", "temporary"))
    scoped = kind in {"set", "replace", "remove"} and draw.chance(0.7 if draw.crowded else 0.35)
    start, end = draw.span()
    add, remove = draw.people(2, 2)
    return Adjustment(
        seq=seq,
        kind=kind,
        start=start,
        end=end,
        users=draw.people(0, 2) if kind == "set" else (),
        remove=remove if kind in {"replace", "remove", "swap"} else "",
        add=add if kind in {"replace", "add"} or (kind == "swap" and draw.chance(0.7)) else "",
        shifts=shifts(draw, draw.random.randint(0, 4)) if kind == "temporary" else (),
        fallback=draw.random.choice(("none", "base")),
        layer=draw.random.choice(layers) if scoped else None,
        revoked_at=start + draw.random.choice((-1, 0, 1, 30)) * timedelta(hours=1)
        if draw.chance(0.1)
        else None,
    )
