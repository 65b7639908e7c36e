"""Reading incidents over the API: the list, one of them, its timeline, alerts and pages."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.incident import Stage
from tocsin.store.contract import UnknownEvent
from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.api_incidents import After, Limit
from tocsin.web.auth import program_of
from tocsin.web.problems import invalid
from tocsin.web.readers import readable
from tocsin.web.stored import REF
from tocsin.wiring.program import Program

STAGES: Final = ("open", *(stage.value for stage in Stage))
TIMELINE_LIMIT: Final = 500


def listed(
    request: Request,
    stage: Annotated[
        str | None, Query(description="a stage, or open", json_schema_extra={"enum": list(STAGES)})
    ] = None,
    sev: m.Word | None = None,
    q: m.Line | None = None,
    cursor: Annotated[str | None, Query(description="next of the page before")] = None,
    limit: Limit = 50,
    tests: Annotated[bool, Query(description="test pages as well")] = False,
) -> Response:
    """Incidents, newest first; test pages only where they are asked for."""
    program = program_of(request)
    if stage is not None and stage not in STAGES:
        raise invalid("stage", f"one of {', '.join(STAGES)}")
    if cursor is not None and not REF.fullmatch(cursor):
        raise invalid("cursor", "take it from `next` of the page before")
    level = program.engine.contexts.live.policy.severity(sev) if sev else None
    rows = program.store.incidents(
        stage=stage, level=level.level if level else sev, q=q, before=cursor, limit=limit + 1, tests=tests
    )
    more = len(rows) > limit
    shown = rows[:limit]
    return views.json_response(
        {
            "incidents": [views.row_view(program, row) for row in shown],
            "next": shown[-1].ref if more else None,
        }
    )


def shown(request: Request, ref: str) -> Response:
    """One incident: state, clocks, seats, what comes next."""
    return views.json_response(views.incident_view(program_of(request), readable(request, ref)))


def timeline(request: Request, ref: str, after: After = 0) -> Response:
    """Its events, oldest first; `next` goes into `after`."""
    program = program_of(request)
    readable(request, ref)
    records = program.store.timeline(ref, after=after, limit=TIMELINE_LIMIT + 1)
    found = records[:TIMELINE_LIMIT]
    following = found[-1].seq if len(records) > TIMELINE_LIMIT else None
    return views.json_response({"events": [views.recorded_view(r) for r in found], "next": following})


def alerts(request: Request, ref: str) -> Response:
    """Alerts that point at it."""
    program = program_of(request)
    readable(request, ref)
    return views.json_response({"alerts": [views.alert_view(row) for row in program.store.alerts(ref)]})


def pages_of(request: Request, ref: str, cursor: After | None = None, limit: Limit = 100) -> Response:
    """Its pages, newest first, each with its one outcome."""
    program = program_of(request)
    readable(request, ref)
    return _pages(program, ref, cursor, limit)


def pages(request: Request, cursor: After | None = None, limit: Limit = 100) -> Response:
    """Every page, newest first, each with its one outcome; those of a restricted incident stand with it alone."""
    return _pages(program_of(request), None, cursor, limit)


def _pages(program: Program, ref: str | None, cursor: int | None, limit: int) -> Response:
    rows = program.store.pages(ref, before=cursor, limit=limit + 1)
    following = rows[limit - 1].seq if len(rows) > limit else None
    shown = rows[:limit]
    if ref is None:
        hidden = {one for one in {row.ref for row in shown} if _is_hidden(program, one)}
        shown = [row for row in shown if row.ref not in hidden]
    return views.json_response({"pages": [views.page_view(row) for row in shown], "next": following})


def _is_hidden(program: Program, ref: str) -> bool:
    """Whether not everybody may know who was called for it."""
    try:
        state = program.store.incident(ref)
    except UnknownEvent:
        return True
    return state is not None and state.room.restriction is not None
