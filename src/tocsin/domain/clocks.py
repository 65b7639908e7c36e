"""What falls due and what then happens: the one function that turns time into events.

`deadlines` lists everything that state and pinned policy make due; `next_due` is the earliest; `advance` fires
whatever is due, in order, until nothing is. Nothing is ever cancelled: a deadline that no longer follows from the
state is simply not listed (design rule 4).

`inclusive` in `advance` decides ties: a person's command that arrived at the very instant of a deadline is decided
between the two passes (design rule 3; docs/reference/oncall.md E17).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import actions, comms, crew, escalation, gates, legal, paging, postmortem, tasks, watch
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.incident import Incident
from tocsin.domain.promises import limit_of, target_of

__all__ = ["limit_of", "target_of"]

INSTANT = timedelta(microseconds=1)
HANDOVER_REMIND = timedelta(minutes=5)
HANDOVER_LAPSE = timedelta(minutes=10)
TIME_LEFT_MINUTES = (30, 10)
TIME_LEFT_GRACE = timedelta(minutes=1)
"""A "minutes left" notice later than this is recorded and told to nobody: it would not be true any more."""
MOST_FIRINGS, FIRINGS_OF_A_PAGE = 500, 3
"""More than this in one advance, the latter and one a way for each open page, means a decision that does not move on:
refuse loudly instead of spinning."""


def deadlines(state: Incident, context: Context) -> list[Deadline]:
    """Everything that will fall due, unordered. Pure in state and pinned policy."""
    found = [*_clock_deadlines(state, context), *_notices(state, context), *_handovers(state)]
    for rule in (paging, watch, tasks, gates, crew, legal, actions):
        found += rule.deadlines(state, context)
    singles = (
        ("rung", escalation.due(state, context)),
        ("update-overdue", comms.overdue_due(state, context)),
        ("update-reminder", comms.reminder_due(state, context)),
        ("seat", _seat_due(state, context)),
        ("postmortem", postmortem.reminder_due(state, context)),
    )
    return found + [Deadline(due, kind) for kind, due in singles if due is not None]


def next_due(state: Incident, context: Context) -> datetime | None:
    """The earliest deadline: the stream's derived wake-up column."""
    return min((d.due for d in deadlines(state, context)), default=None)


def advance(state: Incident, context: Context, now: datetime, *, inclusive: bool = True) -> list[ev.Event]:
    """Fire every deadline before `now` (and at `now`, if inclusive), earliest first.

    Raises RuntimeError when the state does not move on.
    """
    return advanced(state, context, now, inclusive=inclusive)[0]


def advanced(
    state: Incident, context: Context, now: datetime, *, inclusive: bool = True
) -> tuple[list[ev.Event], datetime | None]:
    """As `advance`, with the next wake-up: the last look, which finds nothing more to fire, knows it already."""
    draft = Draft(state, context)
    most = MOST_FIRINGS + sum(FIRINGS_OF_A_PAGE + len(page.channels) for page in state.open_pages())
    for _ in range(most):
        found = deadlines(draft.state, context)
        ready = [d for d in found if d.due < now or (inclusive and d.due <= now)]
        if not ready:
            return draft.events, min((d.due for d in found), default=None)
        _fire(draft, min(ready, key=lambda d: (d.due, _ORDER.index(d.kind), d.key)), now)
    raise RuntimeError(f"{state.ref} did not settle after {most} deadlines")


def _clock_deadlines(state: Incident, context: Context) -> list[Deadline]:
    """A `<` promise is broken at its limit, a `within` one an instant after it."""
    found = []
    for clock in state.clocks:
        target = target_of(context.severity(clock.level), clock.name)
        limit = target.due(clock.start) if target else None
        if target and limit and clock.open and not clock.breached and state.stage.running:
            found.append(Deadline(limit + INSTANT if target.inclusive else limit, "breach", clock.name))
    return found


def judge(draft: Draft, at: datetime) -> None:
    """Record every promise whose limit is reached at `at`, before a change of level moves the limit.

    A person wins a tie, but the verdict of a clock follows its comparison (design rule 3).
    """
    for deadline in _clock_deadlines(draft.state, draft.context):
        if deadline.due <= at:
            _breach(draft, deadline, at)


def _notices(state: Incident, context: Context) -> list[Deadline]:
    """Notices that 30 or 10 minutes are left: resolve clock only, to the IC only."""
    clock = state.clock("resolve")
    limit = limit_of(clock, context) if clock else None
    if clock is None or limit is None or not clock.open or clock.breached or not state.stage.declared:
        return []
    return [
        Deadline(limit - timedelta(minutes=minutes), "time-left", str(minutes))
        for minutes in TIME_LEFT_MINUTES
        if f"resolve/{clock.level}/{minutes}" not in state.notices
        and limit - timedelta(minutes=minutes) > _level_since(state)
    ]


def _level_since(state: Incident) -> datetime:
    """Notices that were already past when the level came into force are skipped, not sent late."""
    return state.level_at or state.opened_at


def _handovers(state: Incident) -> list[Deadline]:
    return [
        Deadline(o.at + (HANDOVER_LAPSE if o.reminded else HANDOVER_REMIND), "handover", o.role)
        for o in state.offers
    ]


def _seat_due(state: Incident, context: Context) -> datetime | None:
    if state.seat_alarmed or state.holder("ic") or not state.stage.declared or state.declared_at is None:
        return None
    return state.declared_at + timedelta(seconds=context.policy.seat_empty_s)


def _fire(draft: Draft, deadline: Deadline, at: datetime) -> None:
    _FIRE[deadline.kind](draft, deadline, at)


def _breach(draft: Draft, deadline: Deadline, at: datetime) -> None:
    state = draft.state
    clock = state.clock(deadline.key)
    limit = limit_of(clock, draft.context) if clock else None
    if clock is None or limit is None:
        return
    told = state.holder("ic") or state.acked_by
    draft.add(ev.ClockBreached(at, clock.name, clock.level, limit, (told,) if told else ()))


def _time_left(draft: Draft, deadline: Deadline, at: datetime) -> None:
    state = draft.state
    minutes = int(deadline.key)
    clock = state.clock("resolve")
    limit = limit_of(clock, draft.context) if clock else None
    if clock is not None and limit is not None:
        late = at - deadline.due > TIME_LEFT_GRACE
        person = "" if late else state.holder("ic") or ""
        draft.add(ev.TimeLeft(at, "resolve", clock.level, minutes, limit, person))


def _handover(draft: Draft, deadline: Deadline, at: datetime) -> None:
    offer = draft.state.offer(deadline.key)
    if offer is None:
        return
    if offer.reminded:
        draft.add(ev.HandoverWithdrawn(at, offer.role, offer.to, deadline.due))
    else:
        draft.add(ev.HandoverReminded(at, offer.role, offer.to, deadline.due))


def _seat(draft: Draft, deadline: Deadline, at: datetime) -> None:
    people = draft.context.directory.who_may_be("ic")
    draft.add(ev.SeatEmptyAlarmed(at, "ic", deadline.due, people))


_FIRE: dict[str, Fire] = {
    "breach": _breach,
    **watch.FIRE_FIRST,
    **paging.FIRE_GONE,
    "rung": lambda draft, deadline, at: escalation.fire(draft, deadline.due, at),
    **paging.FIRE,
    **watch.FIRE_LAST,
    "handover": _handover,
    "seat": _seat,
    "update-overdue": lambda draft, deadline, at: comms.overdue(draft, deadline.due, at),
    "update-reminder": lambda draft, deadline, at: comms.remind(draft, deadline.due, at),
    "time-left": _time_left,
    "postmortem": lambda draft, deadline, at: postmortem.remind(draft, deadline.due, at),
    **tasks.FIRE,
    **gates.FIRE,
    **crew.FIRE,
    **legal.FIRE,
    **actions.FIRE,
}
_ORDER = tuple(_FIRE)
"""The order of deadlines that fall due at the same instant (docs/reference/oncall.md E17)."""
