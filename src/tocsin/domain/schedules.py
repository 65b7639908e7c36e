"""What an on-call schedule consists of, as validated frozen values (docs/reference/oncall.md, data model).

Local things are local readings plus the name of a zone, never offsets; instants are aware UTC, whole minutes. Not here:
what follows from it (`oncall`), how a handbook says it (`handbook.blocks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.domain.source import BUILT_IN, Source

Slot = tuple[str, ...]
"""Handles on duty together; empty: a deliberate hole, through which lower layers show (L3)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A rotation as it is from an instant on (R7 to R12). What is None stays as it was.

    `when`: `now`, or `next_handoff` for the first hand-off at or after `at`. `policy`: `keep_current`, `restart`,
    `positional`. `start` is a local reading `YYYY-MM-DDTHH:MM`.
    """

    at: datetime
    when: str = "now"
    policy: str = "keep_current"
    slots: tuple[Slot, ...] | None = None
    start_index: int | None = None
    start: str | None = None
    unit: str | None = None
    length: int | None = None
    clock: str | None = None
    author: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """Who follows whom: turns of `length` units from the local reading `start` on.

    `unit`: `hour`, `day`, `week`, `month`. `clock`: `wall`, or `elapsed` for fixed seconds (not for months). `advance`:
    `calendar` counts every turn, `active` only turns that touch a restriction (R4). `start_index`: the slot of turn 0.
    """

    start: str
    unit: str
    slots: tuple[Slot, ...]
    length: int = 1
    clock: str = "wall"
    advance: str = "calendar"
    start_index: int = 0
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Restriction:
    """Hours outside of which a layer is silent; it filters and never selects (W1 to W5).

    `type` `daily`: `start`, `end` (`HH:MM`, `24:00` allowed as an end) on `days` (of the start; 0 = Monday; empty:
    all). `weekly`: from `start` on `start_day` to `end` on `end_day`. `tz`: a zone, `member`, or None for the layer's.
    """

    type: str
    start: str
    end: str
    days: tuple[int, ...] = ()
    start_day: int | None = None
    end_day: int | None = None
    tz: str | None = None


@dataclass(frozen=True, slots=True)
class Holidays:
    """Local dates (`YYYY-MM-DD`): with `mode` `off` the layer is silent then, with `only` at all other times (W6)."""

    mode: str
    dates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """People on duty from `start` until `end` (half-open, UTC)."""

    users: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Layer:
    """One way of filling a schedule: a rotation or explicit shifts. Larger `priority` wins, equal ones unite (L2).

    `since`: before it the layer is empty (default: the rotation's first hand-off, L4).
    `role`: `oncall` or `shadow` (L6).
    """

    name: str
    priority: int
    tz: str
    source: Source = BUILT_IN
    since: datetime | None = None
    until: datetime | None = None
    role: str = "oncall"
    rotation: Rotation | None = None
    shifts: tuple[Shift, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    holidays: Holidays | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of the result for a while, in the order of `seq` (A1 to A11).

    `kind` `set`: `users`. `replace`, `swap`: `remove` (the beneficiary) by `add` (the benefactor; empty: not taken).
    `add`, `remove`: that person. `temporary`: `shifts`; where they have none, `fallback` `none` or `base`. `layer`
    scopes set, replace, remove. One that ends before it begins never holds. Made at run time: `author`, `reason`,
    `made_at`, and `revoked_at` once it was ended.
    """

    seq: int
    kind: str
    start: datetime
    end: datetime
    users: tuple[str, ...] = ()
    remove: str = ""
    add: str = ""
    shifts: tuple[Shift, ...] = ()
    fallback: str = "base"
    layer: str | None = None
    author: str = ""
    reason: str = ""
    made_at: datetime | None = None
    revoked_at: datetime | None = None
    source: Source = BUILT_IN


@dataclass(frozen=True, slots=True)
class Schedule:
    """A named schedule. `tz` is the default of its layers; `coverage` when somebody must be on call (empty: always)."""

    name: str
    tz: str
    layers: tuple[Layer, ...]
    adjustments: tuple[Adjustment, ...] = ()
    coverage: tuple[Restriction, ...] = ()
    source: Source = BUILT_IN


@dataclass(frozen=True, slots=True)
class Member:
    """What a schedule must know of a person: her zone (for windows of `member`), and when she is active (L5, R13)."""

    handle: str
    tz: str = "UTC"
    active_from: datetime | None = None
    inactive_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A piece of a final schedule: the same people all the while; nobody is a gap (F1)."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    """As they stand at its beginning; people who only change places do not divide an interval (F1 is about sets)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a piece of a shift comes from (F3).

    `layer` with `turn` (of a rotation, or the number of the shift in its list) and the `seq` of adjustments of that
    layer that changed it. Without a layer: the adjustments of the whole schedule that changed the result.
    """

    layer: str = ""
    turn: int | None = None
    adjustments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """A piece of the shift view: an interval cut where a turn ends or an adjustment comes or goes (F3).

    `origins`: one per layer that counts there, then one for the adjustments of the schedule, if any changed the result.
    A piece of nobody has them too where an adjustment made it one.
    """

    start: datetime
    end: datetime
    people: tuple[str, ...]
    origins: tuple[Origin, ...] = ()


class InvalidSchedule(ValueError):
    """A schedule that cannot be computed: which field, why, and the rule's number (e.g. T11, T12)."""
