"""Who is in the room beside the seats: conflicts, span of control, long incidents, shadows, suspected changes.

Here: who may lead and who is proposed, what is said when too much lies on one person, who only watches. Not here: the
seats themselves and their hand-over (`response`), who is called (`escalation`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage

LEAD = "ic"
REPAIR = "ops"
CROWD = 3
"""From so many people on, whoever leads the worst level should not repair as well."""
SPAN = 8
"""So many people at work beside the IC are more than one can lead."""
LONG = timedelta(hours=2)
FRESH = timedelta(hours=1)
"""Whoever has led for less than this is not asked to hand over."""
TEXT_LIMIT = 500
SUSPECTS_LIMIT = 50
SHADOWS_LIMIT = 50


# --- who may lead ---------------------------------------------------------------------------------------------------


def why_not(state: Incident, context: Context, person: str) -> str:
    """Everything that speaks against somebody as IC; empty when nothing does."""
    known = context.directory.get(person)
    if known is None:
        return f"nobody is known as {person!r}"
    changes = [s.what for s in state.room.suspects if s.author == known.handle]
    against = [
        "" if known.may_be(LEAD) else "cannot be IC by the roster",
        f"made a change that is suspected ({'; '.join(changes)})" if changes else "",
        "shadows the IC" if known.handle in state.room.shadows else "",
    ]
    said = " and ".join(part for part in against if part)
    return f"{known.handle} {said}" if said else ""


def may_lead(state: Incident, context: Context, person: str) -> bool:
    """Whether nothing speaks against somebody as IC: roster, a suspected change, shadowing."""
    return not why_not(state, context, person)


def candidates(state: Incident, context: Context) -> tuple[str, ...]:
    """Who is proposed as IC: those at work first, then those who were called, then everybody else of the roster."""
    called = tuple(page.person for page in state.pages)
    known = dict.fromkeys((*responders(state), *called, *context.directory.who_may_be(LEAD)))
    return tuple(p for p in known if p != state.holder(LEAD) and may_lead(state, context, p))


def responders(state: Incident) -> tuple[str, ...]:
    """Everybody at work: on a seat, acknowledged, or with an open task; whoever only shadows is not."""
    owners = (task.owner for task in state.work.tasks if task.open and task.owner)
    at_work = dict.fromkeys((*(person for _, person in state.seats), *state.room.joined, *owners))
    return tuple(person for person in at_work if person not in state.room.shadows)


# --- too much on one person -----------------------------------------------------------------------------------------


def warn(draft: Draft, now: datetime) -> None:
    """Say once when whoever leads repairs too, and once when more people answer to her than one can lead.

    Called by every decision that adds people or gives them seats.
    """
    state = draft.state
    leader = state.holder(LEAD)
    if leader is None or not state.stage.running:
        return
    there = responders(state)
    worst = draft.context.severity(state.level).rank == 1
    both = f"{LEAD}+{REPAIR}/{leader}"
    if worst and state.holder(REPAIR) == leader and len(there) >= CROWD and both not in state.room.warned:
        draft.add(ev.SeatConflict(now, leader, (LEAD, REPAIR), len(there)))
    others = sum(person != leader for person in there)
    if others >= SPAN and "span" not in state.room.warned:
        draft.add(ev.SpanWarned(now, (leader,), others))


# --- shadows --------------------------------------------------------------------------------------------------------


def shadow(
    state: Incident, context: Context, now: datetime, *, by: str, person: str | None = None
) -> list[ev.Event]:
    """Watch the IC without acting, to learn it; the IC can have somebody else do so.

    Raises Refused for whoever holds a seat, has work or a seat on offer: that is given away first.
    """
    if not state.stage.running:
        raise Refused(f"{state.ref} is {state.stage}: there is nobody to shadow", "")
    known = context.directory.get(person or by)
    if known is None:
        raise Refused(f"nobody is known as {person or by!r}", "see tocsin oncall")
    who = known.handle
    leader = state.holder(LEAD)
    if who != by and leader not in (None, by):
        raise Refused(f"only {who} or the IC ({leader}) can say that {who} shadows", f"ask {leader}")
    if who in state.room.shadows:
        raise Refused(f"{who} shadows already", "")
    _refuse_at_work(state, who)
    if len(state.room.shadows) >= SHADOWS_LIMIT:
        raise Refused(f"{SHADOWS_LIMIT} people shadow already", "everybody can read along without")
    return Draft(state, context).add(ev.ShadowJoined(now, by, who)).events


def _refuse_at_work(state: Incident, who: str) -> None:
    seats = [role for role, holder in state.seats if holder == who]
    if seats:
        raise Refused(f"{who} holds {' and '.join(seats)}", "hand it over first: a shadow does not act")
    if state.acked_by == who and not state.seats:
        raise Refused(f"{who} acknowledged it, and nobody else is at work", "let somebody take a seat first")
    offered = next((offer.role for offer in state.offers if offer.to == who), None)
    if offered is not None:
        raise Refused(f"{offered} is on offer to {who}", "accept it, or wait until the offer lapses")
    tasks = [task.number for task in state.work.tasks if task.open and task.owner == who]
    if tasks:
        numbers = ", ".join(map(str, tasks))
        raise Refused(f"{who} has open tasks ({numbers})", "finish them or give them to somebody else first")


def leave_shadow(
    state: Incident, context: Context, now: datetime, *, by: str, person: str | None = None
) -> list[ev.Event]:
    """No longer only watch. Raises Refused for somebody who does not shadow."""
    known = context.directory.get(person or by)
    who = known.handle if known is not None else person or by
    if who not in state.room.shadows:
        raise Refused(f"{who} does not shadow", "")
    leader = state.holder(LEAD)
    if who != by and leader not in (None, by):
        raise Refused(f"only {who} or the IC ({leader}) can say that {who} acts again", f"ask {leader}")
    return Draft(state, context).add(ev.ShadowLeft(now, by, who)).events


def refuse_unknown(context: Context, by: str) -> None:
    """Raises Refused for a handle that is no person: for what a second person says (approving, confirming)."""
    if context.directory.get(by) is None:
        raise Refused(f"nobody is known as {by!r}: only a person says that", "somebody of the roster does it")


def refuse_shadow(state: Incident, by: str) -> None:
    """Raises Refused for whoever only shadows: for every verb but acknowledging and shadowing itself."""
    if by in state.room.shadows:
        raise Refused(
            f"{by} shadows the IC: a shadow sees everything and does not act",
            "stop shadowing first, or acknowledge",
        )


# --- suspected changes ----------------------------------------------------------------------------------------------


def suspect(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    what: str,
    author: str | None = None,
    happened: datetime | None = None,
) -> list[ev.Event]:
    """A change may have caused it. Nobody is blamed by it: its author is only not proposed to lead.

    Raises Refused when it says nothing, the author is unknown, it lies in the future, or nothing is worked on here.
    """
    if state.stage in {Stage.CLOSED, Stage.DISMISSED, Stage.MERGED}:
        instead = f"go on in {state.merged_into}" if state.merged_into else "reopen it, or keep a note"
        raise Refused(f"{state.ref} is {state.stage}: nothing is worked on here", instead)
    line = " ".join(what.split())
    if not line:
        raise Refused("the suspected change is empty", "one line: what was changed?")
    if len(line) > TEXT_LIMIT:
        raise Refused(f"it is longer than {TEXT_LIMIT} characters", "put the rest into a note")
    known = context.directory.get(author) if author is not None else None
    if author is not None and known is None:
        raise Refused(f"nobody is known as {author!r}", "leave the author out; see tocsin oncall")
    if happened is not None and happened > now:
        raise Refused("the change lies in the future", "give a time that has passed")
    if len(state.room.suspects) >= SUSPECTS_LIMIT:
        raise Refused(f"{SUSPECTS_LIMIT} changes are suspected already", "keep a note instead")
    found = ev.ChangeSuspected(now, by, Text(line), known.handle if known else None, happened)
    return Draft(state, context).add(found).events


# --- long incidents -------------------------------------------------------------------------------------------------


def deadlines(state: Incident, _: Context) -> list[Deadline]:
    """Every two hours from the declare on, while somebody leads who has not just taken the seat."""
    since = state.room.led_since
    if not state.stage.declared or state.declared_at is None or state.holder(LEAD) is None or since is None:
        return []
    rested = max(filter(None, (since, state.reopened_at))) + FRESH - state.declared_at
    count = max(state.room.handovers_proposed + 1, -(-rested // LONG))
    return [Deadline(state.declared_at + LONG * count, "long")]


def _long(draft: Draft, deadline: Deadline, at: datetime) -> None:
    """Propose to hand over; what fell together while nobody looked is proposed once."""
    state = draft.state
    holder = state.holder(LEAD)
    if holder is None or state.declared_at is None:
        return
    hours = (at - state.declared_at) // LONG * 2
    others = candidates(state, draft.context)[:SPAN]
    draft.add(ev.HandoverProposed(at, LEAD, holder, hours, others, deadline.due))


FIRE: dict[str, Fire] = {"long": _long}
