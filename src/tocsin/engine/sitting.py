"""One batch being decided: pure work on states in memory, written at the end in one commit (design rule 9).

A job that refuses or fails adds nothing; later jobs see what earlier ones decided. Before each decision whatever fell
due earlier is fired, after it whatever is due at the same instant: a person wins a tie (design rule 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Concatenate, ParamSpec

from tocsin.domain import clocks
from tocsin.domain.context import Context
from tocsin.domain.effects import Effect, Send, Write, derive
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident, evolve
from tocsin.engine.live import Contexts
from tocsin.store.contract import (
    AlertRow,
    Batch,
    Commit,
    DocumentMemory,
    Settlement,
    StreamWrite,
    Tail,
)

P = ParamSpec("P")
Decision = Callable[Concatenate[Incident, Context, datetime, P], list[Event]]


class UnknownIncident(LookupError):
    """There is no incident of that reference."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"there is no incident {ref}")
        self.ref = ref


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job did: the reference, its version afterwards, and the events of this very command."""

    ref: str
    version: int
    events: tuple[Event, ...] = ()
    replayed: bool = False


class Sitting:
    """The batch: states as they are after each job, and everything to be written."""

    def __init__(self, batch: Batch, contexts: Contexts, at: datetime) -> None:
        self.batch = batch
        self.contexts = contexts
        self.at = at
        self.tail = Tail()
        self._before: dict[str, int] = {}
        self._states: dict[str, Incident] = {}
        self._events: dict[str, list[Event]] = {}
        self._effects: dict[str, list[tuple[int, Effect]]] = {}
        self.settlements: list[Settlement] = []
        self.documents: list[DocumentMemory] = []
        self.answers: list[tuple[str, bytes]] = []
        self.alarms: list[tuple[str, str]] = []
        self._alerts: dict[tuple[str, str], AlertRow] = {}
        self._claims: dict[str, str] = {}

    def hold(self, states: dict[str, Incident]) -> None:
        """Take loaded states into the sitting."""
        for ref, state in states.items():
            if ref not in self._states:
                self._states[ref] = state
                self._before[ref] = state.version

    def state(self, ref: str) -> Incident:
        """The state after every job so far. Raises UnknownIncident."""
        found = self._states.get(ref)
        if found is None:
            self.hold(self.batch.load([ref]))
            found = self._states.get(ref)
        if found is None:
            raise UnknownIncident(ref)
        return found

    def decide(
        self, ref: str, received_at: datetime, decision: Decision[P], /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer:
        """Fire what was due before, decide, fire what is due at the same instant."""
        state = self.state(ref)
        context = self.contexts.pinned(state.policy)
        fired = clocks.advance(state, context, received_at, inclusive=False)
        middle = _after(state, fired)
        decided = decision(middle, context, received_at, *args, **kwargs)
        end = _after(middle, decided)
        tied = clocks.advance(end, context, received_at)
        self._take(ref, state, [*fired, *decided, *tied], context)
        return Answer(ref, self._states[ref].version, tuple(decided))

    def open(self, ref: str, events: list[Event]) -> Answer:
        """Begin a stream with what was decided."""
        context = self.contexts.active()
        self._before[ref] = 0
        self._take(ref, None, events, context)
        return Answer(ref, self._states[ref].version, tuple(events))

    def advance(self, ref: str, now: datetime) -> int:
        """Fire whatever is due at `now`; how many events that gave."""
        state = self.state(ref)
        context = self.contexts.pinned(state.policy)
        events = clocks.advance(state, context, now)
        self._take(ref, state, events, context, touch=True)
        return len(events)

    def _take(
        self, ref: str, state: Incident | None, events: list[Event], context: Context, *, touch: bool = False
    ) -> None:
        effects: list[tuple[int, Effect]] = []
        for event in events:
            state = evolve(state, event)
            effects += [(state.version, effect) for effect in derive(event, state, context.directory)]
        if state is None:
            raise ValueError("nothing was decided")
        self._states[ref] = state
        if events or touch:
            self._events.setdefault(ref, []).extend(events)
            self._effects.setdefault(ref, []).extend(effects)
            if state.claim is not None:
                self._claims[state.claim] = ref if state.claims else ""

    def claimed_by(self, claim: str) -> str | None:
        """The stream that holds the claim, as of this point of the batch."""
        return self._claims.get(claim, self.tail.claims.get(claim)) or None

    def alert(self, integration: str, dedup_key: str) -> AlertRow | None:
        """The alert row as of this point of the batch."""
        key = (integration, dedup_key)
        return self._alerts.get(key, self.tail.alerts.get(key))

    def put_alert(self, row: AlertRow) -> None:
        """Write the alert row with this batch."""
        self._alerts[row.integration, row.dedup_key] = row

    def alarm(self, key: str, reason: str) -> None:
        """Raise an alarm once the batch is written."""
        self.alarms.append((key, reason))

    @property
    def lanes(self) -> set[str]:
        """Lanes that this batch gives work to: a hint for the courier."""
        return {
            effect.lane
            for effects in self._effects.values()
            for _, effect in effects
            if isinstance(effect, Send | Write)
        }

    def commit(self) -> Commit:
        """Everything to be written."""
        return Commit(
            at=self.at,
            streams=tuple(self._write(ref) for ref in sorted(self._events)),
            settlements=tuple(self.settlements),
            alerts=tuple(self._alerts.values()),
            answers=tuple(self.answers),
            documents=tuple(self.documents),
        )

    def _write(self, ref: str) -> StreamWrite:
        state = self._states[ref]
        context = self.contexts.pinned(state.policy)
        return StreamWrite(
            state=state,
            before=self._before[ref],
            events=tuple(self._events[ref]),
            effects=tuple(self._effects[ref]),
            next_due=clocks.next_due(state, context),
        )


def _after(state: Incident, events: list[Event]) -> Incident:
    for event in events:
        state = evolve(state, event)
    return state
