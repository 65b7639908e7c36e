"""Small incidents to store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain.effects import Effect, Send
from tocsin.domain.fold import fold
from tocsin.domain.incident import Incident
from tocsin.store.contract import Commit, Recorded, Settlement, Store, StreamWrite, Taken

NOW = datetime(2026, 3, 2, 7, 0, 0, 123457, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opening(ref: str, *, claim: str | None = None, title: str = "Checkout answers 500", **rest) -> ev.Opened:
    return ev.Opened(NOW, ref, ev.Text(title), "sha256:1", "alert", "SEV1", claim=claim, **rest)


def new(ref: str, *more: ev.Event, effects=(), due: datetime | None = None, **rest) -> StreamWrite:
    events = (opening(ref, **rest), *more)
    return StreamWrite(fold(events), 0, events, tuple(effects), due)


def further(state: Incident, *events: ev.Event, effects=(), due: datetime | None = None) -> StreamWrite:
    return StreamWrite(fold(events, state), state.version, events, tuple(effects), due)


def save(store: Store, *writes: StreamWrite, at: datetime = NOW, **rest) -> list[Recorded]:
    with store.begin() as batch:
        return batch.write(Commit(at, writes, **rest))


def settle(store: Store, key: str, outcome: str, at: datetime = NOW, **rest) -> None:
    save(store, at=at, settlements=(Settlement(key, outcome, **rest),))


def page(number: int = 1, person: str = "mei", lane: str = "sms", *, urgent: bool = True) -> Send:
    return Send(person, lane, "page", f"page/{number}/{lane}", number, urgent)


def notice(person: str = "mei", lane: str = "sms", topic: str = "notice/update") -> Send:
    return Send(person, lane, "update-reminder", topic)


def with_effects(store: Store, ref: str, *effects: Effect, at: datetime = NOW) -> Incident:
    write = new(ref, effects=tuple((1, effect) for effect in effects))
    save(store, write, at=at)
    return write.state


def take(
    store: Store, lane: str = "sms", *, at: datetime = NOW, owner: str = "node-1", limit: int = 10
) -> list[Taken]:
    return store.take_effects(
        lane, owner=owner, now=at, lease_until=at + LEASE, limit=limit, live=at - 3 * SECOND
    )


def aged(state: Incident, **changes) -> Incident:
    return replace(state, **changes)
