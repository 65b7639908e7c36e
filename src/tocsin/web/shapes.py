"""Shapes of answers, for the OpenAPI document. Answers are not validated by them at run time; tests do that."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field

from tocsin.web.auth import Access
from tocsin.web.shapes_oncall import FinalShape, OnCallNowShape, OverrideList, PlannedShape, ScheduleList
from tocsin.web.shapes_paging import CallingShape, ContactList, ContactShape, PageList
from tocsin.web.shapes_plan import PlanShape, ReadinessShape, TriedShape
from tocsin.web.shapes_work import ActionList, BriefShape, GateList, ScoreShape, WorkShape


class FieldError(BaseModel):
    field: str
    message: str


class ProblemDocument(BaseModel):
    type: str
    title: str
    status: int
    detail: str
    possible: str | None = None
    errors: list[FieldError] | None = None


class ClockShape(BaseModel):
    name: str
    level: str
    start: datetime
    target: str | None
    due: datetime | None
    breached: bool
    verdict: str | None
    ended_at: datetime | None


class UpcomingShape(BaseModel):
    kind: str
    key: str
    due: datetime


class OfferShape(BaseModel):
    role: str
    to: str
    by: str
    at: datetime


class UpdatesShape(BaseModel):
    base: datetime | None
    posted: int
    reminded: int
    overdue: bool
    cadence: str | None
    reminder_due: datetime | None
    due: datetime | None


class RowShape(BaseModel):
    ref: str
    title: str
    stage: str
    paging: str
    level: str
    service: str | None
    opened_at: datetime
    version: int
    url: str


class IncidentRowShape(RowShape):
    updated_at: datetime
    next_due: datetime | None
    drill: bool
    kind: str


class IncidentShape(RowShape, WorkShape):
    origin: str
    detected: datetime
    impact_start: datetime | None
    declared_at: datetime | None
    declared_by: str | None
    first_page_at: datetime | None
    acked_at: datetime | None
    acked_by: str | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    seats: dict[str, str]
    offers: list[OfferShape]
    clocks: list[ClockShape]
    upcoming: list[UpcomingShape]
    updates: UpdatesShape
    policy: str
    postmortem_due: datetime | None
    postmortem_published: bool
    documents: dict[str, str]
    documents_owed: dict[str, str]
    firing: int
    calling: CallingShape


class IncidentList(BaseModel):
    incidents: list[IncidentRowShape]
    next: str | None


class EventShape(BaseModel):
    kind: str
    at: datetime
    by: str
    text: str


class RecordedShape(EventShape):
    seq: int
    version: int
    recorded_at: datetime
    show: str


class TimelineShape(BaseModel):
    events: list[RecordedShape]
    next: int | None


class AnswerShape(BaseModel):
    ref: str
    version: int
    replayed: bool
    warnings: list[str]
    events: list[EventShape]
    incident: IncidentShape


class DeclaredShape(AnswerShape):
    url: str


class AlertShape(BaseModel):
    integration: str
    dedup_key: str
    ref: str
    firing: bool
    severity: str
    count: int
    first_at: datetime
    last_at: datetime


class AlertList(BaseModel):
    alerts: list[AlertShape]


class TurnShape(BaseModel):
    file: str
    line: int
    tz: str
    people: dict[str, str]
    start: datetime | None
    end: datetime | None
    ended: str | None


class OncallShape(BaseModel):
    at: datetime
    primary: list[str]
    secondary: list[str]
    names: dict[str, str]
    rotations: list[TurnShape]
    floored: bool
    as_of: datetime | None
    schedules: list[OnCallNowShape]


class FindingShape(BaseModel):
    file: str
    line: int
    rule: str
    level: str
    message: str
    repair: str


class FindingList(BaseModel):
    findings: list[FindingShape]


class HandbookShape(BaseModel):
    hash: str
    commit: str | None
    activated_at: datetime | None
    blocked: bool
    files: list[str]
    policy: dict[str, Any]


class ReloadShape(HandbookShape):
    changed: bool
    findings: list[FindingShape]


class MeShape(BaseModel):
    handle: str
    name: str
    standing: str
    permissions: list[str]
    via: str


class UserShape(BaseModel):
    handle: str
    name: str
    email: str | None
    phone: str | None
    chat: str | None
    can_act_as: list[str]
    in_roster: bool
    standing: str
    channels: list[str]


class UserList(BaseModel):
    users: list[UserShape]


class LinkShape(BaseModel):
    url: str
    expires_at: datetime


class TokenShape(BaseModel):
    id: str
    person: str
    label: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None


class TokenList(BaseModel):
    tokens: list[TokenShape]


class NewTokenShape(TokenShape):
    token: str = Field(description="shown this once")


class AdoptedShape(BaseModel):
    adopted: bool
    was_held: str | None
    told: list[str]


class BackupShape(BaseModel):
    file: str
    bytes: int


class JournalShape(BaseModel):
    at: datetime
    kind: str
    detail: str


class JournalList(BaseModel):
    journal: list[JournalShape]


class EffectShape(BaseModel):
    key: str
    ref: str
    kind: str
    lane: str
    topic: str
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None
    detail: str
    person: str | None
    about: str | None


class EffectList(BaseModel):
    effects: list[EffectShape]


SHAPES: Final[dict[str, type[BaseModel]]] = {
    "actions": ActionList,
    "adopted": AdoptedShape,
    "alerts": AlertList,
    "answer": AnswerShape,
    "backup": BackupShape,
    "brief": BriefShape,
    "contact": ContactShape,
    "contacts": ContactList,
    "declared": DeclaredShape,
    "effects": EffectList,
    "final": FinalShape,
    "findings": FindingList,
    "gates": GateList,
    "handbook": HandbookShape,
    "incident": IncidentShape,
    "incidents": IncidentList,
    "journal": JournalList,
    "link": LinkShape,
    "me": MeShape,
    "new token": NewTokenShape,
    "oncall": OncallShape,
    "override": PlannedShape,
    "overrides": OverrideList,
    "pages": PageList,
    "plan": PlanShape,
    "readiness": ReadinessShape,
    "reload": ReloadShape,
    "schedules": ScheduleList,
    "score": ScoreShape,
    "timeline": TimelineShape,
    "tokens": TokenList,
    "tried": TriedShape,
    "user": UserShape,
    "users": UserList,
}
STREAM: Final = "stream"
EMPTY: Final = "empty"
TEXT: Final = "text"
FILE: Final = "file"
_OTHER_KINDS: Final = {
    STREAM: ("events", "text/event-stream", {"type": "string"}),
    TEXT: ("text", "text/plain", {"type": "string"}),
    FILE: ("a file", "application/octet-stream", {"type": "string", "format": "binary"}),
}
"""What is no JSON: in words, its media type, its schema."""

_TWO_WAYS: Final = {"user": "changed", "override": "only a preview"}
"""Answers that are made (201) or not (200)."""
_PROBLEMS: Final = {
    400: "the request cannot be read",
    401: "not signed in, or the token is not valid",
    403: "not allowed",
    404: "there is no such thing",
    409: "refused: `detail` says why, `possible` what can be done instead",
    413: "larger than the route takes: 256 KB, a file 20 MB",
    422: "a field does not fit: `errors` names it",
    429: "too many attempts",
    503: "nothing was written: send it again",
}


def answers(name: str, status: int, access: Access) -> dict[int | str, dict[str, Any]]:
    """What a route can answer: the good answer and every problem."""
    wanted: dict[int | str, dict[str, Any]] = {
        code: {"description": words, "content": {"application/problem+json": {"schema": _PROBLEM_REF}}}
        for code, words in _PROBLEMS.items()
        if access.permission is not None or code not in {401, 403}
    }
    if name in _OTHER_KINDS:
        words, kind, schema = _OTHER_KINDS[name]
        wanted[status] = {"description": words, "content": {kind: {"schema": schema}}}
    elif name != EMPTY:
        wanted[status] = {"model": SHAPES[name], "description": "done"}
        if name in _TWO_WAYS:
            wanted[200] = {"model": SHAPES[name], "description": _TWO_WAYS[name]}
    return wanted


def body_of(name: str) -> dict[str, Any]:
    """A body that is no JSON, as the OpenAPI document says it."""
    words, kind, schema = _OTHER_KINDS[name]
    return {"description": words, "required": True, "content": {kind: {"schema": schema}}}


_PROBLEM_REF: Final = {"$ref": "#/components/schemas/ProblemDocument"}
