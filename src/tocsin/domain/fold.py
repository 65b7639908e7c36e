"""How each fact changes the state of an incident: `evolve`, `fold`.

Here: stages, clocks, seats, updates, documents. What steps, pages and acks make of a fact stands in `fold_paging`,
what work and duties do in `fold_work`.
The stored state is a pure function of the events: change the meaning of a field and raise `FOLD`, so that open
streams are folded again after an upgrade (design rule 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain import fold_paging, fold_work
from tocsin.domain.incident import (
    Clock,
    Incident,
    LevelSpan,
    Offer,
    Paging,
    Stage,
    Updates,
)

FOLD = 7


def evolve(state: Incident | None, event: ev.Event) -> Incident:
    """The state after the event. Total over `EVENT_KINDS`: facts without influence only count the version.

    Raises LookupError when the event kind is unknown or the stream does not begin with `Opened`.
    """
    if isinstance(event, ev.Opened):
        return _opened(event)
    if state is None:
        raise LookupError(f"a stream begins with Opened, not {type(event).__name__}")
    change = _CHANGES.get(type(event))
    if change is None and type(event).__name__ not in ev.EVENT_KINDS:
        raise LookupError(f"unknown event kind {type(event).__name__}")
    after = change(state, event) if change else state
    if state.paging is Paging.ACKED:
        after = fold_paging.renewed(after, event)
    if after is state:
        return replace(state, version=state.version + 1)
    # A copy that nobody else has seen yet gets its number in place: a second copy would double the cost of a fact.
    object.__setattr__(after, "version", state.version + 1)
    return after


def fold(events: Iterable[ev.Event], state: Incident | None = None) -> Incident:
    """The state after all the events, in order."""
    for event in events:
        state = evolve(state, event)
    if state is None:
        raise LookupError("an empty stream has no state")
    return state


def _opened(e: ev.Opened) -> Incident:
    return Incident(
        ref=e.ref,
        policy=e.policy,
        title=e.title,
        stage=Stage.TRIAGE if e.kind in {"incident", "test"} else Stage.RECORDED,
        paging=Paging.QUIET,
        opened_at=e.at,
        origin=e.origin,
        version=1,
        service=e.service,
        claim=e.claim,
        level=e.level,
        detected=e.detected,
        impact_start=e.impact_start,
        kind=e.kind,
        drill=e.drill,
        follows=e.follows,
        escalation=e.escalation,
        audience=e.audience,
        levels=(LevelSpan(e.at, e.level),) if e.level else (),
    )


def _signalled(s: Incident, e: ev.Signalled) -> Incident:
    if not e.firing:
        return replace(s, firing=max(0, s.firing - 1))
    if e.why in {"first", "severity"}:
        s = replace(s, alert_level=e.level)
    return replace(s, last_signal_at=e.at, firing=s.firing if e.known else s.firing + 1)


def _declared(s: Incident, e: ev.Declared) -> Incident:
    s = replace(
        s,
        stage=Stage.DECLARED,
        declared_at=e.at,
        declared_by=e.by,
        level=e.level,
        level_at=e.at,
        title=e.title,
        updates=Updates(base=e.at),
        levels=(*s.levels, LevelSpan(e.at, e.level, declared=True)),
    )
    for name in ("mitigate", "resolve"):
        s = fold_paging.with_clock(s, Clock(name, s.detected_at, e.level))
    ack = s.clock("ack")
    if ack is not None and ack.open:
        return _relevel(s, "ack", e.level)
    if ack is None:
        return fold_paging.with_clock(s, Clock("ack", e.at, e.level))
    return s


def _relevel(s: Incident, name: str, level: str) -> Incident:
    """Open clocks of that name follow the level in force; ended ones keep the verdict they got."""
    clocks = tuple(
        replace(c, level=level) if c.name == name and c.open and not c.breached else c for c in s.clocks
    )
    return replace(s, clocks=clocks)


def _severity(s: Incident, e: ev.SeverityChanged) -> Incident:
    for name in ("ack", "mitigate", "resolve"):
        s = _relevel(s, name, e.new)
    span = LevelSpan(e.at, e.new, declared=s.declared_at is not None)
    return replace(s, level=e.new, level_at=e.at, levels=(*s.levels, span))


def _seat_taken(s: Incident, e: ev.SeatTaken) -> Incident:
    seats = (*((r, p) for r, p in s.seats if r != e.role), (e.role, e.person))
    s = replace(s, seats=seats, offers=tuple(o for o in s.offers if o.role != e.role))
    return fold_work.led(s, e)


def _offered(s: Incident, e: ev.HandoverOffered) -> Incident:
    offers = tuple(o for o in s.offers if o.role != e.role)
    return replace(s, offers=(*offers, Offer(e.role, e.to, e.by, e.at)))


def _offer_reminded(s: Incident, e: ev.HandoverReminded) -> Incident:
    return replace(s, offers=tuple(replace(o, reminded=True) if o.role == e.role else o for o in s.offers))


def _offer_withdrawn(s: Incident, e: ev.HandoverWithdrawn) -> Incident:
    return replace(s, offers=tuple(o for o in s.offers if o.role != e.role))


def _update_posted(s: Incident, e: ev.UpdatePosted) -> Incident:
    return replace(s, updates=Updates(base=e.at, posted=s.updates.posted + 1, impact=e.impact))


def _update_reminded(s: Incident, e: ev.UpdateReminded) -> Incident:
    return replace(s, updates=replace(s.updates, reminded=e.count, reminded_at=e.at))


def _update_overdue(s: Incident, e: ev.UpdateOverdue) -> Incident:
    return replace(s, updates=replace(s.updates, overdue=True, reminded=e.count, reminded_at=e.at))


def _clock_breached(s: Incident, e: ev.ClockBreached) -> Incident:
    clocks = tuple(replace(c, breached=True) if c.name == e.clock and c.open else c for c in s.clocks)
    return replace(s, clocks=clocks)


def _clock_ended(s: Incident, e: ev.ClockEnded) -> Incident:
    clocks = tuple(
        replace(
            c,
            verdict=e.verdict,
            ended_at=e.at,
            breached=c.breached or e.verdict == "missed",
            fact=e.fact,
            known=len(s.levels),
        )
        if c.name == e.clock and c.open
        else c
        for c in s.clocks
    )
    return replace(s, clocks=clocks)


def _time_left(s: Incident, e: ev.TimeLeft) -> Incident:
    return replace(s, notices=(*s.notices, f"{e.clock}/{e.level}/{e.minutes}"))


def _resolved(s: Incident, e: ev.Resolved) -> Incident:
    return replace(
        s,
        stage=Stage.RESOLVED,
        paging=Paging.OVER,
        resolved_at=e.at,
        impact_end=e.impact_end or s.impact_end,
        offers=(),
    )


def _time_corrected(s: Incident, e: ev.TimeCorrected) -> Incident:
    """The fact happened at another time: clocks that start or end with it move along."""
    fields = {
        "declared": "declared_at",
        "acked": "acked_at",
        "mitigated": "mitigated_at",
        "resolved": "resolved_at",
    }
    changes: dict[str, Any] = {fields.get(e.name, e.name): e.new}
    s = replace(s, **changes)
    if e.name == "declared" and s.updates.base == e.old and not s.updates.posted:
        s = replace(s, updates=replace(s.updates, base=e.new))
    if e.name == "detected":
        s = replace(s, notices=(), level_at=e.at)  # the limits moved: what is left is said anew
    if e.name == "resolved":
        s = replace(s, postmortem_overdue=0)  # as does the day on which the postmortem is due
    clocks = []
    answered = _answered_by(s, e.name)
    for number, clock in enumerate(s.clocks):
        if clock.name in {"mitigate", "resolve"}:
            clock = replace(clock, start=s.detected_at)
        if number in answered:
            clock = replace(clock, ended_at=e.new)
        clocks.append(clock)
    return replace(s, clocks=tuple(clocks))


def _answered_by(s: Incident, fact: str) -> set[int]:
    """Numbers of the clocks that the newest fact of that name ended: each kind of clock has one at most."""
    return set({clock.name: number for number, clock in enumerate(s.clocks) if clock.fact == fact}.values())


def _rejudged(s: Incident, e: ev.ClockRejudged) -> Incident:
    clocks = tuple(
        replace(
            clock,
            level=e.level,
            verdict=None if e.verdict in {"running", "breached"} else e.verdict,
            breached=e.verdict in {"breached", "missed"},
        )
        if number == e.number
        else clock
        for number, clock in enumerate(s.clocks)
    )
    return replace(s, clocks=clocks)


def _reopened(s: Incident, e: ev.Reopened) -> Incident:
    """Mitigate and resolve run on as if they had not ended; what was breached stays so.

    An ack clock that the resolve ended stays ended as it is: the next resolve is another fact.
    """
    clocks = []
    for clock in s.clocks:
        if clock.name != "ack":
            level = clock.level if clock.breached else s.level
            clock = replace(clock, verdict=None, ended_at=None, fact="", level=level)
        elif clock.fact == "resolved":
            clock = replace(clock, fact="")
        clocks.append(clock)
    return replace(
        s,
        stage=Stage.DECLARED if s.declared_at else Stage.TRIAGE,
        paging=Paging.QUIET,
        firing=s.firing if e.firing is None else e.firing,
        clocks=tuple(clocks),
        mitigated_at=None,
        resolved_at=None,
        closed_at=None,
        impact_end=None,
        reopened_at=e.at,
        level_at=e.at,
        updates=Updates(
            base=e.at if s.declared_at else None, posted=s.updates.posted, impact=s.updates.impact
        ),
        postmortem_published=False,
        postmortem_overdue=0,
    )


def _merged(s: Incident, e: ev.Merged) -> Incident:
    return replace(
        s, stage=Stage.MERGED, paging=Paging.OVER, merged_into=e.into, firing=0, offers=(), reopened_at=None
    )


def _absorbed(s: Incident, e: ev.Absorbed) -> Incident:
    more = tuple(c for c in e.claims if c not in s.all_claims)
    return replace(
        s,
        absorbed=(*s.absorbed, e.child),
        more_claims=(*s.more_claims, *more),
        firing=s.firing + e.firing,
        last_signal_at=e.at if e.firing else s.last_signal_at,
        alert_level=e.level or s.alert_level,
    )


def _dismissed(s: Incident, e: ev.Dismissed) -> Incident:
    return replace(s, stage=Stage.DISMISSED, paging=Paging.OVER, dismissed_at=e.at, offers=())


def _written(s: Incident, e: ev.DocumentWritten) -> Incident:
    done = (*((d, h) for d, h in s.documents if d != e.document), (e.document, e.digest))
    return replace(
        s, documents=done, documents_owed=tuple((d, r) for d, r in s.documents_owed if d != e.document)
    )


def _refused(s: Incident, e: ev.DocumentRefused) -> Incident:
    owed = (*((d, r) for d, r in s.documents_owed if d != e.document), (e.document, e.reason))
    return replace(s, documents_owed=owed)


_CHANGES: dict[type[ev.Event], Callable[[Incident, Any], Incident]] = {
    ev.Signalled: _signalled,
    ev.AlertsJoined: lambda s, e: replace(s, last_signal_at=e.last),
    ev.Declared: _declared,
    ev.SeverityChanged: _severity,
    ev.SeatTaken: _seat_taken,
    ev.SeatEmptyAlarmed: lambda s, e: replace(s, seat_alarmed=True),
    ev.HandoverOffered: _offered,
    ev.HandoverReminded: _offer_reminded,
    ev.HandoverWithdrawn: _offer_withdrawn,
    ev.UpdatePosted: _update_posted,
    ev.UpdateReminded: _update_reminded,
    ev.UpdateOverdue: _update_overdue,
    ev.ClockBreached: _clock_breached,
    ev.ClockEnded: _clock_ended,
    ev.TimeLeft: _time_left,
    ev.Mitigated: lambda s, e: replace(s, stage=Stage.MITIGATED, mitigated_at=e.at),
    ev.Resolved: _resolved,
    ev.TimeCorrected: _time_corrected,
    ev.ClockRejudged: _rejudged,
    ev.Reopened: _reopened,
    ev.Merged: _merged,
    ev.Absorbed: _absorbed,
    ev.Closed: lambda s, e: replace(s, stage=Stage.CLOSED, closed_at=e.at),
    ev.Dismissed: _dismissed,
    ev.PostmortemOverdue: lambda s, e: replace(s, postmortem_overdue=e.times),
    ev.PostmortemPublished: lambda s, e: replace(s, postmortem_published=True),
    ev.DocumentWritten: _written,
    ev.DocumentRefused: _refused,
    **fold_paging.CHANGES,
    **fold_work.CHANGES,
}
"""One line per fact that changes the state. `Any`, because a dict cannot tie each key to its function's type."""
