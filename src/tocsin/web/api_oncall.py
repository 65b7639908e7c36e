"""Who is on call, schedules as they come out, and changing them for a while: all by the one rota (F2).

Whoever may respond may override, for herself and for others: at night nobody waits for an administrator. Every change
is kept with its author and reason, and nothing that was is ever changed.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Final

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Adjustment, InvalidSchedule
from tocsin.store.contract import AdjustmentConflict
from tocsin.web import models as m
from tocsin.web import models_oncall as mo
from tocsin.web import views
from tocsin.web import views_oncall as vo
from tocsin.web.auth import Caller, caller_of, person_of, program_of
from tocsin.web.problems import Problem, invalid
from tocsin.web.repeat import Key, Made, repeatable
from tocsin.wiring import overrides
from tocsin.wiring.history import rota_as_known
from tocsin.wiring.program import Program

At = Annotated[m.Instant | None, Query(description="an instant; default: now")]
AsOf = Annotated[
    m.Instant | None, Query(description="by what was known at that instant; default: what is known now")
]
Confirm = Annotated[bool, Query(description="leave the gaps that it makes")]
LONGEST: Final = overrides.AHEAD


def _rota(program: Program, as_of: datetime | None) -> Rota:
    if as_of is None:
        return program.engine.contexts.live.rota
    try:
        return rota_as_known(program.store, as_of)
    except LookupError as unknown:
        raise invalid("as_of", str(unknown)) from None


def _known(rota: Rota, name: str) -> str:
    if name not in rota.names():
        known = ", ".join(rota.names()) or "none"
        raise Problem(404, f"There is no schedule {name[:64]!r}", possible=f"the handbook has: {known}")
    return name


def oncall(
    request: Request,
    at: At = None,
    as_of: AsOf = None,
    schedule: Annotated[m.Word | None, Query(description="only this schedule")] = None,
) -> Response:
    """Who is on call, until when, and who is next."""
    program = program_of(request)
    rota, people = _rota(program, as_of), program.engine.contexts.live.directory
    asked = at or program.clock.now()
    when = overrides.floored(asked)
    names = rota.names() if schedule is None else (_known(rota, schedule),)
    found = [vo.now_view(name, rota, people, when) for name in names]
    return views.json_response(
        {
            **views.oncall_view(program, when, rota),
            "floored": at is not None and when != at,
            "as_of": as_of,
            "schedules": found,
        }
    )


def schedules(request: Request) -> Response:
    """Every schedule of the handbook: those of the policy block, then the columns of its tables."""
    program = program_of(request)
    rota = program.engine.contexts.live.rota
    return views.json_response(
        {
            "schedules": [
                vo.schedule_view(name, rota, overrides.version_of(program, name)) for name in rota.names()
            ]
        }
    )


def final(
    request: Request,
    name: str,
    start: Annotated[m.Instant, Query(alias="from", description="where it begins")],
    end: Annotated[m.Instant, Query(alias="until", description="where it ends")],
    shifts: Annotated[bool, Query(description="also cut at turns, with where each comes from")] = False,
    as_of: AsOf = None,
) -> Response:
    """The final schedule of a stretch of time; nobody is a gap."""
    rota = _rota(program_of(request), as_of)
    low, high = overrides.floored(start), overrides.floored(end)
    _known(rota, name)
    if high <= low:
        raise invalid("until", "it has to lie after from, by a minute at least (T7)")
    if high - low > LONGEST:
        raise invalid("until", f"more than {LONGEST.days} days after from: ask for a part")
    found: views.Json = {
        "schedule": name,
        "from": vo.minute(low),
        "until": vo.minute(high),
        "floored": (low, high) != (start, end),
        "invalid": rota.invalid.get(name),
        "intervals": vo.interval_views(rota.final(name, low, high)),
        "gaps": vo.interval_views(rota.gaps(name, low, high)),
    }
    if shifts:
        found["shifts"] = [vo.shift_view(duty) for duty in rota.duties(name, low, high)]
    return views.json_response(found)


def listed(
    request: Request,
    name: str,
    everything: Annotated[bool, Query(alias="all", description="those that are over as well")] = False,
) -> Response:
    """Overrides of a schedule, in the order in which they count."""
    program = program_of(request)
    _usable(program, name)
    rows = overrides.listed(program, name, program.clock.now())
    return views.json_response(
        {
            "schedule": name,
            "version": overrides.version_of(program, name),
            "overrides": [vo.override_view(row) for row in rows if everything or row.state != "over"],
        }
    )


async def add(request: Request, name: str, body: mo.Override, key: Key = None) -> Response:
    """Change who is on call for a while; with `preview` only show what would change."""
    return await repeatable(request, key, body, partial(_add, caller_of(request), name, body))


def _add(caller: Caller, name: str, body: mo.Override, program: Program) -> Made:
    zone, now = _usable(program, name), program.clock.now()
    try:
        start, end = mo.instant_of(body.start, "start", zone), mo.instant_of(body.end, "end", zone)
    except overrides.Unfit as unfit:
        raise _as_problem(unfit) from None
    wanted = Adjustment(
        0,
        body.kind,
        overrides.floored(start),
        overrides.floored(end),
        users=tuple(dict.fromkeys(body.users)),
        remove=body.remove or "",
        add=body.add or "",
        layer=body.layer,
        author=caller.handle,
        reason=body.reason,
        made_at=now,
    )
    return _make(program, name, wanted, body, now, floored=(wanted.start, wanted.end) != (start, end))


async def take(request: Request, name: str, body: mo.TakePager | None = None, key: Key = None) -> Response:
    """Take the pager now: you alone are on call, until the running turn ends unless you say until when."""
    given = body or mo.TakePager()
    return await repeatable(request, key, given, partial(_take, caller_of(request), name, given))


def _take(caller: Caller, name: str, body: mo.TakePager, program: Program) -> Made:
    zone, now = _usable(program, name), program.clock.now()
    person = person_of(program, caller.handle)
    if person is None or not person.active(now):
        raise Problem(
            409,
            f"{caller.handle} is nobody who can be called (A11)",
            possible="act for a person: tocsin override take ... --as HANDLE",
        )
    try:
        until = mo.instant_of(body.until, "until", zone) if body.until else None
        start, end = overrides.take_span(program, name, until, now)
    except overrides.Unfit as unfit:
        raise _as_problem(unfit) from None
    wanted = Adjustment(
        0, "set", start, end, (person.handle,), author=caller.handle, reason=body.reason, made_at=now
    )
    return _make(program, name, wanted, body, now, floored=until is not None and end != until)


def _make(
    program: Program, name: str, wanted: Adjustment, body: mo.Changing, now: datetime, *, floored: bool
) -> Made:
    try:
        planned = overrides.plan_override(program, name, wanted, now)
        if body.preview:
            return 200, vo.planned_view(planned, planned.version, None, floored=floored)
        made = overrides.keep(program, planned, confirmed=body.confirm, expect=body.expect, now=now)
    except overrides.Unfit as unfit:
        raise _as_problem(unfit) from None
    except overrides.Unconfirmed as unconfirmed:
        raise _gaps_problem(name, unconfirmed) from None
    except AdjustmentConflict:
        raise Problem(
            409,
            f"Somebody else changed {name} meanwhile, and nothing was done (V3)",
            possible="look at it again, then repeat it",
        ) from None
    state = "running" if made.start <= now else "waiting"
    return 201, vo.planned_view(planned, made.seq, vo.adjustment_view(made, state), floored=floored)


def remove(
    request: Request,
    name: str,
    seq: int,
    confirm: Confirm = False,
    preview: Annotated[bool, Query(description="only show what would change")] = False,
) -> Response:
    """End an override: one that has begun ends now, it is never deleted (A10)."""
    program, now = program_of(request), program_of(request).clock.now()
    _usable(program, name)
    try:
        planned = overrides.plan_end(program, name, seq, now)
        if not preview:
            overrides.end(program, planned, by=caller_of(request).handle, confirmed=confirm, now=now)
    except LookupError:
        raise Problem(
            404, f"{name} has no override {seq}", possible="see the list of its overrides"
        ) from None
    except overrides.Unconfirmed as unconfirmed:
        raise _gaps_problem(name, unconfirmed) from None
    row = next(o for o in overrides.listed(program, name, now) if o.adjustment.seq == seq)
    view = vo.planned_view(planned, planned.version, vo.override_view(row), floored=False)
    return views.json_response(view)


def _usable(program: Program, name: str) -> str:
    """The zone of a schedule that can be changed. Raises Problem 404, 409."""
    rota = program.engine.contexts.live.rota
    _known(rota, name)
    try:
        return rota.schedule(name).tz
    except InvalidSchedule as broken:
        raise Problem(409, f"{name} cannot be computed: {broken}", possible="repair the handbook") from None


def _as_problem(unfit: overrides.Unfit) -> Problem:
    return Problem(422, str(unfit), possible=unfit.possible, errors=[(unfit.field, unfit.message)])


def _gaps_problem(name: str, unconfirmed: overrides.Unconfirmed) -> Problem:
    """The gaps by name: nobody confirms what she has not seen (F5)."""
    gaps = [f"{vo.minute(gap.start)} to {vo.minute(gap.end)}" for gap in unconfirmed.gaps]
    return Problem(
        409,
        f"Nobody would be on call in {name}: {'; '.join(gaps[:20])} (F5)",
        possible="put somebody there, or send it again with confirm",
        errors=[("confirm", f"gap {gap}") for gap in gaps[:20]],
    )
