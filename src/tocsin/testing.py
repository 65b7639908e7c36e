"""Shipped for tests and drills: a clock that is moved by hand, and stories told in the user's words.

A `Story` runs the real engine on a real database without threads: it moves the clock from one due time to the next,
ticks, and carries effects to a recording channel. Started with `kill_at`, the process "dies" at that point (an
exception that nothing catches), is started again on the same database, and whoever was not answered asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from tocsin.domain import clocks, comms, lifecycle, outcomes, response, times
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import DOCUMENTS_LANE, TICKETS_LANE, Send, Write
from tocsin.domain.escalation import try_again
from tocsin.domain.incident import Incident
from tocsin.domain.signals import Signal
from tocsin.engine.commands import Declaration, declare, merging
from tocsin.engine.desk import Desk, Job
from tocsin.engine.engine import Engine
from tocsin.engine.gated import starting
from tocsin.engine.live import Live
from tocsin.engine.overlooked import due_earlier, gained, looking_at, stranded
from tocsin.engine.ports import Carried, Lane
from tocsin.engine.receive import receive
from tocsin.engine.release import tell_backlog
from tocsin.engine.sitting import Answer, Decision, P, Sitting
from tocsin.engine.words import words_for
from tocsin.handbook.documents import Documents
from tocsin.store import open_store
from tocsin.store.contract import HELD, DocumentMemory, Store, Taken
from tocsin.wiring.surroundings import Surroundings
from tocsin.wiring.writing import documents_carry

T = TypeVar("T")
E = TypeVar("E", bound=ev.Event)
START = datetime(2026, 1, 20, 13, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        """Where it was put."""
        return self.at


class Killed(BaseException):
    """The process died here. A BaseException, so that no error handling can soften it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that reached a person."""

    at: datetime
    person: str
    via: str
    about: str
    ref: str
    key: str
    subject: str
    text: str
    page: int | None = None


class _Inline:
    """The desk of a story, deciding in the caller's thread."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def submit(self, ref: str, decision: Decision[P], /, *args: P.args, **kwargs: P.kwargs) -> Future[Answer]:
        """Decided when it returns."""
        future = self._desk.submit(ref, decision, *args, **kwargs)
        self._desk.drain()
        return future


@dataclass
class Story:
    """One incident, or several, told step by step; `expect_*` raise AssertionError with what happened instead."""

    url: str
    live: Live
    at: datetime = START
    kill_at: int | None = None
    """Die at this probe point (counted over the whole story); None: never."""
    deliveries: list[Delivery] = field(default_factory=list)
    documents: list[tuple[datetime, str, str]] = field(default_factory=list)
    broken: dict[tuple[str, str], Failure] = field(default_factory=dict)
    """(person, channel) pairs that fail; `*` stands for every person."""
    hanging: set[str] = field(default_factory=set)
    """Lanes that stand still: what is given to them stays there."""
    lanes: tuple[str, ...] = ("mail", "text", "siren", "nowhere", "documents", "tickets")
    paper: Documents | None = None
    """Where documents are really written; otherwise it is only noted that they would be."""
    clock: Any = None
    """A clock whose `at` can be set; a `FakeClock` unless given."""
    points: int = 0
    kills: int = 0
    ref: str = ""

    def __post_init__(self) -> None:
        self.clock = self.clock or FakeClock(self.at)
        self._keys = count()
        self._boot()

    # -- the process -------------------------------------------------------------------------------------------------
    def _boot(self) -> None:
        self.store: Store = open_store(self.url)
        self.engine = Engine(self.store, self.clock, self.live, [self._lane(name) for name in self.lanes])
        self.store.activate_policy(self.live.policy_hash, self.live.policy, None, self.clock.now())
        self.engine.beat()
        self.engine.set_held(self.engine.held())
        self.engine.refold()
        self.store.probe = self._probe

    def _probe(self, point: str) -> None:
        if self.kill_at is not None and self.points == self.kill_at:
            self.points += 1
            raise Killed(point)
        self.points += 1

    def restart(self) -> None:
        """A new process on the same database, three seconds later."""
        self.store.close()
        self.reopen()

    def reopen(self) -> None:
        """Start on what the database holds now, three seconds later; whoever ran before is silent."""
        self.clock.at += timedelta(seconds=3, microseconds=1)
        self.kills += 1
        self._boot()

    def _surviving(self, step: Callable[[], T]) -> T:
        """Do it; if the process dies meanwhile, start it again and ask once more."""
        try:
            return step()
        except Killed:
            self.restart()
            return step()

    def _lane(self, name: str) -> Lane:
        around = Surroundings(
            self.store,
            lambda: self.engine.contexts,
            self.clock.now,
            "http://tocsin.example",
            lambda: self.paper,
        )
        written = documents_carry(around)

        async def carry(taken: Taken) -> Carried:
            if self.paper is not None and name == DOCUMENTS_LANE:
                return await written(taken)
            return self._carry_out(name, taken)

        return Lane(name, carry)

    def _carry_out(self, lane: str, taken: Taken) -> Carried:
        effect = taken.effect
        if lane == TICKETS_LANE:
            return Carried("no tickets are configured")
        if isinstance(effect, Write):
            self.documents.append((self.clock.at, taken.ref, effect.document))
            memory = DocumentMemory(taken.ref, effect.document, f"{effect.document}.md", "")
            return Carried("written", memory, "digest")
        if not isinstance(effect, Send) or lane == "nowhere":
            raise Undelivered(Failure.PERMANENT, "no contact method")
        failure = self.broken.get((effect.person, lane)) or self.broken.get(("*", lane))
        if failure is not None:
            raise Undelivered(failure, "the channel is broken")
        self._record(lane, taken, effect)
        self._probe("sent")
        return Carried("accepted")

    def _record(self, lane: str, taken: Taken, effect: Send) -> None:
        state = self.state(taken.ref)
        context = self.engine.contexts.pinned(state.policy)
        words = words_for(effect, state, context, self.clock.at)
        self.deliveries.append(
            Delivery(
                self.clock.at,
                effect.person,
                lane,
                effect.about,
                taken.ref,
                taken.key,
                words.subject,
                words.text,
                effect.page,
            )
        )

    # -- time --------------------------------------------------------------------------------------------------------
    def instant(self, clock: str) -> datetime:
        """`13:06:10` on the story's day, UTC; `+1d 13:28` a day later."""
        days, _, reading = clock.rpartition("d ")
        hour, minute, *second = (int(part) for part in reading.split(":"))
        day = self.at + timedelta(days=int(days or 0))
        return day.replace(hour=hour, minute=minute, second=second[0] if second else 0, microsecond=0)

    def until(self, clock: str) -> None:
        """Let everything happen that is due until then, and stand there (what is due at that very time waits
        for whoever speaks at it: a person wins a tie).
        """
        self._pass_to(self.instant(clock), inclusive=False)

    def until_due(self, kind: str) -> None:
        """Stand at the very instant at which the next deadline of that kind is due, before it happens."""
        listed = clocks.deadlines(self.state(), self.context())
        self._pass_to(min(d.due for d in listed if d.kind == kind), inclusive=False)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let that much time pass, with everything that falls due in it."""
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._pass_to(self.clock.at + span, inclusive=True)

    def sleep(self, **span: float) -> None:
        """The whole process is suspended for that long: nothing happens until it wakes."""
        self.clock.at += timedelta(**span)
        self.settle()

    def _pass_to(self, target: datetime, *, inclusive: bool) -> None:
        while True:
            self._surviving(self._carry_all)
            due = None if self.engine.ticker.held else self._next()
            if due is None or due > target or (not inclusive and due == target):
                break
            self.clock.at = max(self.clock.at, due)
            self._surviving(self._tick)
        self.clock.at = max(self.clock.at, target)

    def settle(self) -> None:
        """Let everything happen that is due by now."""
        self._pass_to(self.clock.at, inclusive=True)

    def _next(self) -> datetime | None:
        moving = [name for name in self.lanes if name not in self.hanging]
        dues = [self.store.next_due(), *(self.store.next_effect_due(name) for name in moving)]
        return min((due for due in dues if due is not None), default=None)

    def _tick(self) -> None:
        self.engine.beat()
        done = self.engine.desk.put(self.engine.ticker.tick())
        self.engine.desk.drain()
        done.result()

    def _carry_all(self) -> None:
        self.engine.beat()
        courier = self.engine.courier
        for lane in (lane for lane in courier.all_lanes() if lane.name not in self.hanging):
            while batch := courier.take(lane, lane.slots):
                for taken in batch:
                    outcome = asyncio.run(courier.attempt(lane, taken))
                    courier.settle(lane, taken, outcome)
                    self.engine.desk.drain()

    # -- what people and senders do ----------------------------------------------------------------------------------
    def change_live(self, live: Live) -> None:
        """People, their methods or the schedules change while it runs."""
        self.live = live
        self._surviving(self._look_again)
        self._surviving(self._carry_all)

    def _look_again(self) -> None:
        desk, before = self.engine.desk, self.engine.contexts.live.directory
        self.engine.contexts.live = self.live
        for ref in due_earlier(self.store, desk):
            done = desk.put(looking_at(ref))
            desk.drain()
            done.result()
        new = gained(before, self.live.directory)
        for ref in stranded(self.store, desk, self.clock.now(), new):
            done = desk.submit(ref, try_again, gained=new)
            desk.drain()
            done.result()

    def alert(
        self,
        title: str,
        *,
        severity: str = "critical",
        key: str | None = None,
        group: str | None = None,
        firing: bool = True,
        integration: str = "smoke",
    ) -> str:
        """A sender fires (or recovers). Returns the incident's reference."""
        signal = Signal(integration, key or title, title, severity, firing, group)
        answer = self._surviving(lambda: self._ask(lambda: receive(self.engine.desk, signal)))
        self.ref = answer.ref or self.ref
        self._surviving(self._carry_all)
        return answer.ref

    def declare(
        self,
        title: str,
        by: str,
        sev: str | None = None,
        *,
        detected: datetime | None = None,
        kind: str = "incident",
        drill: bool = False,
    ) -> str:
        """A person declares (or records a near miss or a planned change). Returns the reference."""
        declaration = Declaration(by, title, sev, detected=detected, kind=kind, drill=drill)
        key = f"story-{next(self._keys)}"
        answer = self._surviving(lambda: self._ask(lambda: declare(self.engine.desk, declaration, key=key)))
        self.ref = answer.ref
        self._surviving(self._carry_all)
        return answer.ref

    def do(self, decision: Decision[P], /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        """A person's command on the current incident. Raises Refused as it would."""
        key = f"story-{next(self._keys)}"
        answer = self._surviving(
            lambda: self._ask(lambda: self.engine.desk.submit_once(key, self.ref, decision, *args, **kwargs))
        )
        self._surviving(self._carry_all)
        return answer

    def run(self, job: Callable[[Sitting, datetime], Answer], *refs: str) -> Answer:
        """A person's command that is more than one decision on one incident. Raises Refused as it would."""
        key = f"story-{next(self._keys)}"
        answer = self._surviving(
            lambda: self._ask(lambda: self.engine.desk.put(Job(job, refs=refs or (self.ref,), key=key)))
        )
        self._surviving(self._carry_all)
        return answer

    def _ask(self, submit: Callable[[], Future[Answer]]) -> Answer:
        future = submit()
        self.engine.desk.drain()
        return future.result()

    def ack(self, by: str, via: str = "cli") -> Answer:
        """Acknowledge."""
        return self.do(response.acknowledge, by=by, via=via)

    def confirm(self, by: str, title: str | None = None, sev: str | None = None) -> Answer:
        """Declare the current triage incident."""
        return self.do(lifecycle.declare, by=by, title=title, level=sev)

    def role(self, role: str, person: str, by: str) -> Answer:
        """Give somebody a seat."""
        return self.do(response.assign_seat, by=by, role=role, person=person)

    def update(self, by: str, impact: str, eta: str = "unknown", next_steps: str = "we go on") -> Answer:
        """Post a stakeholder update."""
        return self.do(comms.post_update, by=by, impact=impact, eta=eta, next_steps=next_steps)

    def mitigate(self, by: str, evidence: str) -> Answer:
        """No further harm."""
        return self.do(lifecycle.mitigate, by=by, evidence=evidence)

    def resolve(
        self, by: str, confirmed: str, impact_ended: str, errors_normal: str, impact_end: str | None = None
    ) -> Answer:
        """Over, with the three close points and, if known, when the impact ended."""
        return self.do(
            lifecycle.resolve,
            by=by,
            confirmed=confirmed,
            impact_ended=impact_ended,
            errors_normal=errors_normal,
            impact_end=self.instant(impact_end) if impact_end else None,
        )

    def correct(self, by: str, name: str, clock: str, because: str) -> Answer:
        """Set or correct one of the seven timestamps."""
        return self.do(times.correct, by=by, name=name, at=self.instant(clock), reason=because)

    def start(self, by: str, task: int) -> Answer:
        """Start a task; a gated one needs its check."""
        return self.run(starting(self.ref, by, task))

    def merge(self, child: str, into: str, by: str, reason: str = "the same") -> Answer:
        """It is the same as another one."""
        return self.run(merging(child, into, by, reason), child, into)

    def released(self, by: str) -> list[str]:
        """Release a held engine; returns what each person is told."""
        now = self.clock.now()
        told = tell_backlog(self.store, _Inline(self.engine.desk), by, self.engine.held() or "", now)
        self.store.set_meta(HELD, "")
        self.engine.set_held(None)
        return told

    # -- what must have happened -------------------------------------------------------------------------------------
    def state(self, ref: str | None = None) -> Incident:
        """The incident as stored."""
        state = self.store.incident(ref or self.ref)
        assert state is not None, f"there is no incident {ref or self.ref}"
        return state

    def context(self) -> Context:
        """Pinned policy and live people of the current incident."""
        return self.engine.contexts.pinned(self.state().policy)

    def events(self, kind: type[E], ref: str | None = None) -> list[E]:
        """Facts of one kind on the timeline, oldest first."""
        return [r.event for r in self.store.timeline(ref or self.ref) if isinstance(r.event, kind)]

    def pages(self) -> list[tuple[str, str]]:
        """Who was called, and when, as `(13:03:30, mei)`; a repeat under the same key counts once."""
        seen = {d.key: d for d in reversed(self.deliveries) if d.about == "page"}
        ordered = sorted(seen.values(), key=lambda d: (d.at, d.page or 0))
        return [(f"{d.at:%H:%M:%S}", d.person) for d in ordered]

    def expect_page(self, person: str, at: str | None = None, via: str | None = None) -> Delivery:
        """The person was called (then, over that channel)."""
        return self._expect(person, "page", at, via)

    def expect_notice(self, person: str, about: str, at: str | None = None) -> Delivery:
        """The person was told."""
        return self._expect(person, about, at, None)

    def _expect(self, person: str, about: str, at: str | None, via: str | None) -> Delivery:
        for delivery in self.deliveries:
            same = delivery.person == person and delivery.about == about
            if same and at in (None, f"{delivery.at:%H:%M:%S}") and via in (None, delivery.via):
                return delivery
        told = [f"{d.at:%H:%M:%S} {d.about} to {d.person} via {d.via}" for d in self.deliveries]
        raise AssertionError(f"{person} got no {about} at {at or 'any time'}; delivered: {told}")

    def expect_pages(self, *expected: tuple[str, str]) -> None:
        """Exactly these calls, in this order."""
        assert self.pages() == list(expected), self.pages()

    def expect_verdict(self, clock: str, verdict: str, *, took_s: int) -> None:
        """The newest clock of that name ended so."""
        ended = [e for e in self.events(ev.ClockEnded) if e.clock == clock]
        assert ended, f"{clock} has not ended"
        assert (ended[-1].verdict, ended[-1].took_s) == (verdict, took_s), ended[-1]

    def expect_breach(self, clock: str, at: str) -> None:
        """The promise was broken then, recorded once."""
        breaches = [e for e in self.events(ev.ClockBreached) if e.clock == clock]
        assert [f"{e.due:%H:%M:%S}" for e in breaches] == [at], breaches

    def expect_due(self, kind: str, at: str) -> None:
        """The next deadline of that kind (or of that clock) is then."""
        listed = clocks.deadlines(self.state(), self.context())
        found = sorted(d.due for d in listed if kind in (d.kind, d.key))
        assert found, f"nothing of kind {kind} is due: {listed}"
        assert f"{found[0]:%H:%M:%S}" == at, found

    def expect_one_outcome_per_page(self) -> None:
        """Nothing of what was due was lost or done twice, and no page is left open once paging is over."""
        for row in self.store.incidents(stage=None, level=None, q=None, before=None, limit=1000):
            flaws = outcomes.flaws(r.event for r in self.store.timeline(row.ref))
            assert not flaws, f"{row.ref}: {flaws}"

    def close(self) -> None:
        """End the story."""
        self.store.close()
