"""How late deadlines fire while very many others wait: ticker and desk in their threads, on a real clock."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from bench.fill import filled
from bench.places import Place
from bench.table import Line, median, ms, percentile
from bench.world import context_of, opening, team
from tocsin.engine.clock import SystemClock
from tocsin.engine.engine import Engine
from tocsin.engine.live import Live
from tocsin.store import open_store
from tocsin.store.contract import Batch, Commit

DUE = 1_000
AIM_S = 0.010
AHEAD = timedelta(seconds=2)
WAIT_S = 30.0
OURS = ("DUE-", "DUE.")
"""References of the incidents that fall due lie between these two words."""


@dataclass(frozen=True, slots=True)
class Round:
    desk: list[float]
    floor: list[float]


def lines(places: list[Place], *, quick: bool) -> Iterator[Line]:
    counts, rounds = ((10_000,), 2) if quick else ((100_000, 1_000_000), 5)
    live = team()
    for place in places:
        for count in counts:
            name = filled(place, live, count)
            due_table(place, count)
            found = []
            with Watched(place.url(name), live) as watched:
                watched.round()  # the first one after loading reads everything from the disk
                for number in range(rounds):
                    found.append(Round(watched.round(), due_round(place, count)))
                    last = found[-1]
                    print(
                        f"late {place.name}, {count:,} wait, round {number + 1}/{rounds}: {told(last.desk)}; "
                        f"bare due table {told(last.floor)}",
                        flush=True,
                    )
            p50, p99 = (median([percentile(r.desk, share) for r in found]) for share in (0.5, 0.99))
            f50, f99 = (median([percentile(r.floor, share) for r in found]) for share in (0.5, 0.99))
            yield Line(
                f"Lateness of {DUE:,} in one second, {count:,} others wait, {place.name}",
                f"p50 {ms(p50)}, p99 {ms(p99)}",
                f"p50 {ms(f50)}, p99 {ms(f99)}",
                f"p99 x {p99 / f99:.1f}",
                "" if quick else f"p99 <= {ms(AIM_S)}",
                None if quick else p99 <= AIM_S,
            )


def told(values: list[float]) -> str:
    return f"p50 {ms(percentile(values, 0.5))}, p99 {ms(percentile(values, 0.99))}, max {ms(max(values))}"


class Watched:
    """An engine's desk and ticker on a filled database; every commit is timed the moment it is through."""

    def __init__(self, url: str, live: Live) -> None:
        self._live = live
        self._clock = SystemClock()
        self._store = open_store(url)
        self._due: dict[str, datetime] = {}
        self._late: dict[str, float] = {}
        self._all = threading.Event()
        self._engine = Engine(Timed(self._store, self._committed), self._clock, live, ())  # type: ignore[arg-type]
        self._number = 0

    def __enter__(self) -> Self:
        self._forget()
        self._engine.beat()
        self._engine.desk.start()
        self._engine.ticker.start()
        gc.freeze()  # as `Engine.start` does
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.ticker.stop()
        self._engine.desk.stop()
        self._forget()
        self._store.close()

    def round(self) -> list[float]:
        """Seconds between due and committed, one per deadline."""
        context = context_of(self._live)
        probe = opening("DUE-0", context, self._clock.now())
        assert probe.next_due is not None
        ahead = probe.next_due - probe.state.opened_at
        begin = self._clock.now() + AHEAD
        writes = []
        for n in range(DUE):
            self._number += 1
            at = begin + timedelta(seconds=n / DUE) - ahead
            writes.append(opening(f"DUE-{self._number:06d}", context, at))
        self._due = {w.state.ref: w.next_due for w in writes if w.next_due is not None}
        self._late = {}
        self._all.clear()
        with self._store.begin() as batch:
            batch.write(Commit(begin - ahead, tuple(writes)))
        assert self._clock.now() < begin, "the machine is too slow to prepare a round in time"
        self._engine.ticker.hint()
        assert self._all.wait(WAIT_S), f"only {len(self._late)} of {DUE} fired"
        late = list(self._late.values())
        self._forget()
        return late

    def _committed(self, commit: Commit) -> None:
        now = self._clock.now()
        for write in commit.streams:
            ref = write.state.ref
            if ref in self._due:
                assert ref not in self._late, f"{ref} fired twice"
                self._late[ref] = (now - self._due[ref]).total_seconds()
        if len(self._late) == len(self._due):
            self._all.set()

    def _forget(self) -> None:
        """The incidents of a round go, so that the filled database stays what it is."""
        with self._store.writing() as link:
            for table in ("stream", "event", "claim", "page", "effect"):
                link.run(f"DELETE FROM {table} WHERE ref >= ? AND ref < ?", *OURS)


class Timed:
    """The store, with every commit of a batch reported right after it is through."""

    def __init__(self, store: Any, report: Any) -> None:
        self._store = store
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Batch]:
        written: list[Commit] = []
        with self._store.begin() as batch:
            write = batch.write

            def kept(commit: Commit) -> Any:
                written.append(commit)
                return write(commit)

            batch.write = kept
            yield batch
        for commit in written:
            self._report(commit)


# --- the floor: nothing but a table of due times ---------------------------------------------------------------------


def due_table(place: Place, count: int) -> None:
    """A bare table of due times with an index and as many rows, in a database of its own."""
    name, part = f"floor_{count}", f"floorpart_{count}"
    if name in place.names():
        return
    place.create(part)
    with place.raw(part) as raw:
        for statement in (
            "CREATE TABLE due (id bigint PRIMARY KEY, at bigint NOT NULL, body text NOT NULL)",
            "CREATE TABLE done (id bigint PRIMARY KEY, at bigint NOT NULL, body text NOT NULL)",
            (
                f"INSERT INTO due WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
                "SELECT i, 4102444800000000 + (CAST(i AS bigint) * 7919) % 1000003, 'page the next one' FROM n"
            ),
            "CREATE INDEX ix_due ON due (at)",
            "ANALYZE",
        ):
            raw.execute(statement)
        _commit(raw, place.name == "SQLite")
    place.copy(part, name)
    place.drop(part)


def due_round(place: Place, count: int) -> list[float]:
    """The same thousand: one loop sleeps until the earliest, takes what is due, writes one row each, commits."""
    sqlite = place.name == "SQLite"
    mark = "?" if sqlite else "%s"
    with place.raw(f"floor_{count}") as raw:
        begin = time.time() + 0.3
        first = 10**12
        rows = [(first + n, int((begin + n / DUE) * 1e6), "page the next one") for n in range(DUE)]
        cursor = raw.cursor()
        cursor.execute("BEGIN") if sqlite else None
        cursor.executemany(f"INSERT INTO due VALUES ({mark}, {mark}, {mark})", rows)
        _commit(raw, sqlite)
        late: list[float] = []
        take = (
            f"DELETE FROM due WHERE id IN (SELECT id FROM due WHERE at <= {mark} ORDER BY at LIMIT 256) "
            "RETURNING id, at, body"
        )
        while len(late) < DUE:
            cursor.execute("SELECT at FROM due ORDER BY at LIMIT 1")
            wait = cursor.fetchone()[0] / 1e6 - time.time()
            _commit(raw, sqlite)
            if wait > 0:
                time.sleep(wait)
            if sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            taken = cursor.execute(take, (int(time.time() * 1e6),)).fetchall()
            cursor.executemany(f"INSERT INTO done VALUES ({mark}, {mark}, {mark})", taken)
            _commit(raw, sqlite)
            now = time.time()
            late += [now - at / 1e6 for _, at, _ in taken]
        cursor.execute("DELETE FROM done")
        _commit(raw, sqlite)
    return late


def _commit(raw: Any, sqlite: bool) -> None:
    if not sqlite:
        raw.commit()
    elif raw.in_transaction:
        raw.execute("COMMIT")
