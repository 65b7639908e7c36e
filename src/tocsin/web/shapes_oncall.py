"""Shapes of answers about schedules, for the OpenAPI document. Instants of schedules: `2026-03-29T01:00Z`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class OnCallNowShape(BaseModel):
    name: str
    people: list[str]
    shadows: list[str]
    until: str | None
    next: list[str]
    names: dict[str, str]
    invalid: str | None


class LayerShape(BaseModel):
    name: str
    priority: int
    tz: str
    role: str


class ScheduleShape(BaseModel):
    name: str
    tz: str
    layers: list[LayerShape]
    file: str
    line: int
    version: int
    invalid: str | None


class ScheduleList(BaseModel):
    schedules: list[ScheduleShape]


class IntervalShape(BaseModel):
    start: str
    end: str
    people: list[str]


class OriginShape(BaseModel):
    layer: str
    turn: int | None
    adjustments: list[int]


class ShiftShape(IntervalShape):
    origins: list[OriginShape]


class FinalShape(BaseModel):
    schedule: str
    from_: str = Field(alias="from")
    until: str
    floored: bool
    invalid: str | None
    intervals: list[IntervalShape]
    gaps: list[IntervalShape]
    shifts: list[ShiftShape] | None = None


class OverrideShape(BaseModel):
    seq: int
    kind: str
    users: list[str]
    remove: str | None
    add: str | None
    layer: str | None
    start: str
    end: str
    author: str
    reason: str
    made_at: datetime | None
    revoked_at: str | None
    state: str
    where: str


class OverrideList(BaseModel):
    schedule: str
    version: int
    overrides: list[OverrideShape]


class ChangeShape(BaseModel):
    start: str
    end: str
    before: list[str]
    after: list[str]


class ShareShape(BaseModel):
    person: str
    gained_s: int
    lost_s: int


class SpanShape(BaseModel):
    start: str
    end: str


class PreviewShape(SpanShape):
    changes: list[ChangeShape]
    people: list[ShareShape]
    gaps: list[SpanShape]


class PlannedShape(BaseModel):
    schedule: str
    version: int
    override: OverrideShape | None
    floored: bool
    preview: PreviewShape
    warnings: list[str]
