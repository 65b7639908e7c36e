"""One batch being decided: pure work on states in memory, written at the end in one commit (design rule 9).

A job that refuses or fails adds nothing; later jobs see what earlier ones decided. Before each decision whatever fell
due earlier is fired, after it whatever is due at the same instant: a person wins a tie (design rule 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Concatenate, ParamSpec

from tocsin.domain import clocks
from tocsin.domain.context import Context
from tocsin.domain.effects import Effect, Send, Write, derive
from tocsin.domain.events import Event, RoundRobinChosen
from tocsin.domain.fold import evolve
from tocsin.domain.incident import Incident
from tocsin.engine.live import Contexts
from tocsin.store.contract import (
    AlertRow,
    Batch,
    Commit,
    DocumentMemory,
    Health,
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


class Cursors(Mapping[str, int]):
    """Whose turn is next in each round robin, as of this point of the batch; read when somebody asks (E15)."""

    def __init__(self, batch: Batch, moved: Callable[[], Mapping[str, int]]) -> None:
        self._batch = batch
        self._moved = moved
        self._stored: dict[str, int] | None = None

    @property
    def stored(self) -> Mapping[str, int]:
        """As they were before the batch."""
        if self._stored is None:
            self._stored = self._batch.cursors()
        return self._stored

    def __getitem__(self, key: str) -> int:
        moved = self._moved()
        return moved[key] if key in moved else self.stored[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.stored, **self._moved()})

    def __len__(self) -> int:
        return len({**self.stored, **self._moved()})


class Sitting:
    """The batch: states as they are after each job, and everything to be written."""

    def __init__(self, batch: Batch, contexts: Contexts, at: datetime) -> None:
        self.batch = batch
        self.contexts = contexts
        self.at = at
        self.tail = Tail()
        self._before: dict[str, int] = {}
        self._states: dict[str, Incident] = {}
        self._contexts: dict[str, Context] = {}
        self._wakes: dict[str, tuple[Incident, datetime | None]] = {}
        self._events: dict[str, list[Event]] = {}
        self._effects: dict[str, list[tuple[int, Effect]]] = {}
        self.settlements: list[Settlement] = []
        self.documents: list[DocumentMemory] = []
        self.answers: list[tuple[str, bytes]] = []
        self.alarms: list[tuple[str, str]] = []
        self._alerts: dict[tuple[str, str], AlertRow] = {}
        self._claims: dict[str, str] = {}
        self._moved: dict[str, str] = {}
        self.health: list[Health] = []
        self._turns: dict[str, int] = {}
        self.cursors = Cursors(batch, lambda: self._turns)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Several decisions that are one: when any of them is refused or fails, none of them was made."""
        before = {name: _copied(getattr(self, name)) for name in _DECIDED}
        done = False
        try:
            yield
            done = True
        finally:
            if not done:
                for name, value in before.items():
                    setattr(self, name, value)

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
        context = self._context(state)
        effects: list[tuple[int, Effect]] = []
        fired = self._fire(state, context, received_at, inclusive=False)
        middle = _grown(state, fired, context, effects)
        decided = decision(middle, context, received_at, *args, **kwargs)
        end = _grown(middle, decided, context, effects)
        tied = self._fire(end, context, received_at)
        end = _grown(end, tied, context, effects)
        self._take(end, [*fired, *decided, *tied], effects)
        return Answer(ref, end.version, tuple(decided))

    def open(self, ref: str, context: Context, events: list[Event]) -> Answer:
        """Begin a stream with what was decided in that context."""
        effects: list[tuple[int, Effect]] = []
        state = _grown(None, events, context, effects)
        self._before[ref] = 0
        self._take(state, events, effects)
        return Answer(ref, state.version, tuple(events))

    def advance(self, ref: str, now: datetime) -> int:
        """Fire whatever is due at `now`; how many events that gave."""
        state = self.state(ref)
        context = self._context(state)
        effects: list[tuple[int, Effect]] = []
        events, due = clocks.advanced(state, context, now)
        grown = _grown(state, events, context, effects)
        self._take(grown, events, effects, touch=True)
        self._wakes[ref] = (grown, due)
        return len(events)

    def _context(self, state: Incident) -> Context:
        """One picture of policy and people for the whole batch."""
        found = self._contexts.get(state.policy)
        if found is None:
            found = self._contexts[state.policy] = self.contexts.pinned(state.policy, self.cursors)
        return found

    def active(self) -> tuple[str, Context]:
        """For a stream that is about to open: the hash of the active policy, and the context."""
        return self.contexts.active(self.cursors)

    def _fire(
        self, state: Incident, context: Context, now: datetime, *, inclusive: bool = True
    ) -> list[Event]:
        """As `clocks.advance`, which is asked only when the wake-up says that something is due."""
        wake = self._wake(state, context)
        if wake is None or wake > now or (wake == now and not inclusive):
            return []
        return clocks.advance(state, context, now, inclusive=inclusive)

    def _wake(self, state: Incident, context: Context) -> datetime | None:
        """The earliest deadline, computed once for states that differ in nothing but their version."""
        known, due = self._wakes.get(state.ref, (None, None))
        if known is not state:
            if known is None or _LOOKS(known) != _LOOKS(state):
                due = clocks.next_due(state, context)
            self._wakes[state.ref] = (state, due)
        return due

    def _take(
        self, state: Incident, events: list[Event], effects: list[tuple[int, Effect]], *, touch: bool = False
    ) -> None:
        ref = state.ref
        self._states[ref] = state
        if events or touch:
            self._events.setdefault(ref, []).extend(events)
            self._effects.setdefault(ref, []).extend(effects)
            self._turns |= turned(events)
            for claim in state.all_claims:
                if claim in state.claims:
                    self._claims[claim] = ref
                elif self.claimed_by(claim) == ref:
                    self._claims[claim] = ""

    def look_up(self, claims: tuple[str, ...]) -> None:
        """Learn who holds these claims, for a job that could not name them before its incident was loaded."""
        unknown = [claim for claim in claims if claim not in self._claims and claim not in self.tail.claims]
        for claim, ref in self.batch.reserve(unknown, (), ()).claims.items():
            held = self._states.get(ref)
            self.tail.claims[claim] = ref if held is None or claim in held.claims else ""

    def claimed_by(self, claim: str) -> str | None:
        """The stream that holds the claim, as of this point of the batch."""
        return self._claims.get(claim, self.tail.claims.get(claim)) or None

    def opened_since(self, kind: str, since: datetime) -> list[Incident]:
        """Streams of that kind opened at `since` or later, as they are at this point of the batch."""
        found = [self.state(ref) for ref in self.batch.opened_since(kind, since)]
        here = (self._states[ref] for ref, version in self._before.items() if version == 0)
        return found + [state for state in here if state.kind == kind and state.opened_at >= since]

    def alert(self, integration: str, dedup_key: str) -> AlertRow | None:
        """The alert row as of this point of the batch."""
        key = (integration, dedup_key)
        row = self._alerts.get(key, self.tail.alerts.get(key))
        return replace(row, ref=self._goes_on(row.ref)) if row else None

    def firing(self, ref: str) -> int:
        """How many alerts of the incident fire, by their rows, as of this point of the batch."""
        rows = {(row.integration, row.dedup_key): row for row in self.batch.alerts(ref)} | self._alerts
        return sum(row.firing and self._goes_on(row.ref) == ref for row in rows.values())

    def move_alerts(self, ref: str, into: str) -> None:
        """The alerts of an incident belong to the one that it was merged into."""
        self._moved[ref] = into

    def _goes_on(self, ref: str) -> str:
        """Where alerts of the incident belong, after every merge of this batch."""
        while ref in self._moved:
            ref = self._moved[ref]
        return ref

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
            alerts=tuple(replace(row, ref=self._goes_on(row.ref)) for row in self._alerts.values()),
            answers=tuple(self.answers),
            documents=tuple(self.documents),
            moved=tuple((ref, self._goes_on(ref)) for ref in self._moved),
            health=tuple(self.health),
            cursors=tuple(
                (key, self.cursors.stored.get(key), following) for key, following in self._turns.items()
            ),
        )

    def _write(self, ref: str) -> StreamWrite:
        state = self._states[ref]
        return StreamWrite(
            state=state,
            before=self._before[ref],
            events=tuple(self._events[ref]),
            effects=tuple(self._effects[ref]),
            next_due=self._wake(state, self._context(state)),
        )


def _grown(
    state: Incident | None, events: list[Event], context: Context, effects: list[tuple[int, Effect]]
) -> Incident:
    """The state after the events; what must happen outside because of them is appended to `effects`."""
    for event in events:
        state = evolve(state, event)
        effects += [(state.version, effect) for effect in derive(event, state, context.directory)]
    if state is None:
        raise ValueError("nothing was decided")
    return state


def turned(events: Iterable[Event]) -> dict[str, int]:
    """Round robin: after these events, whose turn is next where they moved it, by key."""
    chosen = (event for event in events if isinstance(event, RoundRobinChosen))
    return {f"{event.escalation}/{event.rung}": event.position + 1 for event in chosen}


_DECIDED = (
    *("_before", "_states", "_wakes", "_events", "_effects", "_alerts", "_claims", "_moved", "_turns"),
    *("settlements", "documents", "answers", "alarms", "health"),
)
"""Everything of a sitting that a decision may change."""


def _copied(value: Any) -> Any:
    """A container and the lists in it, so that nothing that happens to them is seen in the copy."""
    if isinstance(value, dict):
        return {key: list(part) if isinstance(part, list) else part for key, part in value.items()}
    return list(value)


_LOOKS = attrgetter(*(field.name for field in fields(Incident) if field.name not in {"version", "notes"}))
"""Everything of a state that deadlines can depend on."""
