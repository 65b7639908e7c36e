"""R, W, L, A and F of the on-call rules by their definitions: correct first, and slow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from oncall_reference.clocks import DAY, WEEK, Literal, Skipping, clock, instant, minute, reading, wall
from tocsin.domain.schedules import (
    Adjustment,
    Change,
    Holidays,
    Interval,
    Layer,
    Member,
    Restriction,
    Rotation,
    Schedule,
    Shift,
    Slot,
)

LONG_AGO = -(10**12)
MINUTES = {"hour": 60, "day": DAY, "week": WEEK}


# --- windows (W1 to W4) on the wall axis -------------------------------------------------------------------


def window_on(restriction: Restriction, day: int) -> tuple[int, int] | None:
    """The readings between which the window of this day lies; None: none starts on it. Days since 1970-01-01."""
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    start, end = clock(restriction.start), clock(restriction.end)
    if restriction.type == "daily":
        if restriction.days and weekday not in restriction.days:
            return None
        length = end - start if end > start else end - start + DAY
    else:
        if weekday != restriction.start_day:
            return None
        assert restriction.start_day is not None
        assert restriction.end_day is not None
        length = (restriction.end_day * DAY + end - restriction.start_day * DAY - start) % WEEK or WEEK
    return day * DAY + start, day * DAY + start + length


def windows_near(restriction: Restriction, since: int, until: int) -> Iterable[tuple[int, int]]:
    for day in range(since // DAY - 10, until // DAY + 4):
        window = window_on(restriction, day)
        if window is not None:
            yield window


# --- rotations (R1 to R12) ---------------------------------------------------------------------------------


def month_later(anchor: int, months: int) -> int:
    """T6: the same day of a later month, or its last day."""
    at = instant(anchor)  # the wall axis, read as if it were UTC: only the calendar matters
    count = at.year * 12 + at.month - 1 + months
    year, month = count // 12, count % 12 + 1
    day = at.day
    while True:
        try:
            return minute(at.replace(year=year, month=month, day=day))
        except ValueError:
            day -= 1


@dataclass
class Version:
    """A rotation between two changes. `offset`: slot of turn k is `slots[(ordinal(k) + offset) mod n]`."""

    since: int
    tz: str
    start: int
    unit: str
    length: int
    clock: str
    advance: str
    slots: tuple[Slot, ...]
    start_index: int
    offset: int
    restrictions: tuple[Restriction, ...]
    reader: type[Literal | Skipping]
    counted: dict[int, int] = field(default_factory=lambda: {0: 0})
    handoffs: dict[int, int] = field(default_factory=dict)

    def nominal(self, k: int) -> int:
        """The reading at which turn k begins."""
        if self.unit == "month":
            return month_later(self.start, k * self.length)
        return self.start + k * self.length * MINUTES[self.unit]

    def handoff(self, k: int) -> int:
        """R1, T5."""
        if k not in self.handoffs:
            if self.clock == "elapsed":
                self.handoffs[k] = self.reader.first(self.tz, self.start) + self.nominal(k) - self.start
            else:
                self.handoffs[k] = self.reader.first(self.tz, self.nominal(k))
        return self.handoffs[k]

    def turn(self, u: int) -> int:
        """The k with H(k) <= u < H(k + 1). Hand-offs are in order, so walking finds it from anywhere."""
        per_turn = self.length * MINUTES.get(self.unit, 30 * DAY)
        k = (wall(self.tz, u) - self.start) // per_turn
        while self.handoff(k) > u:
            k -= 1
        while self.handoff(k + 1) <= u:
            k += 1
        return k

    def touches(self, k: int) -> bool:
        """R4: whether the nominal span of turn k touches a nominal window."""
        since, until = self.nominal(k), self.nominal(k + 1)
        return not self.restrictions or any(
            start < until and end > since
            for restriction in self.restrictions
            for start, end in windows_near(restriction, since, until)
        )

    def ordinal(self, k: int) -> int:
        """R3, R4: turns in [0, k) that count; negative before the anchor."""
        if self.advance == "calendar":
            return k
        step = 1 if k > 0 else -1
        j = k
        while j not in self.counted:
            j -= step
        while j != k:  # from what was counted before, turn by turn
            self.counted[j + step] = self.counted[j] + step * self.touches(min(j, j + step))
            j += step
        return self.counted[k]

    def position(self, u: int) -> int | None:
        if not self.slots:
            return None
        return (self.ordinal(self.turn(u)) + self.offset) % len(self.slots)

    def slot(self, u: int) -> Slot:
        position = self.position(u)
        return () if position is None else self.slots[position]


def occurrence(old: tuple[Slot, ...], position: int, new: tuple[Slot, ...]) -> int | None:
    """R7, 1: the n-th occurrence in the old list is the n-th in the new one, or the last there is."""
    nth = old[: position + 1].count(old[position])
    places = [i for i, slot in enumerate(new) if slot == old[position]]
    if not places:
        return None
    return places[min(nth, len(places)) - 1]


def keep_current(old: tuple[Slot, ...], position: int | None, new: tuple[Slot, ...]) -> int:
    """R7: who of the new list is on duty, when `position` of the old one was."""
    if position is None:
        return 0
    stays = occurrence(old, position, new)
    if stays is not None:
        return stays
    if len(old[position]) > 1:
        for i, slot in enumerate(new):
            if set(slot) & set(old[position]):
                return i
    for step in range(1, len(old)):
        found = occurrence(old, (position + step) % len(old), new)
        if found is not None:
            return found
    return 0


def effective(change: Change, old: Version) -> int:
    """When a change takes effect on top of what is settled. Before `old.since` that version does not hold yet."""
    at = max(minute(change.at), old.since)
    if change.when == "now":
        return at
    k = old.turn(at)
    return at if old.handoff(k) == at else old.handoff(k + 1)


def changed(old: Version, change: Change, at: int) -> Version:
    slots = old.slots if change.slots is None else change.slots
    new = Version(
        since=at,
        tz=old.tz,
        start=old.start if change.start is None else reading(change.start),
        unit=change.unit or old.unit,
        length=change.length or old.length,
        clock=change.clock or old.clock,
        advance=old.advance,
        slots=slots,
        start_index=old.start_index if change.start_index is None else change.start_index,
        offset=0,
        restrictions=old.restrictions,
        reader=old.reader,
    )
    if change.policy == "positional":
        new.offset = new.start_index  # R9
    else:
        first = (
            new.start_index
            if change.policy == "restart"
            else keep_current(old.slots, old.position(at), slots)
        )
        new.offset = first - new.ordinal(
            new.turn(at)
        )  # R7, R8: the turn that contains the change has this slot
    return new


def versions(layer: Layer, rotation: Rotation, reader: type[Literal | Skipping]) -> list[Version]:
    """R11: in the order in which they take effect; of those at the same instant the later written is on top."""
    settled = [
        Version(
            since=LONG_AGO,
            tz=layer.tz,
            start=reading(rotation.start),
            unit=rotation.unit,
            length=rotation.length,
            clock=rotation.clock,
            advance=rotation.advance,
            slots=rotation.slots,
            start_index=rotation.start_index,
            offset=rotation.start_index,
            restrictions=layer.restrictions,
            reader=reader,
        )
    ]
    waiting = list(rotation.changes)
    while waiting:
        soonest = min(waiting, key=lambda change: effective(change, settled[-1]))
        waiting.remove(soonest)
        settled.append(changed(settled[-1], soonest, effective(soonest, settled[-1])))
    return settled


# --- one schedule --------------------------------------------------------------------------------------------


def once_each(people: Iterable[str]) -> list[str]:
    """A7."""
    return list(dict.fromkeys(people))


class Reference:
    """Who is on call by one schedule. `literal` looks at every minute where the quick one skips."""

    def __init__(self, schedule: Schedule, members: Iterable[Member] = (), *, literal: bool = False) -> None:
        self.schedule = schedule
        self.members: Mapping[str, Member] = {member.handle: member for member in members}
        self.reader: type[Literal | Skipping] = Literal if literal else Skipping
        self.versions = {
            layer.name: versions(layer, layer.rotation, self.reader)
            for layer in schedule.layers
            if layer.rotation is not None
        }
        self.answers: dict[int, tuple[str, ...]] = {}
        self.spans: dict[tuple[Restriction, str, int], tuple[int, int] | None] = {}

    # who is there, and when

    def active(self, person: str, u: int) -> bool:
        member = self.members.get(person, Member(person))
        begun = member.active_from is None or minute(member.active_from) <= u
        return begun and (member.inactive_from is None or u < minute(member.inactive_from))

    def span(self, restriction: Restriction, tz: str, day: int) -> tuple[int, int] | None:
        """W3: the instants of the window that starts on that day."""
        key = restriction, tz, day
        if key not in self.spans:
            window = window_on(restriction, day)
            self.spans[key] = window and (self.reader.first(tz, window[0]), self.reader.last(tz, window[1]))
        return self.spans[key]

    def covers(self, restriction: Restriction, tz: str, u: int) -> bool:
        today = wall(tz, u) // DAY
        spans = (self.span(restriction, tz, day) for day in range(today - 10, today + 3))
        return any(span is not None and span[0] <= u < span[1] for span in spans)

    def zone_of(self, restriction: Restriction, layer_tz: str, person: str) -> str:
        """W4."""
        if restriction.tz == "member":
            return self.members.get(person, Member(person)).tz
        return restriction.tz or layer_tz

    def inside(self, layer: Layer, person: str, u: int) -> bool:
        """W3: several windows unite; without any, always."""
        return not layer.restrictions or any(
            self.covers(restriction, self.zone_of(restriction, layer.tz, person), u)
            for restriction in layer.restrictions
        )

    def holiday(self, holidays: Holidays, tz: str, u: int) -> bool:
        """W6."""
        starts = [reading(date) for date in holidays.dates]
        return any(self.reader.first(tz, at) <= u < self.reader.first(tz, at + DAY) for at in starts)

    # what a layer yields

    def begins(self, layer: Layer) -> int:
        """L4."""
        if layer.since is not None:
            return minute(layer.since)
        return self.versions[layer.name][0].handoff(0) if layer.rotation is not None else LONG_AGO

    def content(self, layer: Layer, u: int) -> list[str]:
        if layer.rotation is not None:
            return list([v for v in self.versions[layer.name] if v.since <= u][-1].slot(u))
        return on_shift(layer.shifts, u)

    def layer(self, layer: Layer, u: int) -> list[str]:
        if u < self.begins(layer) or (layer.until is not None and u >= minute(layer.until)):
            return []
        if layer.holidays is not None:
            silent_on_it = layer.holidays.mode == "off"
            if self.holiday(layer.holidays, layer.tz, u) == silent_on_it:
                return []
        people = [
            person
            for person in once_each(self.content(layer, u))
            if self.inside(layer, person, u) and self.active(person, u)
        ]
        if not people:
            return []  # A9: an adjustment of a layer does not extend its hours
        for adjustment in self.adjustments(u, layer.name):
            people = adjusted(people, adjustment, u)
        return once_each(people)

    # the whole (L2, A1 to A9)

    def adjustments(self, u: int, layer: str | None) -> list[Adjustment]:
        """Those in force, in the order of their creation."""
        found = []
        for adjustment in sorted(self.schedule.adjustments, key=lambda a: a.seq):
            end = minute(adjustment.end)
            if adjustment.revoked_at is not None:
                end = min(end, minute(adjustment.revoked_at))
            if adjustment.layer == layer and minute(adjustment.start) <= u < end:
                found.append(adjustment)
        return found

    def won(self, u: int, role: str) -> list[str]:
        """L2, L3, L6: the layers with the highest priority among those that have anybody."""
        filled = [
            (layer.priority, people)
            for layer in self.schedule.layers
            if layer.role == role and (people := self.layer(layer, u))
        ]
        highest = max((priority for priority, _ in filled), default=0)
        return once_each(person for priority, people in filled if priority == highest for person in people)

    def at(self, u: int) -> tuple[str, ...]:
        if u not in self.answers:
            self.answers[u] = self.found(u)
        return self.answers[u]

    def found(self, u: int) -> tuple[str, ...]:
        people = self.won(u, "oncall")
        for adjustment in self.adjustments(u, None):
            people = once_each(adjusted(people, adjustment, u))
        return tuple(person for person in people if self.active(person, u))  # A8

    def who(self, at: datetime) -> tuple[str, ...]:
        return self.at(minute(at))

    def shadows(self, at: datetime) -> tuple[str, ...]:
        u = minute(at)
        return tuple(person for person in self.won(u, "shadow") if self.active(person, u))

    # the final schedule (F1, F4)

    def covered(self, u: int) -> bool:
        """Whether somebody must be on call."""
        return not self.schedule.coverage or any(
            self.covers(restriction, restriction.tz or self.schedule.tz, u)
            for restriction in self.schedule.coverage
        )

    def final(self, start: datetime, end: datetime, *, every_minute: bool = False) -> tuple[Interval, ...]:
        """F1. People in order of their names: an interval ends when the set changes, not when its order does."""
        a, b = minute(start), minute(end)
        points = range(a, b) if every_minute else self.candidates(a, b)
        return joined(((u, tuple(sorted(self.at(u)))) for u in points), b)

    def gaps(self, start: datetime, end: datetime) -> tuple[Interval, ...]:
        """F4."""
        a, b = minute(start), minute(end)
        empty = (
            (u, () if not self.at(u) and self.covered(u) else ("",))
            for u in self.candidates(a, b, coverage=True)
        )
        return tuple(interval for interval in joined(empty, b) if not interval.people)

    def candidates(self, a: int, b: int, *, coverage: bool = False) -> list[int]:
        """Every minute of [a, b) at which anything at all might change."""
        points = {a}
        for layer in self.schedule.layers:
            points |= self.layer_points(layer, a, b)
        for adjustment in self.schedule.adjustments:
            points |= {minute(adjustment.start), minute(adjustment.end)}
            points |= {minute(at) for shift in adjustment.shifts for at in (shift.start, shift.end)}
            points |= set() if adjustment.revoked_at is None else {minute(adjustment.revoked_at)}
        for member in self.members.values():
            points |= {minute(at) for at in (member.active_from, member.inactive_from) if at is not None}
        if coverage:
            for restriction in self.schedule.coverage:
                points |= self.window_points(restriction, {restriction.tz or self.schedule.tz}, a, b)
        return sorted(u for u in points if a <= u < b)

    def layer_points(self, layer: Layer, a: int, b: int) -> set[int]:
        points = {self.begins(layer)} | {minute(layer.until) if layer.until is not None else a}
        for version in self.versions.get(layer.name, []):
            points.add(version.since)
            points |= {version.handoff(k) for k in range(version.turn(a), version.turn(b) + 2)}
        points |= {minute(at) for shift in layer.shifts for at in (shift.start, shift.end)}
        member_zones = {member.tz for member in self.members.values()} | {"UTC"}
        for restriction in layer.restrictions:
            zones = member_zones if restriction.tz == "member" else {restriction.tz or layer.tz}
            points |= self.window_points(restriction, zones, a, b)
        if layer.holidays is not None:
            starts = [reading(date) for date in layer.holidays.dates]
            points |= {self.reader.first(layer.tz, at) for start in starts for at in (start, start + DAY)}
        return points

    def window_points(self, restriction: Restriction, zones: set[str], a: int, b: int) -> set[int]:
        spans = [
            self.span(restriction, tz, day) for tz in zones for day in range(a // DAY - 12, b // DAY + 4)
        ]
        return {point for span in spans if span is not None for point in span}


def on_shift(shifts: Iterable[Shift], u: int) -> list[str]:
    return [p for shift in shifts if minute(shift.start) <= u < minute(shift.end) for p in shift.users]


def adjusted(people: list[str], adjustment: Adjustment, u: int) -> list[str]:
    """A1 to A5."""
    match adjustment.kind:
        case "set":
            return list(adjustment.users)
        case "replace":
            return [adjustment.add if person == adjustment.remove else person for person in people]
        case "swap":
            taken = bool(adjustment.add)
            return [adjustment.add if taken and p == adjustment.remove else p for p in people]
        case "add":
            return [*people, adjustment.add]
        case "remove":
            return [person for person in people if person != adjustment.remove]
        case "temporary":
            found = on_shift(adjustment.shifts, u)
            return found or (people if adjustment.fallback == "base" else [])
    raise AssertionError(adjustment.kind)


def joined(points: Iterable[tuple[int, tuple[str, ...]]], end: int) -> tuple[Interval, ...]:
    """Neighbours that say the same become one interval."""
    pieces: list[tuple[int, tuple[str, ...]]] = []
    for u, people in points:
        if not pieces or pieces[-1][1] != people:
            pieces.append((u, people))
    ends = [start for start, _ in pieces[1:]] + [end]
    return tuple(
        Interval(instant(start), instant(stop), people)
        for (start, people), stop in zip(pieces, ends, strict=True)
    )
