"""Whom an escalation means: which policy holds for an incident, and who its targets are at an instant.

Rules: docs/reference/oncall.md E1 (resolved when the step fires), E3 (the policy is pinned, people and schedules are
read live), L6 (shadows). Not here: when which step fires (`escalation`), how a person is called (`paging`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, pairwise

from tocsin.domain.context import Context, Refused
from tocsin.domain.incident import Incident
from tocsin.domain.people import Person
from tocsin.domain.policy import Escalation, Rung
from tocsin.domain.source import BUILT_IN

HANDBOOK = "handbook"
"""The name of the escalation that a handbook's sentence describes."""
DEFAULT = "default"
EVERY_IC = ("role:ic",)
KINDS = ("person", "schedule", "oncall", "role")
UNSAID_DELAY_S = 5 * 60
"""How long a step waits of which nothing is said."""


def urgent(state: Incident, context: Context) -> bool:
    """Whether it pages with high urgency (E21): a test page always does."""
    return state.kind == "test" or context.severity(state.level).urgent


def escalation_of(state: Incident, context: Context) -> Escalation:
    """The escalation policy of the incident: called by hand, chosen by a route, the service's, the handbook's."""
    found = escalation_for(context, state.service, state.escalation)
    if not state.audience:
        return found
    delay = delay_after(found, 0)
    step = Rung(0, state.audience, BUILT_IN, delay_s=delay)
    return replace(found, name="by hand", steps=(step,), repeat=0)


def escalation_for(context: Context, service: str | None = None, chosen: str | None = None) -> Escalation:
    """The escalation policy that holds for a service, unless another one was chosen."""
    policy = context.policy
    monitored = policy.service(service) if service and policy.services else None
    for name in (chosen, monitored.escalation if monitored else None, DEFAULT):
        if name is not None and policy.escalations and (named := policy.escalation(name)) and named.steps:
            return named
    if policy.ladder:
        return Escalation(HANDBOOK, policy.ladder, policy.ladder[0].source, fallback=EVERY_IC)
    if policy.escalations and policy.escalations[0].steps:
        return policy.escalations[0]
    return Escalation("built-in", (Rung(0, ("oncall:primary",), BUILT_IN),), BUILT_IN, fallback=EVERY_IC)


def in_prose(rungs: Escalation, context: Context) -> bool:
    """Whether its times count from the first page, as a handbook's sentence says them."""
    return rungs.steps is context.policy.ladder


def delay_after(rungs: Escalation, index: int) -> int:
    """Seconds from the firing of a step until the next one (or the repeat) is due (E2).

    A sentence says instants instead: the gap to the next one, after the last step the gap before it.
    """
    steps = rungs.steps
    said = steps[index].delay_s
    if said is not None:
        return said
    gaps = [later.after_s - step.after_s for step, later in pairwise(steps)]
    return next((gap for gap in (*gaps[index:], *reversed(gaps[:index])) if gap > 0), UNSAID_DELAY_S)


def offsets(rungs: Escalation, context: Context) -> tuple[int, ...]:
    """When each step fires if nobody answers, in seconds after the first page."""
    if in_prose(rungs, context):
        return tuple(step.after_s for step in rungs.steps)
    delays = (delay_after(rungs, index) for index in range(len(rungs.steps) - 1))
    return tuple(accumulate(delays, initial=0))


def people_for(rung: Rung, context: Context, at: datetime) -> tuple[str, ...]:
    """Handles that the step calls at `at`, each once, in the order of its targets (E1)."""
    return people_of(rung.targets, context, at)


def people_of(targets: Iterable[str], context: Context, at: datetime) -> tuple[str, ...]:
    """Handles that these targets mean at `at`, each once, in order."""
    found = (handle for target in targets for handle in resolve(target, context, at))
    return tuple(dict.fromkeys(found))


def resolve(target: str, context: Context, at: datetime) -> tuple[str, ...]:
    """Who the target means at `at`: people who are known and active."""
    kind, _, name = target.partition(":")
    if kind == "person":
        found: tuple[str, ...] = (name.lstrip("@"),)
    elif kind == "role":
        found = context.directory.who_may_be(name)
    else:
        found = _on_schedule(kind, name, context, at, context.rota.who)
    return tuple(handle for handle in found if active(handle, context, at))


def active(handle: str, context: Context, at: datetime) -> bool:
    """Whether the person is known and can be called at `at`."""
    person: Person | None = context.directory.people.get(handle)
    return person is not None and person.active(at)


def leads(state: Incident, context: Context, at: datetime) -> bool:
    """Whether somebody leads it: the IC seat is taken, by somebody who has not left."""
    leader = state.holder("ic")
    return leader is not None and active(leader, context, at)


def _schedule(kind: str, name: str, context: Context) -> str | None:
    """The schedule that the target means; `oncall:primary` is the first one where none is called so."""
    names = context.rota.names()
    if name in names:
        return name
    return names[0] if kind == "oncall" and name == "primary" and names else None


def _on_schedule(
    kind: str,
    name: str,
    context: Context,
    at: datetime,
    ask: Callable[[str, datetime], tuple[str, ...]],
) -> tuple[str, ...]:
    schedule = _schedule(kind, name, context)
    return ask(schedule, at) if schedule is not None else ()


def next_change(target: str, context: Context, start: datetime, end: datetime) -> datetime | None:
    """When others come on call in (start, end) on the schedule that the target means; None: never, or it is none."""
    kind, _, name = target.partition(":")
    schedule = _schedule(kind, name, context) if kind in {"schedule", "oncall"} else None
    if schedule is None:
        return None
    return next((turn.start for turn in context.rota.final(schedule, start, end)[1:]), None)


def shadows_of(rung: Rung, context: Context, at: datetime) -> tuple[str, ...]:
    """Who learns on the schedules of the step at `at` and can be told (L6)."""
    found: list[str] = []
    for target in rung.targets:
        kind, _, name = target.partition(":")
        if kind in {"schedule", "oncall"}:
            found += _on_schedule(kind, name, context, at, context.rota.shadows)
    return tuple(p for p in dict.fromkeys(found) if active(p, context, at) and reachable(p, context))


def reachable(handle: str, context: Context) -> bool:
    """Whether there is any way to the person."""
    return bool(context.directory.methods_of(handle))


def why_nobody(rung: Rung, context: Context, at: datetime) -> str:
    """Why the step means nobody who can be reached, with what is missing by name (E3, E4)."""
    people = people_for(rung, context, at)
    if people:
        return f"no way to reach {', '.join(people)}"
    said = (_why_missing(target, context) for target in rung.targets)
    return "; ".join(dict.fromkeys(filter(None, said))) or "nobody is on call for it"


def _why_missing(target: str, context: Context) -> str:
    kind, _, name = target.partition(":")
    if kind == "person":
        handle = name.lstrip("@")
        known = context.directory.people.get(handle)
        return f"{handle} is not active" if known else f"{handle} is not known"
    if kind == "role":
        return f"nobody may act as {name}"
    if _schedule(kind, name, context) is None:
        return f"there is no schedule {name}"
    return ""


def refuse_unknown(targets: Iterable[str], context: Context) -> None:
    """Raises Refused for a target of a call by hand that can mean nobody: an unknown handle, role or schedule."""
    for target in targets:
        kind, colon, name = target.partition(":")
        if kind not in KINDS or not colon:
            raise Refused(f"{target!r} is no target", "person:<handle>, schedule:<name>, role:<key>")
        if kind == "person" and context.directory.get(name) is None:
            raise Refused(f"nobody is known as {name!r}", "see tocsin oncall")
        if kind == "role" and context.policy.role(name) is None:
            known = ", ".join(r.key for r in context.policy.roles)
            raise Refused(f"the handbook has no role {name!r}", f"known roles: {known}")
        if kind in {"schedule", "oncall"} and _schedule(kind, name, context) is None:
            known = ", ".join(context.rota.names())
            raise Refused(f"there is no schedule {name!r}", f"known schedules: {known or 'none'}")


def targets_of(people: Iterable[str]) -> tuple[str, ...]:
    """Targets as people write them: a bare handle (with or without @) is a person."""
    return tuple(
        t if t.partition(":")[0] in KINDS and ":" in t else f"person:{t.lstrip('@')}" for t in people
    )
