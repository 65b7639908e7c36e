"""Somebody has it: pages stop, the ack is recorded, its clock ends; of a whole step the last answer does it.

Rules: docs/reference/oncall.md E8, E9. Each answer on such a step ends only that person's pages. It is acknowledged by
the last of them, or when the last one waited for leaves or cannot be reached: then whoever answered has it. Not here:
who is refused, who takes a seat (`answering`).
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain import promises, targets
from tocsin.domain.context import Context, Draft
from tocsin.domain.incident import ASKED, Incident, Page, Paging

PART = "her part of the step, as nobody else is waited for"
"""How an ack came that nobody gave in that instant."""


def stop(draft: Draft, at: datetime, by: str | None, *, asked: bool = True) -> None:
    """Give every open page its outcome: `acked` for whoever answered, `stopped` for the others (E8).

    Not `asked`: whoever was asked to help is still needed (E14).
    """
    for page in draft.state.open_pages():
        if page.person == by or page.rung != ASKED or asked:
            draft.add(ev.PageEnded(at, page.number, page.person, "acked" if page.person == by else "stopped"))


def take(draft: Draft, at: datetime, by: str, via: str, after_s: int | None = None) -> None:
    """The ack, and the end of its clock; `after_s` seconds after she was called, if she was."""
    person = draft.context.directory.get(by)
    stranger = person is None or not person.in_roster
    draft.add(ev.Acknowledged(at, by, via, stranger, after_s))
    promises.end_clock(draft, "ack", at)


def waited_for(state: Incident, context: Context, now: datetime, by: str) -> tuple[int, tuple[str, ...]]:
    """The step whose people all have to acknowledge, and who beside `by` has not; nobody for any other step.

    It is the step that called `by` last: by a page that still rings, or by the one for which she has answered her part.
    """
    steps = targets.escalation_of(state, context).steps
    outcomes = (None, "acked") if by in state.ladder.partial else (None,)
    hers = (p for p in reversed(_pages(state)) if p.person == by and p.outcome in outcomes)
    page = next((p for p in hers if p.rung < len(steps)), None)
    if page is None or steps[page.rung].ack != "all":
        return 0, ()
    newest = {p.person: p.outcome for p in _pages(state)}
    called = dict.fromkeys(p.person for p in _pages(state) if p.rung == page.rung)
    answered = (by, *state.ladder.partial)
    waiting = (p for p in called if p not in answered and newest[p] != "unreachable")
    return page.rung, tuple(p for p in waiting if targets.active(p, context, now))


def _pages(state: Incident) -> list[Page]:
    """Those by which steps called people in this run."""
    return [p for p in state.pages if p.run == state.ladder.run and p.counts]


def settle(draft: Draft, at: datetime) -> None:
    """Where parts were acknowledged and nobody else is waited for any more: the newest answer of somebody still there
    counts for all.
    """
    state, context = draft.state, draft.context
    if state.paging is not Paging.TRIGGERED or not state.stage.running:
        return
    kept = {p.person for p in _pages(state) if p.outcome == "acked"}
    there = (p for p in reversed(state.ladder.partial) if p in kept and targets.active(p, context, at))
    person = next(there, None)
    if person is not None and not waited_for(state, context, at, person)[1]:
        stop(draft, at, person, asked=False)
        take(draft, at, person, PART)
