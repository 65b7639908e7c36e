"""The update cadence: who must say something, until when, and what an update must hold.

The cadence counts from the last update a person posted (else from the declare), never from the last reminder.
A reminder comes at the lower bound of the range, "overdue" once at the upper one; what fell together while nobody
was looking becomes one reminder that says how many were missed. Two reminders never come within five minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident
from tocsin.domain.policy import Cadence

REMINDERS_APART = timedelta(minutes=5)


def cadence_of(state: Incident, context: Context) -> Cadence | None:
    """The cadence in force, if this level has one and the incident runs as declared."""
    if not state.stage.declared or state.updates.base is None:
        return None
    return context.severity(state.level).update


def reminder_due(state: Incident, context: Context) -> datetime | None:
    """When the next reminder comes, or None: no cadence, or the upper bound says it instead."""
    cadence, base = cadence_of(state, context), state.updates.base
    if cadence is None or base is None:
        return None
    every = timedelta(seconds=cadence.remind_s or cadence.overdue_s)
    reminded_at = state.updates.reminded_at
    if reminded_at is None:
        return base + every
    passed = (reminded_at - base) // every  # not `reminded`: another level may count in other steps
    return max(base + every * (passed + 1), reminded_at + REMINDERS_APART)


def overdue_due(state: Incident, context: Context) -> datetime | None:
    """When the running interval becomes overdue; None once it has been recorded."""
    cadence, base = cadence_of(state, context), state.updates.base
    if cadence is None or base is None or state.updates.overdue:
        return None
    return base + timedelta(seconds=cadence.overdue_s)


def remind(draft: Draft, due: datetime, at: datetime) -> None:
    """One reminder for whatever fell due until `at`, saying how many were missed."""
    state = draft.state
    fallen = max(_fallen(state, draft.context, at), state.updates.reminded + 1)
    missed = fallen - state.updates.reminded - 1
    draft.add(ev.UpdateReminded(at, due, audience(state), fallen, missed))


def _fallen(state: Incident, context: Context, at: datetime) -> int:
    """How many reminder instants of the running interval lie at or before `at`."""
    cadence, base = cadence_of(state, context), state.updates.base
    if cadence is None or base is None:
        return 0
    return (at - base) // timedelta(seconds=cadence.remind_s or cadence.overdue_s)


def overdue(draft: Draft, due: datetime, at: datetime) -> None:
    """The promise to stakeholders was not kept: Comms and the IC are told, once per interval."""
    state = draft.state
    people = dict.fromkeys((*audience(state), *filter(None, (state.holder("ic"),))))
    count = max(_fallen(state, draft.context, at), state.updates.reminded)
    draft.add(ev.UpdateOverdue(at, due, tuple(people), state.level, count))


def audience(state: Incident) -> tuple[str, ...]:
    """Who is asked for an update: Comms, else the IC, else whoever acknowledged, else who declared."""
    for person in (state.holder("comms"), state.holder("ic"), state.acked_by, state.declared_by):
        if person:
            return (person,)
    return ()


def post_update(
    state: Incident, context: Context, now: datetime, *, by: str, impact: str, eta: str, next_steps: str
) -> list[ev.Event]:
    """Record a stakeholder update. Raises Refused when one of the three is empty; ETA may be "unknown"."""
    draft = Draft(state, context)
    if not state.stage.declared:
        raise Refused(
            f"{state.ref} is {state.stage}: updates belong to a declared incident", "declare it first"
        )
    given = {"impact": impact, "eta": eta, "next_steps": next_steps}
    for field, text in given.items():
        if not text.strip():
            hint = 'say "unknown" when it is' if field == "eta" else "one sentence is enough"
            raise Refused(f"an update must hold {field}: it is empty", hint)
    return draft.add(ev.UpdatePosted(now, by, Text(impact), Text(eta), Text(next_steps))).events
