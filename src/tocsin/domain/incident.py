"""The state of one incident and how each fact changes it.

Here: `Incident`, `evolve`, `fold`. Not here: decisions (`lifecycle`, `response`, `comms`, `escalation`, `grouping`)
and what falls due (`clocks`). The stored state is a pure function of the events: change the meaning of a field and
raise `FOLD`, so that open streams are folded again after an upgrade (design rule 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tocsin.domain import events as ev

FOLD = 3
PAGES_KEPT = 50
"""Ended pages that stay in the state; the timeline has all of them."""


class Stage(StrEnum):
    """Where the process stands; independent of paging."""

    TRIAGE = "triage"
    DECLARED = "declared"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"

    @property
    def running(self) -> bool:
        """Whether responders still work on it."""
        return self in {Stage.TRIAGE, Stage.DECLARED, Stage.MITIGATED}

    @property
    def declared(self) -> bool:
        """Whether it runs as a declared incident."""
        return self in {Stage.DECLARED, Stage.MITIGATED}


class Paging(StrEnum):
    """Whether people are being called."""

    QUIET = "quiet"
    TRIGGERED = "triggered"
    ACKED = "acked"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise being kept: `ack`, `mitigate` or `resolve`, judged by the target of `level`."""

    name: str
    start: datetime
    level: str
    breached: bool = False
    verdict: str | None = None
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Still running (a breached clock runs on until it is answered)."""
        return self.verdict is None


@dataclass(frozen=True, slots=True)
class Page:
    """A person being called. `failed` are the channels that cannot reach them."""

    number: int
    person: str
    rung: int
    run: int
    channels: tuple[str, ...]
    at: datetime
    failed: tuple[str, ...] = ()
    sent: bool = False
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where the escalation stands: `run` counts restarts (severity raised), `next_rung` is the one to fire.

    `hurry`: the last rung reached nobody, known since `hurry_at`; the next one need not wait.
    """

    run: int = 0
    started_at: datetime | None = None
    next_rung: int = 0
    hurry: bool = False
    hurry_at: datetime | None = None
    last_fired_at: datetime | None = None
    dead_end: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A hand-over waiting to be accepted."""

    role: str
    to: str
    by: str
    at: datetime
    reminded: bool = False


@dataclass(frozen=True, slots=True)
class Updates:
    """The cadence: counted from the last human update, else from the declare."""

    base: datetime | None = None
    reminded: int = 0
    reminded_at: datetime | None = None
    overdue: bool = False
    posted: int = 0


@dataclass(frozen=True, slots=True)
class Incident:
    """Everything decisions need to know. Free text stays in the timeline, except the title."""

    ref: str
    policy: str
    title: str
    stage: Stage
    paging: Paging
    opened_at: datetime
    origin: str
    level: str
    level_at: datetime | None = None
    """Since when the level is in force; None while it is the provisional one of the opening."""
    alert_level: str | None = None
    """The worst level that an alert has asked for so far, whatever people have made of it."""
    version: int = 0
    service: str | None = None
    claim: str | None = None
    detected: datetime | None = None
    impact_start: datetime | None = None
    declared_at: datetime | None = None
    declared_by: str | None = None
    first_page_at: datetime | None = None
    acked_at: datetime | None = None
    acked_by: str | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    seats: tuple[tuple[str, str], ...] = ()
    seat_alarmed: bool = False
    offers: tuple[Offer, ...] = ()
    ladder: Ladder = Ladder()
    pages: tuple[Page, ...] = ()
    page_count: int = 0
    clocks: tuple[Clock, ...] = ()
    updates: Updates = Updates()
    notices: tuple[str, ...] = ()
    firing: int = 0
    """How many alerts fire; which ones stands in the alert rows, never in the state (design rule 9)."""
    last_signal_at: datetime | None = None
    postmortem_published: bool = False
    postmortem_overdue: int = 0
    documents: tuple[tuple[str, str], ...] = ()
    documents_owed: tuple[tuple[str, str], ...] = ()

    def holder(self, role: str) -> str | None:
        """Who sits on the role's seat."""
        return dict(self.seats).get(role)

    def clock(self, name: str) -> Clock | None:
        """The newest clock of that name."""
        return next((c for c in reversed(self.clocks) if c.name == name), None)

    def offer(self, role: str) -> Offer | None:
        """The hand-over on offer for the role."""
        return next((o for o in self.offers if o.role == role), None)

    def open_pages(self) -> tuple[Page, ...]:
        """Pages without an outcome."""
        return tuple(p for p in self.pages if p.outcome is None)

    def page(self, number: int) -> Page | None:
        """The page of that number, while it is kept."""
        return next((p for p in self.pages if p.number == number), None)

    @property
    def claims(self) -> str | None:
        """The claim held: until resolved or dismissed, never until closed (design rule 8)."""
        return self.claim if self.stage.running else None

    @property
    def detected_at(self) -> datetime:
        """Start of the mitigate and resolve clocks: given, else first signal, else declare (= opening)."""
        return self.detected or self.opened_at


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
    return replace(change(state, event), version=state.version + 1)


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
        stage=Stage.TRIAGE,
        paging=Paging.QUIET,
        opened_at=e.at,
        origin=e.origin,
        version=1,
        service=e.service,
        claim=e.claim,
        level=e.level,
        detected=e.detected,
        impact_start=e.impact_start,
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
    return replace(s, level=e.new, level_at=e.at)


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
    return replace(s, paging=Paging.ACKED, acked_at=e.at, acked_by=e.by)


def _seat_taken(s: Incident, e: ev.SeatTaken) -> Incident:
    seats = (*((r, p) for r, p in s.seats if r != e.role), (e.role, e.person))
    return replace(s, seats=seats, offers=tuple(o for o in s.offers if o.role != e.role))


def _offered(s: Incident, e: ev.HandoverOffered) -> Incident:
    offers = tuple(o for o in s.offers if o.role != e.role)
    return replace(s, offers=(*offers, Offer(e.role, e.to, e.by, e.at)))


def _offer_reminded(s: Incident, e: ev.HandoverReminded) -> Incident:
    return replace(s, offers=tuple(replace(o, reminded=True) if o.role == e.role else o for o in s.offers))


def _offer_withdrawn(s: Incident, e: ev.HandoverWithdrawn) -> Incident:
    return replace(s, offers=tuple(o for o in s.offers if o.role != e.role))


def _update_posted(s: Incident, e: ev.UpdatePosted) -> Incident:
    return replace(s, updates=Updates(base=e.at, posted=s.updates.posted + 1))


def _update_reminded(s: Incident, e: ev.UpdateReminded) -> Incident:
    return replace(s, updates=replace(s.updates, reminded=e.count, reminded_at=e.at))


def _update_overdue(s: Incident, e: ev.UpdateOverdue) -> Incident:
    return replace(s, updates=replace(s.updates, overdue=True, reminded=e.count, reminded_at=e.at))


def _clock_breached(s: Incident, e: ev.ClockBreached) -> Incident:
    clocks = tuple(replace(c, breached=True) if c.name == e.clock and c.open else c for c in s.clocks)
    return replace(s, clocks=clocks)


def _clock_ended(s: Incident, e: ev.ClockEnded) -> Incident:
    clocks = tuple(
        replace(c, verdict=e.verdict, ended_at=e.at, breached=c.breached or e.verdict == "missed")
        if c.name == e.clock and c.open
        else c
        for c in s.clocks
    )
    return replace(s, clocks=clocks)


def _time_left(s: Incident, e: ev.TimeLeft) -> Incident:
    return replace(s, notices=(*s.notices, f"{e.clock}/{e.level}/{e.minutes}"))


def _resolved(s: Incident, e: ev.Resolved) -> Incident:
    return replace(s, stage=Stage.RESOLVED, paging=Paging.OVER, resolved_at=e.at, offers=())


def _dismissed(s: Incident, e: ev.Dismissed) -> Incident:
    return replace(s, stage=Stage.DISMISSED, paging=Paging.OVER, offers=())


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
    ev.Closed: lambda s, e: replace(s, stage=Stage.CLOSED, closed_at=e.at),
    ev.Dismissed: _dismissed,
    ev.PostmortemOverdue: lambda s, e: replace(s, postmortem_overdue=e.times),
    ev.PostmortemPublished: lambda s, e: replace(s, postmortem_published=True),
    ev.DocumentWritten: _written,
    ev.DocumentRefused: _refused,
}
"""One line per fact that changes the state. `Any`, because a dict cannot tie each key to its function's type."""
