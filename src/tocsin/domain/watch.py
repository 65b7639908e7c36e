"""What is acknowledged or silenced comes back: ack timeout and end of a snooze (docs/reference/oncall.md E10, E11).

Whoever acknowledged is asked at 80 % of the time whether she is still on it; without a sign of life everybody is called
anew, herself included. Once an incident is declared and somebody leads it, that cannot be forgotten any more: the
timeout is off until she leaves. Low urgency has none.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import escalation, targets
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.incident import Incident, Paging

ASK_AT = 0.8
"""The share of the ack timeout after which the acker is asked."""
GRACE_LIMIT = timedelta(minutes=12)
"""She has a fifth of the timeout to answer when she was asked late, and no more than this."""
OWNER_AFTER = timedelta(days=7)
"""From then on nobody is called anew: the administrators are reminded daily instead."""
OWNER_EVERY = timedelta(days=1)


def timeout_of(state: Incident, context: Context) -> timedelta | None:
    """How long an ack holds without a sign of life, or None where it holds for good."""
    if state.paging is not Paging.ACKED or not state.stage.running or _since(state, context) is None:
        return None
    if not targets.urgent(state, context):
        return None
    seconds = targets.escalation_of(state, context).ack_timeout_s
    return timedelta(seconds=seconds) if seconds else None


def _since(state: Incident, context: Context) -> datetime | None:
    """The last sign of life; None while it is declared and somebody leads it.

    Once whoever led is not active any more, the time runs from there; from the last sign where she is not known at all.
    """
    leader = state.holder("ic") if state.stage.declared else None
    person = context.directory.people.get(leader) if leader is not None else None
    if person is None or state.watch.since is None:
        return state.watch.since
    return max(state.watch.since, person.inactive_from) if person.inactive_from is not None else None


def comes_back(state: Incident, context: Context) -> datetime | None:
    """When people are called anew unless the acker gives a sign of life; None: it holds.

    Asked late, she has as long to answer as if she had been asked in time.
    """
    timeout, since = timeout_of(state, context), _since(state, context)
    if timeout is None or since is None:
        return None
    asked = state.watch.reminded_at
    return since + timeout if asked is None else max(since + timeout, asked + grace(timeout))


def grace(timeout: timedelta) -> timedelta:
    """How long whoever was asked has to answer, however late she was asked."""
    return min(timeout / 5, GRACE_LIMIT)


def deadlines(state: Incident, context: Context) -> list[Deadline]:
    """The end of a snooze; the question to the acker, and that she has not answered it."""
    until = state.watch.snoozed_until
    if state.paging is Paging.SNOOZED and until is not None and state.stage.running:
        return [Deadline(until, "snooze-end")]
    due, since, timeout = comes_back(state, context), _since(state, context), timeout_of(state, context)
    if due is None or since is None or timeout is None:
        return []
    reminded = state.watch.reminded_at
    if due - state.opened_at >= OWNER_AFTER:
        return [Deadline(reminded + OWNER_EVERY if reminded else due, "ack-owner")]
    asked = [] if reminded is not None else [Deadline(since + timeout * ASK_AT, "ack-reminder")]
    return [Deadline(due, "ack-timeout"), *asked]


def _fire_snooze_end(draft: Draft, deadline: Deadline, at: datetime) -> None:
    draft.add(ev.SnoozeEnded(at, deadline.due, ""))
    escalation.start(draft, at)


def _fire_timeout(draft: Draft, deadline: Deadline, at: datetime) -> None:
    acker = draft.state.acked_by or ""
    draft.add(ev.AckExpired(at, acker, deadline.due))
    escalation.start(draft, at, also=(acker,))


def _fire_reminder(draft: Draft, _: Deadline, at: datetime) -> None:
    due, timeout = comes_back(draft.state, draft.context), timeout_of(draft.state, draft.context)
    if due is not None and timeout is not None:
        draft.add(ev.AckReminded(at, draft.state.acked_by or "", max(due, at + grace(timeout))))


def _fire_owner(draft: Draft, _: Deadline, at: datetime) -> None:
    """Asked once a day; whoever owns tocsin hears it, and the acker where nobody does."""
    admins = (p for p in draft.context.directory.admins() if targets.active(p, draft.context, at))
    told = tuple(admins) or (draft.state.acked_by or "",)
    draft.add(*(ev.AckReminded(at, person, at + OWNER_EVERY) for person in told))


FIRE_FIRST: dict[str, Fire] = {"snooze-end": _fire_snooze_end, "ack-timeout": _fire_timeout}
"""Before the steps (E17)."""
FIRE_LAST: dict[str, Fire] = {"ack-reminder": _fire_reminder, "ack-owner": _fire_owner}
