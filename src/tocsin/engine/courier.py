"""Carries effects out: takes leases lane by lane, sends, and records what came of it.

Outcome and settlement are one transaction (design rule 7): the receipt on the timeline, the effect's state and the
memory of a written document. A node that dies leaves its leases to run out; another one, or the next start, takes
them again: sends are at least once. Lanes do not wait for each other.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from tocsin.domain import response
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import Send
from tocsin.engine.clock import Clock
from tocsin.engine.desk import Busy, Desk, Job, Rank
from tocsin.engine.ports import Carried, Lane
from tocsin.engine.sitting import Answer, Sitting
from tocsin.store.contract import Settlement, Store, StoreUnavailable, Taken

log = structlog.get_logger("tocsin.courier")

POLL_SECONDS = 1.0
SILENT_AFTER = timedelta(seconds=3)
"""A node whose heartbeat is older holds no lease any more."""


class Courier:
    """One asyncio loop in a thread of its own; one task per lane."""

    def __init__(self, store: Store, desk: Desk, clock: Clock, lanes: Iterable[Lane], *, owner: str) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self.lanes = {lane.name: lane for lane in lanes}
        self._owner = owner
        self._hints: dict[str, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.held = False

    def start(self) -> None:
        """Begin carrying, in a thread."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="courier", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Finish what is under way (at most a lane's time limit), take nothing new."""
        self._stopping = True
        self.hint(set(self.lanes))
        if self._thread is not None:
            self._thread.join()

    def hint(self, lanes: set[str]) -> None:
        """There may be work in these lanes; safe from any thread, and only a hint."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nothing is carried any more
                self._loop.call_soon_threadsafe(self._ring, lanes)

    def _ring(self, lanes: set[str]) -> None:
        for name in lanes & self._hints.keys():
            self._hints[name].set()

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._hints = {name: asyncio.Event() for name in self.lanes}
        ready.set()
        await asyncio.gather(*(self._keep_running(lane) for lane in self.lanes.values()))

    async def _keep_running(self, lane: Lane) -> None:
        """A lane that ends by an error is begun again after a pause, loudly; the other lanes go on."""
        while not self._stopping:
            run = asyncio.create_task(self._run_lane(lane))
            await asyncio.wait({run})
            error = run.exception()
            if error is not None:
                await asyncio.to_thread(
                    self._desk.alarm,
                    f"lane:{lane.name}",
                    f"lane {lane.name}: {type(error).__name__}: {error}",
                )
                await asyncio.sleep(POLL_SECONDS)

    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread is not None and self._thread.is_alive()

    async def _run_lane(self, lane: Lane) -> None:
        under_way: set[asyncio.Task[None]] = set()
        hint = self._hints[lane.name]
        while not self._stopping:
            hint.clear()
            for taken in await self._take(lane, lane.slots - len(under_way)):
                under_way.add(asyncio.create_task(self._carry(lane, taken)))
            ring = asyncio.create_task(hint.wait())
            await asyncio.wait({ring, *under_way}, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            ring.cancel()
            under_way = {task for task in under_way if not task.done()}
        if under_way:
            await asyncio.wait(under_way)

    async def _take(self, lane: Lane, free: int) -> list[Taken]:
        if free <= 0:
            return []
        try:
            return await asyncio.to_thread(self.take, lane, free)
        except StoreUnavailable as down:
            log.warning("cannot take effects", lane=lane.name, reason=str(down))
            return []

    def take(self, lane: Lane, free: int) -> list[Taken]:
        """Lease what is due now; dropped effects are never taken, so a page is still wanted when it is sent."""
        if self.held:
            return []
        now = self._clock.now()
        return self._store.take_effects(
            lane.name,
            owner=self._owner,
            now=now,
            lease_until=now + timedelta(seconds=lane.lease_s),
            limit=free,
            live=now - SILENT_AFTER,
        )

    async def _carry(self, lane: Lane, taken: Taken) -> None:
        outcome = await self.attempt(lane, taken)
        try:
            await asyncio.wrap_future(self.settle(lane, taken, outcome))
        except (
            StoreUnavailable,
            Busy,
        ) as down:  # the lease runs out and it is carried again: a page twice beats never
            log.warning("cannot record an outcome", effect=taken.key, reason=str(down))

    async def attempt(self, lane: Lane, taken: Taken) -> Carried | Undelivered:
        """Carry one effect out, within the lane's time limit."""
        try:
            return await asyncio.wait_for(lane.carry(taken), lane.timeout_s)
        except Undelivered as failed:
            return failed
        except TimeoutError:
            return Undelivered(Failure.IN_DOUBT, f"no answer within {lane.timeout_s:g} s")
        except Exception as error:  # one effect must never stop its lane: recorded, tried again
            log.exception("carrying failed", effect=taken.key, lane=lane.name)
            return Undelivered(Failure.RETRY, f"{type(error).__name__}: {error}")

    def settle(self, lane: Lane, taken: Taken, outcome: Carried | Undelivered) -> Future[Answer]:
        """Record the outcome with its settlement, through the desk."""
        found = settlement_of(lane, taken, outcome, self._clock.now())
        settlement = replace(found, owner=self._owner)
        return self._desk.put(
            Job(
                run=lambda sitting, at: _record(sitting, at, taken, outcome, settlement),
                rank=Rank.TICK,
                refs=(taken.ref,),
            )
        )


def settlement_of(lane: Lane, taken: Taken, outcome: Carried | Undelivered, now: datetime) -> Settlement:
    """What becomes of the effect: done, tried again after a pause, or failed for good.

    A doubtful send is sent again (a page twice beats never); the incident number in the text makes a double plain.
    """
    if isinstance(outcome, Carried):
        return Settlement(taken.key, "done", outcome.receipt)
    tried = taken.attempts
    used_up = tried > len(lane.waits_s)
    if lane.for_ever or (outcome.kind != Failure.PERMANENT and not used_up):
        pause = lane.waits_s[min(tried, len(lane.waits_s)) - 1]
        wait = max(pause, outcome.after or 0)
        return Settlement(taken.key, "retry", outcome.reason, now + timedelta(seconds=wait))
    reason = outcome.reason if not used_up else f"given up after {tried} tries: {outcome.reason}"
    return Settlement(taken.key, "failed", reason)


def _record(
    sitting: Sitting, at: datetime, taken: Taken, outcome: Carried | Undelivered, settlement: Settlement
) -> Answer:
    sitting.settlements.append(settlement)
    if isinstance(taken.effect, Send):
        return _record_send(sitting, at, taken, taken.effect, settlement)
    if isinstance(outcome, Carried):
        if outcome.document is None:
            return Answer(taken.ref, 0)
        memory = outcome.document
        sitting.documents.append(memory)
        return sitting.decide(
            taken.ref,
            at,
            response.document_written,
            document=memory.document,
            path=memory.path,
            digest=outcome.digest,
        )
    document = getattr(taken.effect, "document", "")
    return sitting.decide(
        taken.ref, at, response.document_refused, document=document, path=outcome.path, reason=outcome.reason
    )


def _record_send(sitting: Sitting, at: datetime, taken: Taken, send: Send, settlement: Settlement) -> Answer:
    if settlement.outcome == "retry":
        return Answer(taken.ref, 0)
    if send.page is None:
        if settlement.outcome == "done":
            return Answer(taken.ref, 0)
        about = f"{send.about} by {send.lane}"
        return sitting.decide(
            taken.ref, at, response.notice_failed, person=send.person, about=about, reason=settlement.detail
        )
    if settlement.outcome == "done":
        return sitting.decide(
            taken.ref,
            at,
            response.page_sent,
            page=send.page,
            person=send.person,
            channel=send.lane,
            receipt=settlement.detail or None,
        )
    return sitting.decide(
        taken.ref,
        at,
        response.page_failed,
        page=send.page,
        person=send.person,
        channel=send.lane,
        reason=settlement.detail,
    )
