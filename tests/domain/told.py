"""One incident told in the user's words and decided by the domain alone: no database, no threads, no desk.

The figures are those of the example handbook: SEV1 ack 5m, mitigate 30m, resolve 2h; SEV2 15m, 1h, 4h; SEV3 1h, 24h;
updates every 15-30m for SEV1 and SEV2; the ladder at 0, 5 and 10 minutes. Tuesday 2026-01-20, Mei primary, Priya
secondary. Times of day are UTC on that day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tocsin.domain import clocks, comms, escalation, grouping, lifecycle, response
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.effects import Effect, Send, derive
from tocsin.domain.fold import evolve
from tocsin.domain.incident import Incident
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory, Method, Person
from tocsin.domain.policy import (
    Cadence,
    Gate,
    GatePoint,
    Policy,
    Role,
    RotationRow,
    RotationTable,
    Rung,
    Severity,
    Target,
)
from tocsin.domain.signals import Signal
from tocsin.domain.source import BUILT_IN

E = TypeVar("E", bound=ev.Event)
Decision = Callable[..., list[ev.Event]]
DAY = datetime(2026, 1, 20, 13, 0, tzinfo=UTC)
MINUTE = 60
HOUR = 60 * MINUTE
REF = "INC-2026-0001"


def target(seconds: int, *, within: bool = False) -> Target:
    """`< 5m`, or `within 5m`."""
    return Target(f"{'within' if within else '<'} {seconds // MINUTE}m", BUILT_IN, seconds, within)


def every(remind: int | None, overdue: int) -> Cadence:
    """`every 15-30m`, in minutes."""
    return Cadence(remind and remind * MINUTE, overdue * MINUTE, f"every {remind}-{overdue}m", BUILT_IN)


SEV1 = Severity(
    "SEV1",
    1,
    BUILT_IN,
    criteria=("Prod outage", "auth/billing down", "data loss risk"),
    ack=target(5 * MINUTE),
    mitigate=target(30 * MINUTE),
    resolve=target(2 * HOUR),
    update=every(15, 30),
    postmortem=target(48 * HOUR),
)
SEV2 = Severity(
    "SEV2",
    2,
    BUILT_IN,
    criteria=("Major functionality degraded", "payments delayed", "tenant isolation risk"),
    ack=target(15 * MINUTE),
    mitigate=target(HOUR),
    resolve=target(4 * HOUR),
    update=every(15, 30),
    postmortem=target(48 * HOUR),
)
SEV3 = Severity(
    "SEV3",
    3,
    BUILT_IN,
    criteria=("Minor degradation", "single feature broken, workaround exists"),
    ack=target(HOUR),
    resolve=target(24 * HOUR),
    postmortem=target(5 * 24 * HOUR),
)
SEV4 = Severity("SEV4", 4, BUILT_IN, criteria=("Cosmetic/low impact",))

ROLES = (
    Role("ic", "Incident Commander", "Coordinates.", BUILT_IN, "IC"),
    Role("comms", "Comms Lead", "Tells people.", BUILT_IN),
    Role("ops", "Ops/Infra", "Rolls back.", BUILT_IN),
    Role("scribe", "Scribe", "Writes it down.", BUILT_IN),
)
LADDER = (
    Rung(0, ("oncall:primary",), BUILT_IN),
    Rung(5 * MINUTE, ("oncall:secondary",), BUILT_IN),
    Rung(10 * MINUTE, ("role:ic",), BUILT_IN),
)
POLICY = Policy((SEV1, SEV2, SEV3, SEV4), roles=ROLES, ladder=LADDER)
BACKUP = Gate(
    "backup",
    "Check before the database is changed",
    (
        GatePoint("The newest recovery point is at most 10m old.", BUILT_IN, ("nothing was written since",)),
        GatePoint("We can go back to before it began.", BUILT_IN),
        GatePoint("The dump is there and its checksum fits.", BUILT_IN),
        GatePoint("The last practice restore passed, at most 92 days ago.", BUILT_IN),
        GatePoint("The moment to return to is written down.", BUILT_IN),
    ),
    BUILT_IN,
    valid_s=30 * MINUTE,
    done_by="ops",
    confirmed_by="ic",
)
"""The check before a database change; `acme(gates=(BACKUP,))` has it."""

PEOPLE = (
    Person("priya", "Priya Natarajan", can_act_as=("ic", "ops")),
    Person("jonas", "Jonas Ek", can_act_as=("ops", "scribe")),
    Person("mei", "Mei Tanaka", can_act_as=("ic", "ops", "scribe")),
    Person("tomas", "Tomás Ferreira", can_act_as=("comms", "scribe")),
    Person("aisha", "Aisha Bello", can_act_as=("comms", "scribe")),
    Person("henrik", "Henrik Lund", can_act_as=("ic",), standing="admin"),
    Person("ingrid", "Ingrid from the board", in_roster=False),
)


def directory(*, without: tuple[str, ...] = (), people: tuple[Person, ...] = PEOPLE) -> Directory:
    """Everybody reachable by mail and text, except those `without` any method."""
    both = (Method("mail", "somebody@acme.example"), Method("text", "+46 70 000 00 00"))
    return Directory(
        {p.handle: p for p in people}, {p.handle: both for p in people if p.handle not in without}
    )


def on_call(primary: str | None = "mei", secondary: str | None = "priya") -> Rota:
    """The same two people every week."""
    seats = (("primary", primary), ("secondary", secondary))
    row = RotationRow("2026-01-05", tuple((seat, who) for seat, who in seats if who), BUILT_IN)
    return Rota(tables=(RotationTable((row,), BUILT_IN, 0, "09:00", "Europe/Stockholm", repeats=True),))


def acme(
    policy: Policy = POLICY,
    *,
    primary: str | None = "mei",
    secondary: str | None = "priya",
    without: tuple[str, ...] = (),
    **changes: Any,
) -> Context:
    """The example's handbook with somebody on call."""
    return Context(replace(policy, **changes), directory(without=without), on_call(primary, secondary))


def changed(level: Severity, **changes: Any) -> tuple[Severity, ...]:
    """The four levels, one of them with other promises."""
    return tuple(replace(s, **changes) if s.level == level.level else s for s in POLICY.severities)


class Told:
    """The incident, its context, and where the clock stands. What is due at a person's instant waits for her."""

    def __init__(self, context: Context | None = None, at: datetime = DAY) -> None:
        self.context = context or acme()
        self.now = at
        self.timeline: list[ev.Event] = []
        self.effects: list[tuple[datetime, Effect]] = []
        self._state: Incident | None = None
        self.firing: frozenset[str] = frozenset()

    @property
    def state(self) -> Incident:
        assert self._state is not None, "nothing was opened"
        return self._state

    # -- time --------------------------------------------------------------------------------------------------------
    def instant(self, clock: str) -> datetime:
        """`13:06:10`, or `1d 13:28` a day later."""
        days, _, reading = clock.rpartition("d ")
        hour, minute, *second = (int(part) for part in reading.split(":"))
        day = DAY + timedelta(days=int(days or 0))
        return day.replace(hour=hour, minute=minute, second=second[0] if second else 0)

    def until(self, clock: str) -> Told:
        """Everything that is due before then happens; at that very instant people speak first."""
        self._pass(self.instant(clock), inclusive=False)
        return self

    def wait(self, **span: float) -> Told:
        """That much time passes with everything that falls due in it, its last instant included."""
        self._pass(self.now + timedelta(**span), inclusive=True)
        return self

    def sleep(self, **span: float) -> Told:
        """Nothing looks at the clock for that long; then everything overdue happens at once."""
        self.now += timedelta(**span)
        self.advance()
        return self

    def _pass(self, target_at: datetime, *, inclusive: bool) -> None:
        while self._state is not None:
            due = clocks.next_due(self.state, self.context)
            if due is None or due > target_at or (due == target_at and not inclusive):
                break
            self.now = max(self.now, due)
            self.advance()
        self.now = max(self.now, target_at)

    def advance(self, *, inclusive: bool = True) -> list[ev.Event]:
        """Fire what is due now."""
        fired = clocks.advance(self.state, self.context, self.now, inclusive=inclusive)
        self._take(fired)
        return fired

    # -- what people and senders do ----------------------------------------------------------------------------------
    def do(self, decision: Decision, /, **asked: Any) -> list[ev.Event]:
        """As the desk does it: what was due before, the decision, what is due at the same instant."""
        self.advance(inclusive=False)
        if decision is grouping.signalled:
            asked["known"] = asked["signal"].identity in self.firing
        decided = decision(self.state, self.context, self.now, **asked)
        if decision is grouping.signalled:
            self.note_row(asked["signal"])
        self._take(decided)
        self.advance()
        return decided

    def note_row(self, signal: Signal) -> None:
        """What the alert rows know: which alerts fire."""
        self.firing = (
            (self.firing | {signal.identity}) if signal.firing else (self.firing - {signal.identity})
        )

    def open(self, events: list[ev.Event]) -> Told:
        assert self._state is None
        self._take(events)
        self.advance()
        return self

    def alert(
        self,
        severity: str = "critical",
        *,
        key: str = "smoke",
        firing: bool = True,
        title: str = "Smoke test failed",
    ) -> list[ev.Event]:
        """A sender fires, or says that it recovered; the first one opens the incident."""
        signal = Signal("probe", key, title, severity, firing, group="sign-in")
        if self._state is not None:
            return self.do(grouping.signalled, signal=signal)
        self.note_row(signal)
        self.open(grouping.open_for(signal, REF, "pinned", self.context, self.now))
        return list(self.timeline)

    def recovered(self, key: str = "smoke") -> list[ev.Event]:
        return self.alert(key=key, firing=False)

    def declare(
        self,
        by: str = "tomas",
        level: str | None = "SEV1",
        title: str = "Sign-in loops for all users",
        *,
        detected: str | None = None,
    ) -> Told:
        """Declare the triage incident; without one, somebody saw it by herself."""
        if self._state is not None:
            self.do(lifecycle.declare, by=by, title=title, level=level)
            return self
        chosen, why = (level, "chosen") if level else lifecycle.choose_level(title, self.context)
        seen = self.instant(detected) if detected else None
        opening = lifecycle.Opening(REF, "pinned", title, chosen, "person", by, detected=seen)
        return self.open(lifecycle.open_declared(opening, self.context, self.now, why=why))

    def record(self, by: str = "jonas", kind: str = "change", title: str = "Merge the contacts") -> Told:
        """Write down a planned change or a near miss: nobody is called."""
        opening = lifecycle.Opening(REF, "pinned", title, "", "person", by, kind=kind)
        return self.open(lifecycle.open_recorded(opening, self.context, self.now))

    def ack(self, by: str = "mei", via: str = "cli") -> Told:
        self.do(response.acknowledge, by=by, via=via)
        return self

    def severity(self, level: str, by: str = "mei", reason: str = "we know more now") -> Told:
        self.do(lifecycle.change_severity, by=by, level=level, reason=reason)
        return self

    def update(self, by: str = "tomas") -> Told:
        self.do(comms.post_update, by=by, impact="nobody can sign in", eta="unknown", next_steps="roll back")
        return self

    def mitigate(self, by: str = "mei") -> Told:
        self.do(lifecycle.mitigate, by=by, evidence="smoke is green")
        return self

    def resolve(self, by: str = "mei") -> Told:
        self.do(
            lifecycle.resolve, by=by, confirmed="smoke 3/3", impact_ended="13:14:20", errors_normal="for 10m"
        )
        return self

    def unreachable(self, person: str) -> Told:
        """Every channel of the person's open page fails for good."""
        page = next(p for p in self.state.open_pages() if p.person == person)
        for channel in page.channels:
            self.do(
                response.page_failed,
                page=page.number,
                person=person,
                channel=channel,
                reason="no such number",
            )
        return self

    # -- what has happened -------------------------------------------------------------------------------------------
    def _take(self, events: list[ev.Event]) -> None:
        for event in events:
            self._state = evolve(self._state, event)
            self.timeline.append(event)
            effects = derive(event, self.state, self.context.directory)
            self.effects += [(event.at, effect) for effect in effects]

    def events(self, kind: type[E]) -> list[E]:
        return [e for e in self.timeline if isinstance(e, kind)]

    def pages(self) -> list[tuple[str, str]]:
        """Who was called and when, except calls that no channel ever got: replaced in the very same instant."""
        ended = self.events(ev.PageEnded)
        gone = {(e.page, e.at) for e in ended if e.outcome in {"superseded", "unreachable"}}
        asked = [e for e in self.events(ev.PageRequested) if (e.page, e.at) not in gone]
        return [(f"{e.at:%H:%M:%S}", e.person) for e in asked]

    def outcomes(self) -> dict[int, str]:
        return {e.page: e.outcome for e in self.events(ev.PageEnded)}

    def told(self, about: str) -> list[tuple[str, str]]:
        """Who got a notice and when; once per person, whatever the number of channels."""
        sent = [
            (f"{at:%H:%M:%S}", e.person) for at, e in self.effects if isinstance(e, Send) and e.about == about
        ]
        return list(dict.fromkeys(sent))

    def breaches(self) -> list[tuple[str, str, str]]:
        """(clock, level, limit)."""
        return [(e.clock, e.level, f"{e.due:%H:%M:%S}") for e in self.events(ev.ClockBreached)]

    def verdicts(self, clock: str) -> list[tuple[str, str]]:
        """(level, verdict), oldest first."""
        return [(e.level, e.verdict) for e in self.events(ev.ClockEnded) if e.clock == clock]

    def due(self, kind: str) -> str | None:
        """When the next deadline of that kind, or of that clock, falls due."""
        found = [d.due for d in clocks.deadlines(self.state, self.context) if kind in (d.kind, d.key)]
        return f"{min(found):%H:%M:%S}" if found else None


def ladder_due(told: Told) -> str | None:
    due = escalation.due(told.state, told.context)
    return f"{due:%H:%M:%S}" if due else None
