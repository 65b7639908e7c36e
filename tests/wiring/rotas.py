"""Small schedules in a policy, and a store that knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tocsin.domain.policy import Policy, RosterEntry, built_in_policy
from tocsin.domain.schedules import Adjustment, Layer, Rotation, Schedule
from tocsin.domain.source import BUILT_IN

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PEOPLE = ("mei", "jonas", "priya")


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Days after Monday."""
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def weekly(*people: str, name: str = "primary", tz: str = "UTC", start: str = "2026-03-02T09:00") -> Schedule:
    rotation = Rotation(start, "week", tuple((person,) for person in people))
    return Schedule(name, tz, (Layer("only", 0, tz, rotation=rotation),))


def policy(*schedules: Schedule) -> Policy:
    roster = tuple(RosterEntry(p, p.title(), BUILT_IN, ("ic",), email=f"{p}@test.example") for p in PEOPLE)
    return replace(built_in_policy(), roster=roster, schedules=schedules)


def override(start: datetime, end: datetime, *people: str, made_at: datetime = MONDAY) -> Adjustment:
    return Adjustment(0, "set", start, end, users=people, author="tom", reason="ill", made_at=made_at)
