"""Pages for people: what burns, declaring, the incident. They work without script; `live.js` keeps them fresh."""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.domain import lifecycle, postmortem
from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Incident
from tocsin.domain.oncall import Turn, turn_at
from tocsin.engine.sitting import UnknownIncident
from tocsin.web import models as m
from tocsin.web import show_incident as show
from tocsin.web.api_incidents import state_of
from tocsin.web.auth import caller_of, check_form, program_of
from tocsin.web.commands import carry_out, once
from tocsin.web.commands import declare as declare_now
from tocsin.web.problems import Problem, field_of, message_of, problem_of
from tocsin.web.show_clocks import clocks_of, named
from tocsin.web.show_timeline import lines_of
from tocsin.web.templating import page
from tocsin.web.verb import Asked
from tocsin.web.verbs import VERBS
from tocsin.web.views import json_response
from tocsin.wiring.program import Program

ENTRIES: Final = 50
TIMELINE_LIMIT: Final = 5000
BURNING: Final = 20
RECENT: Final = 8
FORM_FIELDS: Final = 40
MAIL: Final = ("subject", "sender", "to", "date", "body", "ref")
Values = dict[str, Any]


def home(request: Request) -> Response:
    """What burns, who is on call, and how to begin when nothing does."""
    program = program_of(request)
    seq, now = program.store.last_seq(), program.clock.now()
    rows = program.store.incidents(stage="open", level=None, q=None, before=None, limit=BURNING)
    burning = [_burning(program, state, now) for row in rows if (state := program.store.incident(row.ref))]
    burning.sort(key=lambda b: (b["badge"].shape, b["state"].opened_at))
    recent = program.store.incidents(stage=None, level=None, q=None, before=None, limit=BURNING + RECENT)
    over = [row for row in recent if row.stage in {"resolved", "closed", "dismissed"}][:RECENT]
    _, context = program.engine.contexts.active()
    values: Values = {
        "seq": seq,
        "burning": burning,
        "over": [(row, show.badge(row.level, context)) for row in over],
        "turns": _turns(program, context, now),
        "alarms": [*program.engine.not_ready(), *program.engine.alarmed()],
        "plan": show.plan_of(context, context.policy.severities[0], now),
    }
    return page(request, "home.html", values)


def _burning(program: Program, state: Incident, now: datetime) -> Values:
    context = program.engine.contexts.pinned(state.policy)
    return {
        "state": state,
        "badge": show.badge(state.level, context),
        "clocks": [clock for clock in clocks_of(state, context, now) if clock.ticks][:3],
        "crew": [(show.role_name(context, key), named(context, handle)) for key, handle in state.seats],
        "no_ic": state.stage.declared and state.holder("ic") is None,
        "called": show.is_called(state),
        "next": show.next_steps(state, context)[:1],
    }


def _turns(program: Program, context: Context, now: datetime) -> list[Values]:
    found: list[Values] = []
    for rotation in program.engine.contexts.live.rotations:
        turn = turn_at(rotation, now)
        if isinstance(turn, Turn):
            found += [
                {"role": column, "name": named(context, who), "handle": who, "until": turn.end, "ended": ""}
                for column, who in turn.people
            ]
        else:
            found.append({"role": "", "name": "Nobody", "handle": "", "until": turn.at, "ended": turn.reason})
    return found


def declare_form(request: Request) -> Response:
    """One line to begin; shows who will be called."""
    given = {
        name: request.query_params.get(name, "")[: lifecycle.TITLE_LIMIT]
        for name in ("title", "sev", "service")
    }
    return _declare_page(request, given)


def _declare_page(request: Request, given: Values, problem: Problem | None = None) -> Response:
    program = program_of(request)
    (_, context), now = program.engine.contexts.active(), program.clock.now()
    level, why = lifecycle.choose_level(given["title"], context) if given["title"].strip() else ("", "")
    chosen = given.get("sev") or level
    values: Values = {
        "given": given,
        "problem": problem,
        "levels": [(s, show.badge(s.level, context)) for s in context.policy.severities],
        "proposed": level,
        "why": why,
        "chosen": chosen,
        "plan": show.plan_of(context, context.policy.severity(chosen) if chosen else None, now),
        "climbing": show.urgent_levels(context),
        "log": program.reading.log_path if program.reading else None,
        "once": secrets.token_urlsafe(12),
    }
    return page(request, "declare.html", values, problem.status if problem else 200)


async def declare(request: Request) -> Response:
    """Declare from the form, then show the incident."""
    form = await read_form(request)
    given = {name: _text(form, name) for name in ("title", "sev", "service")}
    try:
        body = m.Declare.model_validate({k: v for k, v in given.items() if v or k == "title"})
        caller = caller_of(request)
        keys = once(caller, request.url.path, _text(form, "once") or None, body)
        answer = await declare_now(program_of(request).engine.desk, caller.handle, body, keys)
    except (ValidationError, Refused) as refused:
        return await run_in_threadpool(_declare_page, request, given, _as_problem(refused))
    return RedirectResponse(f"/i/{answer.ref}", status_code=303)


async def read_form(request: Request) -> FormData:
    """The fields that were sent. Raises Problem 403 when the form is not out of this session's page."""
    form = await request.form(max_files=0, max_fields=FORM_FIELDS)
    check_form(request, _text(form, "csrf"))
    return form


def _text(form: FormData, name: str) -> str:
    """A field as text; browsers send line breaks as CR LF."""
    value = form.get(name, "")
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _as_problem(refused: ValidationError | Refused) -> Problem:
    if isinstance(refused, ValidationError):
        found = [(field_of(e["loc"]), message_of(e)) for e in refused.errors()]
        return Problem(422, f"{found[0][0]}: {found[0][1]}", errors=found)
    return problem_of(refused)


def incident(request: Request, ref: str) -> Response:
    """The incident: severity, clocks, seats, timeline, and what can be done."""
    return _incident_page(request, ref, request.query_params.get("do", ""))


def _incident_page(
    request: Request, ref: str, doing: str, given: Values | None = None, problem: Problem | None = None
) -> Response:
    program, caller = program_of(request), caller_of(request)
    seq, now = program.store.last_seq(), program.clock.now()
    state = state_of(program, ref)
    context = program.engine.contexts.pinned(state.policy)
    verbs = show.possible(state, context, caller)
    records = program.store.timeline(ref, limit=TIMELINE_LIMIT)
    lines = lines_of(records, state.detected_at, context)
    most = len(lines) if "all" in request.query_params else ENTRIES
    values: Values = {
        "seq": seq,
        "state": state,
        "badge": show.badge(state.level, context),
        "quiet": not state.stage.running or state.stage.value == "mitigated",
        "steps": show.stage_steps(state, context, now),
        "clocks": clocks_of(state, context, now),
        "seats": show.seats_of(state, context, caller),
        "calls": show.calls_of(state, context),
        "next": show.next_steps(state, context),
        "called": show.is_called(state),
        "alerts": program.store.alerts(ref)[:RECENT],
        "lines": lines[:most],
        "older": max(0, len(lines) - most),
        "owed": postmortem.documents_owed(state),
        "missing": postmortem.missing_for_close(state, context) if state.stage.value == "resolved" else [],
        "verbs": verbs,
        "doing": doing if doing in verbs else (verbs[0] if verbs else ""),
        "tried": doing,
        "given": defaultdict(str, given or {}),
        "problem": problem,
        "levels": [(s, show.badge(s.level, context)) for s in context.policy.severities],
        "roles": context.policy.roles,
        "people": [p for p in context.directory.people.values() if p.in_roster],
        "named": lambda handle: named(context, handle),
        "once": secrets.token_urlsafe(12),
    }
    return page(request, "incident.html", values, problem.status if problem else 200)


async def act(request: Request, ref: str, verb: str) -> Response:
    """Do it, then show the incident; what was refused stands beside its form, with what was typed."""
    known = VERBS.get(verb)
    caller, program = caller_of(request), program_of(request)
    if known is None:
        raise UnknownIncident(ref)
    if not caller.may(known.permission):
        raise Problem(403, f"{caller.handle} may not do this: it needs {known.permission.value}")
    form = await read_form(request)
    given = {name: _text(form, name) for name in known.body.model_fields if name in form}
    try:
        body = known.body.model_validate(_typed(known.body, given))
        await run_in_threadpool(state_of, program, ref)
        asked = Asked(program, caller, ref, body)
        await carry_out(known, asked, _text(form, "once") or None, request.url.path)
    except (ValidationError, Refused) as refused:
        return await run_in_threadpool(_incident_page, request, ref, verb, given, _as_problem(refused))
    return RedirectResponse(f"/i/{ref}", status_code=303)


def _typed(body: type[m.Body], given: Values) -> Values:
    """What a form sends, in the types that the body wants; an empty optional field was not given."""
    found: Values = {}
    for name, value in given.items():
        wanted = body.model_fields[name]
        if wanted.annotation is bool:
            found[name] = value == "yes"
        elif value or wanted.is_required():
            found[name] = value
    return found


def mailbox(request: Request) -> Response:
    """What the mailbox of this machine caught; as JSON for programs."""
    box = request.app.state.mailbox
    if box is None:
        raise Problem(404, "There is no mailbox: `make run` brings one")
    mails = list(box.messages())
    if "application/json" in request.headers.get("accept", ""):
        return json_response({"messages": [{name: getattr(mail, name) for name in MAIL} for mail in mails]})
    return page(request, "mailbox.html", {"mails": mails})
