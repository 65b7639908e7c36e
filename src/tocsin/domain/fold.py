"""How each fact changes the state of an incident: `evolve`, `fold`.

Here: stages, clocks, paging, seats, updates, documents. What work and duties make of a fact stands in `fold_work`.
The stored state is a pure function of the events: change the meaning of a field and raise `FOLD`, so that open
streams are folded again after an upgrade (design rule 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain import fold_work
from tocsin.domain.incident import (
    Clock,
    Incident,
    Ladder,
    LevelSpan,
    Offer,
    Page,
    Paging,
    Stage,
    Updates,
)

FOLD = 4
PAGES_KEPT = 50
"""Ended pages that stay in the state; the timeline has all of them."""


def evolve(state: Incident | None, event: ev.Event) -> Incident:
    """The state after the event. Total over `EVENT_KINDS`: facts without influence only count the version.

    Raises LookupError when the event kind is unknown or the stream does not begin with `Opened`.
    """
    if isinstance(event, ev.Opened):
        return _opened(event)
    if state is None:
        raise LookupError(f"a stream begins with Opened, not {type(event).__name__}")
    change = _CHANGES.get(type(event))
    if change is None:
        if type(event).__name__ not in ev.EVENT_KINDS:
            raise LookupError(f"unknown event kind {type(event).__name__}")
        return replace(state, version=state.version + 1)
    after = change(state, event)
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
        stage=Stage.TRIAGE if e.kind == "incident" else Stage.RECORDED,
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
        s = _with_clock(s, Clock(name, s.detected_at, e.level))
    ack = s.clock("ack")
    if ack is not None and ack.open:
        return _relevel(s, "ack", e.level)
    if ack is None:
        return _with_clock(s, Clock("ack", e.at, e.level))
    return s


def _with_clock(s: Incident, clock: Clock) -> Incident:
    clock = replace(clock, began=max(0, len(s.levels) - 1))
    return replace(s, clocks=(*s.clocks, clock))


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


def _in_run(s: Incident, run: int) -> Ladder:
    """The ladder as it stands in that run; a new run begins with nothing behind it."""
    return s.ladder if s.ladder.run == run else Ladder(run=run)


def _rung_fired(s: Incident, e: ev.RungFired) -> Incident:
    before = _in_run(s, e.run)
    ladder = replace(
        before,
        started_at=before.started_at or e.at,
        next_rung=max(e.rung + 1, before.next_rung),
        hurry=False,
        hurry_at=None,
        last_fired_at=e.at,
    )
    return replace(s, ladder=ladder, paging=Paging.TRIGGERED)


def _rung_empty(s: Incident, e: ev.RungEmpty) -> Incident:
    before = _in_run(s, e.run)
    ladder = replace(
        before,
        started_at=before.started_at or e.at,
        next_rung=e.rung + 1,
        hurry=True,
        hurry_at=e.at,
        last_fired_at=e.at,
    )
    return replace(s, ladder=ladder, paging=Paging.TRIGGERED)


def _nobody(s: Incident, e: ev.NobodyReachable) -> Incident:
    ladder = replace(s.ladder, dead_end=True, hurry=False, hurry_at=None, last_fired_at=e.at)
    return replace(s, ladder=ladder, paging=Paging.TRIGGERED)


def _page_requested(s: Incident, e: ev.PageRequested) -> Incident:
    kept = s.pages
    if len(kept) >= PAGES_KEPT:
        ended = [p for p in kept if p.outcome is not None]
        kept = tuple(p for p in kept if p is not ended[0]) if ended else kept
    page = Page(e.page, e.person, e.rung, e.run, e.channels, e.at)
    s = replace(s, pages=(*kept, page), page_count=max(s.page_count, e.page))
    if s.first_page_at is None:
        s = replace(s, first_page_at=e.at)
    clock = s.clock("ack")
    if clock is None or not clock.open:
        s = _with_clock(s, Clock("ack", e.at, s.level))
    return s


def _each_page(s: Incident, number: int, change: Callable[[Page], Page]) -> Incident:
    return replace(s, pages=tuple(change(p) if p.number == number else p for p in s.pages))


def _page_failed(s: Incident, e: ev.PageFailed) -> Incident:
    return _each_page(s, e.page, lambda p: replace(p, failed=(*p.failed, e.channel)))


def _page_ended(s: Incident, e: ev.PageEnded) -> Incident:
    s = _each_page(s, e.page, lambda p: replace(p, outcome=e.outcome))
    if e.outcome != "unreachable" or s.paging != Paging.TRIGGERED or s.ladder.dead_end:
        return s
    run = [p for p in s.pages if p.run == s.ladder.run and p.outcome != "superseded"]
    rung = [p for p in run if p.rung == s.ladder.next_rung - 1]
    if not any(group and all(p.outcome == "unreachable" for p in group) for group in (run, rung)):
        return s
    return replace(s, ladder=replace(s.ladder, hurry=True, hurry_at=s.ladder.hurry_at or e.at))


def _acknowledged(s: Incident, e: ev.Acknowledged) -> Incident:
    s = replace(s, paging=Paging.ACKED, acked_at=e.at, acked_by=e.by)
    return fold_work.joined(s, e.by)


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
    ev.RungFired: _rung_fired,
    ev.RungEmpty: _rung_empty,
    ev.NobodyReachable: _nobody,
    ev.PageRequested: _page_requested,
    ev.PageSent: lambda s, e: _each_page(s, e.page, lambda p: replace(p, sent=True)),
    ev.PageFailed: _page_failed,
    ev.PageEnded: _page_ended,
    ev.Acknowledged: _acknowledged,
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
    **fold_work.CHANGES,
}
"""One line per fact that changes the state. `Any`, because a dict cannot tie each key to its function's type."""
