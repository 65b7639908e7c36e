"""From a page decided to its provider hearing of it, while very many others wait behind a provider that takes 10 s."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from bench.lateness import Timed
from bench.places import Place
from bench.provider import Provider, provider
from bench.table import Line, median, ms, percentile
from bench.world import know_policy, team
from tocsin.channels.port import Channel, Message, Receipt
from tocsin.channels.webhook import WebhookChannel
from tocsin.config import Secret, WebhookSettings
from tocsin.domain.events import PageRequested
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import Escalation, Route, Rung
from tocsin.domain.signals import Signal
from tocsin.domain.source import BUILT_IN
from tocsin.engine.clock import SystemClock
from tocsin.engine.engine import Engine
from tocsin.engine.live import Live
from tocsin.engine.receive import receive
from tocsin.store import open_store
from tocsin.store.contract import Commit, SecretRow
from tocsin.wiring.lanes import lanes
from tocsin.wiring.people import directory
from tocsin.wiring.surroundings import Surroundings

WAITING, RATE = 1_000, 20
AIM_S = 0.050
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
LINKS = 50_000
"""So many links are there already: more than a bad day of a large team makes, and a month of them is kept."""
PEOPLE = {"slow": "mei", "quick": "priya"}
SETTLE_S = 30.0


@dataclass(slots=True)
class Seen:
    """Seconds since 1970 by incident: its page was committed, its send was entered; and how long each link took."""

    decided: dict[str, float] = field(default_factory=dict)
    entered: dict[str, float] = field(default_factory=dict)
    links: list[float] = field(default_factory=list)


def lines(places: list[Place], *, quick: bool) -> Iterator[Line]:
    waiting, count = (100, 60) if quick else (WAITING, 400)
    for place in places:
        decided, entered, links, behind = _pages(place, waiting, count)
        with provider() as stub:
            floor = _bare(stub, count)
        print(
            f"paging {place.name}, {behind:,} waited at the end: until the send is entered {_told(entered)}; until the "
            f"first byte {_told(decided)}; a link {_told(links)}; the bare send {_told(floor)}",
            flush=True,
        )
        p99, f99 = percentile(decided, 0.99), percentile(floor, 0.99)
        yield Line(
            f"A page from its commit to the first byte at the provider, {waiting:,} others behind one that takes 10 s, "
            f"{place.name}",
            f"p50 {ms(median(decided))}, p99 {ms(p99)}",
            f"p50 {ms(median(floor))}, p99 {ms(f99)} (the send alone)",
            f"p99 x {p99 / f99:.1f}",
            "" if quick else f"p99 <= {ms(AIM_S)}",
            None if quick else p99 <= AIM_S,
        )
        yield Line(
            f"Of that: keeping the link for the phone among {LINKS:,}, {place.name}",
            f"p50 {ms(median(links))}, p99 {ms(percentile(links, 0.99))}",
            "",
            f"{median(links) / median(decided):.0%} of the median",
        )


def _told(values: list[float]) -> str:
    shares = ", ".join(f"p{share * 100:.0f} {ms(percentile(values, share))}" for share in (0.5, 0.9, 0.99))
    return f"{shares}, max {ms(max(values))}"


# --- a whole engine -------------------------------------------------------------------------------------------------


def _pages(place: Place, waiting: int, count: int) -> tuple[list[float], list[float], list[float], int]:
    """Latencies until the first byte, until the send is entered, of the links; how many wait in the end."""
    place.create("paging")
    seen = Seen()
    store: Any = Kept(open_store(place.url("paging")), seen)
    clock = SystemClock()
    live = _live()
    know_policy(store, live, clock.now())
    with place.raw("paging") as raw:
        _old_links(raw, place.name == "SQLite")
    try:
        # The provider ends first: what it holds back would hold up the end.
        with provider() as stub:
            channels: dict[str, Channel] = {
                "slow": _channel(stub.slow, clock),
                "quick": Entered(_channel(stub.quick, clock), seen),
            }
            around = Surroundings(
                store, lambda: engine.contexts, clock.now, "https://tocsin.example", lambda: None
            )
            engine = Engine(store, clock, live, lanes(around, channels))
            engine.start()
            behind = _watched(engine, seen, waiting, count)
            stamps = stub.stamps()
    finally:
        engine.stop()
        store.close()
        place.drop("paging")
    assert len(seen.entered) == count, f"only {len(seen.entered)} of {count} pages went out"
    return (
        [stamps[ref] - seen.decided[ref] for ref in seen.entered],
        [at - seen.decided[ref] for ref, at in seen.entered.items()],
        seen.links,
        behind,
    )


def _watched(engine: Engine, seen: Seen, waiting: int, count: int) -> int:
    """Until every page is out; how many of the others wait in the end."""
    for answer in [receive(engine.desk, _signal("slow", n)) for n in range(waiting)]:
        answer.result(SETTLE_S)
    seen.decided.clear()
    _called(engine, count)
    until = time.monotonic() + SETTLE_S
    while len(seen.entered) < count and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.2)
    return len(engine.store.effects(None, state="waiting", limit=waiting))


def _called(engine: Engine, count: int) -> None:
    """Alerts by chance, as alerts come: RATE a second on the average."""
    random = Random(11)
    at = time.perf_counter()
    for number in range(count):
        at += random.expovariate(RATE)
        time.sleep(max(0.0, at - time.perf_counter()))
        receive(engine.desk, _signal("quick", number))


def _signal(which: str, number: int) -> Signal:
    return Signal(which, f"{which}-{number}", "Sign-in on production failed", "critical")


def _live() -> Live:
    """Mei hears by the slow provider, Priya by the quick one; an alert's integration says who is called."""
    before = team()
    settings = {
        name: WebhookSettings(
            name=name,
            people=(person,),
            url=Secret("http://127.0.0.1:1/"),
            secret=Secret(SECRET),
            allow_loopback=True,
        )
        for name, person in PEOPLE.items()
    }
    ways = tuple(
        Escalation(name, (Rung(0, (f"person:{person}",), BUILT_IN, delay_s=300),), BUILT_IN, repeat=9)
        for name, person in PEOPLE.items()
    )
    routes = tuple(Route((("integration", name),), BUILT_IN, escalation=name) for name in PEOPLE)
    policy = replace(before.policy, escalations=ways, routes=routes)
    return Live("paging", policy, directory(policy, [], settings, ["henrik"]), Rota())


def _channel(url: str, clock: SystemClock) -> WebhookChannel:
    return WebhookChannel("bench", url=url, secret=SECRET, now=clock.now, allow_loopback=True)


def _old_links(raw: Any, sqlite: bool) -> None:
    """Links of earlier pages, as the database keeps them for a month."""
    now = int(time.time() * 1e6)
    rows = [
        (f"{n:064x}", "page", "mei", now, now + 10**9 + n, "[]", "slow", f"INC-2026-{n:06d}", 1)
        for n in range(LINKS)
    ]
    columns = ("hash", "kind", "person", "created_at", "expires_at", "scopes", "label", "ref", "page")
    marks = ", ".join(("?" if sqlite else "%s",) * len(columns))
    statement = f"INSERT INTO secret ({', '.join(columns)}) VALUES ({marks})"
    cursor = raw.cursor()
    if sqlite:
        raw.execute("BEGIN IMMEDIATE")
    cursor.executemany(statement, rows)
    raw.execute("COMMIT") if sqlite else raw.commit()


class Kept(Timed):
    """The store: when each page was committed, and how long keeping a link took."""

    def __init__(self, store: Any, seen: Seen) -> None:
        super().__init__(store, self._committed)
        self._seen = seen

    def _committed(self, commit: Commit) -> None:
        now = time.time()
        for write in commit.streams:
            if any(isinstance(event, PageRequested) for event in write.events):
                self._seen.decided[write.state.ref] = now

    def save_secret(self, row: SecretRow) -> None:
        began = time.perf_counter()
        self._store.save_secret(row)
        if row.label == "quick":
            self._seen.links.append(time.perf_counter() - began)


class Entered:
    """The channel, with the instant at which each send was entered."""

    kind = "webhook"

    def __init__(self, channel: WebhookChannel, seen: Seen) -> None:
        self._channel = channel
        self._seen = seen

    async def send(self, message: Message) -> Receipt:
        self._seen.entered.setdefault(message.ref, time.time())
        return await self._channel.send(message)

    async def aclose(self) -> None:
        await self._channel.aclose()


# --- the floor: the same send, nothing before it --------------------------------------------------------------------


def _bare(stub: Provider, count: int) -> list[float]:
    """Seconds from handing the same message to a loop in another thread until its first byte is there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="bare", daemon=True)
    thread.start()
    channel = _channel(stub.quick, SystemClock())
    began: dict[str, float] = {}
    random = Random(11)
    at = time.perf_counter()
    sends = []
    for number in range(count):
        at += random.expovariate(RATE)
        time.sleep(max(0.0, at - time.perf_counter()))
        message = _message(f"BARE-{number}")
        began[message.ref] = time.time()
        sends.append(asyncio.run_coroutine_threadsafe(channel.send(message), loop))
    for send in sends:
        send.result(SETTLE_S)
    asyncio.run_coroutine_threadsafe(channel.aclose(), loop).result(SETTLE_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    with contextlib.closing(loop):
        stamps = stub.stamps()
    return [stamps[ref] - since for ref, since in began.items()]


def _message(ref: str) -> Message:
    return Message(
        key=ref,
        to="priya",
        person="priya",
        subject=f"[SEV1 {ref}] You are called: Sign-in on production failed",
        text="\n".join(["You are called. Acknowledge to stop the escalation: you take it."] * 5),
        ref=ref,
        about="page",
        sent_at=datetime.now(UTC),
        urgent=True,
        links=(("Acknowledge or pass on", "https://tocsin.example/a/" + "x" * 43),),
    )
