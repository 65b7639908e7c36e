"""Pages for people: what burns, declaring, the card. They work without script; `live.js` keeps them fresh."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.domain import lifecycle
from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Incident
from tocsin.domain.oncall import Turn, turn_at
from tocsin.store.contract import IncidentRow
from tocsin.web import models as m
from tocsin.web import show_incident as show
from tocsin.web.auth import caller_of, program_of
from tocsin.web.commands import declare as declare_now
from tocsin.web.commands import once
from tocsin.web.forms import Values, read_form, text, values_of
from tocsin.web.pages_incident import as_problem
from tocsin.web.problems import Problem
from tocsin.web.show_clocks import clocks_of, named
from tocsin.web.templating import page
from tocsin.web.views import json_response
from tocsin.wiring.program import Program

BURNING: Final = 20
RECENT: Final = 8
OVER: Final = frozenset({"resolved", "closed", "dismissed", "merged"})
MAIL: Final = ("subject", "sender", "to", "date", "body", "ref")
DECLARED: Final = ("title", "sev", "service", "kind", "drill", "follows", "detected", "impact_start")


def home(request: Request) -> Response:
    """What burns, who is on call, and how to begin when nothing does."""
    program = program_of(request)
    seq, now = program.store.last_seq(), program.clock.now()
    rows = program.store.incidents(stage="open", level=None, q=None, before=None, limit=BURNING)
    burning = [_burning(program, state, now) for row in rows if (state := program.store.incident(row.ref))]
    burning.sort(key=lambda b: (b["state"].drill, b["badge"].shape, b["state"].opened_at))
    recent = program.store.incidents(stage=None, level=None, q=None, before=None, limit=BURNING + RECENT)
    recorded = program.store.incidents(stage="recorded", level=None, q=None, before=None, limit=RECENT)
    over = [row for row in recent if row.stage in OVER and row.kind == "incident"][:RECENT]
    _, context = program.engine.contexts.active()
    values: Values = {
        "seq": seq,
        "burning": burning,
        "real": sum(not b["state"].drill for b in burning),
        "over": [(row, _badge(row, context)) for row in over],
        "apart": [(row, _badge(row, context)) for row in recorded],
        "turns": _turns(program, context, now),
        "alarms": [*program.engine.not_ready(), *program.engine.alarmed()],
        "plan": show.plan_of(context, context.policy.severities[0], now),
    }
    return page(request, "home.html", values)


def _badge(row: IncidentRow, context: Context) -> show.Badge:
    return show.badge(row.level, context) if row.kind == "incident" else show.kind_badge(row.kind)


def _burning(program: Program, state: Incident, now: datetime) -> Values:
    context = program.engine.contexts.pinned(state.policy)
    return {
        "state": state,
        "badge": show.badge_of(state, context),
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
    given = {name: request.query_params.get(name, "")[: lifecycle.TITLE_LIMIT] for name in DECLARED}
    return _declare_page(request, given)


def _declare_page(request: Request, given: Values, problem: Problem | None = None) -> Response:
    program = program_of(request)
    (_, context), now = program.engine.contexts.active(), program.clock.now()
    level, why = lifecycle.choose_level(given["title"], context) if given["title"].strip() else ("", "")
    chosen = given["sev"] or level
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
    given = {name: text(form, name) for name in DECLARED}
    program, caller = program_of(request), caller_of(request)
    try:
        body = m.Declare.model_validate(values_of(m.Declare, given, program.clock.now()))
        keys = once(caller, request.url.path, text(form, "once") or None, body)
        answer = await declare_now(program.engine.desk, caller.handle, body, keys)
    except (ValidationError, Refused, Problem) as refused:
        return await run_in_threadpool(_declare_page, request, given, as_problem(refused))
    return RedirectResponse(f"/i/{answer.ref}", status_code=303)


def mailbox(request: Request) -> Response:
    """What the mailbox of this machine caught; as JSON for programs."""
    box = request.app.state.mailbox
    if box is None:
        raise Problem(404, "There is no mailbox: `make run` brings one")
    mails = list(box.messages())
    if "application/json" in request.headers.get("accept", ""):
        return json_response({"messages": [{name: getattr(mail, name) for name in MAIL} for mail in mails]})
    return page(request, "mailbox.html", {"mails": mails})
