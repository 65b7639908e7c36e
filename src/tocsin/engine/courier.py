"""Carries effects out: takes leases lane by lane, sends, and records what came of it.

Outcome and settlement are one transaction (design rule 7): the receipt on the timeline, the effect's state and the
memory of a written document. A node that dies leaves its leases to run out; another one, or the next start, takes
them again: sends are at least once. Every lane has a thread, a loop and workers of its own: whatever hangs in one of
them (a disk, a name server, a reader who stopped reading) delays no other.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from tocsin.domain import response
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import Send
from tocsin.engine import abandoned
from tocsin.engine.abandoned import Abandoned
from tocsin.engine.clock import Clock
from tocsin.engine.desk import Busy, Desk, Job, Rank
from tocsin.engine.health import health_of
from tocsin.engine.ports import Carried, Lane
from tocsin.engine.sitting import Answer, Sitting
from tocsin.store.contract import Settlement, Store, StoreUnavailable, Taken

log = structlog.get_logger("tocsin.courier")

POLL_SECONDS = 1.0
SILENT_AFTER = timedelta(seconds=3)
"""A node whose heartbeat is older holds no lease any more."""
ALARM_AFTER_TRIES = 2
"""A message that a channel has not taken after so many tries makes the channel an alarm."""
FINISH = timedelta(seconds=5)
"""How long the outcome of the last send may take to be written before the end goes on without it."""


class Courier:
    """Takes, carries and settles; what runs by itself is one `Road` for each lane."""

    def __init__(self, store: Store, desk: Desk, clock: Clock, lanes: Iterable[Lane], *, owner: str) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self.lanes = {lane.name: lane for lane in lanes}
        self._owner = owner
        self._roads: dict[str, Road] = {}
        self._abandoned = Abandoned(store, clock, self.lanes, owner=owner, silent=SILENT_AFTER)
        self.held = False

    def start(self) -> None:
        """Begin carrying, in threads."""
        self._roads = {lane.name: Road(self, self._desk, lane) for lane in self.all_lanes()}
        for road in self._roads.values():
            road.start()

    def all_lanes(self) -> list[Lane]:
        """Those of this node, and the one for what was left behind by lanes that are gone."""
        return [*self.lanes.values(), abandoned.LANE]

    def stop(self) -> None:
        """Finish what is under way (at most a lane's time limit), take nothing new."""
        for road in self._roads.values():
            road.end()
        for road in self._roads.values():
            road.join()

    def hint(self, lanes: set[str]) -> None:
        """There may be work in these lanes; safe from any thread, and only a hint."""
        for name in lanes & self._roads.keys():
            self._roads[name].ring()

    def alive(self) -> bool:
        """Whether every lane runs."""
        return bool(self._roads) and all(road.alive() for road in self._roads.values())

    def take(self, lane: Lane, free: int) -> list[Taken]:
        """Lease what is due now; dropped effects are never taken, so a page is still wanted when it is sent."""
        if self.held:
            return []
        if lane is abandoned.LANE:
            return self._abandoned.take(free)
        now = self._clock.now()
        return self._store.take_effects(
            lane.name,
            owner=self._owner,
            now=now,
            lease_until=now + timedelta(seconds=lane.lease_s),
            limit=free,
            live=now - SILENT_AFTER,
        )

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
        """Record the outcome with its settlement, through the desk. Raises Busy."""
        settlement = self._settlement(lane, taken, outcome)
        return self._desk.put(
            Job(
                run=lambda sitting, at: _record(sitting, at, taken, outcome, settlement),
                rank=Rank.TICK,
                refs=(taken.ref,),
            )
        )

    def settle_alone(self, lane: Lane, taken: Taken, outcome: Carried | Undelivered) -> Future[Answer]:
        """Record the settlement without a word on the timeline: the stream takes none. Raises Busy."""
        settlement = self._settlement(lane, taken, outcome)

        def run(sitting: Sitting, _: datetime) -> Answer:
            sitting.settlements.append(settlement)
            return Answer(taken.ref, 0)

        return self._desk.put(Job(run, rank=Rank.TICK))

    def _settlement(self, lane: Lane, taken: Taken, outcome: Carried | Undelivered) -> Settlement:
        return replace(settlement_of(lane, taken, outcome, self._clock.now()), owner=self._owner)


class Road:
    """One lane while it runs: a thread with a loop of its own, at most `slots` sends at once."""

    def __init__(self, courier: Courier, desk: Desk, lane: Lane) -> None:
        self._courier = courier
        self._desk = desk
        self._lane = lane
        self._hint = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=f"lane-{lane.name}", daemon=True)
        self._stopping = False
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self.ring()

    def join(self) -> None:
        """Wait for what is under way, unless it hangs beyond every limit."""
        self._thread.join(self._lane.timeout_s + FINISH.total_seconds())
        if self._thread.is_alive():
            log.error("a lane hangs and is left behind", lane=self._lane.name)

    def ring(self) -> None:
        """There may be work; safe from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended: nothing is carried any more
                self._loop.call_soon_threadsafe(self._hint.set)

    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._keep_running())

    async def _keep_running(self) -> None:
        """A lane that ends by an error is begun again after a pause, loudly."""
        self._loop = asyncio.get_running_loop()
        while not self._stopping:
            run = asyncio.create_task(self._carry_on())
            await asyncio.wait({run})
            error = run.exception()
            if error is not None:
                name = self._lane.name
                reason = f"lane {name}: {type(error).__name__}: {error}"
                await asyncio.to_thread(self._desk.alarm, f"lane:{name}", reason)
                await asyncio.sleep(POLL_SECONDS)
        if self._under_way:
            await asyncio.wait(self._under_way.values())

    async def _carry_on(self) -> None:
        """Look when rung, once a second, and when a send ends while more may be waiting than the last look took."""
        loop = asyncio.get_running_loop()
        look_at, more = loop.time(), False
        while not self._stopping:
            if more or self._hint.is_set() or loop.time() >= look_at:
                self._hint.clear()
                look_at, more = loop.time() + POLL_SECONDS, await self._begin()
            ring = asyncio.create_task(self._hint.wait())
            await asyncio.wait(
                {ring, *self._under_way.values()},
                timeout=max(0.0, look_at - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            ring.cancel()
            self._under_way = {key: task for key, task in self._under_way.items() if not task.done()}

    async def _begin(self) -> bool:
        """Begin what is due; whether more may be waiting: every slot is in use."""
        free = self._lane.slots - len(self._under_way)
        taken = await self._take(free)
        for each in taken:
            # A lease that ended early, since the clock stepped, begins nothing a second time.
            if each.key not in self._under_way:
                self._under_way[each.key] = asyncio.create_task(self._carry(each))
        return len(taken) >= free

    async def _take(self, free: int) -> list[Taken]:
        if free <= 0:
            return []
        try:
            return await asyncio.to_thread(self._courier.take, self._lane, free)
        except StoreUnavailable as down:
            log.warning("cannot take effects", lane=self._lane.name, reason=str(down))
            return []

    async def _carry(self, taken: Taken) -> None:
        outcome = await self._courier.attempt(self._lane, taken)
        try:
            settled = asyncio.wrap_future(self._courier.settle(self._lane, taken, outcome))
            await asyncio.wait({settled})
            failed = settled.exception()
            if isinstance(failed, StoreUnavailable | Busy):
                raise failed
            if failed is not None:
                await asyncio.wrap_future(self._courier.settle_alone(self._lane, taken, outcome))
                reason = f"{taken.ref}: an outcome cannot be told: {type(failed).__name__}: {failed}"
                await asyncio.to_thread(self._desk.alarm, f"stuck:{taken.ref}", reason)
        except (
            StoreUnavailable,
            Busy,
        ) as down:  # the lease runs out and it is carried again: a page twice beats never
            log.warning("cannot record an outcome", effect=taken.key, reason=str(down))


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
        people, test = sitting.contexts.live.directory, sitting.state(taken.ref).kind == "test"
        sitting.health += health_of(taken.effect, outcome, people, at, test=test)
        if (
            isinstance(outcome, Undelivered) and outcome.channel
        ):  # nothing is tried again: this is when it is seen
            _alarm(sitting, taken.effect, settlement)
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
    """A page's fate stands on the timeline; of a notice only that it reached nobody on this channel."""
    if settlement.outcome == "retry":
        return _record_delay(sitting, at, taken, send, settlement)
    if send.page is None:
        if settlement.outcome == "done":
            return Answer(taken.ref, 0)
        about = f"{send.about} by {send.lane}"
        return sitting.decide(
            taken.ref, at, response.notice_failed, person=send.person, about=about, reason=settlement.detail
        )
    person, channel, detail = send.person, send.lane, settlement.detail
    if settlement.outcome == "done":
        sent = partial(
            response.page_sent, page=send.page, person=person, channel=channel, receipt=detail or None
        )
        return sitting.decide(taken.ref, at, sent)
    failed = partial(response.page_failed, page=send.page, person=person, channel=channel, reason=detail)
    return sitting.decide(taken.ref, at, failed)


def _alarm(sitting: Sitting, send: Send, settlement: Settlement) -> None:
    sitting.alarm(f"channel:{send.lane}", f"channel {send.lane} does not work: {settlement.detail}")


def _record_delay(sitting: Sitting, at: datetime, taken: Taken, send: Send, settlement: Settlement) -> Answer:
    """A channel that does not take what it is given is seen in the room at once, and is an alarm the second time."""
    if taken.attempts >= ALARM_AFTER_TRIES:
        _alarm(sitting, send, settlement)
    if send.page is None or taken.attempts > 1:
        return Answer(taken.ref, 0)
    return sitting.decide(
        taken.ref,
        at,
        response.page_delayed,
        page=send.page,
        person=send.person,
        channel=send.lane,
        reason=settlement.detail,
    )
