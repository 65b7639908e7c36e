"""Commands that are more than one decision on one stream: opening by a person's hand, merging, reopening."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain import lifecycle, routing
from tocsin.domain import merging as decisions
from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Incident
from tocsin.domain.restricted import may_read
from tocsin.engine.desk import Desk, Job
from tocsin.engine.numbers import new_reference
from tocsin.engine.sitting import Answer, Sitting

UNNUMBERED = "INC-0000-0000"
"""Stands in for the reference while the decision is tried out."""

Run = Callable[[Sitting, datetime], Answer]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody declares. Without `level` the handbook's criteria decide, in doubt the higher.

    `kind`: an `incident`, or what is recorded without level, clocks and pages: a `near-miss` or a planned `change`.
    `follows` is an earlier incident that this one comes back to.
    """

    by: str
    title: str
    level: str | None = None
    service: str | None = None
    detected: datetime | None = None
    impact_start: datetime | None = None
    kind: str = "incident"
    drill: bool = False
    follows: str | None = None


def declare(desk: Desk, declaration: Declaration, *, key: str | None = None) -> Future[Answer]:
    """Open and declare in one commit; the first pages go out with it. `key` makes a repeat harmless."""
    return desk.put(Job(declaring(declaration), key=key))


def declaring(declaration: Declaration) -> Run:
    """What `declare` queues, for whoever queues it with something around it."""
    return lambda sitting, at: _declare(sitting, declaration, at)


def _declare(sitting: Sitting, declaration: Declaration, at: datetime) -> Answer:
    policy, context = sitting.active()
    earlier = sitting.state(declaration.follows) if declaration.follows is not None else None
    if earlier is not None and not may_read(earlier, declaration.by):
        raise Refused(f"{earlier.ref} is restricted", "ask whoever leads it to name you as a reader")
    opening = lifecycle.Opening(
        ref=UNNUMBERED,
        policy=policy,
        title=declaration.title,
        level=declaration.level or "",
        origin="person",
        by=declaration.by,
        service=declaration.service,
        detected=declaration.detected,
        impact_start=declaration.impact_start,
        kind=declaration.kind,
        drill=declaration.drill,
        follows=declaration.follows,
    )
    kept = earlier is not None and earlier.service == declaration.service
    _opened(opening, context, at, kept)  # refused before a number is spent
    opening = replace(opening, ref=new_reference(sitting, at, opening.kind))
    return sitting.open(opening.ref, context, _opened(opening, context, at, kept))


def _opened(opening: lifecycle.Opening, context: Context, at: datetime, kept: bool) -> list[ev.Event]:
    """The opening as it is routed. `kept`: the service was taken over from an earlier incident, whatever it is."""
    if opening.kind != "incident":
        return lifecycle.open_recorded(opening, context, at)
    level, why = opening.level, f"chosen by {opening.by}"
    if not level:
        level, why = lifecycle.choose_level(opening.title, context)
    fact, known = None, context.severity(level).level
    if opening.service and not (kept and context.policy.service(opening.service) is None):
        routed = routing.declared(context.policy, opening.service, opening.title, known, at)
        named = routed.escalation if routed.named else None
        opening, fact = replace(opening, service=routed.service, escalation=named), routed.fact(at)
    opened = lifecycle.open_declared(replace(opening, level=level), context, at, why=why)
    return [opened[0], *((fact,) if fact else ()), *opened[1:]]


def merging(ref: str, into: str, by: str, reason: str) -> Run:
    """The incident `ref` goes on in `into`: both or neither. The answer is that of `ref`."""
    return lambda sitting, at: _merge(sitting, ref, into, by, reason, at)[0]


def _merge(
    sitting: Sitting, ref: str, into: str, by: str, reason: str, at: datetime
) -> tuple[Answer, Answer]:
    """The answers of both."""
    child, parent = sitting.state(ref), sitting.state(into)
    with sitting.whole():
        ended = sitting.decide(ref, at, decisions.merged, by=by, into=parent, reason=reason)
        grown = sitting.decide(into, at, decisions.absorbed, by=by, child=child)
        sitting.move_alerts(ref, into)
    return ended, grown


def reopening(ref: str, by: str, reason: str) -> Run:
    """The incident goes on. What its alerts have opened meanwhile is merged into it, in the same commit."""
    return lambda sitting, at: _reopen(sitting, ref, by, reason, at)


def _reopen(sitting: Sitting, ref: str, by: str, reason: str, at: datetime) -> Answer:
    state = sitting.state(ref)
    sitting.look_up(state.all_claims)
    holders = dict.fromkeys(filter(None, map(sitting.claimed_by, state.all_claims)))
    for holder in holders:
        _refuse_stranger(sitting.state(holder), ref, by)
    firing = sitting.firing(ref)
    with sitting.whole():
        answer = sitting.decide(ref, at, lifecycle.reopen, by=by, reason=reason, firing=firing)
        for holder in holders:
            grown = _take_over(sitting, holder, ref, by, at)
            answer = Answer(ref, grown.version, answer.events + grown.events)
    return answer


def _refuse_stranger(holder: Incident, ref: str, by: str) -> None:
    """Reopening ends what holds the alerts: nobody ends what they may not read. Raises Refused."""
    if not may_read(holder, by):
        raise Refused(
            f"{ref} cannot be reopened: its alerts belong to {holder.ref}, which is restricted",
            f"ask whoever leads {holder.ref}, or declare a new one: tocsin declare --from {ref}",
        )


def _take_over(sitting: Sitting, holder: str, ref: str, by: str, at: datetime) -> Answer:
    """Merge what holds the claim of a reopened incident. Raises Refused, saying where to go on instead."""
    try:
        return _merge(sitting, holder, ref, by, f"{ref} was reopened", at)[1]
    except Refused as refused:
        raise Refused(
            f"{ref} cannot be reopened: its alerts belong to {holder}, and {refused.reason}",
            f"go on with {holder}",
        ) from refused
