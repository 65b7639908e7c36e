"""Every fact a timeline can hold, named and versioned.

An event says what happened, in the past tense, with `at` = when it happened (UTC). The envelope around it (reference,
version, sequence, when it was recorded) belongs to the store. Events hold person handles, never names or addresses;
fields typed `Text` are free text that the store keeps in rows of its own, referenced by hash (design rule 20).
A kind is never renamed and never loses a field; a changed shape raises its number in `SCHEMA` and adds an upcaster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

Text = NewType("Text", str)
"""Free text written by a person or a sender."""


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all facts: when it happened."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Opened(Event):
    """A stream began. `origin` is `alert` or `person`; `level` the provisional severity."""

    ref: str
    title: Text
    policy: str
    origin: str
    level: str
    by: str | None = None
    service: str | None = None
    claim: str | None = None
    detected: datetime | None = None
    impact_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signalled(Event):
    """An alert joined and changed something: severity, firing state, or it arrived after the ack window."""

    integration: str
    dedup_key: str
    firing: bool
    title: Text
    level: str | None = None
    why: str = "first"
    known: bool = False
    """It was firing already: said again because it changed something."""


@dataclass(frozen=True, slots=True)
class AlertsJoined(Event):
    """Further signals that changed nothing, counted (design rule 9)."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Recovered(Event):
    """The last firing alert of this incident recovered."""


@dataclass(frozen=True, slots=True)
class Declared(Event):
    """It is an incident. `why` says how the level was chosen; `warnings` what the handbook leaves open."""

    by: str
    level: str
    title: Text
    why: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeverityChanged(Event):
    """The level was raised or lowered, with the reason given."""

    by: str | None
    old: str
    new: str
    reason: Text


@dataclass(frozen=True, slots=True)
class RungFired(Event):
    """A step of the ladder called people. `due` is when it should have; `late_s` how late it was."""

    rung: int
    run: int
    people: tuple[str, ...]
    due: datetime
    late_s: int = 0
    why: str = "ladder"


@dataclass(frozen=True, slots=True)
class RungEmpty(Event):
    """A step of the ladder resolved to nobody; the next one fires at once (oncall.md E4)."""

    rung: int
    run: int
    why: str


@dataclass(frozen=True, slots=True)
class NobodyReachable(Event):
    """A dead end: nobody on the ladder can be reached; `people` are called as last resort (oncall.md E5)."""

    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class PageRequested(Event):
    """A person is called until somebody answers. `page` counts from 1 within the incident."""

    page: int
    person: str
    rung: int
    run: int
    channels: tuple[str, ...]
    """Configured channels that reach the person; addresses are read live when the page is carried."""
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class PageSent(Event):
    """A provider took the page (accepted is not delivered: oncall.md N6)."""

    page: int
    person: str
    channel: str
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class PageDelayed(Event):
    """One way to reach the person did not work at the first try; it goes on trying. Said once for each way."""

    page: int
    person: str
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class PageFailed(Event):
    """One way to reach the person failed for good."""

    page: int
    person: str
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class PageEnded(Event):
    """The one outcome of a page: `acked`, `stopped`, `superseded` or `unreachable`."""

    page: int
    person: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Acknowledged(Event):
    """A named person took it. `stranger` when the roster does not know them; `via` the surface."""

    by: str
    via: str
    stranger: bool = False


@dataclass(frozen=True, slots=True)
class AlsoAcknowledged(Event):
    """A second person acknowledged; nothing changed."""

    by: str
    via: str
    first: str


@dataclass(frozen=True, slots=True)
class SeatTaken(Event):
    """A role has a holder. `how`: `acked`, `declared`, `taken`, `assigned`, `accepted`."""

    role: str
    person: str
    how: str
    by: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class HandoverOffered(Event):
    """The holder offers the seat; she keeps it until the other accepts. `brief` was generated then."""

    role: str
    by: str
    to: str
    brief: Text


@dataclass(frozen=True, slots=True)
class HandoverReminded(Event):
    """Nobody accepted yet."""

    role: str
    to: str
    due: datetime


@dataclass(frozen=True, slots=True)
class HandoverWithdrawn(Event):
    """The offer lapsed or was taken back; the seat stays where it was."""

    role: str
    to: str
    due: datetime | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class SeatEmptyAlarmed(Event):
    """The IC seat stayed empty past its limit."""

    role: str
    due: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something worth keeping, written by a person; `at` may be earlier than when it was recorded."""

    by: str
    text: Text


@dataclass(frozen=True, slots=True)
class Decided(Event):
    """A decision, who made it, and why."""

    by: str
    decision: Text
    why: Text
    objections: bool = False


@dataclass(frozen=True, slots=True)
class UpdatePosted(Event):
    """A stakeholder update: impact, ETA and next steps, none of them empty."""

    by: str
    impact: Text
    eta: Text
    next_steps: Text


@dataclass(frozen=True, slots=True)
class UpdateReminded(Event):
    """An update will be due; `missed` reminders fell together with this one. `count` of this interval so far."""

    due: datetime
    people: tuple[str, ...]
    count: int
    missed: int = 0


@dataclass(frozen=True, slots=True)
class UpdateOverdue(Event):
    """The promised update is late: recorded once per interval; it stands for `count` reminders."""

    due: datetime
    people: tuple[str, ...]
    level: str
    count: int


@dataclass(frozen=True, slots=True)
class UpdateAsked(Event):
    """The tool asks for an update now, outside the cadence (at mitigation)."""

    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ClockBreached(Event):
    """A promise was not kept: recorded once, with the limit and when it was noticed."""

    clock: str
    level: str
    due: datetime
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockEnded(Event):
    """A clock stopped. `verdict`: `met`, `missed` or `void`; `took_s` from its start."""

    clock: str
    level: str
    verdict: str
    took_s: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class TimeLeft(Event):
    """A notice to the IC that the resolve clock runs out in `minutes`."""

    clock: str
    level: str
    minutes: int
    due: datetime
    person: str


@dataclass(frozen=True, slots=True)
class NoticeFailed(Event):
    """A notice (not a page) reached its person on no channel."""

    person: str
    about: str
    reason: str


@dataclass(frozen=True, slots=True)
class Mitigated(Event):
    """No further harm, with the evidence."""

    by: str
    evidence: Text


@dataclass(frozen=True, slots=True)
class Resolved(Event):
    """Over. The three close points of the handbook, each with its evidence."""

    by: str
    confirmed: Text
    impact_ended: Text
    errors_normal: Text


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """Nothing is owed any more."""

    by: str


@dataclass(frozen=True, slots=True)
class Dismissed(Event):
    """A triage incident that was none. `by` is None when the alerts recovered by themselves."""

    by: str | None
    reason: Text


@dataclass(frozen=True, slots=True)
class PostmortemOverdue(Event):
    """The postmortem is not published at its due time; said again every day."""

    due: datetime
    people: tuple[str, ...]
    times: int


@dataclass(frozen=True, slots=True)
class PostmortemPublished(Event):
    """Published, with where it stands."""

    by: str
    where: Text


@dataclass(frozen=True, slots=True)
class DocumentWritten(Event):
    """A document in the repository was written: `log` or `postmortem`; `digest` of what was written."""

    document: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class DocumentRefused(Event):
    """A document could not be written; it stays owed."""

    document: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Repaired(Event):
    """The auditor mended something that should not have been possible."""

    what: str


@dataclass(frozen=True, slots=True)
class Released(Event):
    """A held engine goes on (after a restore, or on another machine): old notices are dropped, pages go out now.

    `person` gets one summary of everything that was waiting for them; empty where others tell it.
    """

    by: str
    reason: str
    person: str
    summary: Text


EVENT_KINDS: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}
SCHEMA: dict[str, int] = dict.fromkeys(EVENT_KINDS, 1)
"""The schema number each kind is written with."""
