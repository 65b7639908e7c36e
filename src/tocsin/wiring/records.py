"""From a timeline to what documents say: the log row and the facts of a postmortem draft.

Pure projections; words, cells and tables are `handbook`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.domain import clocks, postmortem
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident
from tocsin.handbook.gathered import gathered
from tocsin.handbook.log import LogRow
from tocsin.handbook.postmortem import PostmortemFacts, Promise
from tocsin.handbook.retold import Names
from tocsin.handbook.rows import actions_cell, cause_cell, follow_ups_cell, impact_cell
from tocsin.store.contract import Recorded


def names_of(context: Context) -> Names:
    """How documents call people and seats."""
    people = {handle: person.name for handle, person in context.directory.people.items()}
    return Names(people, {role.key: role.abbreviation or role.name for role in context.policy.roles})


def log_row(
    state: Incident,
    context: Context,
    timeline: Sequence[Recorded],
    postmortem_link: str | None,
    missed: Sequence[str] = (),
    postmortem_text: str | None = None,
) -> LogRow:
    """The incident's row: what is known now; what only people know stays a dash."""
    events = [record.event for record in timeline]
    due = postmortem.due_at(state, context)
    return LogRow(
        ref=state.ref,
        at=state.detected_at,
        sev=state.level,
        summary=state.title,
        impact=impact_cell(state, events),
        actions=actions_cell(events, missed),
        cause=cause_cell(state, postmortem_text),
        follow_ups=follow_ups_cell(state, events, names_of(context), due),
        owner=_name(state.holder("ic") or state.acked_by or state.declared_by, context),
        state=state.stage.value,
        postmortem=postmortem_link,
        drill=state.drill,
    )


def _name(handle: str | None, context: Context) -> str | None:
    person = context.directory.get(handle) if handle else None
    return person.name if person else handle


def postmortem_facts(
    state: Incident, context: Context, timeline: Sequence[Recorded], commit: str | None
) -> PostmortemFacts:
    """Everything the draft can be prefilled with."""
    known = PostmortemFacts(
        ref=state.ref,
        title=state.title,
        severity=state.level,
        sections=tuple(note.text for note in context.policy.postmortem_sections),
        detected=state.detected_at,
        declared=state.declared_at,
        acked=state.acked_at,
        mitigated=state.mitigated_at,
        resolved=state.resolved_at,
        due=postmortem.due_at(state, context),
        roles=tuple(_roles(state, context)),
        promises=tuple(promises(state, context)),
        handbook_commit=commit,
    )
    return gathered(known, state, [record.event for record in timeline], names_of(context))


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
