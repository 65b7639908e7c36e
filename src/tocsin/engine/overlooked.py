"""What a look at stored streams finds that no wake-up would have told: who left or came, pages that were never sent.

The auditor's hands (docs/reference/oncall.md P5, E19): the deadlines of a stream follow from its state and the live
picture, but its wake-up was computed with the picture of its last commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tocsin.domain import appearing, clocks
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.incident import Incident, Page, Paging
from tocsin.domain.outcomes import REPAIR
from tocsin.domain.people import Directory
from tocsin.engine.desk import Desk, Job, Rank
from tocsin.engine.sitting import Answer
from tocsin.store.contract import EffectRow, IncidentRow, Store, UnknownEvent

ROWS = 500
UNSENT_AFTER = timedelta(minutes=2)
"""A page that nobody has tried to send for so long was lost."""
EFFECTS_READ = 1000
WATCHED = frozenset({Paging.TRIGGERED.value, Paging.ACKED.value, Paging.SNOOZED.value})


def open_rows(store: Store) -> Iterator[IncidentRow]:
    """Every incident in which somebody is called, may be called anew, or is called to help; test pages too."""
    before = None
    while rows := store.incidents(stage="open", level=None, q=None, before=before, limit=ROWS):
        yield from rows
        before = rows[-1].ref


def _state(store: Store, ref: str) -> Incident | None:
    """The stored state; None where this program cannot read it, which is an alarm of its own."""
    try:
        return store.incident(ref)
    except UnknownEvent:
        return None


def due_earlier(store: Store, desk: Desk) -> list[str]:
    """References whose deadlines come earlier than their stored wake-up (a lost one is found elsewhere)."""
    found = []
    for row in open_rows(store):
        state = _state(store, row.ref) if row.next_due is not None else None
        if state is None or not (state.open_pages() or row.paging in WATCHED):
            continue
        try:
            due = clocks.next_due(state, desk.contexts.pinned(state.policy))
        except (LookupError, Refused):  # the ticker meets the stream, sets it aside and raises the alarm
            continue
        if due is not None and row.next_due is not None and due < row.next_due:
            found.append(row.ref)
    return found


def gained(before: Directory | None, after: Directory) -> frozenset[str] | None:
    """Who is new, differs, or has a method or an address that she had not; None: nothing is known of before (E5)."""
    if before is None:
        return None
    return frozenset(
        handle
        for handle, person in after.people.items()
        if person != before.people.get(handle) or _addresses(handle, after) - _addresses(handle, before)
    )


def _addresses(handle: str, people: Directory) -> set[tuple[str, str]]:
    return {(method.channel, method.address) for method in people.methods_of(handle)}


def stranded(store: Store, desk: Desk, now: datetime, new: frozenset[str] | None) -> list[str]:
    """References of incidents for which nobody could be called and somebody can be now, `new` people or others."""
    found = []
    for row in open_rows(store):
        state = _state(store, row.ref) if row.paging == Paging.TRIGGERED.value else None
        if state is None or not appearing.stranded(state):
            continue
        try:
            context = desk.contexts.pinned(state.policy)
            come = appearing.appeared(state, context, now, new)
        except (LookupError, Refused):  # the ticker meets the stream, sets it aside and raises the alarm
            continue
        if come:
            found.append(row.ref)
    return found


def looking_at(ref: str) -> Job:
    """A job that fires what is due in the stream and writes its wake-up anew."""
    return Job(lambda sitting, at: Answer(ref, sitting.advance(ref, at)), rank=Rank.TICK, refs=(ref,))


def unsent(store: Store, now: datetime) -> list[str]:
    """Incidents with a page whose ways were used long ago although nothing was ever given to a lane."""
    found = []
    for row in open_rows(store):
        if row.paging != Paging.TRIGGERED.value:
            continue
        state = _state(store, row.ref)
        if state is not None and any(_silent(page, now) for page in state.open_pages()):
            effects = store.effects(row.ref, limit=EFFECTS_READ)
            if _lost(state, effects, now):
                found.append(row.ref)
    return found


def _silent(page: Page, now: datetime) -> bool:
    """Nothing has come back of any of its ways, for too long."""
    return not page.sent and not page.failed and page.until is None and now - page.at > UNSENT_AFTER


def _lost(state: Incident, effects: list[EffectRow], now: datetime) -> list[tuple[Page, str]]:
    """Ways that were used according to the state, and that no lane was ever given."""
    if len(effects) >= EFFECTS_READ:
        return []
    given = {effect.topic for effect in effects}
    silent = (page for page in state.open_pages() if _silent(page, now))
    return [(p, c) for p in silent for c, _ in p.tried if f"page/{p.number}/{c}" not in given]


def send_again(
    state: Incident, context: Context, now: datetime, *, effects: list[EffectRow]
) -> list[ev.Event]:
    """The lost ways are used once more, and it is said; nothing where that was settled meanwhile."""
    draft = Draft(state, context)
    lost = _lost(state, effects, now)
    if lost:
        numbers = ", ".join(str(n) for n in dict.fromkeys(page.number for page, _ in lost))
        draft.add(ev.Repaired(now, f"page {numbers}: {REPAIR}; sent now"))
    draft.add(*(ev.WayTried(now, page.number, page.person, channel, REPAIR) for page, channel in lost))
    return draft.events
