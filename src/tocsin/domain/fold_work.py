"""What facts about people, work and duties change in the state: one small function each.

Used by `fold` alone, which owns the version and everything about stages, clocks and paging.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from tocsin.domain import events as ev
from tocsin.domain.incident import Incident, Updates
from tocsin.domain.work import (
    MOST,
    ActionItem,
    Answered,
    Check,
    Legal,
    Notes,
    Proposal,
    Restriction,
    Spoken,
    Statement,
    Suspect,
    Task,
)

LEGAL_REMINDER = timedelta(hours=24)
"""So long before a legal deadline its owner is reminded, where there is that much time."""
DECISIONS_KEPT = 5
PEOPLE_KEPT = 100

Numbered = TypeVar("Numbered", Task, Check, ActionItem, Statement)


def joined(s: Incident, person: str) -> Incident:
    """Somebody takes part; a shadow who acknowledges stops shadowing."""
    shadows = tuple(p for p in s.room.shadows if p != person)
    if person in s.room.joined:
        return _room(s, shadows=shadows)
    return _room(s, shadows=shadows, joined=(*s.room.joined, person)[-PEOPLE_KEPT:])


def led(s: Incident, e: ev.SeatTaken) -> Incident:
    """Who leads since when: nobody fresh is asked to hand over."""
    return _room(s, led_since=e.at) if e.role == "ic" else s


def _room(s: Incident, **changes: Any) -> Incident:
    return replace(s, room=replace(s.room, **changes))


def _work(s: Incident, **changes: Any) -> Incident:
    return replace(s, work=replace(s.work, **changes))


def _duties(s: Incident, **changes: Any) -> Incident:
    return replace(s, duties=replace(s.duties, **changes))


def _each(items: tuple[Numbered, ...], number: int, **changes: Any) -> tuple[Numbered, ...]:
    return tuple(replace(item, **changes) if item.number == number else item for item in items)


def _task(s: Incident, number: int, **changes: Any) -> Incident:
    return _work(s, tasks=_each(s.work.tasks, number, **changes))


def _check(s: Incident, number: int, **changes: Any) -> Incident:
    return _work(s, checks=_each(s.work.checks, number, **changes))


def _action(s: Incident, number: int, **changes: Any) -> Incident:
    return _duties(s, actions=_each(s.duties.actions, number, **changes))


# --- the room -------------------------------------------------------------------------------------------------------


def _noted(s: Incident, e: ev.Noted) -> Incident:
    """The entry's own version is one more than the state's, which `fold` counts up afterwards."""
    entry = s.version + 1
    return replace(s, notes=replace(s.notes, standing=(*s.notes.standing, (entry, entry))[-MOST:]))


def _note_edited(s: Incident, e: ev.NoteEdited) -> Incident:
    entry = s.version + 1
    standing = tuple((first, entry if new == e.note else new) for first, new in s.notes.standing)
    return replace(s, notes=Notes(standing, (*s.notes.replaced, e.note)[-MOST:]))


def _proposed(s: Incident, e: ev.Proposed) -> Incident:
    proposals = (*s.room.proposals, Proposal(e.proposal, e.text, e.by))
    return _room(s, proposals=proposals, proposal_count=max(s.room.proposal_count, e.proposal))


def _decided(s: Incident, e: ev.Decided) -> Incident:
    kept = (*s.room.decisions, Spoken(e.at, e.decision))[-DECISIONS_KEPT:]
    return _room(s, decisions=kept, proposals=tuple(p for p in s.room.proposals if p.number != e.proposal))


def _suspected(s: Incident, e: ev.ChangeSuspected) -> Incident:
    return _room(s, suspects=(*s.room.suspects, Suspect(e.what, e.author, e.happened)))


def _shadow_joined(s: Incident, e: ev.ShadowJoined) -> Incident:
    others = tuple(p for p in s.room.shadows if p != e.person)
    return _room(s, shadows=(*others, e.person))


def _shadow_left(s: Incident, e: ev.ShadowLeft) -> Incident:
    return _room(s, shadows=tuple(p for p in s.room.shadows if p != e.person))


def _handover_proposed(s: Incident, e: ev.HandoverProposed) -> Incident:
    """What fell together while nobody looked is proposed once."""
    return _room(s, handovers_proposed=max(s.room.handovers_proposed + 1, e.hours // 2))


def _conflict(s: Incident, e: ev.SeatConflict) -> Incident:
    return _room(s, warned=(*s.room.warned, f"{'+'.join(e.roles)}/{e.person}"))


# --- work -----------------------------------------------------------------------------------------------------------


def _task_opened(s: Incident, e: ev.TaskOpened) -> Incident:
    task = Task(e.task, e.text, e.owner, e.minutes, e.gate, e.second)
    kept = s.work.tasks
    if len(kept) >= MOST:
        over = next((t for t in kept if not t.open), None)
        kept = tuple(t for t in kept if t is not over)
    return _work(s, tasks=(*kept, task), task_count=max(s.work.task_count, e.task))


def _task_started(s: Incident, e: ev.TaskStarted) -> Incident:
    s = _task(s, e.task, state="started", started_at=e.at)
    number = e.passed.removeprefix("check ")
    return _check(s, int(number), used=True) if number.isdigit() and e.passed != number else s


def _gate_answered(s: Incident, e: ev.GateAnswered) -> Incident:
    others = tuple(a for a in s.work.answers if (a.gate, a.point) != (e.gate, e.point))
    return _work(s, answers=(*others, Answered(e.gate, e.point, e.answer, e.evidence, e.at))[-MOST:])


def _gate_checked(s: Incident, e: ev.GateChecked) -> Incident:
    check = Check(
        number=e.check,
        gate=e.gate,
        by=e.by,
        at=e.at,
        passed=e.passed,
        confirmed=e.confirmed,
        valid_until=e.valid_until,
        exceptions=e.exceptions,
        failed=e.failed,
        restore_point=e.restore_point,
    )
    s = _work(s, checks=(*s.work.checks, check)[-MOST:], check_count=max(s.work.check_count, e.check))
    return _work(s, restore_point=e.restore_point) if e.restore_point else s


def _restore_point(s: Incident, e: ev.RestorePointNoted) -> Incident:
    """The newest check carries it too, as long as it says none itself and nothing was started by it.

    What a check said when it was gone through, or when it let a task start, stays: its row tells of that moment.
    """
    newest = s.work.checks[-1:]
    if not newest or newest[0].restore_point is not None or newest[0].used:
        return _work(s, restore_point=e.point)
    checks = (*s.work.checks[:-1], replace(newest[0], restore_point=e.point))
    return _work(s, restore_point=e.point, checks=checks)


def _overridden(s: Incident, e: ev.GateOverridden) -> Incident:
    return _work(s, overrides=(*s.work.overrides, (e.gate, e.task))[-MOST:])


# --- duties ---------------------------------------------------------------------------------------------------------


def _action_added(s: Incident, e: ev.ActionAdded) -> Incident:
    """On the due day itself nobody need be reminded of what was said that day."""
    action = ActionItem(e.action, e.text, e.kind, e.owner, e.due, e.calendar, reminded=e.due == e.at.date())
    count = max(s.duties.action_count, e.action)
    return _duties(s, actions=(*s.duties.actions, action), action_count=count)


def _action_changed(s: Incident, e: ev.ActionChanged) -> Incident:
    reminded = e.due == e.at.date()
    return _action(s, e.action, kind=e.kind, owner=e.owner, due=e.due, reminded=reminded, overdue=0)


def _drafted(s: Incident, e: ev.StatementDrafted) -> Incident:
    draft = Statement(e.statement, e.audience, e.text, e.data, e.by, e.approvers)
    kept = (*s.duties.statements, draft)[-MOST:]
    return _duties(s, statements=kept, statement_count=max(s.duties.statement_count, e.statement))


def _approved(s: Incident, e: ev.StatementApproved) -> Incident:
    found = s.duties.statement(e.statement)
    if found is None:
        return s
    approved = (*found.approved, e.by)
    state = "approved" if set(found.approvers) <= set(approved) else found.state
    changed = _each(s.duties.statements, e.statement, approved=approved, state=state)
    return _duties(s, statements=changed)


def _sent(s: Incident, e: ev.StatementSent) -> Incident:
    """A word to people outside is an update: the cadence counts from it."""
    s = _duties(s, statements=_each(s.duties.statements, e.statement, state="sent"))
    return replace(s, updates=Updates(base=e.at, posted=s.updates.posted + 1, impact=s.updates.impact))


def _legal_started(s: Incident, e: ev.LegalStarted) -> Incident:
    """Reminded a day before; with less time than that, when half of it is over."""
    left = e.due - e.at
    remind_at = e.due - min(LEGAL_REMINDER, left / 2) if left > timedelta(0) else None
    started = Legal(e.regime, e.aware, e.due, e.owner, remind_at, reminded=remind_at is None)
    return _duties(s, legal=(*s.duties.legal, started))


def _legal(s: Incident, regime: str, **changes: Any) -> Incident:
    running = s.duties.running(regime)
    return _duties(s, legal=tuple(replace(x, **changes) if x is running else x for x in s.duties.legal))


def _restricted(s: Incident, e: ev.Restricted) -> Incident:
    return _room(s, restriction=Restriction(e.codename, e.readers))


CHANGES: dict[type[ev.Event], Callable[[Incident, Any], Incident]] = {
    ev.AlsoAcknowledged: lambda s, e: joined(s, e.by),
    ev.Reported: lambda s, e: _room(s, reports=s.room.reports + 1),
    ev.Noted: _noted,
    ev.NoteEdited: _note_edited,
    ev.Proposed: _proposed,
    ev.Decided: _decided,
    ev.EvidenceAdded: lambda s, e: _room(s, evidence=s.room.evidence + 1),
    ev.ChangeSuspected: _suspected,
    ev.SeatConflict: _conflict,
    ev.SpanWarned: lambda s, e: _room(s, warned=(*s.room.warned, "span")),
    ev.HandoverProposed: _handover_proposed,
    ev.ShadowJoined: _shadow_joined,
    ev.ShadowLeft: _shadow_left,
    ev.TaskOpened: _task_opened,
    ev.TaskAssigned: lambda s, e: _task(s, e.task, owner=e.owner),
    ev.TaskApproved: lambda s, e: _task(s, e.task, approved_by=e.by),
    ev.TaskStarted: _task_started,
    ev.TaskAsked: lambda s, e: _task(s, e.task, asked=True),
    ev.TaskDone: lambda s, e: _task(s, e.task, state="done"),
    ev.TaskDropped: lambda s, e: _task(s, e.task, state="dropped"),
    ev.GateAnswered: _gate_answered,
    ev.GateChecked: _gate_checked,
    ev.GateConfirmed: lambda s, e: _check(s, e.check, confirmed=True),
    ev.GateLapsing: lambda s, e: _check(s, e.check, lapse_told=True),
    ev.GateLapsed: lambda s, e: _check(s, e.check, lapsed=True, lapse_told=True),
    ev.GateOverridden: _overridden,
    ev.RestorePointNoted: _restore_point,
    ev.RestoreRecorded: lambda s, e: _work(s, restores=max(s.work.restores, e.number)),
    ev.StatementDrafted: _drafted,
    ev.StatementApproved: _approved,
    ev.StatementSent: _sent,
    ev.LegalStarted: _legal_started,
    ev.LegalReminded: lambda s, e: _legal(s, e.regime, reminded=True),
    ev.LegalOverdue: lambda s, e: _legal(s, e.regime, overdue=e.times, reminded=True),
    ev.LegalDecided: lambda s, e: _legal(s, e.regime, decision=e.decision),
    ev.ActionAdded: _action_added,
    ev.ActionChanged: _action_changed,
    ev.ActionProven: lambda s, e: _action(s, e.action, state="proven"),
    ev.ActionDropped: lambda s, e: _action(s, e.action, state="dropped"),
    ev.ActionReminded: lambda s, e: _action(s, e.action, reminded=True),
    ev.ActionOverdue: lambda s, e: _action(s, e.action, overdue=e.times),
    ev.Restricted: _restricted,
    ev.Unrestricted: lambda s, e: _room(s, restriction=None),
    ev.TicketLinked: lambda s, e: _duties(s, ticket=e.where),
}
"""One line per fact. `Any`, because a dict cannot tie each key to its function's type."""
