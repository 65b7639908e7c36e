"""The state of one incident: what decisions need to know.

Here: `Incident` and its parts for stages, clocks, paging, seats. The parts for work and duties stand in `work`, how
each fact changes the state in `fold`, what falls due in `clocks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tocsin.domain.work import Duties, Notes, Room, Work


class Stage(StrEnum):
    """Where the process stands; independent of paging."""

    TRIAGE = "triage"
    DECLARED = "declared"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    MERGED = "merged"
    RECORDED = "recorded"
    """A near miss or a planned change: notes, checks and actions, but no severity, clocks or pages."""

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
    SNOOZED = "snoozed"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise being kept: `ack`, `mitigate` or `resolve`, judged by the target of `level`.

    `fact` is what ended it (`acked`, `mitigated`, `resolved`); empty while it runs or when nothing answered it.
    It ran under `levels[began:known]` of the incident: what was in force at its start, and what was known at its end.
    """

    name: str
    start: datetime
    level: str
    breached: bool = False
    verdict: str | None = None
    ended_at: datetime | None = None
    fact: str = ""
    began: int = 0
    known: int = 0

    @property
    def open(self) -> bool:
        """Still running (a breached clock runs on until it is answered)."""
        return self.verdict is None


ASKED = -1
"""The rung of a page to somebody who was asked to help: it belongs to no step (E14)."""


@dataclass(frozen=True, slots=True)
class Page:
    """A person being called. `failed` are the channels that cannot reach them, `took` those whose provider took it.

    `waits` are seconds until each channel is used, empty for all at once; `tried` which of them were used, and when;
    `late` those whose silence or failure has pulled the next one forward already (N7). `until`: quiet hours, nothing
    is sent before (N4). What only an open page needs is forgotten when it ends.
    """

    number: int
    person: str
    rung: int
    run: int
    channels: tuple[str, ...]
    at: datetime
    failed: tuple[str, ...] = ()
    sent: bool = False
    outcome: str | None = None
    waits: tuple[int, ...] = ()
    tried: tuple[tuple[str, datetime], ...] = ()
    took: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    until: datetime | None = None
    urgent: bool = True
    shadow: bool = False

    @property
    def counts(self) -> bool:
        """Whether it belongs to the steps: neither to somebody asked to help nor to a shadow."""
        return self.rung != ASKED and not self.shadow


@dataclass(frozen=True, slots=True)
class Ladder:
    """Where the escalation stands: `run` counts restarts (severity raised), `next_rung` is the one to fire.

    `hurry`: the last rung reached nobody, known since `hurry_at`; the next one need not wait. `passes` counts repeats,
    `exhausted` is set when they are used up, `fallback` when that was called, `dead_end` when nobody is left (E5, E6).
    `partial`: who has acknowledged a step that everybody has to (E9). `robin`: (rung, position) of the targets that
    had their turn here (E15). `from_firing`: somebody had a step called by hand, so that the times of an escalation
    sentence do not count from the first page any more.
    """

    run: int = 0
    started_at: datetime | None = None
    next_rung: int = 0
    hurry: bool = False
    hurry_at: datetime | None = None
    last_fired_at: datetime | None = None
    dead_end: bool = False
    passes: int = 0
    exhausted: bool = False
    fallback: bool = False
    partial: tuple[str, ...] = ()
    robin: tuple[tuple[int, int], ...] = ()
    from_firing: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether whoever acknowledged is still on it: `since` the last sign of life, `reminded_at` when she was asked.

    `snoozed_until`: nobody is called before, said at `since` (E10, E11).
    """

    since: datetime | None = None
    reminded_at: datetime | None = None
    snoozed_until: datetime | None = None


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
    """The cadence: counted from the last human update, else from the declare. `impact` is what that update said."""

    base: datetime | None = None
    reminded: int = 0
    reminded_at: datetime | None = None
    overdue: bool = False
    posted: int = 0
    impact: str = ""


@dataclass(frozen=True, slots=True)
class LevelSpan:
    """Since `at` the severity is `level`; `declared` once it counts for mitigate and resolve."""

    at: datetime
    level: str
    declared: bool = False


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
    dismissed_at: datetime | None = None
    seats: tuple[tuple[str, str], ...] = ()
    seat_alarmed: bool = False
    offers: tuple[Offer, ...] = ()
    escalation: str | None = None
    """The escalation policy that was chosen for it; None: the service's, else the handbook's."""
    audience: tuple[str, ...] = ()
    """Called by hand: these targets instead of the steps."""
    ladder: Ladder = Ladder()
    watch: Watch = Watch()
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
    kind: str = "incident"
    drill: bool = False
    follows: str | None = None
    impact_end: datetime | None = None
    levels: tuple[LevelSpan, ...] = ()
    reopened_at: datetime | None = None
    merged_into: str | None = None
    absorbed: tuple[str, ...] = ()
    more_claims: tuple[str, ...] = ()
    """Claims that came with merged incidents."""
    notes: Notes = Notes()
    """Apart from the room: no deadline depends on them, so that a note costs no new look at all deadlines."""
    room: Room = Room()
    work: Work = Work()
    duties: Duties = Duties()

    @property
    def known_as(self) -> str:
        """What lists, messages and files call it: the title, or the codename while it is restricted."""
        return self.room.restriction.codename if self.room.restriction else self.title

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
    def all_claims(self) -> tuple[str, ...]:
        """Its own claim and those of incidents merged into it, whether held or not."""
        return tuple(dict.fromkeys((*filter(None, (self.claim,)), *self.more_claims)))

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims held: until resolved, dismissed or merged, never until closed (design rule 8)."""
        return self.all_claims if self.stage.running else ()

    @property
    def detected_at(self) -> datetime:
        """Start of the mitigate and resolve clocks: given, else first signal, else declare."""
        declared = self.declared_at if self.origin == "person" else None
        return self.detected or declared or self.opened_at

    def time(self, name: str) -> datetime | None:
        """One of the seven timestamps by its name in `TIMES`."""
        return {
            "impact_start": self.impact_start,
            "detected": self.detected_at,
            "declared": self.declared_at,
            "acked": self.acked_at,
            "mitigated": self.mitigated_at,
            "impact_end": self.impact_end,
            "resolved": self.resolved_at,
        }[name]


TIMES = ("impact_start", "detected", "declared", "acked", "mitigated", "impact_end", "resolved")
"""The seven timestamps (practice: each can be corrected, with the reason)."""
