"""Duties after resolve: when the postmortem is due, who is reminded, what closing needs."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.incident import Incident, Stage

AGAIN_EVERY = timedelta(days=1)


def due_at(state: Incident, context: Context) -> datetime | None:
    """When the postmortem must be published, counted from resolved; None where the level owes none."""
    target = context.severity(state.level).postmortem
    if target is None or state.resolved_at is None:
        return None
    return target.due(state.resolved_at)


def reminder_due(state: Incident, context: Context) -> datetime | None:
    """The due time itself, then once a day until it is published."""
    due = due_at(state, context)
    if due is None or state.stage != Stage.RESOLVED or state.postmortem_published:
        return None
    return due + AGAIN_EVERY * state.postmortem_overdue


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


def documents_owed(state: Incident) -> tuple[tuple[str, str], ...]:
    """What could not be written yet, and why. Once the postmortem is published nobody waits for a draft."""
    return tuple(
        (document, reason)
        for document, reason in state.documents_owed
        if not (document == "postmortem" and state.postmortem_published)
    )


def missing_for_close(state: Incident, context: Context) -> list[str]:
    """What still stands in the way of closing; empty when nothing does."""
    missing = []
    if context.severity(state.level).postmortem is not None and not state.postmortem_published:
        missing.append("the postmortem is not published")
    if "log" not in dict(state.documents):
        missing.append("the log row is not written")
    for document, reason in documents_owed(state):
        missing.append(f"the {document} is still owed: {reason}")
    return missing
