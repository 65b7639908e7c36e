"""What is to be said of a clock: judged from its times and the levels that were in force, whatever was recorded.

The rule is the one by which breaches are recorded while time passes (`clocks`): a promise is broken as soon as its
limit lies behind while its level is in force, lowering never heals that, and a clock that has ended is judged by the
levels that came before its end. So the verdict follows from the times alone, however often and in whatever order they
are corrected, and whether anybody looked at the clock in time or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from tocsin.domain import clocks
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.incident import Clock, Incident
from tocsin.domain.policy import Target


@dataclass(frozen=True, slots=True)
class Judgement:
    """`verdict`: `met`, `missed` or `void`, and `running` or `breached` for a clock that nothing has ended yet.

    `level` is the one it is judged by, `due` the limit that this level gives; `took_s` from the start to the end.
    """

    verdict: str
    level: str
    breached: bool
    due: datetime | None
    took_s: int


def judged(clock: Clock, state: Incident, context: Context, now: datetime) -> Judgement:
    """The verdict of the clock; one that still runs is judged as of `now`. One that was merged is never judged."""
    end = clock.ended_at or now
    took = max(0, int((end - clock.start).total_seconds()))
    if clock.verdict == "merged":
        return Judgement("merged", clock.level, clock.breached, _limit(clock, clock.level, context), took)
    level = clock.level
    for since, until, level in _in_force(clock, state, end):
        broken = _broken_from(clock, level, context)
        if broken is not None and max(broken, since) <= until:
            verdict = "breached" if clock.open else "missed"
            return Judgement(verdict, level, True, _limit(clock, level, context), took)
    due = _limit(clock, level, context)
    verdict = "running" if clock.open else "met" if due is not None and _answered(clock) else "void"
    return Judgement(verdict, level, False, due, took)


def recorded(clock: Clock) -> str:
    """What is said of the clock now, in the words of a judgement."""
    return clock.verdict or ("breached" if clock.breached else "running")


def judge_anew(draft: Draft, now: datetime) -> None:
    """Say of every clock what its times say now, where that is something else than before.

    A promise of the present level whose limit has passed meanwhile is left to its own deadline, which tells people.
    """
    for number, clock in enumerate(draft.state.clocks):
        found = judged(clock, draft.state, draft.context, now)
        before = recorded(clock)
        if (found.verdict, found.level) == (before, clock.level):
            continue
        if (before, found.verdict, found.level) == ("running", "breached", clock.level):
            continue
        draft.add(
            ev.ClockRejudged(
                now, number, clock.name, found.level, before, found.verdict, found.took_s, found.due
            )
        )


def _answered(clock: Clock) -> bool:
    """Somebody kept (or tried to keep) the promise; an ack clock may also end because it is needed no more."""
    return bool(clock.fact) or clock.name != "ack" or clock.verdict == "met"


def _in_force(clock: Clock, state: Incident, end: datetime) -> Iterator[tuple[datetime, datetime, str]]:
    """The levels under which the clock ran, each from when until when, oldest first.

    The first one counts from the clock's start, even where that was corrected to lie before it was chosen. Of changes
    in the very instant of the end those count that were known when the clock was ended.
    """
    spans = list(enumerate(state.levels))[clock.began :]
    known = len(state.levels) if clock.open else clock.known
    counted = [s for n, s in spans if n == clock.began or s.at < end or (s.at == end and n < known)]
    for n, span in enumerate(counted):
        since = clock.start if n == 0 else span.at
        until = counted[n + 1].at if n + 1 < len(counted) else end
        yield since, until, span.level


def _target(clock: Clock, level: str, context: Context) -> Target | None:
    return clocks.target_of(context.severity(level), clock.name)


def _limit(clock: Clock, level: str, context: Context) -> datetime | None:
    target = _target(clock, level, context)
    return target.due(clock.start) if target else None


def _broken_from(clock: Clock, level: str, context: Context) -> datetime | None:
    """The first instant at which the promise of that level is not kept any more."""
    target = _target(clock, level, context)
    due = target.due(clock.start) if target else None
    if target is None or due is None:
        return None
    return due + clocks.INSTANT if target.inclusive else due
