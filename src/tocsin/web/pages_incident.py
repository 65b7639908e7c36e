"""The incident room: everything about one incident on one page, and the forms that act on it.

A form that was refused is shown again with what was typed, beside the reason; nothing is done by half.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from typing import Any, Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.domain import events as ev
from tocsin.domain import postmortem, response, score
from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.people import Permission
from tocsin.engine.sitting import UnknownIncident
from tocsin.store.contract import Recorded
from tocsin.web import evidence, show_calling, show_duties, show_gates, show_verbs, show_work
from tocsin.web import show_incident as show
from tocsin.web.auth import Caller, caller_of, program_of
from tocsin.web.commands import carry_out
from tocsin.web.forms import Values, read_form, text, typed_in, values_of
from tocsin.web.problems import Problem, field_of, message_of, problem_of
from tocsin.web.readers import readable
from tocsin.web.show_clocks import clocks_of, named
from tocsin.web.show_timeline import lines_of
from tocsin.web.stored import records_of, state_of
from tocsin.web.templating import page
from tocsin.web.verb import Asked
from tocsin.web.verbs import VERBS
from tocsin.wiring.program import Program

ENTRIES: Final = 50
ALERTS_SHOWN: Final = 8
NO_FILES: Final = 0
ONE_FILE: Final = 1


def incident(request: Request, ref: str) -> Response:
    """The incident: severity, clocks, seats, timeline, and what can be done."""
    return _shown(request, ref, request.query_params.get("do", ""))


async def act(request: Request, ref: str, verb: str) -> Response:
    """Do it, then show the incident; what was refused stands beside its form, with what was typed."""
    known = VERBS.get(verb)
    caller, program = caller_of(request), program_of(request)
    if known is None:
        raise UnknownIncident(ref)
    if not caller.may(known.permission):
        raise Problem(403, f"{caller.handle} may not do this: it needs {known.permission.value}")
    form = await read_form(request, files=NO_FILES)
    given = typed_in(form)
    try:
        body = known.body.model_validate(values_of(known.body, given, program.clock.now()))
        await run_in_threadpool(state_of, program, ref)
        asked = Asked(program, caller, ref, body)
        await carry_out(known, asked, text(form, "once") or None, request.url.path)
    except (ValidationError, Refused, Problem) as refused:
        return await _again(request, ref, _tried(form, verb), given, refused)
    return RedirectResponse(f"/i/{ref}", status_code=303)


async def keep_file(request: Request, ref: str) -> Response:
    """Keep a file that a form sent, then show the incident."""
    await evidence.may_send(request, ref)
    with evidence.taking_in(request):
        async with evidence.in_time():
            form = await read_form(request, files=ONE_FILE)
        given, sent = typed_in(form), form.get("file")
        try:
            if not isinstance(sent, UploadFile) or not sent.filename:
                raise Refused("no file was chosen", "choose one of at most 20 MB")
            await evidence.keep_sent(request, ref, sent, text(form, "note"), text(form, "once") or None)
        except (ValidationError, Refused, Problem) as refused:
            return await _again(request, ref, "evidence", given, refused)
    return RedirectResponse(f"/i/{ref}", status_code=303)


def _tried(form: FormData, verb: str) -> str:
    """Which form it was: `task-open`, `task-done-3`, `note`."""
    named_so = text(form, "form")
    return named_so if _FORM_NAME.fullmatch(named_so) else verb


_FORM_NAME: Final = re.compile(r"[a-z_]+(?:-[a-z_0-9]+){0,3}")


async def _again(
    request: Request, ref: str, tried: str, given: Values, refused: ValidationError | Refused | Problem
) -> Response:
    problem = as_problem(refused)
    if problem.status not in {409, 413, 422}:
        raise problem
    return await run_in_threadpool(_shown, request, ref, tried, given, problem)


def as_problem(refused: ValidationError | Refused | Problem) -> Problem:
    """What was refused, for the form."""
    if isinstance(refused, ValidationError):
        found = [(field_of(e["loc"]), message_of(e)) for e in refused.errors()]
        return Problem(422, f"{found[0][0]}: {found[0][1]}", errors=found)
    return problem_of(refused)


def _shown(
    request: Request, ref: str, doing: str, given: Values | None = None, problem: Problem | None = None
) -> Response:
    program, caller = program_of(request), caller_of(request)
    seq = program.store.last_seq()
    state = readable(request, ref)
    context = program.engine.contexts.pinned(state.policy)
    records = records_of(program, ref)
    editing = show_work.editing(state, records, request.query_params.get("replaces", ""))
    shown = defaultdict(str, given or {})
    if editing is not None and not given:
        shown.update(text=editing.text, replaces=str(editing.version))
        doing = "note"
    values: Values = {
        "seq": seq,
        "state": state,
        "tried": doing,
        "given": shown,
        "problem": problem,
        "told": [],
        "typed_text": [(name.split(".")[-1], words) for name, words in shown.items() if " " in words.strip()],
        "once": secrets.token_urlsafe(12),
        "named": lambda handle: named(context, handle),
        **_head(program, state, context),
        **_calling(program, state, context, caller, records),
        **_people(state, context, caller),
        **_work(program, state, context, caller, records),
        **_duties(program, state, context, caller, records),
        **_timeline(request, state, context, records),
        **_forms(program, state, context, caller, doing),
    }
    return page(request, "incident.html", values, problem.status if problem else 200)


def _head(program: Program, state: Incident, context: Context) -> Values:
    now = program.clock.now()
    return {
        "badge": show.badge_of(state, context),
        "quiet": not state.stage.running or state.stage == Stage.MITIGATED or state.kind == "test",
        "steps": show.stage_steps(state, context, now),
        "clocks": clocks_of(state, context, now),
        "next": show.next_steps(state, context),
        "alerts": program.store.alerts(state.ref)[:ALERTS_SHOWN],
    }


def _calling(
    program: Program, state: Incident, context: Context, caller: Caller, records: list[Recorded]
) -> Values:
    now = program.clock.now()
    return {
        "calls": show.calls_of(state, context),
        "called": show.is_called(state),
        "answers": show.may_answer(state, caller.handle),
        "standing": show_calling.standing_of(state, context, now, caller.handle, records),
    }


def _people(state: Incident, context: Context, caller: Caller) -> Values:
    return {
        "seats": show.seats_of(state, context, caller),
        "crowd": show_work.crowd_of(state, context),
        "may_act": caller.may(Permission.RESPOND) and caller.handle not in state.room.shadows,
        "may_ack": caller.may(Permission.RESPOND),
        "shadowing": caller.handle in state.room.shadows,
        "people": [p for p in context.directory.people.values() if p.in_roster],
        "roles": context.policy.roles,
    }


def _work(
    program: Program, state: Incident, context: Context, caller: Caller, records: list[Recorded]
) -> Values:
    now = program.clock.now()
    earlier = show_gates.earlier_seen(program, state, caller.handle) if context.policy.gates else ()
    return {
        "tasks": show_work.tasks_of(state, context, now, caller.handle, records),
        "gates": show_gates.gates_of(state, context, now, caller.handle, earlier),
        "restore_point": show_gates.point_known(state, earlier),
        "gone_past": show_work.gone_past(context, records),
        "times": show_work.times_of(state, context, records),
        "files": show_work.files_of(context, records),
    }


def _duties(
    program: Program, state: Incident, context: Context, caller: Caller, records: list[Recorded]
) -> Values:
    now = program.clock.now()
    return {
        "actions": show_duties.actions_of(state, context, now),
        "legal": show_duties.legal_of(state, context, now, records),
        "statements": show_duties.statements_of(state, context, caller.handle, records),
        "writeup": show_duties.postmortem_of(program, state, context, now, records),
        "owed": postmortem.documents_owed(state),
        "missing": postmortem.missing_for_close(state, context)
        if state.stage in {Stage.RESOLVED, Stage.RECORDED}
        else [],
        "score": score.score(state, context, [r.event for r in records], now),
        "kinds": show_duties.KINDS,
    }


def _timeline(request: Request, state: Incident, context: Context, records: list[Recorded]) -> Values:
    lines = lines_of(records, state.detected_at, context, [newest for _, newest in state.notes.standing])
    most = len(lines) if "all" in request.query_params else ENTRIES
    update = next((r.event for r in reversed(records) if isinstance(r.event, ev.UpdatePosted)), None)
    return {"lines": lines[:most], "older": max(0, len(lines) - most), "last_update": update}


def _forms(program: Program, state: Incident, context: Context, caller: Caller, doing: str) -> Values:
    menu = show_verbs.menu_of(state, context, caller, doing)
    others = _others(program, state) if "merge" in menu.keys else []
    return {
        "menu": menu,
        "verbs": menu.keys,
        "levels": [(s, show.badge(s.level, context)) for s in context.policy.severities],
        "brief": response.brief(state, context, program.clock.now()) if "handoff" in menu.keys else "",
        "others": others,
        "merge_into": [(row.ref, f"{row.ref} {row.title}") for row in others],
        "proposals": [
            ("", "no proposal"),
            *((p.number, f"{p.number}: {p.text}") for p in state.room.proposals),
        ],
    }


def _others(program: Program, state: Incident) -> list[Any]:
    """Incidents that this one could be merged into."""
    rows = program.store.incidents(stage="open", level=None, q=None, before=None, limit=30, tests=False)
    return [row for row in rows if row.ref != state.ref and row.drill == state.drill]
