"""Notes per second through the desk, against the same statements played on a bare connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench.places import Place
from bench.table import Line, median
from bench.tape import play, recorded, statements
from bench.world import context_of, know_policy, opening, team
from tocsin.domain import response
from tocsin.engine.clock import SystemClock
from tocsin.engine.engine import Engine
from tocsin.engine.live import Live
from tocsin.engine.ports import Carried, Lane
from tocsin.store import open_store
from tocsin.store.contract import Commit, Taken

IN_FLIGHT = 64
AIM = 0.30
FAR = datetime(2100, 1, 4, 12, 0, tzinfo=UTC)
"""Openings lie ahead, so that nothing falls due while notes are written."""
WORDS = "Connections of the pool are used up; the deploy of 13:01 is being rolled back now."


@dataclass(frozen=True, slots=True)
class Round:
    desk: float
    bare: float
    batch: float
    statements: float


async def _carried(_taken: Taken) -> Carried:
    return Carried("accepted")


LANES = tuple(Lane(name, _carried) for name in ("mail", "documents", "siren", "nowhere"))


def lines(places: list[Place], *, quick: bool) -> Iterator[Line]:
    count, rounds = (3_000, 1) if quick else (15_000, 3)
    live = team()
    for place in places:
        for incidents in (1, 1_000):
            name = "one incident" if incidents == 1 else f"{incidents:,} incidents"
            _seed(place, live, incidents)
            found = []
            for number in range(rounds):
                found.append(_round(place, live, incidents, count))
                last = found[-1]
                print(
                    f"desk {place.name}, {name}, round {number + 1}/{rounds}: {last.desk:,.0f}/s, bare "
                    f"{last.bare:,.0f}/s, {last.batch:.0f} notes and {last.statements:.0f} statements per commit",
                    flush=True,
                )
            share = median([r.desk / r.bare for r in found])
            yield Line(
                f"Notes on {name}, {place.name}, {IN_FLIGHT} in flight",
                f"{median([r.desk for r in found]):,.0f}/s",
                f"{median([r.bare for r in found]):,.0f}/s ({median([r.batch for r in found]):.0f} per commit)",
                f"{share:.0%}",
                f">= {AIM:.0%}",
                share >= AIM,
            )
            for database in ("seed", "run", "replay"):
                place.drop(database)


def _refs(incidents: int) -> list[str]:
    return [f"INC-2100-{number:04d}" for number in range(1, incidents + 1)]


def _seed(place: Place, live: Live, incidents: int) -> None:
    place.create("seed")
    store = open_store(place.url("seed"))
    know_policy(store, live, FAR)
    context = context_of(live)
    with store.begin() as batch:
        batch.write(Commit(FAR, tuple(opening(ref, context, FAR) for ref in _refs(incidents))))
    store.close()


def _round(place: Place, live: Live, incidents: int, count: int) -> Round:
    place.copy("seed", "run")
    place.copy("seed", "replay")
    with recorded() as transactions:
        desk = _desk(place, live, _refs(incidents), count)
    with place.raw("replay") as raw:
        began = time.perf_counter()
        play(raw, transactions)
        bare = time.perf_counter() - began
    made = _events(place, "run") - _events(place, "seed")
    assert made == count == _events(place, "replay") - _events(place, "seed"), (
        f"{made} of {count} notes are there"
    )
    return Round(
        desk=count / desk,
        bare=count / bare,
        batch=count / len(transactions),
        statements=median([statements(steps) for steps in transactions]),
    )


def _events(place: Place, database: str) -> int:
    with place.raw(database) as raw:
        found: int = raw.execute("SELECT count(*) FROM event").fetchone()[0]
        return found


def _desk(place: Place, live: Live, refs: list[str], count: int) -> float:
    """Seconds for `count` notes by a whole engine, at most IN_FLIGHT waiting for their answer."""
    store = open_store(place.url("run"))
    engine = Engine(store, SystemClock(), live, LANES)
    engine.start()
    free = threading.BoundedSemaphore(IN_FLIGHT)
    failed: list[BaseException] = []

    def done(answer: Future[Any]) -> None:
        free.release()
        if error := answer.exception():
            failed.append(error)

    began = time.perf_counter()
    for number in range(count):
        free.acquire()
        ref = refs[number % len(refs)]
        text = f"{number}: {WORDS}"
        engine.desk.submit(ref, response.note, by="mei", text=text, happened=None).add_done_callback(done)
    for _ in range(IN_FLIGHT):
        free.acquire()
    took = time.perf_counter() - began
    engine.stop()
    store.close()
    assert not failed, failed[0]
    return took
