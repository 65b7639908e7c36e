"""From a timeline to what documents say: the log row and the facts of a postmortem draft.

Pure projections; the sentences are `domain.narrate`'s, the tables `handbook`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.domain import clocks, postmortem
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident
from tocsin.domain.narrate import actor, sentence
from tocsin.domain.spans import span
from tocsin.handbook.log import LogRow
from tocsin.handbook.postmortem import PostmortemFacts, Promise, TimelineLine
from tocsin.store.contract import Recorded

ACTIONS_IN_ROW = 6
_PLUMBING = (ev.PageRequested, ev.PageSent, ev.PageEnded, ev.DocumentWritten, ev.DocumentRefused)


def log_row(
    state: Incident, context: Context, timeline: Sequence[Recorded], postmortem_link: str | None
) -> LogRow:
    """The incident's row: what is known now; what only people know stays a dash."""
    events = [record.event for record in timeline]
    return LogRow(
        ref=state.ref,
        at=state.detected_at,
        sev=state.level,
        summary=state.title,
        impact=_impact(state, events),
        actions="; ".join(_actions(events)) or None,
        follow_ups=_follow_ups(state, context),
        owner=_name(state.holder("ic") or state.acked_by or state.declared_by, context),
        state=state.stage.value,
        postmortem=postmortem_link,
    )


def _name(handle: str | None, context: Context) -> str | None:
    person = context.directory.get(handle) if handle else None
    return person.name if person else handle


def _impact(state: Incident, events: Sequence[ev.Event]) -> str | None:
    updates = [e.impact for e in events if isinstance(e, ev.UpdatePosted)]
    end = state.resolved_at
    took = f"{span(int((end - state.detected_at).total_seconds()))}" if end else None
    return "; ".join(part for part in (updates[-1] if updates else None, took) if part) or None


def _actions(events: Sequence[ev.Event]) -> list[str]:
    """Ack, decisions, mitigation and resolve with their times: newest decisions win when it gets long."""
    found: list[str] = []
    for event in events:
        match event:
            case ev.Acknowledged():
                found.append(f"Ack {event.at:%H:%M}")
            case ev.Decided():
                found.append(f"{event.decision} {event.at:%H:%M}")
            case ev.Mitigated():
                found.append(f"mitigated {event.at:%H:%M} ({event.evidence})")
            case ev.Resolved():
                found.append(f"resolved {event.at:%H:%M} ({event.confirmed})")
            case _:
                continue
    return found[:1] + found[1:][-(ACTIONS_IN_ROW - 1) :]


def _follow_ups(state: Incident, context: Context) -> str | None:
    due = postmortem.due_at(state, context)
    if due is None or state.postmortem_published:
        return None
    return f"Postmortem due {due:%Y-%m-%d %H:%M}"


def postmortem_facts(
    state: Incident, context: Context, timeline: Sequence[Recorded], commit: str | None
) -> PostmortemFacts:
    """Everything the draft can be prefilled with."""
    events = [record.event for record in timeline]
    mitigations = [e.evidence for e in events if isinstance(e, ev.Mitigated)]
    resolved = [e for e in events if isinstance(e, ev.Resolved)]
    return PostmortemFacts(
        ref=state.ref,
        title=state.title,
        severity=state.level,
        sections=tuple(note.text for note in context.policy.postmortem_sections),
        impact_start=state.impact_start,
        detected=state.detected_at,
        declared=state.declared_at,
        acked=state.acked_at,
        mitigated=state.mitigated_at,
        resolved=state.resolved_at,
        due=postmortem.due_at(state, context),
        roles=tuple(_roles(state, context)),
        impact=_impact(state, events),
        mitigation="; ".join([*mitigations, *(e.confirmed for e in resolved)]) or None,
        timeline=tuple(
            TimelineLine(e.at, actor(e), sentence(e))
            for e in _in_order(events)
            if not isinstance(e, _PLUMBING)
        ),
        promises=tuple(promises(state, context)),
        handbook_commit=commit,
    )


def _in_order(events: Sequence[ev.Event]) -> list[ev.Event]:
    """By when things happened; back-dated notes stand where they belong."""
    return sorted(events, key=lambda event: event.at)


def _roles(state: Incident, context: Context) -> list[tuple[str, str]]:
    found = []
    for key, handle in state.seats:
        role = context.policy.role(key)
        found.append((role.name if role else key, _name(handle, context) or handle))
    return found


def promises(state: Incident, context: Context) -> list[Promise]:
    """Each clock as promised and as kept; a level's promise without a number is left out."""
    found = []
    for clock in state.clocks:
        target = clocks.target_of(context.severity(clock.level), clock.name)
        if target is None or clock.verdict == "void":
            continue
        kept = None if clock.open and not clock.breached else clock.verdict == "met"
        due = target.due(clock.start)
        found.append(Promise(f"{clock.name} ({clock.level})", target.text, due, clock.ended_at, kept))
    return found
