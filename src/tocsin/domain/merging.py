"""Two incidents that are one: the child ends, the parent goes on with its alerts and claims (design rule 21).

Each side is a decision of its own, made on the other's state as it was before; the engine commits both or neither.
Joining never silences: a child that still calls people calls them again in a parent whose ack cannot have meant it.
Nothing under way gets lost: actions, suspected changes and readers come along, what cannot come along is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tocsin.domain import clocks, crew, escalation, grouping, legal, lifecycle, restricted
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.spans import many
from tocsin.domain.work import MOST

MOST_ABSORBED = 50


def merged(
    state: Incident, context: Context, now: datetime, *, by: str, into: Incident, reason: str
) -> list[ev.Event]:
    """It is the same as `into`: its pages stop, its clocks end without a score, whoever is at work is told.

    What waits in it (tasks, actions, offers) ends here. Raises Refused.
    """
    _refuse(state, into, context, now)
    draft = Draft(state, context)
    escalation.stop(draft, now, None)
    goes_on = Text(f"goes on in {into.ref}")
    draft.add(*(ev.TaskDropped(now, by, task.number, goes_on) for task in state.work.tasks if task.open))
    draft.add(*(ev.ActionDropped(now, by, number, goes_on) for number in _open_actions(state)))
    draft.add(*(ev.HandoverWithdrawn(now, offer.role, offer.to, None, by) for offer in state.offers))
    for clock in state.clocks:
        if clock.open:
            took = max(0, int((now - clock.start).total_seconds()))
            due = clocks.limit_of(clock, context)
            draft.add(ev.ClockEnded(now, clock.name, clock.level, "merged", took, due))
    told = tuple(person for person in _at_work(state) if person != by)
    return draft.add(ev.Merged(now, by, into.ref, Text(reason), told)).events


def absorbed(state: Incident, context: Context, now: datetime, *, by: str, child: Incident) -> list[ev.Event]:
    """It goes on for `child` too: a worse level raises it, what nobody has answered calls again.

    The child's open actions and suspected changes come along, and whoever works on it may read it here, if `by` may.
    `child` is as it was before it was merged. Raises Refused.
    """
    _refuse(child, state, context, now)
    draft = Draft(state, context)
    asked = _worst(state.alert_level, child.alert_level, context=context)
    title = Text(child.known_as)
    draft.add(ev.Absorbed(now, by, child.ref, title, child.firing, child.all_claims, asked))
    draft.add(*_suspected(state, child, now, by), *_actions(state, child, now, by))
    draft.add(*_readers(state, child, now, by))
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
    acked = parent.acked_at if parent.paging == Paging.ACKED else None
    if acked is None or parent.stage == Stage.MITIGATED or now - acked > grouping.GROUP_WINDOW:
        return True
    by_hand = child.declared_by is not None or bool(child.audience)
    return by_hand and acked < child.opened_at


# --- what comes along -----------------------------------------------------------------------------------------------


def _at_work(child: Incident) -> tuple[str, ...]:
    """Whoever has to hear where it goes on: at work, watching, asked for a word or a seat, or who declared it."""
    waited_for = (p for s in child.duties.statements if s.state != "sent" for p in s.approvers)
    found = (
        *crew.responders(child),
        *filter(None, (child.acked_by, child.declared_by)),
        *child.room.shadows,
        *(offer.to for offer in child.offers),
        *waited_for,
    )
    return tuple(dict.fromkeys(found))


def _open_actions(child: Incident) -> tuple[int, ...]:
    return tuple(action.number for action in child.duties.actions if action.state == "open")


def _actions(parent: Incident, child: Incident, now: datetime, by: str) -> Iterator[ev.ActionAdded]:
    """The child's open actions under the parent's numbers; the words of a restricted child stay there."""
    for count, number in enumerate(_open_actions(child), start=1):
        action = child.duties.action(number)
        if action is not None:
            text = _said(child, action.text, f"action {number}")
            added = parent.duties.action_count + count
            yield ev.ActionAdded(now, by, added, text, action.kind, action.owner, action.due, action.calendar)


def _suspected(parent: Incident, child: Incident, now: datetime, by: str) -> list[ev.ChangeSuspected]:
    """Changes that are not suspected here yet. Those with an author first, should not all find room."""
    found = []
    for number, suspect in enumerate(child.room.suspects, start=1):
        if suspect not in parent.room.suspects:
            what = _said(child, suspect.what, f"suspected change {number}")
            found.append(ev.ChangeSuspected(now, by, what, suspect.author, suspect.happened))
    room = max(0, crew.SUSPECTS_LIMIT - len(parent.room.suspects))
    return sorted(found, key=lambda e: e.author is None)[:room]


def _said(child: Incident, text: str, what: str) -> Text:
    return Text(f"{what} of {child.ref}, {child.known_as}" if child.room.restriction else text)


def _readers(parent: Incident, child: Incident, now: datetime, by: str) -> list[ev.Restricted]:
    """A restricted parent is read by those who work on it now; nobody lets others read what they may not read."""
    restriction = parent.room.restriction
    if restriction is None or not restricted.may_read(parent, by):
        return []
    new = [person for person in _at_work(child) if not restricted.may_read(parent, person)]
    if not new:
        return []
    readers = (*restriction.readers, *new)
    return [ev.Restricted(now, by, restriction.codename, readers, Text(f"absorbed {child.ref}"))]


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
    actions = len(_open_actions(child))
    if len(parent.duties.actions) + actions > MOST:
        raise Refused(
            f"{parent.ref} has no room for {actions} more actions",
            f"prove or drop those of {child.ref} first",
        )


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
