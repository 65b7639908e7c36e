"""What can be read of an incident beside its state: score, brief, checks, the timeline as text; and all actions."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain import response
from tocsin.domain.score import score
from tocsin.web import models as m
from tocsin.web import show_gates, views, views_work
from tocsin.web.api_incidents import Limit
from tocsin.web.auth import caller_of, program_of
from tocsin.web.problems import invalid
from tocsin.web.readers import readable
from tocsin.web.stored import records_of
from tocsin.wiring.export import timeline_text

ACTION_STATES: Final = ("open", "proven", "dropped", "all")


def scored(request: Request, ref: str) -> Response:
    """Each promise of its pinned handbook, kept or missed, with times."""
    program = program_of(request)
    state = readable(request, ref)
    context = program.engine.contexts.pinned(state.policy)
    events = [record.event for record in records_of(program, ref)]
    found = score(state, context, events, program.clock.now())
    return views.json_response(views_work.score_view(ref, found))


def exported(request: Request, ref: str) -> Response:
    """Its timeline as text: one entry a line, UTC; a later export begins with the earlier one."""
    program = program_of(request)
    readable(request, ref)
    words = timeline_text(records_of(program, ref))
    named = f'inline; filename="{ref}.txt"'
    return Response(words, media_type="text/plain; charset=utf-8", headers={"Content-Disposition": named})


def briefed(request: Request, ref: str) -> Response:
    """What somebody who takes over must know."""
    program = program_of(request)
    state, now = readable(request, ref), program.clock.now()
    words = response.brief(state, program.engine.contexts.pinned(state.policy), now)
    return views.json_response({"ref": ref, "at": now, "brief": words})


def gates(request: Request, ref: str) -> Response:
    """The checks before a database change: points, what was last said to each, what counts until when."""
    program, caller = program_of(request), caller_of(request)
    state = readable(request, ref)
    context = program.engine.contexts.pinned(state.policy)
    earlier = show_gates.earlier_seen(program, state, caller.handle)
    found = show_gates.gates_of(state, context, program.clock.now(), caller.handle, earlier)
    point = show_gates.point_known(state, earlier)
    return views.json_response(views_work.gates_view(ref, found, point))


def actions(
    request: Request,
    state: Annotated[
        str, Query(description="a state, or all", json_schema_extra={"enum": list(ACTION_STATES)})
    ] = "open",
    owner: Annotated[m.Handle | None, Query(description="only theirs")] = None,
    limit: Limit = 200,
) -> Response:
    """Actions of all incidents: open ones by their due day."""
    program = program_of(request)
    if state not in ACTION_STATES:
        raise invalid("state", f"one of {', '.join(ACTION_STATES)}")
    rows = program.store.actions(state=None if state == "all" else state, owner=owner, limit=limit)
    shown = [views_work.action_view(row, views.url_of(program, row.ref)) for row in rows]
    return views.json_response({"actions": shown})
