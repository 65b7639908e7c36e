"""The promises of a severity: until when somebody has acknowledged, mitigated or resolved it, and how a clock ends.

Used by whatever can end a clock: what people do and what falls due. When a limit falls due stands in `clocks`.
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.incident import Clock
from tocsin.domain.policy import Severity, Target


def target_of(severity: Severity, clock: str) -> Target | None:
    """The severity's target for `ack`, `mitigate` or `resolve`."""
    targets = {"ack": severity.ack, "mitigate": severity.mitigate, "resolve": severity.resolve}
    return targets[clock]


def limit_of(clock: Clock, context: Context) -> datetime | None:
    """The instant at which the clock's promise ends, or None where the handbook gives no number."""
    target = target_of(context.severity(clock.level), clock.name)
    return target.due(clock.start) if target else None


_ENDS = {"ack": "acked", "mitigate": "mitigated", "resolve": "resolved"}
"""What a clock waits for."""


def end_clock(draft: Draft, name: str, at: datetime, *, fact: str | None = None, void: bool = False) -> None:
    """Stop the newest clock of that name, if it runs, with its verdict; a miss is always also a breach.

    `fact` is what stopped it, where that is not what the clock waits for. `void`: nobody answered and nobody need any
    more; a promise that was already broken stays missed.
    """
    clock = draft.state.clock(name)
    if clock is None or not clock.open:
        return
    target = target_of(draft.context.severity(clock.level), name)
    due = limit_of(clock, draft.context)
    took = max(0, int((at - clock.start).total_seconds()))
    missed = clock.breached or (target is not None and not target.met(clock.start, at))
    if missed and not clock.breached and due is not None:
        draft.add(ev.ClockBreached(at, name, clock.level, due))
    verdict = "missed" if missed else "void" if void or due is None else "met"
    draft.add(ev.ClockEnded(at, name, clock.level, verdict, took, due, "" if void else fact or _ENDS[name]))
