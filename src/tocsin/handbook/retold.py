"""The timeline as a person would write it down afterwards: who did what, without the plumbing.

Pure: facts in, lines out. Who was called when and who answered is said; single deliveries, reminders, checks that went
well and clocks that were kept are not, the tables of the draft hold them. Not here: the record itself
(`domain.narrate`), the draft around the lines (`postmortem`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain.narrate import actor
from tocsin.handbook.grammar import format_duration
from tocsin.handbook.postmortem import TimelineLine

TOCSIN = "tocsin"


@dataclass(frozen=True, slots=True)
class Names:
    """How people and seats are called: handle to name, role key to the word for it (`ic` to `IC`)."""

    people: Mapping[str, str]
    roles: Mapping[str, str]

    def who(self, handle: str | None) -> str:
        """A person's name; an unknown handle as it is, nobody as tocsin."""
        return TOCSIN if not handle else self.people.get(handle, handle)

    def role(self, key: str) -> str:
        """The word for a seat."""
        return self.roles.get(key, key)

    def many(self, handles: Sequence[str]) -> str:
        """`Mei Tanaka, Jonas Ek and Priya Natarajan`."""
        names = [self.who(handle) for handle in dict.fromkeys(handles)]
        return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part) or "nobody"


@dataclass(slots=True)
class Story:
    """What the lines need to know of the other facts: what a number stands for, what else happened just then."""

    names: Names
    events: Sequence[ev.Event]
    notes: dict[int, str] = field(default_factory=dict)
    tasks: dict[int, str] = field(default_factory=dict)
    together: dict[tuple[type[ev.Event], datetime], list[Any]] = field(default_factory=dict)
    answers: dict[tuple[str, int], list[ev.GateAnswered]] = field(default_factory=dict)
    statements: dict[int, ev.StatementDrafted] = field(default_factory=dict)
    approvals: dict[int, list[str]] = field(default_factory=dict)
    unreached: set[tuple[int, str]] = field(default_factory=set)
    missed_lapses: set[tuple[str, int]] = field(default_factory=set)
    """Checks that ran out while a change still waited for one."""
    last_update: ev.UpdatePosted | None = None

    def with_(self, kind: type[ev.Event], at: datetime) -> list[Any]:
        """What of that kind happened at the same instant."""
        return self.together.get((kind, at), [])

    def task(self, number: int) -> str:
        """The text of a task."""
        return self.tasks.get(number, f"task {number}")


Telling = Callable[[Story, Any], str | None]
"""The words for one fact; None where another line says it, or nobody needs it afterwards."""


def told(events: Sequence[ev.Event], names: Names) -> tuple[TimelineLine, ...]:
    """The lines of a timeline, oldest first; `events` are all facts of the incident, as they were recorded."""
    story = _story(events, names)
    lines = []
    for number, (event, at) in enumerate(zip(events, happened(events), strict=True), start=1):
        if isinstance(event, ev.Noted):
            text: str | None = story.notes.get(number, event.text)
        else:
            telling = TELLINGS.get(type(event))
            text = telling(story, event) if telling else None
        if text:
            strong = isinstance(event, ev.GateOverridden)
            lines.append(TimelineLine(at, names.who(_who(event)), " ".join(text.split()), strong=strong))
    return tuple(sorted(lines, key=lambda line: line.at))


_CORRECTED = {
    ev.Declared: "declared",
    ev.Acknowledged: "acked",
    ev.Mitigated: "mitigated",
    ev.Resolved: "resolved",
}
"""Facts whose time can be corrected: a correction means the newest of its kind."""


def happened(events: Sequence[ev.Event]) -> list[datetime]:
    """When each of the facts happened, as it is known now: at the corrected time where it was corrected."""
    times = [event.at for event in events]
    newest: dict[str, int] = {}
    for number, event in enumerate(events):
        if type(event) in _CORRECTED:
            newest[_CORRECTED[type(event)]] = number
        elif isinstance(event, ev.TimeCorrected) and event.name in newest:
            times[newest[event.name]] = event.new
    return times


def _who(event: ev.Event) -> str | None:
    """Whose line it is."""
    if isinstance(event, ev.SeatTaken):
        return event.by if event.how == "assigned" and event.by else event.person
    if isinstance(event, ev.ShadowJoined | ev.ShadowLeft):
        return event.person
    by = actor(event)
    return None if by == TOCSIN else by


def _story(events: Sequence[ev.Event], names: Names) -> Story:
    story = Story(names, events)
    _remember_lapses(story)
    origins: dict[int, int] = {}
    for number, event in enumerate(events, start=1):
        story.together.setdefault((type(event), event.at), []).append(event)
        match event:
            case ev.Noted():
                origins[number] = number
                story.notes[number] = event.text
            case ev.NoteEdited():
                first = origins.get(event.note, event.note)
                origins[number] = first
                story.notes[first] = event.text
            case ev.TaskOpened():
                story.tasks[event.task] = event.text.rstrip(". ")
            case ev.GateAnswered():
                story.answers.setdefault((event.gate, event.check), []).append(event)
            case ev.StatementDrafted():
                story.statements[event.statement] = event
            case ev.StatementApproved():
                story.approvals.setdefault(event.statement, []).append(event.by)
            case _:
                continue
    return story


def _remember_lapses(story: Story) -> None:
    waiting: set[int] = set()
    for event in story.events:
        if isinstance(event, ev.TaskOpened) and event.gate:
            waiting.add(event.task)
        elif isinstance(event, ev.TaskStarted | ev.TaskDropped):
            waiting.discard(event.task)
        elif isinstance(event, ev.GateLapsed) and waiting:
            story.missed_lapses.add((event.gate, event.check))


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def clock(at: datetime) -> str:
    """A time of day, with seconds only where there are any."""
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


# --- how it began, who was called ------------------------------------------------------------------------------------


def _opened(story: Story, e: ev.Opened) -> str | None:
    if story.with_(ev.Declared, e.at) or story.with_(ev.Signalled, e.at):
        return None
    follows = f" (it comes back to {e.follows})" if e.follows else ""
    what = {"near-miss": "Recorded a near miss", "change": "Planned a change"}.get(e.kind, "Opened")
    return f"{what}: {e.title}{follows}"


def _signalled(e: ev.Signalled) -> str:
    return f"Alert from {e.integration}: {e.title}" if e.firing else f"{e.integration} recovered: {e.title}"


def _seat_of(story: Story, at: datetime, person: str, how: str) -> str:
    taken = [e for e in story.with_(ev.SeatTaken, at) if e.person == person and e.how == how]
    return f" and took the {story.names.role(taken[0].role)} seat" if taken else ""


def _declared(story: Story, e: ev.Declared) -> str:
    return f"Declared {e.level}{_seat_of(story, e.at, e.by, 'declared')}: {e.title}"


def _acknowledged(story: Story, e: ev.Acknowledged) -> str:
    stranger = " (not in the roster)" if e.stranger else ""
    return f"Acknowledged{stranger}{_seat_of(story, e.at, e.by, 'acked')}"


def _rung(story: Story, e: ev.RungFired) -> str | None:
    late = f", {format_duration(e.late_s)} late" if e.late_s else ""
    reason = "nobody called before may lead" if e.why.startswith("nobody before") else e.why
    why = "" if e.why == "ladder" else f" ({reason})"
    return f"Called {story.names.many(e.people)}{late}{why}"


def _page_failed(story: Story, e: ev.PageFailed) -> str | None:
    if (e.page, e.person) in story.unreached:
        return None
    story.unreached.add((e.page, e.person))
    return f"{story.names.who(e.person)} could not be reached by {e.channel}: {e.reason}"


def _seat(story: Story, e: ev.SeatTaken) -> str | None:
    role = story.names.role(e.role)
    before = f" from {story.names.who(e.before)}" if e.before and e.before != e.person else ""
    if e.how in {"acked", "declared"}:
        answered = ev.Acknowledged if e.how == "acked" else ev.Declared
        said = any(other.by == e.person for other in story.with_(answered, e.at))
        return None if said else f"Took the {role} seat"
    if e.how == "assigned":
        after = f", after {story.names.who(e.before)}" if before else ""
        return f"Gave {role} to {story.names.who(e.person)}{after}"
    return f"Took {role} over{before}" if before else f"Took the {role} seat"


# --- what was said ---------------------------------------------------------------------------------------------------


def _severity(e: ev.SeverityChanged) -> str:
    return f"Changed {e.old} to {e.new}{_because(e.reason)}"


def _decided(e: ev.Decided) -> str:
    why = f" ({e.why})" if e.why else ""
    return f"Decided: {e.decision}{why}{', with objections' if e.objections else ''}"


def _update(story: Story, e: ev.UpdatePosted) -> str:
    last, story.last_update = story.last_update, e
    if last and (last.impact, last.eta, last.next_steps) == (e.impact, e.eta, e.next_steps):
        return "Update: as before"
    parts = (e.impact, f"Expected end: {e.eta}", f"Next: {e.next_steps}")
    return f"Update: {'. '.join(part.rstrip('. ') for part in parts)}."


def _resolved(e: ev.Resolved) -> str:
    parts = (e.confirmed, f"Impact: {e.impact_ended}", f"Errors: {e.errors_normal}")
    return f"Resolved. {'. '.join(part.rstrip('. ') for part in parts)}."


def _suspected(e: ev.ChangeSuspected) -> str:
    """Without who made it: the change is looked at, not the person."""
    since = f" (in place since {clock(e.happened)})" if e.happened else ""
    return f"Suspected a change: {e.what}{since}"


def _conflict(story: Story, e: ev.SeatConflict) -> str:
    seats = " and ".join(story.names.role(role) for role in e.roles)
    return f"{story.names.who(e.person)} held {seats} with {e.responders} people at work"


# --- work ------------------------------------------------------------------------------------------------------------


def _task_opened(story: Story, e: ev.TaskOpened) -> str:
    owner = f"for {story.names.who(e.owner)}" if e.owner and e.owner != e.by else ""
    box = f"{e.minutes} min" if e.minutes else ""
    change = "a database change" if e.gate else ""
    said = ", ".join(part for part in (owner, box, change) if part)
    started = any(other.task == e.task for other in story.with_(ev.TaskStarted, e.at))
    return f"{'Began' if started else 'To do'}{f' ({said})' if said else ''}: {story.task(e.task)}"


def _task_started(story: Story, e: ev.TaskStarted) -> str | None:
    if any(other.task == e.task for other in story.with_(ev.TaskOpened, e.at)):
        return None
    how = f" ({e.passed})" if e.passed and e.passed != "override" else ""
    return f"Began{how}: {story.task(e.task)}"


def _task_done(story: Story, e: ev.TaskDone) -> str:
    return f"Done: {story.task(e.task)}{f' ({e.result})' if e.result else ''}"


def _points(story: Story, e: ev.GateChecked, numbers: tuple[int, ...], word: str) -> list[str]:
    said = {a.point: a.evidence for a in story.answers.get((e.gate, e.check), [])}
    return [f"point {n} {word}{_because(said.get(n, ''))}" for n in numbers]


def _checked(story: Story, e: ev.GateChecked) -> str:
    details = _points(story, e, e.failed, "failed") + _points(story, e, e.exceptions, "by its exception")
    if e.restore_point:
        details.append(f"restore point {e.restore_point:%H:%M:%S}")
    if e.passed and e.valid_until:
        details.append(f"counts until {clock(e.valid_until)}")
    verdict = "passed" if e.passed else "FAILED"
    said = f" ({'; '.join(details)})" if details else ""
    return f"{_check(e.gate, e.check)} {verdict}{said}"


def _lapsed(story: Story, e: ev.GateLapsed) -> str | None:
    missed = (e.gate, e.check) in story.missed_lapses
    return f"{_check(e.gate, e.check)} ran out while a change waited" if missed else None


def _check(gate: str, number: int) -> str:
    return f"{gate.capitalize()} check {number}"


def _restored(e: ev.RestoreRecorded) -> str:
    lost = f"lost {format_duration(e.rpo_s)}" if e.rpo_s else ""
    took = f"took {format_duration(e.rto_s)}" if e.rto_s else ""
    said = ", ".join(part for part in ("passed" if e.passed else "FAILED", lost, took) if part)
    return f"{e.kind[:1].upper()}{e.kind[1:]} from {e.source} to {e.target}: {said}. {e.validation}"


def _sent(story: Story, e: ev.StatementSent) -> str:
    draft = story.statements.get(e.statement)
    agreed = story.approvals.get(e.statement, [])
    said = f": {draft.text}" if draft else ""
    return (
        f"Statement for {draft.audience if draft else 'people outside'} ({e.where}"
        f"{', approved by ' + story.names.many(agreed) if agreed else ''}){said}"
    )


# --- duties ----------------------------------------------------------------------------------------------------------


def _regime(name: str) -> str:
    return name.upper() if name == "gdpr" else name


def _legal(story: Story, e: ev.LegalStarted) -> str:
    return (
        f"Started the {_regime(e.regime)} deadline: aware {clock(e.aware)}, due {e.due:%Y-%m-%d %H:%M} UTC, "
        f"with {story.names.who(e.owner)}{_because(e.reason)}"
    )


_VERBS = {"ack": "acknowledge"}
_VERDICTS = {"breached": "missed", "running": "still running", "void": "nobody had to answer"}


def _promise(clock: str, level: str) -> str:
    return f"time to {_VERBS.get(clock, clock)} a {level}"


def _rejudged(e: ev.ClockRejudged) -> str:
    """After a correction: what was told before of this promise counts no more."""
    verdict = _VERDICTS.get(e.verdict, e.verdict)
    return f"The {_promise(e.clock, e.level)} was judged anew: {verdict}"


TELLINGS: dict[type[ev.Event], Telling] = {
    ev.Opened: _opened,
    ev.Signalled: lambda _s, e: _signalled(e),
    ev.AlertsJoined: lambda _s, e: f"{e.count} more alerts joined",
    ev.Recovered: lambda _s, _e: "The last alert recovered",
    ev.Declared: _declared,
    ev.SeverityChanged: lambda _s, e: _severity(e),
    ev.RungFired: _rung,
    ev.RungEmpty: lambda _s, e: f"Nobody stood on step {e.rung + 1} of the ladder: {e.why}",
    ev.NobodyReachable: lambda s, e: (
        f"Nobody could be reached ({e.why}); called {s.names.many(e.people)} as last resort"
    ),
    ev.PageFailed: _page_failed,
    ev.Acknowledged: _acknowledged,
    ev.AlsoAcknowledged: lambda _s, _e: "Joined",
    ev.SeatTaken: _seat,
    ev.HandoverOffered: lambda s, e: f"Offered {s.names.role(e.role)} to {s.names.who(e.to)}",
    ev.HandoverWithdrawn: lambda s, e: f"The offer of {s.names.role(e.role)} to {s.names.who(e.to)} lapsed",
    ev.SeatEmptyAlarmed: lambda s, e: (
        f"The {s.names.role(e.role)} seat was still empty: told {s.names.many(e.people)}"
    ),
    ev.Decided: lambda _s, e: _decided(e),
    ev.Proposed: lambda _s, e: f"Proposed: {e.text}",
    ev.UpdatePosted: _update,
    ev.UpdateOverdue: lambda _s, e: f"No update by {clock(e.due)}, when one was due",
    ev.ClockBreached: lambda _s, e: f"The {_promise(e.clock, e.level)} was over",
    ev.ClockRejudged: lambda _s, e: _rejudged(e),
    ev.NoticeFailed: lambda s, e: f"{s.names.who(e.person)} could not be told ({e.about}): {e.reason}",
    ev.Mitigated: lambda _s, e: f"Mitigated: {e.evidence}",
    ev.Resolved: lambda _s, e: _resolved(e),
    ev.Reopened: lambda _s, e: f"Reopened{_because(e.reason)}",
    ev.Merged: lambda _s, e: f"Merged into {e.into}{_because(e.reason)}",
    ev.Absorbed: lambda _s, e: f"{e.child} was merged into this one: {e.title}",
    ev.Closed: lambda _s, _e: "Closed",
    ev.Dismissed: lambda _s, e: f"Dismissed{_because(e.reason)}",
    ev.Reported: lambda _s, e: f"Further report{f' from {e.source}' if e.source else ''}: {e.text}",
    ev.EvidenceAdded: lambda _s, e: f"Kept {e.name}{_because(e.note)}",
    ev.ChangeSuspected: lambda _s, e: _suspected(e),
    ev.SeatConflict: _conflict,
    ev.SpanWarned: lambda _s, e: f"{e.responders} people answered to the IC",
    ev.ShadowJoined: lambda s, _e: f"Watches the {s.names.role('ic')} to learn",
    ev.TaskOpened: _task_opened,
    ev.TaskAssigned: lambda s, e: f"Gave to {s.names.who(e.owner)}: {s.task(e.task)}",
    ev.TaskApproved: lambda s, e: f"Agreed as second person: {s.task(e.task)}",
    ev.TaskStarted: _task_started,
    ev.TaskDone: _task_done,
    ev.TaskDropped: lambda s, e: f"Left undone: {s.task(e.task)}{f' ({e.reason})' if e.reason else ''}",
    ev.GateChecked: _checked,
    ev.GateConfirmed: lambda _s, e: f"Confirmed {e.gate} check {e.check}",
    ev.GateLapsed: _lapsed,
    ev.GateOverridden: lambda s, e: f"Went past the {e.gate} check for: {s.task(e.task)}{_because(e.reason)}",
    ev.RestorePointNoted: lambda _s, e: f"Restore point {e.point:%Y-%m-%d %H:%M:%S} UTC{_because(e.note)}",
    ev.RestoreRecorded: lambda _s, e: _restored(e),
    ev.StatementSent: _sent,
    ev.LegalStarted: _legal,
    ev.LegalOverdue: lambda _s, e: (
        f"The {_regime(e.regime)} deadline passed without a decision" if e.times == 1 else None
    ),
    ev.LegalDecided: lambda _s, e: (
        f"Decided on the {_regime(e.regime)} deadline: {e.decision}{f' ({e.reason})' if e.reason else ''}"
    ),
    ev.Released: lambda _s, e: f"Went on after it had been held ({e.reason})",
}
"""What is told. Everything else is plumbing, or stands in a table of its own."""
