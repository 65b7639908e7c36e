"""What would happen: the real machine opens an incident in memory, nobody answers, and its events become a timetable.

There is no second escalation here that could differ from the first: `lifecycle` opens, `clocks.advance` fires what is
due, again and again, with the people and schedules of now. Every provider takes its message at once. Nothing is
stored or sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tocsin.domain import clocks, grouping, lifecycle, response, targets
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.due import Deadline
from tocsin.domain.fold import evolve
from tocsin.domain.incident import Incident
from tocsin.domain.narrate import sentence
from tocsin.domain.policy import Escalation, Rung, Severity
from tocsin.domain.routing import Routing
from tocsin.domain.signals import Signal
from tocsin.domain.spans import many, span

PLANNED = "INC-0000-0000"
"""The reference of what is never stored."""
DECLARER = "whoever declared"
"""Stands for the person who declares: a stranger to the roster, so that she gets no seat."""
HORIZON = timedelta(days=8)
"""Nothing is looked for after this."""
MOST_STEPS = 300
"""So often the machine is asked what comes next."""
LEAD = "ic"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the timetable. `kind`: `step`, `call`, `empty`, `clock`, `update`, `seat`, `rest`.

    `person` and `channel` where somebody is called; `learns` when she is told only to learn (L6).
    """

    at: datetime
    kind: str
    text: str
    person: str = ""
    channel: str = ""
    learns: bool = False


@dataclass(frozen=True, slots=True)
class PlannedClock:
    """A promise of the level: the words of the handbook, and when it runs out (None: it gives no plain time)."""

    name: str
    target: str | None
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens when nobody answers, from `at` on.

    `people` in the order in which they are called first; `fallback` the targets and `fallback_people` who that is;
    `uncovered` what is missing; `end` what happens after the last step. `complete`: the end was reached.
    """

    at: datetime
    level: str
    urgent: bool
    service: str | None
    escalation: str
    rows: tuple[Row, ...]
    clocks: tuple[PlannedClock, ...]
    people: tuple[str, ...]
    fallback: tuple[str, ...]
    fallback_people: tuple[str, ...]
    uncovered: tuple[str, ...]
    end: str
    complete: bool


def plan(
    context: Context, at: datetime, level: str, service: str | None = None, routed: Routing | None = None
) -> Plan:
    """The timetable of an incident declared at `at`. Raises Refused for an unknown level."""
    opening = lifecycle.Opening(
        ref=PLANNED,
        policy="",
        title="planned",
        level=context.severity(level).level,
        origin="person",
        by=DECLARER,
        service=service,
        escalation=routed.escalation if routed and routed.named else None,
    )
    return _told(context, at, lifecycle.open_declared(opening, context, at, why="planned"))


def plan_alert(context: Context, at: datetime, signal: Signal) -> Plan:
    """The same for an alert that opens a triage incident; it is routed as it would be."""
    return _told(context, at, grouping.open_for(signal, PLANNED, "", context, at))


def _told(context: Context, at: datetime, opened: list[ev.Event]) -> Plan:
    run = Run(context, at)
    run.play(opened)
    state = run.state
    rungs = targets.escalation_of(state, context)
    severity = context.severity(state.level)
    rows = [row for event, before in run.told for row in _rows(event, before, context)]
    rows += [row for deadline in run.ahead() if (row := _ahead(deadline, severity)) is not None]
    people = tuple(dict.fromkeys(row.person for row in rows if row.kind == "call" and not row.learns))
    fallback = targets.people_for(Rung(0, rungs.fallback, rungs.source), context, at)
    return Plan(
        at=at,
        level=state.level,
        urgent=severity.urgent,
        service=state.service,
        escalation=rungs.name,
        rows=tuple(sorted(rows, key=lambda row: row.at)),
        clocks=_clocks(severity, state, context),
        people=people,
        fallback=rungs.fallback,
        fallback_people=fallback,
        uncovered=tuple(dict.fromkeys(_uncovered(run, rungs, people, fallback))),
        end=_end(run),
        complete=run.rests,
    )


# --- the machine, played ----------------------------------------------------------------------------------------------


@dataclass
class Run:
    """An incident in memory. `told` are its events, each with the state before it."""

    context: Context
    at: datetime
    told: list[tuple[ev.Event, Incident | None]] = field(default_factory=list)
    rests: bool = False
    """Whether every step is over and the first reminder came: from here on it only repeats itself."""
    again: datetime | None = None
    """When people are called again after that."""
    _state: Incident | None = None
    _over: datetime | None = None

    @property
    def state(self) -> Incident:
        """The state after everything so far. Raises LookupError before the first event."""
        if self._state is None:
            raise LookupError("nothing was opened")
        return self._state

    def play(self, opened: list[ev.Event]) -> None:
        """Take the opening up and let everything happen until it only repeats itself, at most up to the horizon."""
        self._take(opened, self.at)
        for _ in range(MOST_STEPS):
            due = clocks.next_due(self.state, self.context)
            if self.rests or due is None or due > self.at + HORIZON:
                break
            self._take(clocks.advance(self.state, self.context, due), due)
        self.again = min((d.due for d in self.ahead() if d.kind == "rung"), default=None)

    def ahead(self) -> list[Deadline]:
        """What is due after the last event, the first of each kind and key."""
        return sorted(clocks.deadlines(self.state, self.context), key=lambda d: (d.due, d.kind, d.key))

    def _take(self, events: list[ev.Event], at: datetime) -> None:
        """Events, and what follows in the same instant because the provider takes each message at once."""
        waiting = list(events)
        while waiting:
            event = waiting.pop(0)
            self.told.append((event, self._state))
            self._state = evolve(self._state, event)
            self._watch(event)
            for page, person, channel in _messages(event):
                waiting += response.page_sent(
                    self.state, self.context, at, page=page, person=person, channel=channel, receipt=None
                )

    def _watch(self, event: ev.Event) -> None:
        """The steps are over with the last of them; the first call after that is the first reminder."""
        urgent = self.context.severity(self.state.level).urgent
        over = isinstance(event, ev.LadderExhausted | ev.NobodyReachable)
        if over or (not urgent and isinstance(event, ev.RungFired)):
            self._over = self._over or event.at
        called = isinstance(event, ev.PageRequested | ev.PageDeferred)
        if called and self._over is not None and event.at > self._over:
            self.rests = True


def _messages(event: ev.Event) -> list[tuple[int, str, str]]:
    """The messages that leave with an event: page, person, channel."""
    if isinstance(event, ev.PageRequested):
        waits = event.waits or (0,) * len(event.channels)
        return [(event.page, event.person, c) for c, w in zip(event.channels, waits, strict=True) if w == 0]
    if isinstance(event, ev.WayTried):
        return [(event.page, event.person, event.channel)]
    return []


# --- events as rows ---------------------------------------------------------------------------------------------------


def _rows(event: ev.Event, before: Incident | None, context: Context) -> list[Row]:
    """The rows of an event; none for what says nothing of a plan."""
    if isinstance(event, ev.PageRequested):
        return _calls(event)
    if isinstance(event, ev.WayTried):
        text = f"{event.person} by {event.channel} ({event.why})"
        return [Row(event.at, "call", text, event.person, event.channel)]
    known = _TOLD.get(type(event))
    if known is None:
        return []
    kind, words = known
    return [Row(event.at, kind, words(event, before, context))]


def _calls(event: ev.PageRequested) -> list[Row]:
    learns = " (to learn)" if event.shadow else ""
    channels = dict.fromkeys(channel for _, _, channel in _messages(event))
    return [
        Row(event.at, "call", f"{event.person} by {channel}{learns}", event.person, channel, event.shadow)
        for channel in channels
    ]


def _step(event: ev.RungFired, before: Incident | None, context: Context) -> str:
    again = "" if event.why == "ladder" else f" ({event.why})"
    targets = many(_targets(event.rung, before, context))
    return f"step {event.rung + 1}, {targets}: {many(event.people)}{again}"


def _targets(rung: int, before: Incident | None, context: Context) -> tuple[str, ...]:
    steps = targets.escalation_of(before, context).steps if before else ()
    return steps[rung].targets if 0 <= rung < len(steps) else ()


def _empty(event: ev.RungEmpty, before: Incident | None, context: Context) -> str:
    return f"step {event.rung + 1}, {many(_targets(event.rung, before, context))}, is empty: {event.why}"


def _breach(event: ev.ClockBreached, _: Incident | None, context: Context) -> str:
    return _runs_out(event.clock, context.severity(event.level))


def _runs_out(clock: str, severity: Severity) -> str:
    target = clocks.target_of(severity, clock)
    return f"{clock} runs out: {target.text if target else ''} ({severity.level})"


def _sentence(event: ev.Event, _: Incident | None, __: Context) -> str:
    return sentence(event)


_TOLD: dict[type[ev.Event], tuple[str, Callable[[Any, Incident | None, Context], str]]] = {
    ev.RungFired: ("step", _step),
    ev.RungEmpty: ("empty", _empty),
    ev.PageDeferred: ("rest", _sentence),
    ev.RoundRobinChosen: ("step", _sentence),
    ev.PassRepeated: ("step", _sentence),
    ev.FallbackCalled: ("step", _sentence),
    ev.LadderExhausted: ("rest", _sentence),
    ev.NobodyReachable: ("empty", _sentence),
    ev.ClockBreached: ("clock", _breach),
    ev.TimeLeft: ("clock", lambda e, _, __: f"{e.minutes} minutes are left to {e.clock}"),
    ev.SeatEmptyAlarmed: ("seat", _sentence),
    ev.UpdateReminded: ("update", lambda e, _, __: f"update due: {many(e.people)} is reminded"),
    ev.UpdateOverdue: ("update", lambda e, _, __: f"update overdue: {many(e.people)} is told"),
}


def _ahead(deadline: Deadline, severity: Severity) -> Row | None:
    """What still lies ahead where the timetable ends: the next of each kind that matters."""
    words: dict[str, tuple[str, Callable[[], str]]] = {
        "breach": ("clock", lambda: _runs_out(deadline.key, severity)),
        "update-reminder": ("update", lambda: "update due: reminded again"),
        "update-overdue": ("update", lambda: "update overdue"),
        "seat": ("seat", lambda: "nobody has taken the seat of the IC"),
        "rung": ("step", lambda: "called again, as long as nobody answers"),
    }
    found = words.get(deadline.kind)
    return Row(deadline.due, found[0], found[1]()) if found else None


# --- what follows from it ---------------------------------------------------------------------------------------------


def _clocks(severity: Severity, state: Incident, context: Context) -> tuple[PlannedClock, ...]:
    found = []
    for name in ("ack", "mitigate", "resolve"):
        clock, target = state.clock(name), clocks.target_of(severity, name)
        due = clocks.limit_of(clock, context) if clock else None
        if clock is not None or target is not None:
            found.append(PlannedClock(name, target.text if target else severity.calendar, due))
    return tuple(found)


def _uncovered(run: Run, rungs: Escalation, people: tuple[str, ...], fallback: tuple[str, ...]) -> list[str]:
    """What is missing: empty steps, gaps, people without a way, nobody who may be IC, promises without a time."""
    context, events = run.context, [event for event, _ in run.told]
    found = [f"step {e.rung + 1} is empty: {e.why}" for e in events if isinstance(e, ev.RungEmpty)]
    found += [f"nobody can be reached: {e.why}" for e in events if isinstance(e, ev.NobodyReachable)]
    found += _gaps(context, rungs, run.at)
    meant = dict.fromkeys(p for e in events if isinstance(e, ev.RungFired) for p in e.people)
    found += [f"{p} has no way to be reached" for p in meant if not context.directory.methods_of(p)]
    leaders = set(context.directory.who_may_be(LEAD))
    if context.policy.role(LEAD) is not None and not leaders & set(people):
        found.append("nobody who is called may be IC")
    if not rungs.fallback:
        found.append("there is no fallback: every administrator is called last")
    elif not any(context.directory.methods_of(p) for p in fallback):
        found.append("the fallback cannot be reached")
    severity = context.severity(run.state.level)
    for name in ("ack", "mitigate", "resolve"):
        target = clocks.target_of(severity, name)
        if target is None or target.seconds is None:
            found.append(f"{severity.level} promises no time for {name}")
    return found


def _gaps(context: Context, rungs: Escalation, at: datetime) -> list[str]:
    """Schedules among the targets that nobody is on now."""
    found = []
    for target in dict.fromkeys(t for rung in rungs.steps for t in rung.targets):
        kind, _, _ = target.partition(":")
        if kind in {"schedule", "oncall"} and not targets.people_for(
            Rung(0, (target,), rungs.source), context, at
        ):
            found.append(f"nobody is on call for {target}")
    return found


def _end(run: Run) -> str:
    """What happens after the last step, as long as nobody answers."""
    last = [e for e, _ in run.told if isinstance(e, ev.PageRequested | ev.PageDeferred)]
    if not last:
        return "nobody is called"
    newest = last[-1].at
    audience = dict.fromkeys(e.person for e in last if e.at == newest)
    if not run.rests or run.again is None:
        return f"not followed further than {run.told[-1][0].at:%Y-%m-%d %H:%M} UTC"
    every = span(int((run.again - newest).total_seconds()))
    return f"{many(tuple(audience))} called again every {every}, until somebody answers"
