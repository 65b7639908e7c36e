"""Two incidents that are one: the child ends, the parent goes on with its alerts and claims (design rule 21).

Each side is a decision of its own, made on the other's state as it was before; the engine commits both or neither.
Joining never silences: a child that still calls people calls them again in a parent whose ack cannot have meant it.
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import clocks, escalation, grouping, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage

MOST_ABSORBED = 50


def merged(
    state: Incident, context: Context, now: datetime, *, by: str, into: Incident, reason: str
) -> list[ev.Event]:
    """It is the same as `into`: its pages stop, its clocks end without a score. Raises Refused."""
    _refuse(state, into)
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
    _refuse(child, state)
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


def _refuse(child: Incident, parent: Incident) -> None:
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
        raise Refused(f"{parent.ref} is {parent.stage}", f"reopen it first: tocsin reopen {parent.ref}")
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
