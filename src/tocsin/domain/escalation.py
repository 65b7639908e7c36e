"""Which step of the escalation is next, and what happens when nobody is there or nobody answers.

Rules: docs/reference/oncall.md E1 to E7 (steps, empty ones, dead end, repeats, exhaustion, reminders), E15 (round
robin), E19 (people out of reach pull the next step forward), E21 (low urgency: the first step only). One machine for
both ways to write it down: the times of a sentence count from the first page, the delays of a policy block from the
real firing of the step (E2). Who a target is stands in `targets`, how one person is called in `paging`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.domain import appearing, paging, taking, targets
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, late_seconds
from tocsin.domain.incident import ASKED, Incident, Ladder, Paging
from tocsin.domain.policy import Escalation, Rung
from tocsin.domain.targets import escalation_for, escalation_of, offsets, people_for, people_of, urgent

__all__ = ["escalation_for", "escalation_of", "offsets", "people_for", "people_of"]

DEAD_END_EVERY = timedelta(minutes=5)
"""How often everybody is tried again as long as nobody at all could be reached."""
REMIND_LOW_EVERY = timedelta(hours=4)
"""How often low urgency is called again; it never climbs the ladder (E21)."""
DAY = timedelta(days=1)
FALLBACK = -1
"""Instead of a step: whoever is called when no step means anybody."""
Turns = tuple[tuple[int, int], ...]
"""Step and position of the targets that had their turn."""
AGAIN = "called again: nobody answered"
NO_STEP = "no step means anybody who can be reached"

stop = taking.stop
"""Every open page gets its outcome (E8)."""


def rungs_of(state: Incident, context: Context) -> tuple[Rung, ...]:
    """The steps of the incident's escalation."""
    return escalation_of(state, context).steps


# --- a run begins ---------------------------------------------------------------------------------------------------


def start(draft: Draft, at: datetime, *, also: tuple[str, ...] = (), why: str = "called anew") -> None:
    """Begin a run from the first step, passing empty ones in the same instant: at opening, or when calling anew.

    `also` are called with the first step. What was silenced until later is not any more, for the reason `why` (E11).
    """
    silenced = draft.state.watch.snoozed_until
    if draft.state.paging is Paging.SNOOZED and silenced is not None:
        draft.add(ev.SnoozeEnded(at, silenced, why))
    for page in draft.state.open_pages():
        if page.until is not None:  # what waited for the morning is called now
            draft.add(ev.PageEnded(at, page.number, page.person, "superseded"))
    run = draft.state.ladder.run + 1
    _fire(draft, 0, run, at, at, "ladder", also=also)
    go_on(draft, at)
    if urgent(draft.state, draft.context) and not draft.state.ladder.exhausted:
        _fire_first_rung_with_ic(draft, run, at)


def try_again(
    state: Incident, context: Context, now: datetime, *, gained: frozenset[str] | None
) -> list[ev.Event]:
    """Begin anew where nobody could be called and somebody can be now; nothing where there is nobody new (E5).

    `gained`: of whom something has changed; None: that is not known of anybody.
    """
    draft = Draft(state, context)
    if appearing.stranded(state) and appearing.appeared(state, context, now, gained):
        start(draft, now)
    return draft.events


def go_on(draft: Draft, at: datetime) -> None:
    """Fire whatever need not wait."""
    while _hurries(draft.state):
        fire(draft, at, at)


def _hurries(state: Incident) -> bool:
    """Whether the next step need not wait: nobody who was called so far can be waited for."""
    calls = state.paging is Paging.TRIGGERED and state.stage.running
    return calls and state.ladder.hurry and (not state.ladder.exhausted or not _awaited(state))


def _fire_first_rung_with_ic(draft: Draft, run: int, at: datetime) -> None:
    """SEV1/2: when nobody called so far may be IC, the first later step with one is called at once too.

    Whoever is called in this very instant already is not called a second time.
    """
    state, context = draft.state, draft.context
    rungs = escalation_of(state, context)
    if targets.leads(state, context, at) or state.audience or state.ladder.dead_end:
        return
    called_so_far = (p.person for p in state.open_pages() if p.run == run and p.counts)
    if any(_may_lead(person, context) for person in called_so_far):
        return
    index = _next_with_ic(rungs, state.ladder.next_rung, context, at, state.ladder.robin)
    if index is None:
        return
    rings = {p.person for p in state.open_pages() if (p.run, p.at) == (run, at)}
    called = tuple(p for p in _reached(draft, rungs, index, at) if p not in rings)
    if called:
        draft.add(ev.RungFired(at, 0, run, called, at, 0, f"nobody before step {index + 1} may be IC"))
        paging.call(draft, called, index, run, at)


def first_with_ic(rungs: Escalation, fired: int, context: Context, at: datetime) -> int | None:
    """The step that is called at once too, since nobody before it may be IC; None when there is no need or nobody."""
    index = _next_with_ic(rungs, 0, context, at)
    return index if index is not None and index >= fired else None


def _next_with_ic(
    rungs: Escalation, first: int, context: Context, at: datetime, had: Turns = ()
) -> int | None:
    """The first step from `first` on that calls somebody who may be IC and can be reached."""
    for index in range(first, len(rungs.steps)):
        people = _meant(rungs, index, context, at, had)
        if any(targets.reachable(p, context) and _may_lead(p, context) for p in people):
            return index
    return None


def _meant(rungs: Escalation, index: int, context: Context, at: datetime, had: Turns) -> tuple[str, ...]:
    """Whom the step would call: of people in turn only whoever is next (E15)."""
    rung = rungs.steps[index]
    if rung.mode != "round_robin":
        return people_for(rung, context, at)
    begin = context.cursors.get(cursor_key(rungs.name, index), 0)
    position = _turn_from(begin, rungs, index, context, at, had)
    return targets.resolve(rung.targets[position], context, at) if position is not None else ()


def _may_lead(handle: str, context: Context) -> bool:
    person = context.directory.get(handle)
    return person is not None and person.may_be("ic")


# --- when it goes on ------------------------------------------------------------------------------------------------


def due(state: Incident, context: Context) -> datetime | None:
    """When the escalation acts next: the next step, a repeat, or the next call of the last audience. None: it rests."""
    ladder = state.ladder
    if state.paging is not Paging.TRIGGERED or ladder.started_at is None or not state.stage.running:
        return None
    rungs = escalation_of(state, context)
    last = ladder.last_fired_at or ladder.started_at
    if _hurries(state):
        return ladder.hurry_at or last
    high = urgent(state, context)
    if high and not ladder.exhausted and not ladder.dead_end:
        return _step_due(rungs, ladder, last, context)
    again = _call_again_due(state, rungs, last, high=high)
    turn = appearing.next_turn(rungs, context, last, again) if ladder.dead_end else None
    return turn or again


def _call_again_due(state: Incident, rungs: Escalation, last: datetime, *, high: bool) -> datetime:
    """When the last audience is called again, or the last resort tried again."""
    if state.ladder.dead_end and _all_ways_failed(state):
        return last + DEAD_END_EVERY
    if high:
        return last + timedelta(seconds=rungs.remind_every_s)
    waiting = (page.until for page in state.open_pages() if page.until is not None)
    return max([last, *waiting]) + REMIND_LOW_EVERY


def _step_due(rungs: Escalation, ladder: Ladder, last: datetime, context: Context) -> datetime:
    """When the next step fires; behind the last one, when the pass is over."""
    index = min(ladder.next_rung, len(rungs.steps))
    in_prose = targets.in_prose(rungs, context) and not ladder.from_firing and ladder.started_at is not None
    if in_prose and ladder.started_at is not None and index < len(rungs.steps):
        return ladder.started_at + timedelta(seconds=rungs.steps[index].after_s)
    return last + timedelta(seconds=targets.delay_after(rungs, max(index - 1, 0)))


def _awaited(state: Incident) -> bool:
    """Whether anybody called by a step of this run may still answer."""
    return any(p.run == state.ladder.run and p.counts for p in state.open_pages())


def _all_ways_failed(state: Incident) -> bool:
    """There are ways to people, and none of them works: they may work again any minute."""
    return any(page.channels for page in state.pages) and not any(p.sent for p in state.open_pages())


def fire(draft: Draft, due_at: datetime, at: datetime) -> None:
    """Do what was due: the next step; past the last one a repeat, the fallback, the last audience, the last resort."""
    state = draft.state
    ladder = state.ladder
    rungs = escalation_of(state, draft.context)
    high = urgent(state, draft.context)
    over = ladder.exhausted or ladder.dead_end
    if ladder.next_rung < len(rungs.steps) and not over and (high or ladder.hurry):
        _fire(draft, ladder.next_rung, ladder.run, due_at, at, "ladder")
    elif ladder.hurry and not _awaited(state):
        _nobody_left(draft, rungs, at)
    elif (high or ladder.hurry) and not over:
        _end_of_pass(draft, rungs, due_at, at)
    else:
        _call_again(draft, rungs, due_at, at)


# --- one step -------------------------------------------------------------------------------------------------------


def _fire(
    draft: Draft,
    index: int,
    run: int,
    due_at: datetime,
    at: datetime,
    why: str,
    *,
    also: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> None:
    rungs = escalation_of(draft.state, draft.context)
    rung = rungs.steps[index]
    meant = _reached(draft, rungs, index, at, without=without)
    kept = (p for p in meant if p not in without)
    more = (p for p in also if targets.active(p, draft.context, at))
    called = tuple(dict.fromkeys((*kept, *more)))
    if not any(targets.reachable(p, draft.context) for p in called):
        reason = targets.why_nobody(rung, draft.context, at)
        waits = not rung.skip_if_empty and _anybody(draft, rungs, at)
        draft.add(ev.RungEmpty(at, index, run, reason, waits=waits))
        return
    if rungs.stop_earlier:
        _stop_earlier(draft, at)
    draft.add(ev.RungFired(at, index, run, called, due_at, late_seconds(due_at, at), why))
    paging.call(draft, _still_wanted(draft, called, run), index, run, at)


def _anybody(draft: Draft, rungs: Escalation, at: datetime) -> bool:
    """Whether waiting can help: a step means somebody, and steps are climbed at all."""
    context = draft.context
    found = (p for rung in rungs.steps for p in people_for(rung, context, at))
    return urgent(draft.state, context) and any(targets.reachable(p, context) for p in found)


def _still_wanted(draft: Draft, people: tuple[str, ...], run: int) -> tuple[str, ...]:
    """Whoever has acknowledged her part of it already is not called again (E9)."""
    ladder = draft.state.ladder
    partial = ladder.partial if ladder.run == run else ()
    return tuple(p for p in people if p not in partial)


def _stop_earlier(draft: Draft, at: datetime) -> None:
    """The policy ends earlier pages when a step fires (E7)."""
    for page in draft.state.open_pages():
        if page.rung != ASKED:
            draft.add(ev.PageEnded(at, page.number, page.person, "superseded"))


def _reached(
    draft: Draft, rungs: Escalation, index: int, at: datetime, *, without: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Who the step calls: everybody of its targets, or those of the one target whose turn it is (E15)."""
    rung = rungs.steps[index]
    if rung.mode != "round_robin":
        return people_for(rung, draft.context, at)
    begin, had = _cursor(draft, rungs, index), draft.state.ladder.robin
    position = _turn_from(begin, rungs, index, draft.context, at, had, without)
    if position is None:
        return ()
    draft.add(ev.RoundRobinChosen(at, rungs.name, index, rung.targets[position], position))
    return targets.resolve(rung.targets[position], draft.context, at)


def _turn_from(
    begin: int,
    rungs: Escalation,
    index: int,
    context: Context,
    at: datetime,
    had: Turns = (),
    without: tuple[str, ...] = (),
) -> int | None:
    """Whose turn it is: from `begin` on, first those that have not `had` theirs in this incident; None: nobody.

    Who is only meant together with those `without` whom it goes on has no turn.
    """
    named = rungs.steps[index].targets
    order = [(begin + offset) % len(named) for offset in range(len(named))]
    present = [
        position
        for position in order
        if any(
            targets.reachable(p, context) and p not in without
            for p in targets.resolve(named[position], context, at)
        )
    ]
    fresh = [position for position in present if (index, position) not in had]
    return next(iter(fresh or present), None)


def cursor_key(escalation: str, rung: int) -> str:
    """The name of the cursor that all incidents share."""
    return f"{escalation}/{rung}"


def _cursor(draft: Draft, rungs: Escalation, index: int) -> int:
    """Where the next turn begins, as of this point of the decision."""
    moved = (
        e.position + 1
        for e in reversed(draft.events)
        if isinstance(e, ev.RoundRobinChosen) and (e.escalation, e.rung) == (rungs.name, index)
    )
    return next(moved, draft.context.cursors.get(cursor_key(rungs.name, index), 0))


# --- nobody there, nobody answers -----------------------------------------------------------------------------------


def _end_of_pass(draft: Draft, rungs: Escalation, due_at: datetime, at: datetime) -> None:
    """Nobody has answered on any step: once more from the first, or the fallback and reminders without end (E6)."""
    ladder = draft.state.ladder
    if ladder.passes < rungs.repeat:
        draft.add(ev.PassRepeated(at, ladder.run, ladder.passes + 1))
        _fire(draft, 0, ladder.run, due_at, at, "ladder")
        return
    audience = _last_audience(draft, rungs, at)
    people = people_for(rungs.steps[audience], draft.context, at) if audience is not None else ()
    draft.add(ev.LadderExhausted(at, ladder.run, people))
    fallback = _fallback(draft, rungs, at)
    if set(fallback) - set(people):
        _call_fallback(draft, fallback, len(rungs.steps), at, "nobody has answered")


def _nobody_left(draft: Draft, rungs: Escalation, at: datetime) -> None:
    """Nobody of the steps can be reached: the fallback at once, else the last resort (E5)."""
    fallback = _fallback(draft, rungs, at)
    if fallback and not draft.state.ladder.fallback:
        _call_fallback(draft, fallback, len(rungs.steps), at, NO_STEP)
    else:
        _last_resort(draft, len(rungs.steps), at)


def _call_fallback(draft: Draft, people: tuple[str, ...], rung: int, at: datetime, why: str) -> None:
    run = draft.state.ladder.run
    draft.add(ev.FallbackCalled(at, run, people, why))
    paging.call(draft, people, rung, run, at)


def _fallback(draft: Draft, rungs: Escalation, at: datetime) -> tuple[str, ...]:
    """Who the fallback means and can be reached, as far as is known."""
    lost = _out_of_reach(draft.state)
    found = people_of(rungs.fallback, draft.context, at)
    wanted = _still_wanted(draft, found, draft.state.ladder.run)
    return tuple(p for p in wanted if targets.reachable(p, draft.context) and p not in lost)


def _out_of_reach(state: Incident) -> set[str]:
    """Whose newest page of this run found no way to them."""
    newest = {p.person: p.outcome for p in state.pages if p.run == state.ladder.run and not p.shadow}
    return {person for person, outcome in newest.items() if outcome == "unreachable"}


def _last_audience(draft: Draft, rungs: Escalation, at: datetime) -> int | None:
    """The last step so far that means somebody now who can be reached."""
    lost = _out_of_reach(draft.state)
    for index in reversed(range(min(max(draft.state.ladder.next_rung, 1), len(rungs.steps)))):
        people = people_for(rungs.steps[index], draft.context, at)
        if any(targets.reachable(p, draft.context) and p not in lost for p in people):
            return index
    return None


def _call_again(draft: Draft, rungs: Escalation, due_at: datetime, at: datetime) -> None:
    """The last audience, resolved now, is called again until somebody answers; after a day the owner too (E6)."""
    ladder = draft.state.ladder
    if ladder.dead_end and appearing.appeared(draft.state, draft.context, at):
        start(draft, at)
        return
    index = None if ladder.dead_end else _last_audience(draft, rungs, at)
    if index is None:
        fallback = () if ladder.dead_end else _fallback(draft, rungs, at)
        if fallback:
            _call_fallback(draft, fallback, len(rungs.steps), at, AGAIN)
        else:
            _last_resort(draft, len(rungs.steps), at)
        return
    people = _reached(draft, rungs, index, at)
    # Where only those are left who have acknowledged their part, they are asked again: somebody must answer for it.
    wanted = _still_wanted(draft, people, ladder.run) or people
    days = _days(ladder, at)
    owners: tuple[str, ...] = ()
    if days > _days(ladder, ladder.last_fired_at or at) and urgent(draft.state, draft.context):
        owners = tuple(p for p in draft.context.directory.admins() if targets.active(p, draft.context, at))
    called = tuple(dict.fromkeys((*wanted, *owners)))
    why = f"{AGAIN} for {days} {'day' if days == 1 else 'days'}" if owners else AGAIN
    draft.add(ev.RungFired(at, index, ladder.run, called, due_at, late_seconds(due_at, at), why))
    paging.call(draft, called, index, ladder.run, at, reminder=True)


def _days(ladder: Ladder, at: datetime) -> int:
    """Whole days since the run began."""
    return (at - (ladder.started_at or at)) // DAY


def _last_resort(draft: Draft, rung: int, at: datetime) -> None:
    """Nobody can be reached: the administrators, else everybody with any method; the siren in any case (E5)."""
    called = _anybody_left(draft, at)
    draft.add(ev.NobodyReachable(at, called, "nobody on the ladder can be reached"))
    paging.call(draft, called, rung, draft.state.ladder.run, at)


def _anybody_left(draft: Draft, at: datetime) -> tuple[str, ...]:
    """Whom the last resort means: those first whose ways have not failed yet."""
    directory, context = draft.context.directory, draft.context
    everyone = dict.fromkeys((*directory.admins(), *directory.people))
    people = tuple(h for h in everyone if targets.reachable(h, context) and targets.active(h, context, at))
    failed = {p.person for p in draft.state.pages if p.outcome == "unreachable"}
    untried = tuple(p for p in people if p not in failed)
    admins = tuple(p for p in untried if p in directory.admins())
    return admins or untried or people


# --- by hand --------------------------------------------------------------------------------------------------------


def next_by_hand(state: Incident, context: Context) -> int:
    """The step that a person has called now: behind the last one it is the first again (E12)."""
    steps = rungs_of(state, context)
    index = state.ladder.next_rung
    return index if index < len(steps) else 0


def next_without(state: Incident, context: Context, at: datetime, passer: str) -> int | None:
    """The step to which `passer` can pass it on: the next one that means anybody else who can be reached.

    `FALLBACK` where only the fallback does; None: nobody else can be called (E12).
    """
    rungs = escalation_of(state, context)
    first, count = next_by_hand(state, context), len(rungs.steps)
    for index in ((first + n) % count for n in range(count)):
        people = people_for(rungs.steps[index], context, at)
        if any(p != passer and targets.reachable(p, context) for p in people):
            return index
    return FALLBACK if set(_fallback(Draft(state, context), rungs, at)) - {passer} else None


def fire_by_hand(draft: Draft, index: int, at: datetime, *, without: tuple[str, ...] = ()) -> None:
    """Call that step (or the `FALLBACK`) at once, but not those who passed it on (E12)."""
    if index == FALLBACK:
        rungs = escalation_of(draft.state, draft.context)
        people = tuple(p for p in _fallback(draft, rungs, at) if p not in without)
        _call_fallback(draft, people, len(rungs.steps), at, f"passed on by {', '.join(without)}")
    else:
        _fire(draft, index, draft.state.ladder.run, at, at, "called by hand", without=without)
    go_on(draft, at)


# --- what comes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coming:
    """What the escalation does at `at` if nobody acts: call `people`; `again` when they were called already."""

    at: datetime
    people: tuple[str, ...]
    again: bool


def coming(state: Incident, context: Context) -> Coming | None:
    """Who is called next and when; who is on call by then is read from the schedules. None: it rests."""
    at = due(state, context)
    if at is None:
        return None
    ladder, rungs = state.ladder, escalation_of(state, context)
    draft = Draft(state, context)
    high = urgent(state, context)
    over = ladder.exhausted or ladder.dead_end or not (high or ladder.hurry)
    for index in range(ladder.next_rung, len(rungs.steps)) if not over else ():
        if found := _there(draft, rungs, index, at):
            return Coming(at, found, again=False)
    for index in range(len(rungs.steps)) if not over and ladder.passes < rungs.repeat else ():
        if found := _there(draft, rungs, index, at):
            return Coming(at, found, again=True)
    if not over and (fallback := _fallback(draft, rungs, at)):
        return Coming(at, fallback, again=False)
    audience = _last_audience(draft, rungs, at)
    if audience is not None:
        return Coming(at, _reached(draft, rungs, audience, at), again=True)
    fallback = () if ladder.dead_end else _fallback(draft, rungs, at)
    return Coming(at, fallback or _anybody_left(draft, at), again=True)


def _there(draft: Draft, rungs: Escalation, index: int, at: datetime) -> tuple[str, ...]:
    """Who the step calls; nobody where none of them can be reached, so that the next one fires at once (E4)."""
    found = _reached(draft, rungs, index, at)
    return found if any(targets.reachable(p, draft.context) for p in found) else ()
