"""Schedules and who is on call, as JSON. Instants of schedules are whole minutes: `2026-03-29T01:00Z`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.preview import Preview
from tocsin.domain.schedules import Adjustment, Duty, Interval, InvalidSchedule, Schedule
from tocsin.web.views import Json
from tocsin.wiring.overrides import Override, Planned

LOOK = timedelta(days=400)
"""How far ahead is looked for who comes next."""


def minute(at: datetime) -> str:
    """`2026-03-29T01:00Z`."""
    return f"{at:%Y-%m-%dT%H:%MZ}"


def interval_views(intervals: Iterable[Interval]) -> list[Json]:
    """Contiguous, people sorted by handle, neighbours differ; nobody is a gap (F1)."""
    found: list[Json] = []
    for interval in intervals:
        people = sorted(interval.people)
        if found and found[-1]["people"] == people:
            found[-1]["end"] = minute(interval.end)
        else:
            found.append({"start": minute(interval.start), "end": minute(interval.end), "people": people})
    return found


def shift_view(duty: Duty) -> Json:
    """A piece of the shift view with where it comes from (F3)."""
    return {
        "start": minute(duty.start),
        "end": minute(duty.end),
        "people": list(duty.people),
        "origins": [
            {"layer": o.layer, "turn": o.turn, "adjustments": list(o.adjustments)} for o in duty.origins
        ],
    }


def now_view(name: str, rota: Rota, people: Directory, at: datetime) -> Json:
    """Who is on call in one schedule, until when, and who is next. Raises LookupError."""
    on_call, until = rota.who(name, at), rota.until(name, at)
    following = rota.who(name, until) if until else ()
    shadows = rota.shadows(name, at)
    known = (people.get(handle) for handle in dict.fromkeys((*on_call, *following, *shadows)))
    return {
        "name": name,
        "people": list(on_call),
        "shadows": list(shadows),
        "until": minute(until) if until else None,
        "next": list(following),
        "names": {person.handle: person.name for person in known if person},
        "invalid": rota.invalid.get(name),
    }


def schedule_view(name: str, rota: Rota, version: int) -> Json:
    """A schedule: its zone, layers, and where it stands."""
    reason = rota.invalid.get(name)
    try:
        schedule = rota.schedule(name)
    except InvalidSchedule:
        schedule = Schedule(name, "UTC", ())
    return {
        "name": name,
        "tz": schedule.tz,
        "layers": [
            {"name": layer.name, "priority": layer.priority, "tz": layer.tz, "role": layer.role}
            for layer in schedule.layers
        ],
        "file": schedule.source.file,
        "line": schedule.source.line,
        "version": version,
        "invalid": reason,
    }


def preview_view(preview: Preview) -> Json:
    """Before and after, who gains and loses time, which gaps are new (V5)."""
    return {
        "start": minute(preview.start),
        "end": minute(preview.end),
        "changes": [
            {
                "start": minute(d.start),
                "end": minute(d.end),
                "before": sorted(d.before),
                "after": sorted(d.after),
            }
            for d in preview.differences
        ],
        "people": [
            {
                "person": share.person,
                "gained_s": int(share.gained.total_seconds()),
                "lost_s": int(share.lost.total_seconds()),
            }
            for share in preview.shares
        ],
        "gaps": [{"start": minute(gap.start), "end": minute(gap.end)} for gap in preview.gaps],
    }


def adjustment_view(made: Adjustment, state: str, where: str = "") -> Json:
    """An override."""
    return {
        "seq": made.seq,
        "kind": made.kind,
        "users": list(made.users),
        "remove": made.remove or None,
        "add": made.add or None,
        "layer": made.layer,
        "start": minute(made.start),
        "end": minute(made.end),
        "author": made.author,
        "reason": made.reason,
        "made_at": made.made_at,
        "revoked_at": minute(made.revoked_at) if made.revoked_at else None,
        "state": state,
        "where": where,
    }


def override_view(one: Override) -> Json:
    """One of the list."""
    return adjustment_view(one.adjustment, one.state, one.where)


def planned_view(planned: Planned, version: int, made: Json | None, *, floored: bool) -> Json:
    """What was done, or would be; `floored`: seconds were left out (T8)."""
    return {
        "schedule": planned.schedule,
        "version": version,
        "override": made,
        "floored": floored,
        "preview": preview_view(planned.preview),
        "warnings": list(planned.warnings),
    }
