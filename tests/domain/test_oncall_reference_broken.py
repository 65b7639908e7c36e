"""The comparison bites: each rule broken in the slow resolver is found by some random schedule."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from oncall_reference import clocks, resolver
from oncall_reference.cases import case
from oncall_reference.compare import disagreement

ENOUGH = 2000
FIRST, LAST, ADJUSTED = clocks.Skipping.first, clocks.Skipping.last, resolver.adjusted


def without_groups(old: Any, position: int | None, new: Any) -> int:
    one_each = tuple(slot[:1] for slot in old), tuple(slot[:1] for slot in new)
    return KEEP(one_each[0], position, one_each[1])


def first_place(old: Any, position: int, new: Any) -> int | None:
    return next((i for i, slot in enumerate(new) if slot == old[position]), None)


def never_walks(old: Any, position: int | None, new: Any) -> int:
    found = None if position is None else resolver.occurrence(old, position, new)
    return found or 0


def always_the_next(change: Any, old: resolver.Version) -> int:
    at = max(resolver.minute(change.at), old.since)
    return at if change.when == "now" else old.handoff(old.turn(at) + 1)


def extends_nothing(people: list[str], adjustment: Any, u: int) -> list[str]:
    return people if adjustment.layer and not people else ADJUSTED(people, adjustment, u)


def holes_are_gaps(people: list[str], adjustment: Any, u: int) -> list[str]:
    if adjustment.kind == "temporary":
        return resolver.on_shift(adjustment.shifts, u)
    return ADJUSTED(people, adjustment, u)


def ghosts_serve(self: resolver.Reference, u: int) -> tuple[str, ...]:
    fixes = self.adjustments(u, None)
    return tuple(reduce(lambda p, a: resolver.once_each(ADJUSTED(p, a, u)), fixes, self.won(u, "oncall")))


def all_unite(self: resolver.Reference, u: int, role: str) -> list[str]:
    layers = [layer for layer in self.schedule.layers if layer.role == role]
    return resolver.once_each(person for layer in layers for person in self.layer(layer, u))


def from_the_beginning(self: resolver.Reference, layer: Any) -> int:
    return resolver.LONG_AGO if layer.since is None else resolver.minute(layer.since)


KEEP = resolver.keep_current
BROKEN: dict[str, tuple[Any, str, Any]] = {
    "T2 hand-offs take the second pass": (clocks.Skipping, "first", staticmethod(LAST)),
    "T3 windows end with the first pass": (clocks.Skipping, "last", staticmethod(FIRST)),
    "T6 a month is thirty days": (
        resolver,
        "month_later",
        lambda anchor, months: anchor + months * 30 * 1440,
    ),
    "R4 every turn counts": (resolver.Version, "ordinal", lambda self, k: k),
    "R7 the first place is taken": (resolver, "occurrence", first_place),
    "R7 groups are their first member": (resolver, "keep_current", without_groups),
    "R7 nobody follows in the old order": (resolver, "keep_current", never_walks),
    "R7 asked for at a hand-off, the next one is meant": (resolver, "effective", always_the_next),
    "W4 hours of members are those of the layer": (
        resolver.Reference,
        "zone_of",
        lambda self, window, tz, person: tz if window.tz == "member" else window.tz or tz,
    ),
    "W6 a holiday is never": (resolver.Reference, "holiday", lambda self, holidays, tz, u: False),
    "L2 all layers unite": (resolver.Reference, "won", all_unite),
    "L4 turns before the first hand-off count": (resolver.Reference, "begins", from_the_beginning),
    "A5 holes are gaps": (resolver, "adjusted", holes_are_gaps),
    "A8 ghosts serve": (resolver.Reference, "at", ghosts_serve),
    "A9 what a layer's removal emptied stays empty": (resolver, "adjusted", extends_nothing),
}


@pytest.mark.soak
@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_found(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, what = BROKEN[rule]
    monkeypatch.setattr(where, name, what)
    found = next((seed for seed in range(ENOUGH) if disagreement(case(seed))[0]), None)
    assert found is not None, f"{ENOUGH} schedules say nothing about it"
