"""What the API shows: states, events and rows as plain values. The encoder writes instants as ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from tocsin.domain import clocks, comms, postmortem
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.incident import Clock, Incident, Paging
from tocsin.domain.narrate import actor, kind_of, sentence
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.oncall.tables import Turn, turn_at
from tocsin.domain.people import Directory, Person
from tocsin.domain.policy import RotationTable
from tocsin.store.contract import AlertRow, EffectRow, IncidentRow, PageRow, Recorded, SecretRow
from tocsin.web.stored import records_of
from tocsin.web.views_calling import calling_view
from tocsin.web.views_work import duties_view, process_view, room_view, work_view
from tocsin.wiring.program import Program

Json = dict[str, Any]


def json_response(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def url_of(program: Program, ref: str) -> str:
    """Where people look at an incident."""
    return f"{program.settings.server.base_url}/i/{ref}"


def incident_view(program: Program, state: Incident) -> Json:
    """Everything known of an incident, from its state and the policy it pinned."""
    context = program.engine.contexts.pinned(state.policy)
    return {
        "ref": state.ref,
        "title": state.title,
        "stage": state.stage.value,
        "paging": state.paging.value,
        "level": state.level,
        "service": state.service,
        "origin": state.origin,
        **_times(state),
        **process_view(state),
        **room_view(state),
        **work_view(state),
        **duties_view(state),
        "seats": dict(state.seats),
        "offers": [{"role": o.role, "to": o.to, "by": o.by, "at": o.at} for o in state.offers],
        "clocks": [_clock(clock, context) for clock in state.clocks],
        "upcoming": upcoming(state, context),
        "updates": _updates(state, context),
        "policy": state.policy,
        "postmortem_due": postmortem.due_at(state, context),
        "postmortem_published": state.postmortem_published,
        "documents": dict(state.documents),
        "documents_owed": dict(postmortem.documents_owed(state)),
        "firing": state.firing,
        "calling": calling_view(state, context, program.clock.now(), _told(program, state)),
        "version": state.version,
        "url": url_of(program, state.ref),
    }


def _told(program: Program, state: Incident) -> list[Recorded]:
    """The timeline, where only that says who snoozed it."""
    return records_of(program, state.ref) if state.paging is Paging.SNOOZED else []


def _times(state: Incident) -> Json:
    return {
        "opened_at": state.opened_at,
        "detected": state.detected_at,
        "impact_start": state.impact_start,
        "declared_at": state.declared_at,
        "declared_by": state.declared_by,
        "first_page_at": state.first_page_at,
        "acked_at": state.acked_at,
        "acked_by": state.acked_by,
        "mitigated_at": state.mitigated_at,
        "resolved_at": state.resolved_at,
        "closed_at": state.closed_at,
    }


def _clock(clock: Clock, context: Context) -> Json:
    target = clocks.target_of(context.severity(clock.level), clock.name)
    return {
        "name": clock.name,
        "level": clock.level,
        "start": clock.start,
        "target": target.text if target else None,
        "due": clocks.limit_of(clock, context),
        "breached": clock.breached,
        "verdict": clock.verdict,
        "ended_at": clock.ended_at,
    }


def upcoming(state: Incident, context: Context) -> list[Json]:
    """What tocsin does next if nobody acts, soonest first."""
    found = sorted(clocks.deadlines(state, context), key=lambda d: (d.due, d.kind, d.key))
    return [{"kind": d.kind, "key": d.key, "due": d.due} for d in found]


def _updates(state: Incident, context: Context) -> Json:
    cadence = comms.cadence_of(state, context)
    return {
        "base": state.updates.base,
        "posted": state.updates.posted,
        "reminded": state.updates.reminded,
        "overdue": state.updates.overdue,
        "cadence": cadence.text if cadence else None,
        "reminder_due": comms.reminder_due(state, context),
        "due": comms.overdue_due(state, context),
    }


def row_view(program: Program, row: IncidentRow) -> Json:
    """An incident in a list."""
    return {**_fields(row), "url": url_of(program, row.ref)}


def _fields(row: Any) -> Json:
    """A row of the store as it is."""
    return {name: getattr(row, name) for name in row.__slots__}


def event_view(event: ev.Event) -> Json:
    """An event of a command's answer."""
    return {"kind": type(event).__name__, "at": event.at, "by": actor(event), "text": sentence(event)}


def recorded_view(record: Recorded) -> Json:
    """An event on the timeline; `show` says how it is shown."""
    return {
        "seq": record.seq,
        "version": record.version,
        "at": record.event.at,
        "recorded_at": record.recorded_at,
        "kind": type(record.event).__name__,
        "by": actor(record.event),
        "text": sentence(record.event),
        "show": kind_of(record.event),
    }


def feed_view(record: Recorded) -> Json:
    """An event of any incident, in the live stream."""
    return {"ref": record.ref, **recorded_view(record)}


def warnings_of(events: Iterable[ev.Event]) -> list[str]:
    """What whoever gave the command should know, beside its having been done."""
    found: list[str] = []
    for event in events:
        match event:
            case ev.Acknowledged(stranger=True):
                found.append(f"{event.by} is not in the handbook's roster")
            case ev.AlsoAcknowledged():
                found.append(f"{event.first} acknowledged first")
            case ev.Declared():
                found += [f"the handbook leaves open: {text}" for text in event.warnings]
            case ev.RungEmpty():
                found.append(f"step {event.rung + 1} of the escalation is empty: {event.why}")
            case ev.NobodyReachable():
                found.append(f"nobody can be reached: {event.why}")
            case ev.SeatConflict() | ev.SpanWarned() | ev.ClockRejudged():
                found.append(sentence(event))
            case ev.TaskOpened(db_change=True, gate=None):
                found.append("the handbook names no check before a database change")
            case ev.PostmortemPublished(checked=False):
                found.append("it stands elsewhere: nobody looked whether its sections are written")
            case _:
                continue
    return found


def alert_view(row: AlertRow) -> Json:
    """An alert that points at an incident."""
    return _fields(row)


def page_view(row: PageRow) -> Json:
    """A page and its one outcome."""
    return {**_fields(row), "failed": list(row.failed)}


def effect_view(row: EffectRow) -> Json:
    """An effect: what is carried out, for whom, how it ended."""
    return _fields(row)


def person_view(person: Person, directory: Directory) -> Json:
    """A person, and how they are reached."""
    return {
        "handle": person.handle,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "chat": person.chat,
        "can_act_as": list(person.can_act_as),
        "in_roster": person.in_roster,
        "standing": person.standing,
        "channels": [method.channel for method in directory.methods_of(person.handle)],
    }


TOKEN_ID_LENGTH = 16


def token_view(row: SecretRow) -> Json:
    """A token without its secret; `id` is the beginning of the stored hash."""
    return {
        "id": row.hash[:TOKEN_ID_LENGTH],
        "person": row.person,
        "label": row.label,
        "scopes": list(row.scopes),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


def oncall_view(program: Program, at: datetime, rota: Rota) -> Json:
    """Who is on call at an instant as primary and secondary, and the turn of every rotation table."""
    live, known = program.engine.contexts.live, rota.names()
    primary, secondary = (rota.who(name, at) if name in known else () for name in ("primary", "secondary"))
    names = {h: p.name for h in (*primary, *secondary) if (p := live.directory.get(h))}
    return {
        "at": at,
        "primary": list(primary),
        "secondary": list(secondary),
        "names": names,
        "rotations": [_rotation(rotation, at) for rotation in rota.tables],
    }


def _rotation(rotation: RotationTable, at: datetime) -> Json:
    turn = turn_at(rotation, at)
    where = {"file": rotation.source.file, "line": rotation.source.line, "tz": rotation.tz}
    if isinstance(turn, Turn):
        return {**where, "people": dict(turn.people), "start": turn.start, "end": turn.end, "ended": None}
    return {**where, "people": {}, "start": None, "end": turn.at, "ended": turn.reason}
