"""What the timeline holds for a postmortem: decisions, suspected changes, actions, overrides, corrections, statements.

Pure: state and facts in, the facts of a draft out. Not here: promises and sections (the caller has the policy), the
sentences of the timeline (`retold`), the draft itself (`postmortem`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tocsin.domain import events as ev
from tocsin.domain.incident import Incident
from tocsin.handbook.grammar import format_duration
from tocsin.handbook.postmortem import (
    Correction,
    DecisionMade,
    FollowUp,
    Override,
    PostmortemFacts,
    Said,
    SuspectedChange,
)
from tocsin.handbook.retold import Names, told
from tocsin.handbook.rows import harm, lasted

LONG_UNSEEN_S = 300
"""Longer than this between the beginning of the impact and its detection is worth a question."""


def gathered(
    facts: PostmortemFacts, state: Incident, events: Sequence[ev.Event], names: Names
) -> PostmortemFacts:
    """The facts with everything that the timeline knows; `events` are all of the incident, as they were recorded."""
    return replace(
        facts,
        impact_start=state.impact_start,
        impact_end=state.impact_end,
        drill=state.drill,
        impact=_impact(state, events),
        mitigation=_fixes(events),
        timeline=told(events, names),
        contributing=_contributing(state, events, names),
        suspects=tuple(SuspectedChange(s.what, s.happened) for s in state.room.suspects),
        decisions=tuple(
            DecisionMade(e.at, names.who(e.by), e.decision, e.why)
            for e in events
            if isinstance(e, ev.Decided)
        ),
        actions=_actions(state, events, names),
        overrides=_overrides(events, names),
        corrections=_corrections(events, names),
        statements=_statements(events),
    )


def _impact(state: Incident, events: Sequence[ev.Event]) -> str | None:
    said = harm(state, events)
    end = state.impact_end or state.resolved_at
    took = f"It lasted {lasted(state.impact_start or state.detected_at, end)}." if end and said else ""
    return " ".join(part for part in (f"{said}." if said else "", took) if part) or None


def _fixes(events: Sequence[ev.Event]) -> str | None:
    """What was decided and done, then by what it was seen that it helped."""
    tasks = {e.task: e for e in events if isinstance(e, ev.TaskOpened)}
    done: list[str] = []
    for event in events:
        match event:
            case ev.Decided():
                done.append(f"{event.decision} ({event.at:%H:%M})")
            case ev.TaskDone() if event.task in tasks:
                done.append(f"{tasks[event.task].text.rstrip('. ')} ({event.at:%H:%M})")
            case ev.Mitigated():
                done.append(f"Seen when it was mitigated: {event.evidence}")
            case ev.Resolved():
                done.append(f"Seen at the end: {event.confirmed}")
            case _:
                continue
    return " ".join(f"{text[:1].upper()}{text[1:].rstrip('. ')}." for text in done) or None


def _contributing(state: Incident, events: Sequence[ev.Event], names: Names) -> tuple[str, ...]:
    """What went on around it that the timeline shows by itself; people are asked for the rest."""
    found: list[str] = []
    if state.impact_start is not None:
        unseen = int((state.detected_at - state.impact_start).total_seconds())
        if unseen >= LONG_UNSEEN_S:
            by = "an alert" if state.origin == "alert" else "a person"
            found.append(f"It went unseen for {format_duration(unseen)}, until {by} noticed.")
    for event in events:
        match event:
            case ev.NobodyReachable():
                found.append(f"Nobody on the ladder could be reached: {event.why}.")
            case ev.RungEmpty():
                found.append(f"Nobody stood on step {event.rung + 1} of the ladder: {event.why}.")
            case ev.GateChecked() if not event.passed:
                found.append(f"The {event.gate} check of {event.at:%H:%M} did not pass.")
            case ev.SeatConflict():
                roles = " and ".join(names.role(role) for role in event.roles)
                found.append(f"One person held {roles} while {event.responders} people worked on it.")
            case _:
                continue
    return tuple(dict.fromkeys(found))


def _actions(state: Incident, events: Sequence[ev.Event], names: Names) -> tuple[FollowUp, ...]:
    proofs = {e.action: e.proof for e in events if isinstance(e, ev.ActionProven)}
    reasons = {e.action: e.reason for e in events if isinstance(e, ev.ActionDropped)}
    return tuple(
        FollowUp(
            text=item.text,
            kind=item.kind,
            owner=names.who(item.owner) if item.owner else "",
            due=item.due.isoformat() if item.due else item.calendar or "",
            state=item.state,
            proof=proofs.get(item.number, "") or reasons.get(item.number, ""),
        )
        for item in state.duties.actions
    )


def _overrides(events: Sequence[ev.Event], names: Names) -> tuple[Override, ...]:
    tasks = {e.task: e.text.rstrip(". ") for e in events if isinstance(e, ev.TaskOpened)}
    return tuple(
        Override(e.at, names.who(e.by), tasks.get(e.task, f"task {e.task}"), e.reason)
        for e in events
        if isinstance(e, ev.GateOverridden)
    )


def _corrections(events: Sequence[ev.Event], names: Names) -> tuple[Correction, ...]:
    """Each correction with the verdicts that it changed: those are recorded right behind it."""
    found: list[Correction] = []
    for event in events:
        if isinstance(event, ev.TimeCorrected):
            who = names.who(event.by)
            found.append(Correction(event.at, who, event.name, event.old, event.new, event.reason))
        elif isinstance(event, ev.ClockRejudged) and found:
            verdict = f"{event.clock}: {event.verdict}, before {event.old}"
            found[-1] = replace(found[-1], verdicts=(*found[-1].verdicts, verdict))
    return tuple(found)


def _statements(events: Sequence[ev.Event]) -> tuple[Said, ...]:
    drafts = {e.statement: e for e in events if isinstance(e, ev.StatementDrafted)}
    return tuple(
        Said(e.at, drafts[e.statement].audience, e.where, drafts[e.statement].text, drafts[e.statement].data)
        for e in events
        if isinstance(e, ev.StatementSent) and e.statement in drafts
    )
