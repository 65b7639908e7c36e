"""Cuts a case that shows something down to what is needed to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from oncall_reference.cases import Case
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
)

NESTED = (Schedule, Layer, Rotation, Change, Restriction, Holidays, Shift, Adjustment, Member, Case)
OPTIONAL = {
    "since",
    "until",
    "holidays",
    "layer",
    "revoked_at",
    "active_from",
    "inactive_from",
    "start_index",
    "unit",
}
DEFAULTS = {"tz": "UTC", "advance": "calendar", "clock": "wall", "length": 1}


def without(value: Any) -> Iterator[Any]:
    """Every value that has one thing less, large cuts first."""
    for entry in fields(value):
        inner = getattr(value, entry.name)
        if entry.name in DEFAULTS and inner not in {DEFAULTS[entry.name], None, "member"}:
            yield replace(value, **{entry.name: DEFAULTS[entry.name]})
        if entry.name in OPTIONAL and inner not in {None, 0} and not isinstance(value, Rotation):
            yield replace(value, **{entry.name: None})
        if isinstance(inner, tuple):
            for i, part in enumerate(inner):
                yield replace(value, **{entry.name: inner[:i] + inner[i + 1 :]})
                if isinstance(part, NESTED):
                    for less in without(part):
                        yield replace(value, **{entry.name: (*inner[:i], less, *inner[i + 1 :])})
        elif isinstance(inner, NESTED):
            for less in without(inner):
                yield replace(value, **{entry.name: less})


def smallest(case: Case, shows: Callable[[Case], bool]) -> Case:
    """A case from which nothing can be left out any more."""
    while True:
        less = next((less for less in without(case) if shows(less)), None)
        if less is None:
            return case
        case = less
