"""Pages for people: what burns, declaring, the card. They work without script; `live.js` keeps them fresh."""

from __future__ import annotations

import secrets
from typing import Final

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.domain import lifecycle
from tocsin.domain.context import Refused
from tocsin.engine.sitting import UnknownIncident
from tocsin.web import models as m
from tocsin.web import show_incident as show
from tocsin.web.auth import caller_of, program_of
from tocsin.web.commands import declare as declare_now
from tocsin.web.commands import once
from tocsin.web.forms import Values, read_form, text, values_of
from tocsin.web.pages_incident import as_problem
from tocsin.web.problems import Problem, problem_of
from tocsin.web.show_home import BURNING, cards_of, lately, open_rows, recorded, turns_of, with_badges
from tocsin.web.templating import page
from tocsin.web.views import json_response

MAIL: Final = ("subject", "sender", "to", "date", "body", "ref")
DECLARED: Final = ("title", "sev", "service", "kind", "drill", "follows", "detected", "impact_start")


def home(request: Request) -> Response:
    """What burns, who is on call, and how to begin when nothing does."""
    program = program_of(request)
    seq, now = program.store.last_seq(), program.clock.now()
    rows = open_rows(program)
    _, context = program.engine.contexts.active()
    values: Values = {
        "seq": seq,
        "burning": cards_of(program, rows[:BURNING], now),
        "open": len(rows),
        "real": sum(not row.drill for row in rows),
        "over": with_badges(lately(program), context),
        "apart": with_badges(recorded(program), context),
        "turns": turns_of(program, context, now),
        "alarms": [*program.engine.not_ready(), *program.engine.alarmed()],
        "plan": show.plan_of(context, context.policy.severities[0], now),
    }
    return page(request, "home.html", values)


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
    except UnknownIncident as unknown:
        return await run_in_threadpool(_declare_page, request, given, problem_of(unknown))
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
