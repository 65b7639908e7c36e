"""Ten thousand open incidents that nobody answers: what calling people costs, and where the time goes.

`python -m bench.escalating` prints where the time goes, by function.
"""

from __future__ import annotations

import cProfile
import heapq
import pstats
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.lateness import Timed, told
from bench.places import HOME, Place, SqlitePlace
from bench.table import Line
from bench.world import context_of, know_policy, team
from tocsin.channels.port import Channel, Message, Receipt
from tocsin.config import EmailSettings, Secret, WebhookSettings
from tocsin.domain import clocks, grouping, response
from tocsin.domain.effects import Send, derive
from tocsin.domain.events import Event, PageSent, RungFired, WayTried
from tocsin.domain.fold import evolve
from tocsin.domain.incident import Incident
from tocsin.domain.people import Rule
from tocsin.domain.policy import Escalation, PersonRules, Rung
from tocsin.domain.schedules import Layer, Rotation, Schedule
from tocsin.domain.signals import Signal
from tocsin.domain.source import BUILT_IN
from tocsin.engine.clock import SystemClock
from tocsin.engine.engine import Engine
from tocsin.engine.live import Live
from tocsin.store import open_store
from tocsin.store.contract import Commit, Store, StreamWrite
from tocsin.wiring.lanes import lanes
from tocsin.wiring.people import directory, rota_of
from tocsin.wiring.surroundings import Surroundings

INCIDENTS, SHAPES = 10_000, 300
AIM = 0.10
DELAY_S, SECOND_WAY_S, REPEAT = 300, 120, 9
OLDEST = timedelta(minutes=40)
TOOK = timedelta(milliseconds=300)
"""How long a provider took in the past."""
SPREAD = timedelta(seconds=20)
"""Of which a run without threads takes what falls due."""
DUE = (RungFired, WayTried)
FLOOR_S = 6.0
PATIENCE_S = 30.0
NAME = "escalating"


def lines(places: list[Place], *, quick: bool) -> Iterator[Line]:
    incidents, settle, watched = (1_000, 1.0, 6.0) if quick else (INCIDENTS, 3.0, 20.0)
    live = climbing()
    for place in places:
        _fill(place, live, incidents)
        run = _run(place, live, settle, watched)
        single, _ = _alone(place, live)
        floor = _floor(place, incidents, run)
        place.drop(NAME)
        share, bare = run.cpu / run.wall, floor.cpu / floor.wall
        print(
            f"escalating {place.name}: {run.per_s(run.dues):.0f} steps and ways and {run.per_s(run.sends):.0f} sends a "
            f"second, {told(run.late)} late; of the processor time {run.parts()}",
            flush=True,
        )
        yield Line(
            f"Share of one core, {incidents:,} open incidents escalating, {place.name}",
            f"{share:.1%} ({run.per_s(run.dues):.0f} steps and ways, {run.per_s(run.sends):.0f} sends a second)",
            f"{bare:.1%}",
            f"x {share / bare:.1f}",
            "" if quick else f"< {AIM:.0%}",
            None if quick else share < AIM,
        )
        yield Line(
            f"Of that: one step or way decided and written, in company, {place.name}",
            f"{single * 1e6:.0f} us",
            f"{floor.due * 1e6:.0f} us",
            f"x {single / floor.due:.1f}",
        )


# --- the team and its incidents --------------------------------------------------------------------------------------


def climbing() -> Live:
    """A policy block: two rotations and the owner, five minutes each, ten passes; mail at once, a webhook later."""
    before = team()
    steps = tuple(
        Rung(0, (target,), BUILT_IN, delay_s=DELAY_S)
        for target in ("schedule:first", "schedule:second", "person:henrik")
    )
    escalation = Escalation("default", steps, BUILT_IN, REPEAT, ("role:ic",), ack_timeout_s=1800)
    schedules = (_rotation("first", ("mei", "priya", "jonas")), _rotation("second", ("tomas", "aisha")))
    rules = (Rule("mail", 0), Rule("post", SECOND_WAY_S))
    said = tuple(PersonRules(entry.handle, BUILT_IN, high=rules) for entry in before.policy.roster)
    policy = replace(before.policy, escalations=(escalation,), schedules=schedules, people=said)
    channels = {
        "mail": EmailSettings(name="mail", url="smtp://127.0.0.1:1025", sender="tocsin@acme.example"),
        "post": WebhookSettings(name="post", url=Secret("http://127.0.0.1:1/"), secret=Secret("unused")),
    }
    people = directory(policy, [], channels, ["henrik"])
    return Live(NAME, policy, people, rota_of(policy, people))


def _rotation(name: str, people: tuple[str, ...]) -> Schedule:
    tz = "Europe/Stockholm"
    rotation = Rotation("2025-12-01T09:00", "week", tuple((person,) for person in people))
    return Schedule(name, tz, (Layer("base", 0, tz, rotation=rotation),))


def _fill(place: Place, live: Live, incidents: int) -> None:
    """Incidents of every age up to `OLDEST`, grown by the program's own decisions, each due at its own instant."""
    place.create(NAME)
    store = open_store(place.url(NAME))
    began = time.monotonic()
    now = SystemClock().now() + timedelta(seconds=8 if incidents == INCIDENTS else 2)
    know_policy(store, live, now)
    shapes = min(SHAPES, incidents)
    apart = OLDEST / shapes
    each = incidents // shapes
    for shape in range(shapes):
        grown = _history(live, now - apart * shape, now)
        writes = [_own(grown, shape * each + n, -apart * n / each) for n in range(each)]
        with store.begin() as batch:
            batch.write(Commit(now, tuple(writes)))
    store.close()
    with place.raw(NAME) as raw:
        raw.execute("ANALYZE")
        raw.commit()
    print(f"escalating {place.name}: {incidents:,} in {time.monotonic() - began:.0f} s", flush=True)


def _history(live: Live, opened: datetime, until: datetime) -> StreamWrite:
    """An incident that was opened then and has called people ever since, every provider taking what it is given."""
    context = context_of(live)
    state: Incident | None = None
    events: list[Event] = []
    sent: list[tuple[datetime, int, Send]] = []
    signal = Signal("bench", "@", "Sign-in on production failed", "critical")
    fresh = grouping.open_for(signal, "@", NAME, context, opened)
    while True:
        for event in fresh:
            state = evolve(state, event)
            events.append(event)
            for effect in derive(event, state, context.directory):
                if isinstance(effect, Send) and effect.page is not None:
                    heapq.heappush(sent, (event.at + TOOK, len(events), effect))
        assert state is not None
        due = clocks.next_due(state, context)
        assert due is not None
        if sent and sent[0][0] <= due:
            at, _, send = heapq.heappop(sent)
            person, channel = send.person, send.lane
            fresh = response.page_sent(
                state, context, at, page=send.page or 0, person=person, channel=channel, receipt=None
            )
        elif due <= until:
            fresh = clocks.advance(state, context, due)
        else:
            return StreamWrite(state, 0, tuple(events), (), due)


def _own(shape: StreamWrite, number: int, by: timedelta) -> StreamWrite:
    """The same under a reference of its own, a little earlier; its events stay where they are: nobody reads them."""
    ref = f"INC-2026-{number + 1:05d}"
    state = replace(_moved(shape.state, by), ref=ref, claim=f"bench/{ref}")
    assert shape.next_due is not None
    return replace(shape, state=state, next_due=shape.next_due + by)


def _moved(value: Any, by: timedelta) -> Any:
    """Every instant in it moved."""
    if isinstance(value, datetime):
        return value + by
    if isinstance(value, tuple):
        return tuple(_moved(part, by) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        before = {part.name: getattr(value, part.name) for part in fields(value)}
        after = {name: _moved(part, by) for name, part in before.items()}
        return replace(value, **{name: part for name, part in after.items() if part is not before[name]})
    return value


# --- a whole engine --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Run:
    """What was counted while it was watched; `cpu` and `wall` in seconds."""

    cpu: float = 0.0
    wall: float = 0.0
    dues: int = 0
    sends: int = 0
    events: int = 0
    late: list[float] = field(default_factory=list)
    threads: dict[str, float] = field(default_factory=dict)
    due: float = 0.0

    def per_s(self, count: int) -> float:
        return count / self.wall

    def parts(self) -> str:
        """Who used it, as shares of a core."""
        most = sorted(self.threads.items(), key=lambda thread: -thread[1])[:6]
        return ", ".join(f"{name} {spent / self.wall:.1%}" for name, spent in most)


class Taken:
    """A channel whose provider takes everything at once: what a conversation costs is the provider's matter."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    async def send(self, _: Message) -> Receipt:
        return Receipt("taken")

    async def aclose(self) -> None:
        return


def _run(place: Place, live: Live, settle: float, watched: float) -> Run:
    """The engine as it runs, on the real clock; watched once what was overdue at the start is done."""
    run = Run()
    on = threading.Event()

    def committed(commit: Commit) -> None:
        if not on.is_set():
            return
        for event in (event for write in commit.streams for event in write.events):
            run.events += 1
            run.dues += isinstance(event, DUE)
            run.sends += isinstance(event, PageSent)
            if isinstance(event, RungFired):
                run.late.append((datetime.now(UTC) - event.due).total_seconds())

    store: Any = Timed(open_store(place.url(NAME)), committed)
    clock = SystemClock()
    channels: dict[str, Channel] = {"mail": Taken("email"), "post": Taken("webhook")}
    around = Surroundings(store, lambda: engine.contexts, clock.now, "https://tocsin.example", lambda: None)
    engine = Engine(store, clock, live, lanes(around, channels))
    engine.start()
    try:
        _caught_up(store, settle)
        names, before = _threads(), time.process_time()
        began = time.monotonic()
        on.set()
        time.sleep(watched)
        on.clear()
        run.cpu, run.wall = time.process_time() - before, time.monotonic() - began
        run.threads = {name: spent - names.get(name, 0.0) for name, spent in _threads().items()}
    finally:
        engine.stop()
        store.close()
    return run


def _caught_up(store: Any, settle: float) -> None:
    """Until what fell due while the database was filled is done, and then a little longer."""
    until = time.monotonic() + PATIENCE_S
    while store.next_due() < datetime.now(UTC) or store.effects(None, state="waiting", limit=20)[10:]:
        if time.monotonic() > until:
            print("escalating: the machine is too busy, this includes work that is overdue", flush=True)
            break
        time.sleep(0.2)
    time.sleep(settle)


def _threads() -> dict[str, float]:
    """Processor seconds of every thread so far, by the first word of its name."""
    found: dict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        path = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        if path.exists():
            found[thread.name.split("_")[0]] += int(path.read_text().split()[0]) / 1e9
    return found


# --- without threads: what one costs ---------------------------------------------------------------------------------


class Set:
    """A clock that stands where it was put."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def _alone(place: Place, live: Live, profile: cProfile.Profile | None = None) -> tuple[float, int]:
    """Processor seconds for each step or way among those of `SPREAD`, and how many there were; nothing is sent."""
    counted: Counter[bool] = Counter()

    def committed(commit: Commit) -> None:
        counted.update(isinstance(event, DUE) for write in commit.streams for event in write.events)

    store: Any = Timed(open_store(place.url(NAME)), committed)
    clock = Set(_earliest(store))
    engine = Engine(store, clock, live, ())
    _drained(engine)  # what was overdue, and what is read once
    counted.clear()
    clock.at += SPREAD
    began = time.process_time()
    if profile is not None:
        profile.enable()
    _drained(engine)
    if profile is not None:
        profile.disable()
    took = time.process_time() - began
    store.close()
    return took / counted[True], counted[True]


def _earliest(store: Store) -> datetime:
    due = store.next_due()
    assert due is not None
    return max(due, SystemClock().now())


def _drained(engine: Engine) -> None:
    while True:
        done = engine.desk.put(engine.ticker.tick())
        engine.desk.drain()
        if not done.result().version:
            return


# --- the floor: a bare loop that takes, changes and adds as many rows ------------------------------------------------


def _floor(place: Place, count: int, run: Run) -> Run:
    """As many takings of what is due, sends and events a second, at the same pace, by one loop without any decision."""
    place.create("floor")
    with place.raw("floor") as raw:
        bare = Bare(raw, place.name == "SQLite", count, max(1, round(run.events / run.dues)), run)
        found = bare.run()
    place.drop("floor")
    return found


class Bare:
    """Rows of states with an index on when they are due, rows of events, effects and links."""

    def __init__(self, raw: Any, sqlite: bool, count: int, events: int, run: Run) -> None:
        self._cursor = raw.cursor()
        self._raw, self._sqlite, self._count, self._events = raw, sqlite, count, events
        self._sends = run.sends / run.dues
        self._every = run.wall / run.dues
        self._number = 0
        self._body = "x" * 3_000
        for statement in (
            "CREATE TABLE due (id bigint PRIMARY KEY, at bigint NOT NULL, body text NOT NULL)",
            "CREATE INDEX ix_due ON due (at)",
            "CREATE TABLE event (id bigint PRIMARY KEY, ref bigint NOT NULL, body text NOT NULL)",
            "CREATE INDEX ix_event ON event (ref, id)",
            "CREATE TABLE effect (id bigint PRIMARY KEY, state text NOT NULL, at bigint NOT NULL, body text NOT NULL)",
            "CREATE INDEX ix_effect ON effect (state, at)",
            "CREATE TABLE link (hash text PRIMARY KEY, ref bigint NOT NULL)",
        ):
            raw.execute(statement)
        raw.commit()
        self._begin()
        self._many("INSERT INTO due VALUES (?, ?, ?)", [(n, 0, self._body) for n in range(count)])
        self._commit()

    def run(self) -> Run:
        """For `FLOOR_S` seconds."""
        begin = time.time() + 0.2
        self._begin()
        for n in range(self._count):
            self._one("UPDATE due SET at = ? WHERE id = ?", int((begin + n * self._every) * 1e6), n)
        self._commit()
        before, since = time.thread_time(), time.monotonic()
        dues, sends, deciding = 0, 0.0, 0.0
        while time.monotonic() - since < FLOOR_S:
            wait = self._one("SELECT at FROM due ORDER BY at LIMIT 1")[0][0] / 1e6 - time.time()
            self._raw.commit()
            if wait > 0:
                time.sleep(wait)
            mark = time.thread_time()
            taken = self._take()
            deciding += time.thread_time() - mark
            dues += len(taken)
            sends += self._sends * len(taken)
            while sends >= 1:
                sends -= 1
                self._send(taken[0])
        spent = time.thread_time() - before
        return Run(cpu=spent, wall=time.monotonic() - since, dues=dues, due=deciding / dues)

    def _take(self) -> list[int]:
        now = int(time.time() * 1e6)
        self._begin()
        rows = self._one("SELECT id, body FROM due WHERE at <= ? ORDER BY at LIMIT 32", now)
        for ref, body in rows:
            self._one("UPDATE due SET at = ?, body = ? WHERE id = ?", now + DELAY_S * 10**6, body, ref)
            self._add(ref)
            self._one("INSERT INTO effect VALUES (?, 'waiting', ?, 'send')", self._number, now)
        self._commit()
        return [ref for ref, _ in rows]

    def _add(self, ref: int) -> None:
        rows = [(self._number + n + 1, ref, "y" * 200) for n in range(self._events)]
        self._number += self._events
        self._many("INSERT INTO event VALUES (?, ?, ?)", rows)

    def _send(self, ref: int) -> None:
        """Taken, its link kept, settled: three commits."""
        self._begin()
        rows = self._one("SELECT id FROM effect WHERE state = 'waiting' ORDER BY at LIMIT 1")
        for (number,) in rows:
            self._one("UPDATE effect SET state = 'leased' WHERE id = ?", number)
        self._commit()
        for (number,) in rows:
            self._begin()
            self._one("INSERT INTO link VALUES (?, ?)", f"{number:064x}", ref)
            self._commit()
            self._begin()
            ((body,),) = self._one("SELECT body FROM due WHERE id = ?", ref)
            self._one("UPDATE due SET body = ? WHERE id = ?", body, ref)
            self._one("UPDATE effect SET state = 'done' WHERE id = ?", number)
            self._commit()

    def _begin(self) -> None:
        if self._sqlite:
            self._cursor.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        if not self._sqlite:
            self._raw.commit()
        elif self._raw.in_transaction:
            self._cursor.execute("COMMIT")

    def _one(self, statement: str, *values: Any) -> list[Any]:
        done = self._cursor.execute(self._spelt(statement), values)
        return done.fetchall() if done.description else []

    def _many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        self._cursor.executemany(self._spelt(statement), rows)

    def _spelt(self, statement: str) -> str:
        return statement if self._sqlite else statement.replace("?", "%s")


def main() -> None:
    """Where the time of a step or way goes."""
    place, live = SqlitePlace(), climbing()
    HOME.mkdir(parents=True, exist_ok=True)
    _fill(place, live, INCIDENTS)
    profile = cProfile.Profile(time.process_time)
    single, count = _alone(place, live, profile)
    place.drop(NAME)
    print(f"{count} steps and ways, {single * 1e6:.0f} us each while they are watched")
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
