"""The engine as a whole: starts, stops, holds; knows whether it is ready and what it is alarmed about.

Start: fold open streams of another version again, audit once, then tick and carry. Everything else is recovered by
leases running out: there is no recovery path (design rule 7).
"""

from __future__ import annotations

import gc
import threading
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from tocsin.domain import clocks
from tocsin.domain.context import Refused
from tocsin.domain.incident import Incident
from tocsin.engine import release
from tocsin.engine.astray import ASTRAY, TZDATA, Astray, OtherZones, astray
from tocsin.engine.auditor import Auditor
from tocsin.engine.clock import Clock, SystemClock
from tocsin.engine.courier import Courier
from tocsin.engine.desk import Busy, Desk
from tocsin.engine.live import Contexts, Live
from tocsin.engine.ports import Companion, Lane
from tocsin.engine.ticker import Ticker
from tocsin.store.contract import HELD, JournalRow, Node, Store, StoreUnavailable

log = structlog.get_logger("tocsin.engine")

RESTORED = "restored from a backup; look at what is overdue, then run tocsin adopt"
AHEAD = timedelta(minutes=1)
"""So far ahead of the wall clock is worth a word: the wall clock stepped back, or once was far in the future."""
BEAT_S = 1.0
STALE_TICK = timedelta(seconds=5)


class Engine:
    """Everything that runs, wired together. `role` is `all`, `web` (decides, but neither ticks nor carries) or
    `engine`.
    """

    def __init__(
        self, store: Store, clock: Clock, live: Live, lanes: Iterable[Lane], *, role: str = "all"
    ) -> None:
        self.store = store
        self.clock = clock
        self.role = role
        self.boot = uuid.uuid4().hex
        self.zones = TZDATA
        self.started_at = clock.now()
        self.contexts = Contexts(store, live)
        self.desk = Desk(store, clock, self.contexts)
        self.ticker = Ticker(store, self.desk, clock)
        self.courier = Courier(store, self.desk, clock, lanes, owner=self.boot)
        self.auditor = Auditor(store, self.desk, clock)
        self.companions: list[Companion] = []
        self._stop = threading.Event()
        self._beats: threading.Thread | None = None
        self._no_beat: str | None = None
        self._seen = live
        self._astray: Astray | OtherZones | None = None
        self.desk.on_lanes = self.courier.hint
        self.desk.on_due = self.ticker.hint
        if isinstance(clock, SystemClock):
            clock.on_jump = self._jumped

    @property
    def runs(self) -> bool:
        """Whether this node ticks and carries."""
        return self.role != "web"

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin. Returns when open streams are folded in this program's version."""
        self.refold()
        self.look_at_clock()
        self.beat()
        self.desk.start()
        self.set_held(self.held())
        if self.runs:
            self.auditor.audit()
            self.courier.start()
            self.ticker.start()
            self.auditor.start()
            for companion in self.companions:
                companion.start()
        self._beats = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._beats.start()
        # What is here now stays: walking all of it again stops every thread for as long as several ticks may be late.
        gc.freeze()
        gc.enable()

    def refold(self) -> None:
        """Fold open streams of another fold version again and compute their wake-ups (design rule 19)."""
        while done := self.store.refold(due=self._next_due):
            log.info("open incidents were folded again", count=done)

    def _next_due(self, state: Incident) -> datetime | None:
        """At once where it cannot be told: the ticker meets the stream, sets it aside and raises the alarm."""
        try:
            return clocks.next_due(state, self.contexts.pinned(state.policy))
        except (LookupError, Refused) as unfit:
            log.critical("no wake-up can be computed", ref=state.ref, reason=str(unfit))
            return self.clock.now()

    def stop(self) -> None:
        """Stop ticking and taking, finish what is under way, write it, end."""
        self._stop.set()
        if self.runs:
            self.ticker.stop()
            self.courier.stop()
            self.auditor.stop()
            for companion in self.companions:
                companion.stop()
        self.desk.stop()
        if self._beats is not None:
            self._beats.join()

    def held(self) -> str | None:
        """Why the engine waits, or None."""
        reason = self.store.meta(HELD) or None
        return RESTORED if reason == "1" else reason

    def hold(self, reason: str) -> None:
        """Send nothing and fire nothing until `release`."""
        self.store.set_meta(HELD, reason)
        self.set_held(reason)

    def release(self, by: str) -> list[str]:
        """Go on: one summary for each person, then what is overdue goes out. Returns the summaries."""
        reason = self.held()
        told = release.tell_backlog(self.store, self.desk, by, reason, self.clock.now()) if reason else []
        self.store.set_meta(HELD, "")
        self.set_held(None)
        self.ticker.hint()
        self.courier.hint(set(self.courier.lanes))
        return told

    def set_held(self, reason: str | None) -> None:
        """Tell ticker and courier; a node that is astray waits too, unless it is alone."""
        astray_held = self._astray is not None and not self._astray.alone
        self.ticker.held = self.courier.held = reason is not None or astray_held

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            try:
                self.look_at_clock()
                self.beat()
                self._no_beat = None
                self.set_held(self.held())
                self._look_at_people()
                if self.desk.unwritten is not None:
                    self.desk.try_to_write()
            except (StoreUnavailable, Busy) as down:
                self._no_beat = str(down)
                log.warning("no heartbeat", reason=str(down))

    def _look_at_people(self) -> None:
        """Another picture of people is live: somebody who is being called may have left."""
        live = self.contexts.live
        if self.runs and live is not self._seen:
            self._seen = live
            self.auditor.hint()

    def beat(self) -> None:
        """Write this node's heartbeat."""
        role = self.role if self._astray is None or not self.runs else ASTRAY
        self.store.beat(Node(self.boot, role, self.started_at, self.clock.now(), self.zones))

    def look_at_clock(self) -> None:
        """Compare this node's clock with the database's, and its zones with those of other nodes."""
        before, self._astray = self._astray, astray(self.store, self.clock, self.boot, self.zones)
        if self._astray is not None and before is None:
            log.error("astray", reason=self._astray.reason)

    def _jumped(self, jump: timedelta, now: datetime) -> None:
        log.warning("the wall clock jumped", seconds=jump.total_seconds())
        threading.Thread(target=self._note_jump, args=(jump, now), name="clock-jump", daemon=True).start()

    def _note_jump(self, jump: timedelta, now: datetime) -> None:
        """In a thread of its own: the clock may have been read inside a transaction."""
        try:
            self.store.note(JournalRow(now, "clock_jump", f"{jump.total_seconds():+.1f} s"))
        except StoreUnavailable as down:
            log.warning("cannot record the clock jump", reason=str(down))

    def not_ready(self) -> list[str]:
        """Why this node must not get work; empty when it is ready (design rule 29)."""
        reasons = self._no_database()
        if self.runs and self.clock.now() - self.ticker.last_tick > STALE_TICK:
            reasons.append("the tick is stale")
        parts = {"desk": self.desk.alive(), "heartbeat": self._beats is not None and self._beats.is_alive()}
        if self.runs:
            parts |= {"ticker": self.ticker.alive(), "courier": self.courier.alive()}
        return reasons + [f"the {part} does not run" for part, alive in parts.items() if not alive]

    def _no_database(self) -> list[str]:
        """Why nothing can be read or recorded: asked of the database now, and learned by the last write."""
        try:
            self.store.meta("epoch")
        except StoreUnavailable as down:
            return [_unusable(down)]
        failed = self.desk.unwritten or self._no_beat
        return ["the database takes no writes, nothing can be recorded: see the log"] if failed else []

    def alarmed(self) -> list[str]:
        """Everything else somebody must look at; empty when all is well."""
        try:
            reasons = [alarm.reason for alarm in self.store.alarms()]
            held = self.held()
        except StoreUnavailable as down:
            return [_unusable(down)]
        reasons += self._no_database()
        if self.runs and not self.auditor.alive():
            reasons.append("the auditor does not run")
        reasons += filter(None, (companion.trouble() for companion in self.companions))
        if held:
            reasons.append(f"nothing is sent: {held}")
        if isinstance(self.clock, SystemClock) and self.clock.ahead > AHEAD:
            ahead = int(self.clock.ahead.total_seconds())
            reasons.append(f"time here runs {ahead} s ahead of the wall clock, and slowly lets it catch up")
        if self._astray is not None:
            reasons.append(self._astray.reason)
        return reasons


def _unusable(down: StoreUnavailable) -> str:
    """For readers who need not sign in: where the database is stays in the log."""
    log.error("the database is not usable", reason=str(down))
    return "the database is not usable: see the log"
