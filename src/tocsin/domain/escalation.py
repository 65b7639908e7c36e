"""Which rung of the ladder is next, for whom, and what happens when nobody is there.

Rules: docs/reference/oncall.md E1 (resolved when the rung fires), E4 (empty rung), E5 (dead end), E6 (exhausted),
E7 (superseded pages), E19 (unreachable people pull the next rung forward), E21 (low urgency: first rung only).
All times of an escalation sentence count from the first page.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, late_seconds
from tocsin.domain.incident import Incident, Paging
from tocsin.domain.policy import Rung
from tocsin.domain.source import BUILT_IN

REMIND_EVERY = timedelta(minutes=30)
"""How often the last audience is called again once the ladder is exhausted (oncall.md E6)."""
DEAD_END_EVERY = timedelta(minutes=5)
"""How often everybody is tried again as long as nobody at all could be reached."""
REMIND_LOW_EVERY = timedelta(hours=4)
"""The same for low urgency, which never climbs the ladder (oncall.md E21)."""


def ladder_of(context: Context) -> tuple[Rung, ...]:
    """The handbook's ladder; a handbook without one calls whoever is on call, at once."""
    return context.policy.ladder or (Rung(0, ("oncall:primary",), BUILT_IN),)


def people_for(rung: Rung, context: Context, at: datetime) -> tuple[str, ...]:
    """Handles that the rung calls at `at`, each once. A rotation without anybody on it calls every IC."""
    found: list[str] = []
    for target in rung.targets:
        for handle in _resolve(target, context, at):
            if handle not in found:
                found.append(handle)
    return tuple(found)


def _resolve(target: str, context: Context, at: datetime) -> tuple[str, ...]:
    kind, _, name = target.partition(":")
    if kind == "person":
        return (name,) if context.directory.get(name) else ()
    if kind == "role":
        return context.directory.who_may_be(name)
    people = context.rota.who(name, at) if name in context.rota.names() else ()
    if not people and name == "primary":
        return context.directory.who_may_be("ic")
    return tuple(p for p in people if context.directory.get(p))


def start(draft: Draft, at: datetime) -> None:
    """Begin a run from rung 0, passing empty rungs in the same instant: at opening, or when calling anew."""
    run = draft.state.ladder.run + 1
    _fire(draft, 0, run, at, at, "ladder")
    while draft.state.ladder.hurry:
        fire(draft, at, at)
    if draft.context.severity(draft.state.level).urgent and not draft.state.ladder.dead_end:
        _fire_first_rung_with_ic(draft, run, at)


def _fire_first_rung_with_ic(draft: Draft, run: int, at: datetime) -> None:
    """SEV1/2: when nobody called so far may be IC, the first later rung with one is paged at once too."""
    ladder = ladder_of(draft.context)
    index = first_with_ic(ladder, draft.state.ladder.next_rung, draft.context, at)
    if draft.state.holder("ic") or index is None:
        return
    called = people_for(ladder[index], draft.context, at)
    draft.add(ev.RungFired(at, 0, run, called, at, 0, f"nobody before rung {index} may be IC"))
    _page_each(draft, called, index, run, at)


def first_with_ic(rungs: tuple[Rung, ...], fired: int, context: Context, at: datetime) -> int | None:
    """The rung that is called at once too, since nobody before it may be IC; None when there is no need or nobody."""
    if any(_has_ic(rung, context, at) for rung in rungs[:fired]):
        return None
    return next((i for i, rung in enumerate(rungs) if i >= fired and _has_ic(rung, context, at)), None)


def _has_ic(rung: Rung, context: Context, at: datetime) -> bool:
    """Whether the rung calls somebody who may be IC and can be reached."""
    reachable = (h for h in people_for(rung, context, at) if context.directory.methods_of(h))
    return any(p is not None and p.may_be("ic") for p in map(context.directory.get, reachable))


def due(state: Incident, context: Context) -> datetime | None:
    """When the ladder acts next: the next rung, or the next call of the last audience. None: it rests."""
    ladder = state.ladder
    if state.paging != Paging.TRIGGERED or ladder.started_at is None or not state.stage.running:
        return None
    rungs = ladder_of(context)
    if ladder.hurry and (ladder.next_rung < len(rungs) or not _awaited(state)):
        return ladder.hurry_at or ladder.last_fired_at
    urgent = context.severity(state.level).urgent
    if urgent and ladder.next_rung < len(rungs) and not ladder.dead_end:
        return ladder.started_at + timedelta(seconds=rungs[ladder.next_rung].after_s)
    every = REMIND_EVERY if urgent else REMIND_LOW_EVERY
    if ladder.dead_end and _all_ways_failed(state):
        every = DEAD_END_EVERY
    return (ladder.last_fired_at or ladder.started_at) + every


def _all_ways_failed(state: Incident) -> bool:
    """There are ways to people, and none of them works: they may work again any minute."""
    return any(page.channels for page in state.pages) and not any(p.sent for p in state.open_pages())


def fire(draft: Draft, due_at: datetime, at: datetime) -> None:
    """Do what was due: the next rung; past the last one, the last audience or the last resort."""
    ladder = draft.state.ladder
    rungs = ladder_of(draft.context)
    urgent = draft.context.severity(draft.state.level).urgent
    if ladder.next_rung < len(rungs) and not ladder.dead_end and (urgent or ladder.hurry):
        _fire(draft, ladder.next_rung, ladder.run, due_at, at, "ladder")
    elif ladder.hurry and not _awaited(draft.state):
        _last_resort(draft, at)
    else:
        _call_again(draft, due_at, at)


def _awaited(state: Incident) -> bool:
    """Whether anybody called in this run may still answer."""
    return any(p.run == state.ladder.run for p in state.open_pages())


def _fire(draft: Draft, index: int, run: int, due_at: datetime, at: datetime, why: str) -> None:
    people = people_for(ladder_of(draft.context)[index], draft.context, at)
    reachable = tuple(p for p in people if draft.context.directory.methods_of(p))
    if not reachable:
        reason = "nobody is on call for it" if not people else f"no way to reach {', '.join(people)}"
        draft.add(ev.RungEmpty(at, index, run, reason))
        return
    draft.add(ev.RungFired(at, index, run, people, due_at, late_seconds(due_at, at), why))
    _page_each(draft, people, index, run, at)


def _page_each(draft: Draft, people: tuple[str, ...], rung: int, run: int, at: datetime) -> None:
    """Call all of them before the pages of those without any method end: the others may still answer (E18)."""
    for handle in people:
        _page_person(draft, handle, rung, run, at)
    for page in draft.state.open_pages():
        if not page.channels:
            draft.add(ev.PageEnded(at, page.number, page.person, "unreachable"))


def _page_person(draft: Draft, handle: str, rung: int, run: int, at: datetime) -> None:
    """Call one person; an open page to the same person is superseded, not doubled (E7)."""
    for page in draft.state.open_pages():
        if page.person == handle:
            draft.add(ev.PageEnded(at, page.number, handle, "superseded"))
    channels = tuple(m.channel for m in draft.context.directory.methods_of(handle))
    urgent = draft.context.severity(draft.state.level).urgent
    number = draft.state.page_count + 1
    draft.add(ev.PageRequested(at, number, handle, rung, run, channels, urgent))


def _call_again(draft: Draft, due_at: datetime, at: datetime) -> None:
    """Exhausted: the last audience, resolved now, is called again until somebody answers (E6)."""
    ladder = draft.state.ladder
    rungs = ladder_of(draft.context)[: ladder.next_rung]
    newest = {p.person: p.outcome for p in draft.state.pages if p.run == ladder.run}
    for index, rung in reversed(tuple(enumerate(() if ladder.dead_end else rungs))):
        people = people_for(rung, draft.context, at)
        if any(draft.context.directory.methods_of(p) and newest.get(p) != "unreachable" for p in people):
            late, why = late_seconds(due_at, at), "called again: nobody answered"
            draft.add(ev.RungFired(at, index, ladder.run, people, due_at, late, why))
            _page_each(draft, people, index, ladder.run, at)
            return
    _last_resort(draft, at)


def _last_resort(draft: Draft, at: datetime) -> None:
    """Nobody on the ladder can be reached: every administrator and everybody else with any method (E5)."""
    directory = draft.context.directory
    everyone = (*directory.admins(), *directory.people)
    people = tuple(dict.fromkeys(h for h in everyone if directory.methods_of(h)))
    failed = {p.person for p in draft.state.pages if p.outcome == "unreachable"}
    untried = tuple(p for p in people if p not in failed)
    draft.add(ev.NobodyReachable(at, untried or people, "nobody on the ladder can be reached"))
    _page_each(draft, untried or people, len(ladder_of(draft.context)), draft.state.ladder.run, at)


def stop(draft: Draft, at: datetime, by: str | None) -> None:
    """Give every open page its outcome: `acked` for whoever answered, `stopped` for the others (E8)."""
    for page in draft.state.open_pages():
        outcome = "acked" if page.person == by else "stopped"
        draft.add(ev.PageEnded(at, page.number, page.person, outcome))
