"""Shapes of answers about what would happen and who can be reached, for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class PlanRowShape(BaseModel):
    at: datetime
    after_s: int
    kind: str
    text: str
    person: str | None
    channel: str | None
    learns: bool


class PlannedClockShape(BaseModel):
    name: str
    target: str | None
    due: datetime | None
    after_s: int | None


class FallbackShape(BaseModel):
    targets: list[str]
    people: list[str]


class PlanShape(BaseModel):
    at: datetime
    level: str
    urgent: bool
    service: str | None
    escalation: str
    rows: list[PlanRowShape]
    clocks: list[PlannedClockShape]
    people: list[str]
    names: dict[str, str]
    fallback: FallbackShape
    uncovered: list[str]
    end: str
    complete: bool
    why: list[str]


class TriedRouteShape(BaseModel):
    file: str
    line: int
    outcome: str
    why: str


class TriedShape(BaseModel):
    at: datetime
    routes: list[TriedRouteShape]
    service: str | None
    level: str
    escalation: str
    why: list[str]
    called: list[PlanRowShape]
    names: dict[str, str]
    uncovered: list[str]


class WayShape(BaseModel):
    channel: str
    after_s: int


class WaysShape(BaseModel):
    high: list[WayShape]
    low: list[WayShape]


class ReadyShape(BaseModel):
    high: bool
    low: bool


class MethodShape(BaseModel):
    channel: str
    kind: str
    usable: bool
    roster: bool
    verified_at: datetime | None
    proven_at: datetime | None
    failing: bool
    failed_at: datetime | None
    fails: int
    disabled: str
    detail: str


class PersonReadinessShape(BaseModel):
    handle: str
    name: str
    called: bool
    ready: ReadyShape
    ways: WaysShape
    methods: list[MethodShape]
    proven_at: datetime | None


class ReadinessFindingShape(BaseModel):
    rule: str
    level: str
    about: str
    message: str
    repair: str


class GapShape(BaseModel):
    schedule: str
    start: datetime
    end: datetime


class ReadinessShape(BaseModel):
    at: datetime
    people: list[PersonReadinessShape]
    findings: list[ReadinessFindingShape]
    gaps: list[GapShape]
    alarms: list[str]
