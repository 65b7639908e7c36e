"""Duties after resolve: when the postmortem is due, who is reminded, its publishing, what closing needs.

Not here: what the draft says and whether its sections are written (`handbook`), the actions themselves (`actions`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import actions
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.policy import Target

AGAIN_EVERY = timedelta(days=1)
SATURDAY = 5


def target_of(state: Incident, context: Context) -> Target | None:
    """The promise of the level in force; None where it owes no postmortem, and for what never had a level."""
    return context.severity(state.level).postmortem if state.level else None


def due_at(state: Incident, context: Context) -> datetime | None:
    """When the postmortem must be published, counted from resolved; None where the level owes none."""
    target = target_of(state, context)
    if target is None or state.resolved_at is None:
        return None
    return target.due(state.resolved_at)


def weekend(due: datetime) -> bool:
    """Whether it falls on a Saturday or Sunday (UTC): pointed out, never moved."""
    return due.weekday() >= SATURDAY


def reminder_due(state: Incident, context: Context) -> datetime | None:
    """The due time itself, then once a day until it is published."""
    if state.stage != Stage.RESOLVED or state.postmortem_published:
        return None
    due = due_at(state, context)
    return None if due is None else due + AGAIN_EVERY * state.postmortem_overdue


def remind(draft: Draft, due: datetime, at: datetime) -> None:
    """Say that the postmortem is overdue; days that passed unseen are counted, not repeated."""
    first = due_at(draft.state, draft.context) or due
    times = max(draft.state.postmortem_overdue, (at - first) // AGAIN_EVERY) + 1
    draft.add(ev.PostmortemOverdue(at, due, owners(draft.state), times))


def owners(state: Incident) -> tuple[str, ...]:
    """Who owes the postmortem: the IC, else whoever acknowledged or declared."""
    for person in (state.holder("ic"), state.acked_by, state.declared_by):
        if person:
            return (person,)
    return ()


def publish_postmortem(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    where: str,
    incomplete: tuple[str, ...] | None = None,
) -> list[ev.Event]:
    """The postmortem is published at `where` (a link or path).

    `incomplete` names the sections that are still to be written; None when nobody could look (it stands elsewhere).
    Raises Refused before resolve, without a place, and while a section is missing. A near miss may have one too.
    """
    if state.stage not in {Stage.RESOLVED, Stage.CLOSED, Stage.RECORDED}:
        raise Refused(f"{state.ref} is {state.stage}: there is no postmortem to publish yet", _first(state))
    if not where.strip():
        raise Refused("say where it is published", "a link or a path in the repository")
    if incomplete:
        raise Refused(
            f"not written yet in {where}: {', '.join(incomplete)}",
            "write a sentence of your own below each of these headings, then publish again",
        )
    checked = incomplete is not None
    return Draft(state, context).add(ev.PostmortemPublished(now, by, Text(where), checked)).events


def _first(state: Incident) -> str:
    if state.stage == Stage.MERGED:
        return f"it goes on in {state.merged_into}: publish it there"
    return "resolve it first" if state.stage.declared else "possible now: nothing is owed"


def documents_owed(state: Incident) -> tuple[tuple[str, str], ...]:
    """What could not be written yet, and why: what a ticket or a published postmortem stands for is no longer owed."""
    written = dict(state.documents)
    instead = {"postmortem": state.postmortem_published, "log": _has_ticket(state)}
    return tuple(
        (document, reason)
        for document, reason in state.documents_owed
        if not instead.get(document) and not (document == "ticket" and "log" in written)
    )


def missing_for_close(state: Incident, context: Context) -> list[str]:
    """What still stands in the way of closing; empty when nothing does."""
    missing = []
    if target_of(state, context) is not None and not state.postmortem_published:
        missing.append("the postmortem is not published")
    logged = _has_ticket(state) or "log" in dict(state.documents)
    if state.declared_at is not None and not logged:
        missing.append("the log row is not written")
    for document, reason in documents_owed(state):
        missing.append(f"the {_named(document)} is still owed: {reason}")
    missing += [
        f"task {task.number} is {'under way' if task.state == 'started' else 'open'}: finish or drop it"
        for task in state.work.tasks
        if task.open
    ]
    missing += actions.missing(state)
    missing += [
        f"the {legal.regime} deadline ({legal.due:%Y-%m-%d %H:%M} UTC) has no decision"
        for legal in state.duties.legal
        if legal.decision is None
    ]
    return missing


def _has_ticket(state: Incident) -> bool:
    """Whether a ticket stands for the log row: one that people linked, or one that was opened by itself."""
    return state.duties.ticket is not None or "ticket" in dict(state.documents)


def _named(document: str) -> str:
    """`check-2` as people say it: `row of check 2`."""
    kind, _, number = document.partition("-")
    return f"row of {kind} {number}" if number else document
