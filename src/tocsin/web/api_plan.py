"""What would happen, and what will hurt: the plan of an incident, a signal tried against the routes, readiness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from fastapi import Query
from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain import routing
from tocsin.domain.context import Context, Refused
from tocsin.domain.people import Directory
from tocsin.domain.plan import Plan, Row, plan, plan_alert
from tocsin.domain.readiness import MethodState, PersonReadiness
from tocsin.domain.signals import Signal
from tocsin.engine.desk import Job
from tocsin.engine.sitting import Answer, Sitting
from tocsin.web import models as m
from tocsin.web import views
from tocsin.web.auth import program_of
from tocsin.web.judged import Judged
from tocsin.web.problems import Problem, invalid
from tocsin.wiring.program import Program

LABELS: Final = 50
CURSORS_WITHIN_S: Final = 10.0
At = Annotated[m.Instant | None, Query(description="an instant; default: now")]
Label = Annotated[
    str, AfterValidator(m.clean), Field(max_length=m.LINE_LIMIT, pattern=r"^[^=\x00-\x1f\x7f]+=")
]
TRIED: Final = "route-test"
"""The dedup key of a signal that is only tried."""


def planned(
    request: Request,
    sev: Annotated[m.Word | None, Query(description="a level; default: the worst")] = None,
    service: Annotated[m.Word | None, Query(description="a service of the handbook")] = None,
    at: At = None,
) -> Response:
    """Who would be called, by which way and when, and when each promise runs out, if nobody answers."""
    program = program_of(request)
    when = at or program.clock.now()
    context = _context(program)
    level = sev or context.policy.severities[0].level
    found = context.policy.severity(level)
    if found is None:
        raise invalid("sev", f"one of {', '.join(s.level for s in context.policy.severities)}")
    routed = _routed(context, service, found.level, when)
    known = routed.service if routed else None
    timetable = plan(context, when, found.level, known, routed)
    why = list(routed.why) if routed else []
    return views.json_response({**plan_view(timetable, context.directory), "why": why})


def _routed(context: Context, service: str | None, level: str, at: datetime) -> routing.Routing | None:
    """How a declare for that service goes. Raises Problem 422 for an unknown one."""
    if not service:
        return None
    try:
        return routing.declared(context.policy, service, "", level, at)
    except Refused as refused:
        raise invalid("service", f"{refused.reason}: {refused.possible}") from None


def tried(
    request: Request,
    integration: Annotated[m.Word, Query(description="where the signal comes from")] = "",
    label: Annotated[
        list[Label] | None, Query(max_length=LABELS, description="NAME=VALUE, any number")
    ] = None,
    severity: Annotated[m.Word, Query(description="the sender's own word")] = "",
    title: Annotated[m.Line, Query(description="what the sender says")] = "",
    service: Annotated[m.Word | None, Query(description="the service that the sender names")] = None,
    at: At = None,
) -> Response:
    """Where such an alert would go at that instant: every route with its reason, and who would be called."""
    program = program_of(request)
    when = at or program.clock.now()
    context = _context(program)
    pairs = tuple((name, value) for name, _, value in (one.partition("=") for one in label or ()))
    signal = Signal(integration, TRIED, title or TRIED, severity, service=service or None, labels=pairs)
    routed = routing.decide(context.policy, signal, when)
    timetable = plan_alert(context, when, signal)
    return views.json_response(
        {
            "at": when,
            "routes": [
                {"file": c.route.source.file, "line": c.route.source.line, "outcome": c.outcome, "why": c.why}
                for c in routing.trace(context.policy, signal, when)
            ],
            "service": routed.service,
            "level": routed.level,
            "escalation": timetable.escalation,
            "why": list(routed.why),
            "called": [
                _row(row, timetable) for row in timetable.rows if row.kind == "call" and row.at == when
            ],
            "names": _names(timetable, context.directory),
            "uncovered": list(timetable.uncovered),
        }
    )


def _context(program: Program) -> Context:
    """What an incident would be opened with now; with the turns of round robins, where the policy has any."""
    context = program.engine.contexts.active()[1]
    if not any(rung.mode == "round_robin" for e in context.policy.escalations for rung in e.steps):
        return context
    return program.engine.contexts.active(_turns(program))[1]


def _turns(program: Program) -> Mapping[str, int]:
    """Whose turn is next in each round robin: read by the desk, which is the only one to move them."""
    found: dict[str, int] = {}

    def look(sitting: Sitting, _: datetime) -> Answer:
        found.update(sitting.cursors)
        return Answer("", 0)

    try:
        program.engine.desk.put(Job(look)).result(CURSORS_WITHIN_S)
    except TimeoutError:
        raise Problem(503, "No answer came in time", headers={"Retry-After": "5"}) from None
    return found


def plan_view(timetable: Plan, directory: Directory) -> views.Json:
    """A plan as it is answered; `after_s` counts from its beginning."""
    return {
        "at": timetable.at,
        "level": timetable.level,
        "urgent": timetable.urgent,
        "service": timetable.service,
        "escalation": timetable.escalation,
        "rows": [_row(row, timetable) for row in timetable.rows],
        "clocks": [
            {
                "name": clock.name,
                "target": clock.target,
                "due": clock.due,
                "after_s": _after(timetable, clock.due) if clock.due else None,
            }
            for clock in timetable.clocks
        ],
        "people": list(timetable.people),
        "names": _names(timetable, directory),
        "fallback": {"targets": list(timetable.fallback), "people": list(timetable.fallback_people)},
        "uncovered": list(timetable.uncovered),
        "end": timetable.end,
        "complete": timetable.complete,
    }


def _row(row: Row, timetable: Plan) -> views.Json:
    return {
        "at": row.at,
        "after_s": _after(timetable, row.at),
        "kind": row.kind,
        "text": row.text,
        "person": row.person or None,
        "channel": row.channel or None,
        "learns": row.learns,
    }


def _after(timetable: Plan, at: datetime) -> int:
    return int((at - timetable.at).total_seconds())


def _names(timetable: Plan, directory: Directory) -> dict[str, str]:
    people = (*timetable.people, *timetable.fallback_people)
    return {handle: p.name for handle in people if (p := directory.get(handle))}


def ready(
    request: Request, person: Annotated[m.Handle | None, Query(description="only this one")] = None
) -> Response:
    """Who can be reached and how that is known, and what will hurt unless somebody repairs it."""
    judged: Judged = request.app.state.judged
    found = judged.fresh()
    if person is not None and found.of(person) is None:
        raise invalid("person", f"nobody is known as {person!r}")
    return views.json_response(
        {
            "at": found.at,
            "people": [_person(p) for p in found.people if person in (None, p.handle)],
            "findings": [
                {"rule": f.rule, "level": f.level, "about": f.about, "message": f.message, "repair": f.repair}
                for f in found.findings
                if person in (None, f.about)
            ],
            "gaps": [{"schedule": gap.schedule, "start": gap.start, "end": gap.end} for gap in found.gaps],
            "alarms": list(found.alarms),
        }
    )


def _person(person: PersonReadiness) -> views.Json:
    return {
        "handle": person.handle,
        "name": person.name,
        "called": person.called,
        "ready": {"high": person.ready_high, "low": person.ready_low},
        "ways": {
            urgency: [{"channel": way.channel, "after_s": way.after_s} for way in ways]
            for urgency, ways in (("high", person.high), ("low", person.low))
        },
        "methods": [_method(method) for method in person.methods],
        "proven_at": person.proven_at,
    }


def _method(method: MethodState) -> views.Json:
    return {
        "channel": method.channel,
        "kind": method.kind,
        "usable": method.usable,
        "roster": method.roster,
        "verified_at": method.verified_at,
        "proven_at": method.proven_at,
        "failing": method.failing,
        "failed_at": method.failed_at,
        "fails": method.fails,
        "disabled": method.disabled,
        "detail": method.detail,
    }
