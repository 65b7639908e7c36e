"""Whether a timeline lost anything: every page and step has exactly one outcome (docs/reference/oncall.md P2, P3).

Pure in the facts, for tests, drills and the auditor; what it finds is a fault of the program, never of its users.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain.fold import evolve
from tocsin.domain.incident import ASKED, Incident, Paging


def flaws(timeline: Iterable[ev.Event]) -> list[str]:
    """What must not be, in words; empty for every timeline that the program can write."""
    found: list[str] = []
    steps: Counter[tuple[int, int, int]] = Counter()
    sent: Counter[tuple[int, str]] = Counter()
    asked: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    state: Incident | None = None
    before: datetime | None = None
    by_hand = 0
    for event in timeline:
        if before is not None and event.at < before and not isinstance(event, ev.Noted):
            found.append(f"{type(event).__name__} at {event.at} comes after {before}")
        before = max(before, event.at) if before is not None else event.at
        by_hand += isinstance(event, ev.Escalated)
        if state is not None:
            found += _misplaced(state, event)
            _count(state, event, by_hand, steps, sent)
        asked[getattr(event, "page", 0)] += isinstance(event, ev.PageRequested)
        ended[getattr(event, "page", 0)] += isinstance(event, ev.PageEnded)
        state = evolve(state, event)
    found += [f"page {page} was asked for {times} times" for page, times in asked.items() if times > 1]
    found += [f"page {page} ended {times} times" for page, times in ended.items() if times > 1]
    found += [f"step {s[2]} of run {s[0]} fired {times} times" for s, times in steps.items() if times > 1]
    found += [f"page {p} used {channel} {times} times" for (p, channel), times in sent.items() if times > 1]
    if state is not None:
        found += _left_open(state)
    return found


def _count(
    state: Incident,
    event: ev.Event,
    by_hand: int,
    steps: Counter[tuple[int, int, int]],
    sent: Counter[tuple[int, str]],
) -> None:
    """One firing of a step in each pass, one use of each way in each page."""
    if isinstance(event, ev.RungEmpty) or (isinstance(event, ev.RungFired) and event.why == "ladder"):
        passes = state.ladder.passes if state.ladder.run == event.run else 0
        steps[event.run, 100 * by_hand + passes, event.rung] += 1
    elif isinstance(event, ev.PageRequested):
        waits = event.waits or (0,) * len(event.channels)
        sent.update((event.page, c) for c, wait in zip(event.channels, waits, strict=False) if not wait)
    elif isinstance(event, ev.WayTried) and event.why != REPAIR:
        sent[event.page, event.channel] += 1


REPAIR = "nothing was ever sent"
"""Why the auditor uses a way once more."""


def _misplaced(state: Incident, event: ev.Event) -> list[str]:
    """Facts that cannot be in that state: a page of a step while nobody is called, the end of no silence."""
    match event:
        case ev.PageRequested() | ev.PageDeferred() if state.kind != "test" and event.rung != ASKED:
            calls = state.paging is Paging.TRIGGERED
            return [] if calls else [f"page {event.page} of a step while it is {state.paging}"]
        case ev.PageEnded() if state.page(event.page) is None:
            return [f"page {event.page} ended without having begun"]
        case ev.SnoozeEnded() if state.paging is not Paging.SNOOZED:
            return ["a silence ended that was none"]
        case ev.AckExpired() if state.paging is not Paging.ACKED:
            return ["an ack expired that was none"]
        case _:
            return []


def _left_open(state: Incident) -> list[str]:
    """Pages that nobody answers any more, and people who are called twice."""
    pages = state.open_pages()
    found = [f"{p} is called on two pages" for p, n in Counter(x.person for x in pages).items() if n > 1]
    if not state.stage.running:
        found += [f"page {page.number} was left open" for page in pages]
    elif state.paging in {Paging.ACKED, Paging.SNOOZED}:
        found += [f"page {page.number} of a step was left open" for page in pages if page.rung != ASKED]
    return found
