"""From a timeline to what documents say: rows of the log, the facts of a postmortem draft, the text of a ticket.

Pure projections; words, cells and tables are `handbook`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tocsin.domain import clocks, postmortem
from tocsin.domain.context import Context
from tocsin.domain.incident import Clock, Incident
from tocsin.domain.score import score
from tocsin.domain.score_lines import clock_line
from tocsin.handbook.gathered import gathered
from tocsin.handbook.inert import inert_line
from tocsin.handbook.log import LogRow, RestoreRow
from tocsin.handbook.postmortem import PostmortemFacts, Promise
from tocsin.handbook.retold import Names
from tocsin.handbook.rows import (
    actions_cell,
    cause_cell,
    check_row,
    follow_ups_cell,
    impact_cell,
    restore_row,
    times_cell,
)
from tocsin.store.contract import Recorded

MISSED_IN_ROW = 5


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
    """The incident's row: what is known now; what only people know stays a dash.

    `missed`: what the score says was missed, in words. Of a restricted incident only its codename and times are said.
    """
    events = [record.event for record in timeline]
    due = postmortem.due_at(state, context)
    row = LogRow(
        ref=state.ref,
        at=state.detected_at,
        sev=state.level,
        summary=state.known_as,
        impact=impact_cell(state, events),
        actions=actions_cell(events, [*_merged(state), *_shortened(missed)]),
        cause=cause_cell(state, postmortem_text),
        follow_ups=follow_ups_cell(state, events, names_of(context), due),
        owner=_name(state.holder("ic") or state.acked_by or state.declared_by, context),
        state=state.stage.value,
        postmortem=postmortem_link,
        drill=state.drill,
    )
    if state.room.restriction is None:
        return row
    return replace(row, impact=None, actions=times_cell(events), cause=None, follow_ups=None)


def _merged(state: Incident) -> list[str]:
    return [f"merged into {state.merged_into}"] if state.merged_into else []


def _shortened(missed: Sequence[str]) -> list[str]:
    if len(missed) <= MISSED_IN_ROW:
        return list(missed)
    return [*missed[: MISSED_IN_ROW - 1], f"{len(missed) - MISSED_IN_ROW + 1} more promises missed"]


def restore_log_row(
    state: Incident, context: Context, timeline: Sequence[Recorded], document: str
) -> RestoreRow | None:
    """The row of `check-N` or `restore-N` in the second table; None when there is no such check or restore."""
    kind, _, number = document.partition("-")
    events = [record.event for record in timeline]
    make = check_row if kind == "check" else restore_row
    row = make(state, events, int(number), names_of(context))
    if row is None or state.room.restriction is None:
        return row
    verdict = (row.validation or "").partition(":")[0]
    return replace(row, reason=f"for {state.known_as}", source=None, target=None, validation=verdict)


def shortfalls(
    state: Incident, context: Context, timeline: Sequence[Recorded], now: datetime, *, clocks: bool
) -> tuple[str, ...]:
    """What was missed of what the handbook promised, in words; without the clocks where they are told elsewhere."""
    words = score(state, context, [record.event for record in timeline], now).shortfalls(clocks=clocks)
    acks = [clock for clock in state.clocks if clock.name == "ack"]
    if not clocks or len(acks) < 2:
        return words
    said = [missed_words for clock in acks if (missed_words := _ack_missed(clock, state, context, now))]
    return (*said, *(text for text in words if not text.startswith("ack ")))


def _ack_missed(clock: Clock, state: Incident, context: Context, now: datetime) -> str:
    """What was missed of one call among several: which call it was, and until when nobody answered."""
    line = clock_line(clock, state, context, now)
    if line is None or line.verdict != "missed":
        return ""
    unanswered = line.at is None and clock.ended_at is not None
    note = f"missed, nobody answered by {clock.ended_at:%H:%M}" if unanswered else line.note
    return f"ack of the call at {clock.start:%H:%M} {note}"


def ticket_text(row: LogRow, address: str) -> str:
    """What a ticket says, in Markdown: the log row as a list, and where the incident itself is."""
    said = (
        ("Severity", row.sev),
        ("Since", f"{row.at:%Y-%m-%d %H:%M} UTC"),
        ("State", row.state),
        ("Led by", row.owner),
        ("Impact", row.impact),
        ("Actions", row.actions),
        ("Cause", row.cause),
        ("Follow-ups", row.follow_ups),
    )
    points = [f"- {name}: {inert_line(text)}" for name, text in said if text]
    kept = "Kept up to date by tocsin until somebody edits this text."
    return "\n".join([*points, "", f"The incident itself: {address}", "", kept])


def _name(handle: str | None, context: Context) -> str | None:
    person = context.directory.get(handle) if handle else None
    return person.name if person else handle


def postmortem_facts(
    state: Incident,
    context: Context,
    timeline: Sequence[Recorded],
    commit: str | None,
    missed: tuple[str, ...] = (),
) -> PostmortemFacts:
    """Everything the draft can be prefilled with. `missed`: beyond the clocks, which have a table of their own."""
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
        missed=missed,
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
        answered = clock.ended_at if clock.fact or clock.verdict == "met" else None
        found.append(Promise(f"{clock.name} ({clock.level})", target.text, due, answered, kept))
    return found
