"""Every fact a timeline can hold, named and versioned.

An event says what happened, in the past tense, with `at` = when it happened (UTC). The envelope around it (reference,
version, sequence, when it was recorded) belongs to the store. Events hold person handles, never names or addresses;
fields typed `Text` are free text that the store keeps in rows of its own, referenced by hash (design rule 20).
A kind is never renamed and never loses a field; a changed shape raises its number in `SCHEMA` and adds an upcaster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
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
    kind: str = "incident"
    """`incident`, `near-miss`, `change` or `test`; only an incident has clocks, a test one page to one person."""
    drill: bool = False
    follows: str | None = None
    """An earlier incident that this one comes back to."""
    escalation: str | None = None
    """The escalation policy that a route or a person chose; None: the service's, else the handbook's."""
    audience: tuple[str, ...] = ()
    """Called by hand: exactly these targets, instead of the steps of an escalation policy."""


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
    """A step of the ladder resolved to nobody; the next one fires at once (oncall.md E4), unless this one `waits`."""

    rung: int
    run: int
    why: str
    waits: bool = False


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
    waits: tuple[int, ...] = ()
    """Seconds after the page at which each of the channels is used; empty: all at once."""
    shadow: bool = False
    """Somebody who learns is told as well: she answers for nothing (oncall.md L6)."""


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
    """The one outcome of a page: `acked`, `stopped`, `superseded`, `unreachable`; a test page may be `expired`."""

    page: int
    person: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Acknowledged(Event):
    """A named person took it. `stranger` when the roster does not know them; `via` the surface."""

    by: str
    via: str
    stranger: bool = False
    after_s: int | None = None
    """Seconds since she was called; None where she was not."""


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
    """A decision, who made it, and why; `proposal` is the number of the one it answers."""

    by: str
    decision: Text
    why: Text
    objections: bool = False
    proposal: int | None = None


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
    """A clock stopped. `verdict`: `met`, `missed`, `void` or `merged`; `took_s` from its start.

    `fact` is what stopped it (`acked`, `mitigated`, `resolved`), empty when nothing answered it: a later correction of
    that fact's time judges the clock anew.
    """

    clock: str
    level: str
    verdict: str
    took_s: int
    due: datetime | None
    fact: str = ""


@dataclass(frozen=True, slots=True)
class TimeCorrected(Event):
    """One of the seven timestamps was set or corrected, with the reason; `old` stays to be seen."""

    by: str
    name: str
    old: datetime | None
    new: datetime
    reason: Text


@dataclass(frozen=True, slots=True)
class ClockRejudged(Event):
    """A correction changed what is said of a clock: `number` counts the incident's clocks from 0.

    `verdict` and `old` are `met`, `missed`, `void`, or `running` and `breached` while it is not answered.
    """

    number: int
    clock: str
    level: str
    old: str
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
    """Over. The three close points of the handbook, each with its evidence; `impact_end` when it is known."""

    by: str
    confirmed: Text
    impact_ended: Text
    errors_normal: Text
    impact_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reopened(Event):
    """It came back within the policy's time: the mitigate and resolve clocks run on from their start.

    `firing` is how many of its alerts fire now; None where nobody counted.
    """

    by: str
    reason: Text
    firing: int | None = None


@dataclass(frozen=True, slots=True)
class Merged(Event):
    """It is the same as another incident and goes on there; its own clocks are not scored. `people` are told where."""

    by: str
    into: str
    reason: Text
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Absorbed(Event):
    """Another incident was merged into this one, with its claims and `firing` alerts.

    `level` is the worst level that alerts of the two have asked for, whatever people have made of it.
    """

    by: str
    child: str
    title: Text
    firing: int
    claims: tuple[str, ...] = ()
    level: str | None = None


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
    """Published, with where it stands; `checked` when every section was seen to be complete."""

    by: str
    where: Text
    checked: bool = False


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


@dataclass(frozen=True, slots=True)
class Reported(Event):
    """The same trouble was reported again by somebody (`source`: a customer, support): joined, nobody is called."""

    by: str
    text: Text
    source: Text


@dataclass(frozen=True, slots=True)
class NoteEdited(Event):
    """A note says something else now; `note` is the version of the entry that it replaces, which stays readable."""

    by: str
    note: int
    text: Text


@dataclass(frozen=True, slots=True)
class Proposed(Event):
    """Somebody proposes a decision; `proposal` counts from 1 within the incident."""

    by: str
    proposal: int
    text: Text


@dataclass(frozen=True, slots=True)
class EvidenceAdded(Event):
    """A file was kept, stored once under its SHA-256 `digest`; `size` in bytes."""

    by: str
    digest: str
    size: int
    name: Text
    media_type: str
    note: Text


@dataclass(frozen=True, slots=True)
class ChangeSuspected(Event):
    """A change may have caused it; its `author` is not proposed as IC. `happened` when it went out, if known."""

    by: str
    what: Text
    author: str | None
    happened: datetime | None


@dataclass(frozen=True, slots=True)
class SeatConflict(Event):
    """One person holds seats that should be apart (IC and Ops of the worst level, with that many `responders`)."""

    person: str
    roles: tuple[str, ...]
    responders: int


@dataclass(frozen=True, slots=True)
class SpanWarned(Event):
    """More people answer to the IC than one can lead: a lead for a part is due."""

    people: tuple[str, ...]
    responders: int


@dataclass(frozen=True, slots=True)
class HandoverProposed(Event):
    """It has lasted long: tocsin proposes that the holder hands over, to one of `candidates`. `hours` since declare."""

    role: str
    holder: str
    hours: int
    candidates: tuple[str, ...]
    due: datetime


@dataclass(frozen=True, slots=True)
class ShadowJoined(Event):
    """Somebody shadows the IC: sees everything, does not act, is listed apart."""

    by: str
    person: str


@dataclass(frozen=True, slots=True)
class ShadowLeft(Event):
    """Somebody no longer shadows the IC."""

    by: str
    person: str


@dataclass(frozen=True, slots=True)
class TaskOpened(Event):
    """Work to do; `minutes` is its time box, `gate` the check that has to pass before it may start.

    `second`: somebody else has to approve before it may start. `task` counts from 1 within the incident. A database
    change (`db_change`) without a `gate`: the handbook names no check.
    """

    by: str
    task: int
    text: Text
    owner: str | None = None
    minutes: int | None = None
    gate: str | None = None
    second: bool = False
    db_change: bool = False


@dataclass(frozen=True, slots=True)
class TaskAssigned(Event):
    """A task has another owner."""

    by: str
    task: int
    owner: str


@dataclass(frozen=True, slots=True)
class TaskApproved(Event):
    """A second person agreed that the task may start."""

    by: str
    task: int


@dataclass(frozen=True, slots=True)
class TaskStarted(Event):
    """Work began. `passed` says which check or override let a gated task start; empty for any other."""

    by: str
    task: int
    passed: str = ""


@dataclass(frozen=True, slots=True)
class TaskAsked(Event):
    """The time box is over: the owner is asked once (done, more time, help?)."""

    task: int
    owner: str
    due: datetime


@dataclass(frozen=True, slots=True)
class TaskDone(Event):
    """A task is done, with what came of it (`23/23 resent`)."""

    by: str
    task: int
    result: Text


@dataclass(frozen=True, slots=True)
class TaskDropped(Event):
    """A task will not be done, and why."""

    by: str
    task: int
    reason: Text


@dataclass(frozen=True, slots=True)
class GateAnswered(Event):
    """One point of a check: `answer` is `ok`, `failed` or `exception`, with its evidence. `point` counts from 1."""

    by: str
    gate: str
    check: int
    point: int
    answer: str
    evidence: Text


@dataclass(frozen=True, slots=True)
class GateChecked(Event):
    """A check was gone through. `passed` when no point failed; it counts until `valid_until` once it is `confirmed`.

    `exceptions` and `failed` are numbers of points; `valid_until` is None where the handbook gives no validity: then
    the check lets one task start. `check` counts from 1 within the incident. `waits_for` is the seat that confirms it,
    while nobody has.
    """

    by: str
    gate: str
    check: int
    passed: bool
    confirmed: bool
    exceptions: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    restore_point: datetime | None = None
    valid_until: datetime | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class GateConfirmed(Event):
    """Whoever the handbook names confirmed the check."""

    by: str
    gate: str
    check: int


@dataclass(frozen=True, slots=True)
class GateLapsing(Event):
    """A check that a task still needs runs out at `due`: whoever did it is reminded once."""

    gate: str
    check: int
    due: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateLapsed(Event):
    """A check ran out at `due`: what needs it cannot start any more."""

    gate: str
    check: int
    due: datetime


@dataclass(frozen=True, slots=True)
class GateOverridden(Event):
    """The IC let a task start without a passing check, with the reason: shown in red for ever."""

    by: str
    gate: str
    task: int
    reason: Text


@dataclass(frozen=True, slots=True)
class RestorePointNoted(Event):
    """The moment to return to, written down before a change."""

    by: str
    point: datetime
    note: Text


@dataclass(frozen=True, slots=True)
class RestoreRecorded(Event):
    """A restore or a restore drill (`kind`), with its validation: a row of the restore log. `number` counts from 1."""

    by: str
    number: int
    kind: str
    source: Text
    target: Text
    reason: Text
    validation: Text
    passed: bool
    rpo_s: int | None = None
    rto_s: int | None = None


@dataclass(frozen=True, slots=True)
class StatementDrafted(Event):
    """A text for people outside; `data` says what is known of their data. Leaves nothing by itself.

    It may be sent once everybody in `approvers` has approved. `statement` counts from 1 within the incident.
    """

    by: str
    statement: int
    audience: Text
    text: Text
    data: Text
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatementApproved(Event):
    """A named approver agreed to the text as it stands."""

    by: str
    statement: int


@dataclass(frozen=True, slots=True)
class StatementSent(Event):
    """A person sent the approved text, and says where: counts as an update."""

    by: str
    statement: int
    where: Text


@dataclass(frozen=True, slots=True)
class LegalStarted(Event):
    """A legal deadline runs from `aware` to `due` (no legal advice); it runs on after resolve."""

    by: str
    regime: str
    aware: datetime
    limit_s: int
    due: datetime
    owner: str
    reason: Text


@dataclass(frozen=True, slots=True)
class LegalReminded(Event):
    """A legal deadline comes near."""

    regime: str
    due: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LegalOverdue(Event):
    """A legal deadline has passed without a recorded decision; said again every day, `times` so far."""

    regime: str
    due: datetime
    people: tuple[str, ...]
    times: int


@dataclass(frozen=True, slots=True)
class LegalDecided(Event):
    """The decision that ends a legal deadline (`notified`, `not notifiable`), with its reason."""

    by: str
    regime: str
    decision: str
    reason: Text


@dataclass(frozen=True, slots=True)
class ActionAdded(Event):
    """Something to do after the incident. `kind`: `prevent`, `detect`, `mitigate` or `process`.

    `due` is a day (its end, in UTC); `calendar` the handbook's phrase where it gives no day (`next sprint`).
    `action` counts from 1 within the incident.
    """

    by: str
    action: int
    text: Text
    kind: str
    owner: str | None = None
    due: date | None = None
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class ActionChanged(Event):
    """An action has another owner, due day or kind: the values that hold now."""

    by: str
    action: int
    kind: str
    owner: str | None
    due: date | None


@dataclass(frozen=True, slots=True)
class ActionProven(Event):
    """An action is done, with the proof that it holds in production."""

    by: str
    action: int
    proof: Text


@dataclass(frozen=True, slots=True)
class ActionDropped(Event):
    """An action will not be done, and why."""

    by: str
    action: int
    reason: Text


@dataclass(frozen=True, slots=True)
class ActionReminded(Event):
    """An action is due today."""

    action: int
    due: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionOverdue(Event):
    """An action is not proven at its end; said again every week, `times` so far."""

    action: int
    due: datetime
    people: tuple[str, ...]
    times: int


@dataclass(frozen=True, slots=True)
class Restricted(Event):
    """From now on only `readers` and whoever works on it see more than `codename`; every read is written down."""

    by: str
    codename: str
    readers: tuple[str, ...]
    reason: Text


@dataclass(frozen=True, slots=True)
class Unrestricted(Event):
    """Everybody may read it again."""

    by: str
    reason: Text


@dataclass(frozen=True, slots=True)
class TicketLinked(Event):
    """A ticket stands for the log row: its address."""

    by: str
    where: Text


@dataclass(frozen=True, slots=True)
class WayTried(Event):
    """A further way to reach the person is used: its time came, or it was pulled forward (oncall.md N1, N7)."""

    page: int
    person: str
    channel: str
    why: str
    instead: str = ""
    """The channel that failed or did not take the page in time, if that is why."""


@dataclass(frozen=True, slots=True)
class PageDeferred(Event):
    """Low urgency in her quiet hours: the page waits until their end (oncall.md N4).

    `page` is the number that its `PageRequested` has then; where somebody else is on call by then it ends `superseded`.
    """

    page: int
    person: str
    until: datetime
    why: str
    rung: int = 0
    run: int = 0


@dataclass(frozen=True, slots=True)
class RoundRobinChosen(Event):
    """A step calls one of its targets in turn: the one at `position`; the next firing begins behind it (E15)."""

    escalation: str
    rung: int
    target: str
    position: int


@dataclass(frozen=True, slots=True)
class PassRepeated(Event):
    """Nobody answered on any step: the steps are gone through again, for the `number`-th time (oncall.md E6)."""

    run: int
    number: int


@dataclass(frozen=True, slots=True)
class LadderExhausted(Event):
    """Every pass is over without an answer: `people` are called again and again from now on (oncall.md E6)."""

    run: int
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FallbackCalled(Event):
    """The fallback of the escalation policy is called: no step meant anybody, or nobody answered (E5, E6)."""

    run: int
    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class AckPartial(Event):
    """One of those who all have to acknowledge did; `waiting` have not yet (oncall.md E9)."""

    by: str
    rung: int
    waiting: tuple[str, ...]
    via: str = ""


@dataclass(frozen=True, slots=True)
class AckReminded(Event):
    """Whoever acknowledged has not been heard of: still on it? It comes back at `due` (oncall.md E10)."""

    person: str
    due: datetime


@dataclass(frozen=True, slots=True)
class AckRenewed(Event):
    """Still on it: the time runs anew (oncall.md E10)."""

    by: str


@dataclass(frozen=True, slots=True)
class AckExpired(Event):
    """Acknowledged at some time and then nothing: everybody is called anew, the acker too (oncall.md E10)."""

    person: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Unacknowledged(Event):
    """An ack was taken back: everybody is called anew (oncall.md E13)."""

    by: str
    reason: Text
    leaves_seat: bool = False
    """She led it and leads it no more: nobody does now."""


@dataclass(frozen=True, slots=True)
class Snoozed(Event):
    """Nobody is called until then (oncall.md E11)."""

    by: str
    until: datetime
    reason: Text


@dataclass(frozen=True, slots=True)
class SnoozeEnded(Event):
    """The silence is over, and people are called as if it were new; `why` where it ended before `due` (E11)."""

    due: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Escalated(Event):
    """Somebody had the next step called at once; `rung` -1: the fallback, where no step meant anybody else (E12)."""

    by: str
    rung: int
    reason: Text


@dataclass(frozen=True, slots=True)
class RespondersAsked(Event):
    """Further people are called, whatever the steps do (oncall.md E14)."""

    by: str
    people: tuple[str, ...]
    reason: Text


@dataclass(frozen=True, slots=True)
class ResponderJoined(Event):
    """Somebody who was asked to help is there (oncall.md E14)."""

    person: str
    via: str


@dataclass(frozen=True, slots=True)
class Routed(Event):
    """How it was decided where it goes; `rule` is the route that won, empty where none did.

    `why` has one line for each route that was passed over, and one for what decided.
    """

    rule: str
    service: str | None
    level: str
    escalation: str | None
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tested(Event):
    """A test page has ended: `answered`, `ran out` when nobody did in time, `unreachable` when no way works."""

    person: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ShadowAcknowledged(Event):
    """Somebody who is called along to learn has seen it; nothing stops (oncall.md L6)."""

    by: str
    via: str


EVENT_KINDS: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}
SCHEMA: dict[str, int] = dict.fromkeys(EVENT_KINDS, 1)
"""The schema number each kind is written with."""
