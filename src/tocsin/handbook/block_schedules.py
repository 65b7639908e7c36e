"""Reads the schedules of a policy block: layers, rotations with their changes, restrictions, holidays, adjustments.

Rules: docs/reference/oncall.md T1 to T12, R1 to R13, W1 to W6, L1 to L6, A1 to A14. Not here: who is on call by them
(`domain.oncall`), what is unwise though possible (`block_check`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations

from tocsin.domain.schedules import (
    Adjustment,
    Change,
    Holidays,
    Layer,
    Restriction,
    Rotation,
    Schedule,
    Shift,
    Slot,
)
from tocsin.handbook.block_lines import Path
from tocsin.handbook.block_values import Table, shown
from tocsin.handbook.labels import slug

SCHEDULE_KEYS = ("tz", "coverage", "layer", "adjustment")
LAYER_KEYS = (
    "name", "priority", "role", "tz", "from", "until", "rotation", "shifts", "restrictions", "holidays",
)  # fmt: skip
ROTATION_KEYS = ("start", "unit", "length", "clock", "advance", "members", "start_index", "changes")
CHANGE_KEYS = (
    "at", "when", "policy", "members", "start_index", "start", "unit", "length", "clock", "author", "reason",
)  # fmt: skip
SHIFT_KEYS = ("users", "start", "end")
DAILY_KEYS = ("type", "start", "end", "days", "tz")
WEEKLY_KEYS = ("type", "start_day", "start", "end_day", "end", "tz")
HOLIDAY_KEYS = ("mode", "dates")
ADJUSTMENT_KEYS = ("seq", "kind", "start", "end", "layer", "author", "reason")
KIND_KEYS = {
    "set": ("users",),
    "replace": ("remove", "add"),
    "add": ("user",),
    "remove": ("user",),
    "swap": ("beneficiary", "benefactor"),
    "temporary": ("shifts", "fallback"),
}
"""The keys of an adjustment beside the common ones, by its kind."""

UNITS = ("hour", "day", "week", "month")
CLOCKS = ("wall", "elapsed")
ADVANCES = ("calendar", "active")
ROLES = ("oncall", "shadow")
POLICIES = ("keep_current", "restart", "positional")
MOMENTS = ("now", "next_handoff")
LENGTHS = range(1, 1001)
INDICES = range(1000)
PRIORITIES = range(-1000, 1001)
SEQUENCE = range(1, 1_000_001)
"""Adjustments made at run time are numbered above: those of the file come first."""
MEMBER = "member"
SCOPED = ("set", "replace", "remove")


def is_name(word: str) -> bool:
    """Whether a schedule or an escalation may be called so: it is part of targets and addresses."""
    return len(word) <= 60 and re.fullmatch(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", word) is not None


def check_name(name: str, table: Table) -> None:
    """Note a name that cannot be used in a target."""
    if not is_name(name):
        what = "a name has small letters, digits and hyphens only"
        table.wrong("block-value", (), what, f"call it {slug(name)[:60]!r}")


def read_schedule(name: str, table: Table) -> Schedule:
    """One schedule, `[schedule.<name>]`."""
    table.only(SCHEDULE_KEYS)
    check_name(name, table)
    if "tz" not in table:
        table.missing("tz", 'add tz = "Europe/Stockholm": no zone is ever guessed')
    zone = table.zone("tz", "UTC") or "UTC"
    layers = tuple(read_layer(entry, place, zone) for place, entry in enumerate(table.tables("layer"), 1))
    if not layers:
        table.missing("layer", f"add [[schedule.{name}.layer]] with a rotation or shifts")
    _distinct(table, [layer.name for layer in layers])
    coverage = tuple(read_restriction(entry) for entry in table.tables("coverage"))
    return Schedule(
        name=name,
        tz=zone,
        layers=layers,
        adjustments=_adjustments(table, zone, [layer.name for layer in layers]),
        coverage=coverage,
        source=table.source(),
    )


def _distinct(table: Table, names: list[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            what = f"a layer above is called {shown(name)} too"
            table.wrong("block-duplicate", ("layer", place, "name"), what, "give each layer its own name")


def read_layer(table: Table, place: int, zone: str) -> Layer:
    """One layer; its priority is its place in the list, from 1, unless it names one (L2)."""
    table.only(LAYER_KEYS)
    zone = table.zone("tz", zone) or zone
    since, until = table.instant("from", zone), table.instant("until", zone)
    _in_order(table, since, until, "until")
    if ("rotation" in table) == ("shifts" in table):
        what = "both a rotation and shifts" if "rotation" in table else "neither a rotation nor shifts"
        table.wrong("block-value", (), f"the layer has {what}", "give it exactly one of them", "L1")
    rotation, holidays = table.table("rotation"), table.table("holidays")
    return Layer(
        name=table.text("name", f"layer-{place}"),
        priority=table.whole("priority", PRIORITIES, place, "L2"),
        tz=zone,
        source=table.source(),
        since=since,
        until=until,
        role=table.choice("role", ROLES, "oncall", "L6"),
        rotation=read_rotation(rotation) if rotation else None,
        shifts=read_shifts(table, zone),
        restrictions=tuple(read_restriction(entry, MEMBER) for entry in table.tables("restrictions")),
        holidays=read_holidays(holidays) if holidays else None,
    )


def _in_order(table: Table, start: datetime | None, end: datetime | None, key: str) -> None:
    if start is not None and end is not None and end <= start:
        what = "it ends when it begins" if end == start else "it ends before it begins"
        table.wrong("block-time", key, what, "let the end lie behind the start", "T7")


def read_rotation(table: Table) -> Rotation:
    """One rotation; `start` is a local reading in the layer's zone, mapped by T2."""
    table.only(ROTATION_KEYS)
    for key in ("start", "members"):
        if key not in table:
            table.missing(key, {"start": 'add start = "2026-01-12T09:00"'}.get(key, "add members = [...]"))
    unit = table.choice("unit", UNITS, None, "T5")
    clock = table.choice("clock", CLOCKS, "wall", "T5")
    changes = tuple(_change(entry) for entry in table.tables("changes"))
    _countable(table, unit, clock, changes)
    return Rotation(
        start=table.reading("start") if "start" in table else "",
        unit=unit,
        slots=read_slots(table),
        length=table.whole("length", LENGTHS, 1, "T5"),
        clock=clock,
        advance=table.choice("advance", ADVANCES, "calendar", "R3"),
        start_index=table.whole("start_index", INDICES, 0, "R5"),
        changes=changes,
    )


def _countable(table: Table, unit: str, clock: str, changes: Sequence[Change]) -> None:
    """Months have no fixed length: they cannot be counted in elapsed time, from no change on either."""
    repair = 'write clock = "wall", or another unit'
    if (unit, clock) == ("month", "elapsed"):
        table.wrong("block-value", "clock", "months cannot be counted in elapsed time", repair, "T5")
    for place, change in sorted(enumerate(changes), key=lambda entry: entry[1].at):
        before = (unit, clock)
        unit, clock = change.unit or unit, change.clock or clock
        if (unit, clock) == ("month", "elapsed") != before:
            what = "from here on months would be counted in elapsed time"
            table.wrong("block-value", ("changes", place), what, repair, "T5")


def read_slots(table: Table) -> tuple[Slot, ...]:
    """The members: a handle, a list of handles for a group, `""` for a deliberate hole (R5)."""
    values = table.values.get("members", ())
    if not isinstance(values, list | tuple):
        table.wrong("block-value", "members", f"{shown(values)} is not a list", 'write ["ada", "bo"]')
        return ()
    return tuple(_slot(table, value, ("members", place)) for place, value in enumerate(values))


def _slot(table: Table, value: object, path: Path) -> Slot:
    if value in ("", []):
        return ()
    group = value if isinstance(value, list) else [value]
    people = []
    for place, word in enumerate(group):
        at = (*path, place) if isinstance(value, list) else path
        if not isinstance(word, str):
            table.wrong("block-value", at, f"{shown(word)} is no handle", "write a handle in quotes")
        elif not word:
            table.wrong("block-value", at, "a group has no holes", "leave the empty text out", "R5")
        else:
            people.append((table.handle(word, at), at))
    return table.each_once(people)


def _change(table: Table) -> Change:
    table.only(CHANGE_KEYS)
    at = table.instant("at", None, needed=True)
    if not {"members", "start_index", "start", "unit", "length", "clock"} & table.values.keys():
        table.wrong("block-value", (), "the change changes nothing", "name members, a length, ...", "R10")
    return Change(
        at=at or _never(),
        when=table.choice("when", MOMENTS, "now", "R7"),
        policy=table.choice("policy", POLICIES, "keep_current", "R7"),
        slots=read_slots(table) if "members" in table else None,
        start_index=table.whole("start_index", INDICES, None, "R8") if "start_index" in table else None,
        start=table.reading("start") if "start" in table else None,
        unit=table.choice("unit", UNITS, None, "T5") if "unit" in table else None,
        length=table.whole("length", LENGTHS, None, "T5") if "length" in table else None,
        clock=table.choice("clock", CLOCKS, None, "T5") if "clock" in table else None,
        author=_said(table, "author"),
        reason=_said(table, "reason"),
    )


def _said(table: Table, key: str) -> str:
    return table.text(key) if key in table else ""


def _never() -> datetime:
    """Stands where an instant could not be read; what holds it is left out."""
    return datetime.fromisoformat("1973-01-01T00:00+00:00")


def read_shifts(table: Table, zone: str) -> tuple[Shift, ...]:
    """Explicit shifts, each from an instant until an instant."""
    shifts = []
    for entry in table.tables("shifts"):
        entry.only(SHIFT_KEYS)
        if "users" not in entry:
            entry.missing("users", 'add users = ["ada"]')
        start, end = _span(entry, zone)
        shifts.append(Shift(entry.handles("users", "A7"), start, end))
    return tuple(shifts)


def _span(table: Table, zone: str) -> tuple[datetime, datetime]:
    start, end = table.instant("start", zone, needed=True), table.instant("end", zone, needed=True)
    _in_order(table, start, end, "end")
    return start or _never(), end or _never()


def read_restriction(table: Table, *also: str) -> Restriction:
    """Hours, daily or weekly (W1, W2). `also`: words besides zones that `tz` may be."""
    kind = table.choice("type", ("daily", "weekly"), None, "W1")
    table.only(WEEKLY_KEYS if kind == "weekly" else DAILY_KEYS)
    weekly = kind == "weekly"
    return Restriction(
        type=kind,
        start=table.clock("start"),
        end=table.clock("end", end=True),
        days=() if weekly else table.days("days"),
        start_day=table.day("start_day") if weekly else None,
        end_day=table.day("end_day") if weekly else None,
        tz=table.zone("tz", None, also),
    )


def read_holidays(table: Table) -> Holidays:
    """Local dates, each once and in order (W6)."""
    table.only(HOLIDAY_KEYS)
    if "dates" not in table:
        table.missing("dates", 'add dates = ["2026-12-24"]')
    dates = {table.date(word, path) for word, path in table.texts("dates")}
    return Holidays(table.choice("mode", ("off", "only"), None, "W6"), tuple(sorted(dates)))


def _adjustments(table: Table, zone: str, layers: list[str]) -> tuple[Adjustment, ...]:
    """All adjustments in the order of their numbers (A6)."""
    entries = table.tables("adjustment")
    made = [_adjustment(entry, zone, layers) for entry in entries]
    first: dict[int, int] = {}
    for place, adjustment in enumerate(made):
        if "seq" in entries[place] and adjustment.seq in first:
            what = f"the number {adjustment.seq} is taken: it says which of two was made later"
            repair = "number them in the order in which they were made"
            entries[place].wrong("block-duplicate", "seq", what, repair, "A6")
        first.setdefault(adjustment.seq, place)
    _open_swaps(made, entries)
    return tuple(sorted(made, key=lambda adjustment: adjustment.seq))


def _open_swaps(made: list[Adjustment], entries: list[Table]) -> None:
    for (one, _), (two, entry) in combinations(zip(made, entries, strict=True), 2):
        both_open = one.kind == two.kind == "swap" and not one.add and not two.add
        if both_open and one.remove == two.remove and one.start < two.end and two.start < one.end:
            what = f"{shown(two.remove)} asks twice for somebody to take the same hours"
            entry.wrong("block-value", "beneficiary", what, "keep one of the two", "A13")


def _adjustment(table: Table, zone: str, layers: list[str]) -> Adjustment:
    kind = table.choice("kind", tuple(KIND_KEYS), None, "A1")
    table.only((*ADJUSTMENT_KEYS, *KIND_KEYS[kind]))
    start, end = _span(table, zone)
    remove, add = _people_of(kind, table)
    if kind == "set" and "users" not in table:
        table.missing("users", "add users = [...]; an empty list is a deliberate gap")
    if kind == "temporary" and not table.values.get("shifts"):
        table.missing("shifts", "add shifts = [{ users = [...], start = ..., end = ... }]")
    return Adjustment(
        seq=table.whole("seq", SEQUENCE, None, "A6"),
        kind=kind,
        start=start,
        end=end,
        users=table.handles("users", "A7") if kind == "set" else (),
        remove=remove,
        add=add,
        shifts=read_shifts(table, zone) if kind == "temporary" else (),
        fallback=table.choice("fallback", ("none", "base"), "base", "A5") if kind == "temporary" else "base",
        layer=_layer(table, kind, layers),
        author=_said(table, "author"),
        reason=_said(table, "reason"),
        source=table.source(),
    )


def _people_of(kind: str, table: Table) -> tuple[str, str]:
    """Whom it takes out and whom it puts in, by the kind's own words."""
    if kind == "add":
        return "", _person(table, "user")
    if kind == "remove":
        return _person(table, "user"), ""
    if kind not in {"replace", "swap"}:
        return "", ""
    out, into = KIND_KEYS[kind]
    remove = _person(table, out)
    nobody = kind == "swap" and table.values.get(into, "") == ""
    add = "" if nobody else _person(table, into)
    if remove and remove == add:
        what = f"{shown(add)} cannot take over from {shown(remove)}"
        table.wrong("block-value", into, what, "name somebody else", "A12" if kind == "swap" else "A2")
    return remove, add


def _person(table: Table, key: str) -> str:
    said = table.text(key)
    return table.handle(said, (key,)) if said else ""


def _layer(table: Table, kind: str, layers: list[str]) -> str | None:
    if "layer" not in table:
        return None
    name = table.text("layer")
    if kind not in SCOPED:
        what = f"{kind} holds for the whole schedule"
        table.wrong("block-value", "layer", what, "leave layer out; set, replace and remove have one", "A9")
    elif name and name not in layers:
        known = f"the layers are {', '.join(layers)}" if layers else "there is none"
        table.wrong("block-target", "layer", f"no layer is called {shown(name)}", known, "A9")
    return name or None
