"""Two incidents that are one: the child ends, the parent goes on with its alerts and claims (design rule 21).

Each side is a decision of its own, made on the other's state as it was before; the engine commits both or neither.
Joining never silences: a child that still calls people calls them again in a parent whose ack cannot have meant it.
What is under way in the child is never lost: then it is refused.
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import clocks, escalation, grouping, legal, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.spans import many

MOST_ABSORBED = 50


def merged(
    state: Incident, context: Context, now: datetime, *, by: str, into: Incident, reason: str
) -> list[ev.Event]:
    """It is the same as `into`: its pages stop, its clocks end without a score. Raises Refused."""
    _refuse(state, into, context, now)
    draft = Draft(state, context)
    escalation.stop(draft, now, None)
    for clock in state.clocks:
        if clock.open:
            took = max(0, int((now - clock.start).total_seconds()))
            due = clocks.limit_of(clock, context)
            draft.add(ev.ClockEnded(now, clock.name, clock.level, "merged", took, due))
    return draft.add(ev.Merged(now, by, into.ref, Text(reason))).events


def absorbed(state: Incident, context: Context, now: datetime, *, by: str, child: Incident) -> list[ev.Event]:
    """It goes on for `child` too: a worse level raises it, what nobody has answered calls again.

    `child` is as it was before it was merged. Raises Refused.
    """
    _refuse(child, state, context, now)
    draft = Draft(state, context)
    asked = _worst(state.alert_level, child.alert_level, context=context)
    title = Text(child.known_as)
    draft.add(ev.Absorbed(now, by, child.ref, title, child.firing, child.all_claims, asked))
    level = _worst(child.level, context=context)
    if level is not None and context.severity(level).rank < context.severity(state.level).rank:
        lifecycle.set_level(draft, now, by, level, f"absorbed {child.ref}")
    elif _calls_again(state, child, now):
        escalation.start(draft, now)
    return draft.events


def _worst(*levels: str | None, context: Context) -> str | None:
    """The worst of the levels that the parent's own handbook knows; None where it knows none of them."""
    found = [s for level in levels if level and (s := context.policy.severity(level))]
    return min(found, key=lambda s: s.rank).level if found else None


def _calls_again(parent: Incident, child: Incident, now: datetime) -> bool:
    """Whether the child still calls and no ack of the parent can have meant it: rather once too often."""
    if child.paging != Paging.TRIGGERED or parent.paging == Paging.TRIGGERED:
        return False
    acked = parent.acked_at
    if acked is None or parent.stage == Stage.MITIGATED or now - acked > grouping.GROUP_WINDOW:
        return True
    return child.declared_by is not None and acked < child.opened_at


# --- refused --------------------------------------------------------------------------------------------------------


def _refuse(child: Incident, parent: Incident, context: Context, now: datetime) -> None:
    """Raises Refused, with what is possible, when the two cannot become one."""
    if child.ref == parent.ref:
        raise Refused(f"{child.ref} cannot be merged into itself", "name the incident that goes on")
    for one in (child, parent):
        if one.stage == Stage.MERGED:
            raise Refused(
                f"{one.ref} was merged into {one.merged_into} already", f"merge with {one.merged_into}"
            )
        if one.kind != "incident":
            raise Refused(f"{one.ref} is a {one.kind}: it is not merged", "name it in a note")
    if not child.stage.running:
        raise Refused(f"{child.ref} is {child.stage}: only what still runs is merged", "name it in a note")
    if not parent.stage.running:
        raise Refused(f"{parent.ref} is {parent.stage}", _instead(child, parent, context, now))
    if child.drill != parent.drill:
        real, drill = (parent, child) if child.drill else (child, parent)
        raise Refused(f"{drill.ref} is a drill and {real.ref} is not", "end the drill by itself")
    if child.stage.declared and not parent.stage.declared:
        raise Refused(
            f"{child.ref} is declared and {parent.ref} is not",
            f"declare {parent.ref} first, or merge {parent.ref} into {child.ref}",
        )
    if len(parent.absorbed) >= MOST_ABSORBED:
        raise Refused(
            f"{parent.ref} has absorbed {MOST_ABSORBED} incidents already", f"close {child.ref} by itself"
        )
    _refuse_under_way(child, parent)


def _instead(child: Incident, parent: Incident, context: Context, now: datetime) -> str:
    """What to do where the parent is over."""
    if now <= lifecycle.reopen_until(parent, context):
        return f"reopen it first: tocsin reopen {parent.ref}"
    return f"it cannot be reopened any more: go on with {child.ref}, and name {parent.ref} in a note"


def _refuse_under_way(child: Incident, parent: Incident) -> None:
    """Raises Refused for what nobody would look after any more in a child that has ended."""
    started = tuple(str(task.number) for task in child.work.tasks if task.state == "started")
    if started:
        tasks, verb = ("task", "is") if len(started) == 1 else ("tasks", "are")
        named = f"{tasks} {many(started)}"
        raise Refused(f"{named} of {child.ref} {verb} under way", f"finish or drop {named} first")
    other_way = f"merge {parent.ref} into {child.ref}"
    if parent.stage.declared and not child.stage.declared:
        other_way = f"declare {child.ref} and {other_way}"
    runs = legal.running(child)
    if runs:
        until = f"{runs[0].due:%Y-%m-%d %H:%M:%S} UTC"
        raise Refused(
            f"the {runs[0].regime} deadline runs in {child.ref} until {until}",
            f"decide on it first, or merge the other way round: {other_way}",
        )
    clock = child.clock("mitigate")
    if child.stage == Stage.DECLARED and parent.stage == Stage.MITIGATED and clock is not None and clock.open:
        raise Refused(
            f"{parent.ref} is mitigated and {child.ref} is not", f"mitigate it first, or {other_way}"
        )
