"""Shapes of answers about people, work and duties, for the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel


class TimesShape(BaseModel):
    impact_start: datetime | None
    detected: datetime
    declared: datetime | None
    acked: datetime | None
    mitigated: datetime | None
    impact_end: datetime | None
    resolved: datetime | None


class SuspectShape(BaseModel):
    what: str
    author: str | None
    happened: datetime | None


class ProposalShape(BaseModel):
    number: int
    text: str
    by: str


class TaskShape(BaseModel):
    number: int
    text: str
    owner: str | None
    minutes: int | None
    gate: str | None
    second: bool
    approved_by: str | None
    state: str
    started_at: datetime | None


class CheckShape(BaseModel):
    number: int
    gate: str
    by: str
    at: datetime
    passed: bool
    confirmed: bool
    valid_until: datetime | None
    exceptions: list[int]
    failed: list[int]
    restore_point: datetime | None
    lapsed: bool
    used: bool


class OverrideShape(BaseModel):
    gate: str
    task: int


class ActionShape(BaseModel):
    number: int
    text: str
    kind: str
    owner: str | None
    due: date | None
    state: str


class ActionItemShape(ActionShape):
    calendar: str | None
    overdue: int


class ActionRowShape(ActionShape):
    ref: str
    drill: bool
    url: str


class ActionList(BaseModel):
    actions: list[ActionRowShape]


class LegalShape(BaseModel):
    regime: str
    aware: datetime
    due: datetime
    owner: str
    overdue: int
    decision: str | None


class StatementShape(BaseModel):
    number: int
    audience: str
    text: str
    data: str
    by: str
    approvers: list[str]
    approved: list[str]
    state: str


class WorkShape(BaseModel):
    """What an incident holds of people, work and duties."""

    kind: str
    drill: bool
    known_as: str
    follows: str | None
    reopened_at: datetime | None
    merged_into: str | None
    absorbed: list[str]
    times: TimesShape
    joined: list[str]
    shadows: list[str]
    suspects: list[SuspectShape]
    proposals: list[ProposalShape]
    tasks: list[TaskShape]
    checks: list[CheckShape]
    overrides: list[OverrideShape]
    restore_point: datetime | None
    actions: list[ActionItemShape]
    legal: list[LegalShape]
    statements: list[StatementShape]
    ticket: str | None


class ScoreLineShape(BaseModel):
    promise: str
    promised: str
    due: datetime | None
    at: datetime | None
    verdict: str
    note: str


class ScoreShape(BaseModel):
    ref: str
    lines: list[ScoreLineShape]
    kept: int
    missed: int
    open: int


class BriefShape(BaseModel):
    ref: str
    at: datetime
    brief: str


class LastAnswerShape(BaseModel):
    answer: str
    evidence: str
    at: datetime
    age_s: int


class PointShape(BaseModel):
    point: int
    text: str
    exceptions: list[str]
    last: LastAnswerShape | None


class GateShape(BaseModel):
    key: str
    name: str
    valid_s: int | None
    done_by: str | None
    confirmed_by: str | None
    points: list[PointShape]
    passing: str | None
    valid_until: datetime | None
    state: str
    why: str


class GateList(BaseModel):
    ref: str
    gates: list[GateShape]
    restore_point: datetime | None
