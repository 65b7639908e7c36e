"""Wakes streams whose time has come. It holds no timers: it asks for the earliest wake-up and sleeps until then.

A hint (a commit happened) or the poll interval cuts the sleep short; both are only hints. A stream that cannot be
advanced is set aside, tried again later, and alarmed about; the others go on (design rules 4 and 14).
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import structlog

from tocsin.engine.clock import Clock
from tocsin.engine.desk import BATCH_SECONDS, Busy, Desk, Job, Rank
from tocsin.engine.sitting import Answer, Sitting
from tocsin.store.contract import Store, StoreUnavailable, UnknownEvent

log = structlog.get_logger("tocsin.ticker")

POLL = timedelta(seconds=1)
MOST_STREAMS, FEWEST_STREAMS = 32, 4
"""A tick takes as many as the last one had time for, twice as many when time was left: what is taken is decoded, and on
PostgreSQL locked, which is a write."""
HELD_ELSEWHERE_S = 0.05
"""When nothing could be advanced, another node holds it: the pause before the next look."""
ASIDE = timedelta(seconds=30)


class Ticker:
    """The loop. `last_tick` is when it last looked: `readyz` calls it stale after a few seconds."""

    def __init__(self, store: Store, desk: Desk, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._changed = threading.Condition()
        self._hinted = False
        self._until: datetime | None = None
        """When it looks again by itself; None while it looks."""
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._aside: dict[str, datetime] = {}
        self._room = MOST_STREAMS
        self.held = False
        self.last_tick = clock.now()

    def start(self) -> None:
        """Run in a thread until `stop`."""
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the tick that is under way."""
        self._stopping = True
        self.hint()
        if self._thread is not None:
            self._thread.join()

    def hint(self, due: datetime | None = None) -> None:
        """Something was committed, and the earliest wake-up in it is `due`; without it: look again in any case.

        What comes later than the next look disturbs nobody: most commits move no wake-up forward.
        """
        with self._changed:
            if due is None or self._until is None or due < self._until:
                self._hinted = True
                self._changed.notify()

    def _run(self) -> None:
        while not self._stopping:
            pause = self._once()
            with self._changed:
                if pause > 0 and not self._hinted:
                    self._until = self._clock.now() + timedelta(seconds=pause)
                    self._changed.wait(pause)
                    self._until = None
                self._hinted = False

    def _once(self) -> float:
        """Tick if something is due; how many seconds may pass until the next look."""
        try:
            due = None if self.held else self._store.next_due(self.set_aside())
            self.last_tick = self._clock.now()
            if due is None or due > self.last_tick:
                return min(POLL, due - self.last_tick if due else POLL).total_seconds()
            ticked = self._desk.put(self.tick())
            failed = ticked.exception()
        except (StoreUnavailable, Busy) as down:
            log.warning("cannot tick", reason=str(down))
            return POLL.total_seconds()
        if failed is not None:
            return self._failed(failed)
        return 0.0 if ticked.result().version else HELD_ELSEWHERE_S

    def _failed(self, error: BaseException) -> float:
        """The whole tick failed. Where one stream is at fault it is set aside, so that the next tick goes on."""
        log.critical("a tick failed", error=f"{type(error).__name__}: {error}")
        if not isinstance(error, UnknownEvent):
            return POLL.total_seconds()
        self._aside[error.ref] = self._clock.now() + ASIDE
        self._desk.alarm(f"stuck:{error.ref}", f"{error.ref} is left alone: {error}")
        return 0.0

    def alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread is not None and self._thread.is_alive()

    def set_aside(self) -> tuple[str, ...]:
        """Streams that could not be advanced and whose pause is not over."""
        now = self._clock.now()
        self._aside = {ref: until for ref, until in self._aside.items() if until > now}
        return tuple(self._aside)

    def tick(self) -> Job:
        """A job that advances what is due, as much as one batch allows; its version is the number of events."""
        return Job(run=self._advance_due, rank=Rank.TICK)

    def _advance_due(self, sitting: Sitting, at: datetime) -> Answer:
        until = time.perf_counter() + BATCH_SECONDS
        due = sitting.batch.take_due(at, self._room, tuple(self._aside))
        sitting.hold(due)
        fired = 0
        for done, ref in enumerate(due, 1):
            fired += self._advance(sitting, ref, at)
            if time.perf_counter() > until:
                self._room = max(FEWEST_STREAMS, done)
                break
        else:
            self._room = min(MOST_STREAMS, 2 * self._room)
        return Answer("", fired)

    def _advance(self, sitting: Sitting, ref: str, at: datetime) -> int:
        try:
            return sitting.advance(ref, at)
        except Exception as error:  # this stream is set aside and alarmed about; the others go on
            log.critical("a stream cannot be advanced", ref=ref, error=f"{type(error).__name__}: {error}")
            self._aside[ref] = at + ASIDE
            sitting.alarm(f"stuck:{ref}", f"{ref} cannot be advanced: {type(error).__name__}: {error}")
            return 0
