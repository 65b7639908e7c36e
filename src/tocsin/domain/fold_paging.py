"""What facts about steps, pages and acks change in the state: one small function each.

Used by `fold` alone, which owns the version. Pure in state and fact: what depends on the policy was decided before and
stands in the fact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain import fold_work
from tocsin.domain.incident import ASKED, Clock, Incident, Ladder, Page, Paging, Watch

PAGES_KEPT = 50
"""Ended pages that stay in the state; the timeline has all of them."""
NO_WATCH = Watch()


def with_clock(s: Incident, clock: Clock) -> Incident:
    """A further promise runs."""
    clock = replace(clock, began=max(0, len(s.levels) - 1))
    return replace(s, clocks=(*s.clocks, clock))


# --- steps ----------------------------------------------------------------------------------------------------------


def _in_run(s: Incident, run: int) -> Ladder:
    """The ladder as it stands in that run; a new run begins with nothing behind it but whose turn it was."""
    return s.ladder if s.ladder.run == run else Ladder(run=run, robin=s.ladder.robin)


def _ladder(s: Incident, ladder: Ladder) -> Incident:
    """People are called: whoever acknowledged or silenced it is not waited for any more."""
    watch = s.watch if s.watch == NO_WATCH else NO_WATCH
    return replace(s, ladder=ladder, paging=Paging.TRIGGERED, watch=watch)


def _rung_fired(s: Incident, e: ev.RungFired) -> Incident:
    before = _in_run(s, e.run)
    ladder = replace(
        before,
        started_at=before.started_at or e.at,
        next_rung=max(e.rung + 1, before.next_rung),
        hurry=False,
        hurry_at=None,
        last_fired_at=e.at,
        from_firing=before.from_firing or e.rung == ASKED,
    )
    return _ladder(s, ladder)


def _rung_empty(s: Incident, e: ev.RungEmpty) -> Incident:
    before = _in_run(s, e.run)
    ladder = replace(
        before,
        started_at=before.started_at or e.at,
        next_rung=e.rung + 1,
        hurry=not e.waits,
        hurry_at=None if e.waits else e.at,
        last_fired_at=e.at,
    )
    return _ladder(s, ladder)


def _called(s: Incident, e: ev.FallbackCalled) -> Incident:
    before = _in_run(s, e.run)
    ladder = replace(
        before,
        started_at=before.started_at or e.at,
        exhausted=True,
        fallback=True,
        hurry=False,
        hurry_at=None,
        last_fired_at=e.at,
    )
    return _ladder(s, ladder)


def _nobody(s: Incident, e: ev.NobodyReachable) -> Incident:
    ladder = replace(
        s.ladder,
        started_at=s.ladder.started_at or e.at,
        dead_end=True,
        hurry=False,
        hurry_at=None,
        last_fired_at=e.at,
    )
    return _ladder(s, ladder)


def _exhausted(s: Incident, _: ev.LadderExhausted) -> Incident:
    return replace(s, ladder=replace(s.ladder, exhausted=True, hurry=False, hurry_at=None))


def _repeated(s: Incident, e: ev.PassRepeated) -> Incident:
    ladder = replace(s.ladder, passes=e.number, next_rung=0, hurry=False, hurry_at=None)
    return replace(s, ladder=ladder)


def _turn(s: Incident, e: ev.RoundRobinChosen) -> Incident:
    """Whoever has her turn again begins a new round."""
    turn = (e.rung, e.position)
    kept = tuple(t for t in s.ladder.robin if t[0] != e.rung or turn not in s.ladder.robin)
    return replace(s, ladder=replace(s.ladder, robin=(*kept, turn)))


def _escalated(s: Incident, e: ev.Escalated) -> Incident:
    """From here on a step's delay counts from its firing: what was said from the first page on is over."""
    ladder = replace(
        s.ladder,
        run=max(1, s.ladder.run),
        started_at=s.ladder.started_at or e.at,
        next_rung=s.ladder.next_rung if e.rung < 0 else e.rung,
        exhausted=False,
        fallback=False,
        dead_end=False,
        hurry=False,
        hurry_at=None,
        from_firing=True,
    )
    return replace(s, ladder=ladder)


# --- pages ----------------------------------------------------------------------------------------------------------


def _kept(s: Incident, page: Page) -> Incident:
    """The page among the others, in the place of the one that waited under its number."""
    kept = tuple(p for p in s.pages if p.number != page.number)
    if len(kept) >= PAGES_KEPT:
        ended = next((p for p in kept if p.outcome is not None), None)
        kept = tuple(p for p in kept if p is not ended)
    return replace(s, pages=(*kept, page), page_count=max(s.page_count, page.number))


def _page_requested(s: Incident, e: ev.PageRequested) -> Incident:
    waits = e.waits or (0,) * len(e.channels)
    tried = tuple((c, e.at) for c, wait in zip(e.channels, waits, strict=False) if not wait)
    page = Page(
        number=e.page,
        person=e.person,
        rung=e.rung,
        run=e.run,
        channels=e.channels,
        at=e.at,
        waits=e.waits,
        tried=tried,
        urgent=e.urgent,
        shadow=e.shadow,
    )
    s = _kept(s, page)
    if s.kind == "test" or e.shadow:
        return s
    if s.first_page_at is None:
        s = replace(s, first_page_at=e.at)
    clock = s.clock("ack")
    # Whoever is asked to help while somebody is on it starts no new promise.
    if (clock is None or not clock.open) and (e.rung != ASKED or s.paging is Paging.TRIGGERED):
        s = with_clock(s, Clock("ack", e.at, s.level))
    return s


def _page_deferred(s: Incident, e: ev.PageDeferred) -> Incident:
    page = Page(e.page, e.person, e.rung, e.run, (), e.at, until=e.until, urgent=False)
    return _kept(s, page)


def _each_page(s: Incident, number: int, change: Callable[[Page], Page]) -> Incident:
    return replace(s, pages=tuple(change(p) if p.number == number else p for p in s.pages))


def _way_tried(s: Incident, e: ev.WayTried) -> Incident:
    def used(page: Page) -> Page:
        before = tuple(t for t in page.tried if t[0] != e.channel)
        late = (*page.late, e.instead) if e.instead else page.late
        page = replace(page, tried=(*before, (e.channel, e.at)), late=late)
        if e.channel in page.channels:
            return page
        waits = (*page.waits, 0) if page.waits else ()  # a way that her rules do not name
        return replace(page, channels=(*page.channels, e.channel), waits=waits)

    return _each_page(s, e.page, used)


def _page_sent(s: Incident, e: ev.PageSent) -> Incident:
    def took(page: Page) -> Page:
        known = page.outcome is not None or e.channel in page.took
        return replace(page, sent=True, took=page.took if known else (*page.took, e.channel))

    return _each_page(s, e.page, took)


def _page_failed(s: Incident, e: ev.PageFailed) -> Incident:
    return _each_page(
        s, e.page, lambda p: p if e.channel in p.failed else replace(p, failed=(*p.failed, e.channel))
    )


def _page_ended(s: Incident, e: ev.PageEnded) -> Incident:
    """When everybody that a step reached is out of reach, the next one need not wait (E19)."""
    s = _each_page(
        s, e.page, lambda p: replace(p, outcome=e.outcome, waits=(), tried=(), took=(), late=(), until=None)
    )
    if e.outcome != "unreachable" or s.paging is not Paging.TRIGGERED or s.ladder.dead_end:
        return s
    pages = [p for p in s.pages if p.run == s.ladder.run and p.outcome != "superseded" and p.counts]
    last = s.ladder.last_fired_at
    rung = [p for p in pages if p.rung == s.ladder.next_rung - 1 and (last is None or p.at >= last)]
    if not any(group and all(p.outcome == "unreachable" for p in group) for group in (pages, rung)):
        return s
    return replace(s, ladder=replace(s.ladder, hurry=True, hurry_at=s.ladder.hurry_at or e.at))


# --- answers --------------------------------------------------------------------------------------------------------


def _acknowledged(s: Incident, e: ev.Acknowledged) -> Incident:
    """Who had acknowledged her part of a step before is called like everybody should it begin anew."""
    ladder = replace(s.ladder, partial=()) if s.ladder.partial else s.ladder
    watch = Watch(since=e.at)
    s = replace(s, paging=Paging.ACKED, acked_at=e.at, acked_by=e.by, watch=watch, ladder=ladder)
    return fold_work.joined(s, e.by)


def _partial(s: Incident, e: ev.AckPartial) -> Incident:
    s = replace(s, ladder=replace(s.ladder, partial=(*s.ladder.partial, e.by)))
    return fold_work.joined(s, e.by)


def _given_back(s: Incident, _: ev.Event) -> Incident:
    """Nobody is on it; people are called in the same commit."""
    return replace(s, paging=Paging.QUIET, watch=NO_WATCH)


def _forgotten(s: Incident, e: ev.Event) -> Incident:
    """Nobody leads triage whose ack does not hold: the seat came with it, and goes to whoever acknowledges next.

    A declared incident keeps its IC, unless it is she who takes her ack back.
    """
    leaver = e.by if isinstance(e, ev.Unacknowledged) and e.leaves_seat else None
    if not s.stage.declared and s.offer("ic") is None:
        leaver = s.acked_by
    if leaver is not None:
        s = replace(s, seats=tuple(seat for seat in s.seats if seat != ("ic", leaver)))
    return _given_back(s, e)


def _snoozed(s: Incident, e: ev.Snoozed) -> Incident:
    return replace(s, paging=Paging.SNOOZED, watch=Watch(since=e.at, snoozed_until=e.until))


def _routed(s: Incident, e: ev.Routed) -> Incident:
    return replace(s, escalation=e.escalation or s.escalation, service=e.service or s.service)


def renewed(s: Incident, e: ev.Event) -> Incident:
    """Whatever somebody who takes part does is a sign of life, as long as it could come back (E10)."""
    by = getattr(e, "by", None)
    since = s.watch.since
    if by is None or s.paging is not Paging.ACKED or since is None or e.at <= since:
        return s
    if s.stage.declared and s.holder("ic") is not None:
        return s
    if by != s.acked_by and by not in s.room.joined and by not in dict(s.seats).values():
        return s
    return replace(s, watch=Watch(since=e.at))


CHANGES: dict[type[ev.Event], Callable[[Incident, Any], Incident]] = {
    ev.Routed: _routed,
    ev.RungFired: _rung_fired,
    ev.RungEmpty: _rung_empty,
    ev.NobodyReachable: _nobody,
    ev.FallbackCalled: _called,
    ev.LadderExhausted: _exhausted,
    ev.PassRepeated: _repeated,
    ev.RoundRobinChosen: _turn,
    ev.Escalated: _escalated,
    ev.PageRequested: _page_requested,
    ev.PageDeferred: _page_deferred,
    ev.WayTried: _way_tried,
    ev.PageSent: _page_sent,
    ev.PageFailed: _page_failed,
    ev.PageEnded: _page_ended,
    ev.Acknowledged: _acknowledged,
    ev.AckPartial: _partial,
    ev.AckReminded: lambda s, e: replace(s, watch=replace(s.watch, reminded_at=e.at)),
    ev.AckRenewed: lambda s, e: replace(s, watch=Watch(since=e.at)),
    ev.AckExpired: _forgotten,
    ev.Unacknowledged: _forgotten,
    ev.Snoozed: _snoozed,
    ev.SnoozeEnded: _given_back,
    ev.ResponderJoined: lambda s, e: fold_work.joined(s, e.person),
}
"""One line per fact. `Any`, because a dict cannot tie each key to its function's type."""
