"""Looks for what must not be possible, repairs it, and says so (docs/reference/oncall.md P5).

Every minute: incidents that call people without anything to come (no wake-up, no page under way), pages that nobody
tried to send, alarms whose cause is gone. As soon as people or schedules change: calls to somebody who is not there any
more, and incidents for which nobody could be called. Every hour: a sample of stored states is folded again and
compared (design rule 19).
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import datetime, timedelta

import structlog

from tocsin.domain import clocks
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.escalation import try_again
from tocsin.domain.incident import Incident, Paging
from tocsin.engine.clock import Clock
from tocsin.engine.desk import Busy, Desk
from tocsin.engine.live import Live
from tocsin.engine.overlooked import (
    EFFECTS_READ,
    due_earlier,
    gained,
    looking_at,
    open_rows,
    send_again,
    stranded,
    unsent,
)
from tocsin.engine.release import overdue
from tocsin.engine.sitting import Answer
from tocsin.store.contract import HELD, Alarm, JournalRow, Store, StoreUnavailable

log = structlog.get_logger("tocsin.auditor")

EVERY_S = 60.0
DRIFT_EVERY = timedelta(hours=1)
DRIFT_SAMPLE = 200
STUCK_AFTER = timedelta(minutes=2)
CALLING = frozenset({Paging.TRIGGERED.value, Paging.SNOOZED.value})
SILENT = "was calling people without a next step"
CHANNEL_SAMPLE = 500
"""So many newest effects say whether a channel works again."""
LANE_ALARM_STAYS = timedelta(minutes=10)
"""A lane that was begun again is spoken of for this long; should it fail again, it is anew."""


class Auditor:
    """Runs in a thread of its own; its findings are journal rows, alarms, and `Repaired` on the timeline."""

    def __init__(self, store: Store, desk: Desk, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._stop = threading.Event()
        self._hint = threading.Event()
        self._seen: Live | None = None
        """The live picture with which stored wake-ups were last compared."""
        self._thread: threading.Thread | None = None
        self._began = self._drift_at = clock.now()

    def start(self) -> None:
        """Audit every minute until `stop`."""
        self._thread = threading.Thread(target=self._run, name="auditor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; an audit under way is finished."""
        self._stop.set()
        self.hint()
        if self._thread is not None:
            self._thread.join()

    def alive(self) -> bool:
        """Whether the rounds go on."""
        return self._thread is not None and self._thread.is_alive()

    def hint(self) -> None:
        """People may have changed: look at once; safe from any thread."""
        self._hint.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            hinted = self._hint.wait(EVERY_S)
            self._hint.clear()
            if not self._stop.is_set():
                self._look(hinted)

    def _look(self, hinted: bool) -> None:
        try:
            if hinted:
                self.look_again()
            else:
                self.audit()
        except (StoreUnavailable, Busy) as down:
            log.warning("cannot audit", reason=str(down))

    def look_again(self) -> list[str]:
        """Where people or schedules changed: fire or arm what is due earlier than its stream's wake-up says (E19), and
        try again where nobody could be called (E5).
        """
        live, seen = self._desk.contexts.live, self._seen
        if seen is not None and live.rota is seen.rota and live.directory == seen.directory:
            self._seen = live
            return []
        earlier = due_earlier(self._store, self._desk)
        for ref in earlier:
            self._settled(self._desk.put(looking_at(ref)), ref)
        new = gained(seen.directory if seen is not None else None, live.directory)
        waiting = stranded(self._store, self._desk, self._clock.now(), new)
        for ref in waiting:
            self._settled(self._desk.submit(ref, try_again, gained=new), ref)
        self._seen = live
        return list(dict.fromkeys((*earlier, *waiting)))

    def _settled(self, job: Future[Answer], ref: str) -> bool:
        """Whether it was done; a stream that takes nothing is an alarm. Raises StoreUnavailable, Busy."""
        failed = job.exception()
        if isinstance(failed, StoreUnavailable | Busy):
            raise failed
        if failed is not None:
            self._store.raise_alarm(f"stuck:{ref}", f"{ref} cannot be looked at: {failed}", self._clock.now())
        return failed is None

    def _send_unsent(self, now: datetime) -> list[str]:
        """Pages that no lane was ever given are sent."""
        found = []
        for ref in unsent(self._store, now):
            effects = self._store.effects(ref, limit=EFFECTS_READ)
            if not self._settled(self._desk.submit(ref, send_again, effects=effects), ref):
                continue
            what = f"{ref} had a page that was never sent; sent now"
            self._store.note(JournalRow(now, "repaired", what))
            log.error("repaired", what=what)
            found.append(what)
        return found

    def audit(self) -> list[str]:
        """One round; what was repaired or found."""
        now = self._clock.now()
        found = [self._repair(ref, now) for ref in self._silent()]
        self.look_again()
        found += self._send_unsent(now)
        self._clear_alarms(now)
        found += self._stuck_effects(now)
        if now - self._drift_at >= DRIFT_EVERY:
            self._drift_at = now
            found += self._drift(now)
        return found

    def _silent(self) -> list[str]:
        """Incidents that call people, while nothing will ever happen: no wake-up although one follows from state."""
        rows = open_rows(self._store)
        return [row.ref for row in rows if row.paging in CALLING and row.next_due is None]

    def _repair(self, ref: str, now: datetime) -> str:
        failed = self._desk.submit(ref, repair, what=f"{ref} {SILENT}; armed again").exception()
        if isinstance(failed, StoreUnavailable | Busy):
            raise failed
        if failed is not None:
            what = f"{ref} {SILENT}; it cannot be armed again: {failed}"
            self._store.raise_alarm(f"stuck:{ref}", what, now)
        else:
            what = f"{ref} {SILENT}; armed again"
            self._store.note(JournalRow(now, "repaired", what))
        log.error("repaired", what=what)
        return what

    def _clear_alarms(self, now: datetime) -> None:
        """Take back what is no longer so; what cannot be judged here stays: a lost policy, a newer program's event."""
        for alarm in self._store.alarms():
            try:
                over = self._is_over(alarm, now)
            except (LookupError, Refused):
                continue
            if over:
                self._store.clear_alarm(alarm.key)

    def _is_over(self, alarm: Alarm, now: datetime) -> bool:
        """Whether a dead end was answered, a stream moves again, a lane has run for a while, a channel works."""
        kind, _, ref = alarm.key.partition(":")
        if kind == "lane":
            return now - alarm.since > LANE_ALARM_STAYS
        if kind == "channel":
            return self._works(ref)
        if kind not in {"dead-end", "stuck"}:
            return False
        state = self._store.incident(ref)
        if state is None:
            return True
        if kind == "dead-end":
            return state.paging != Paging.TRIGGERED
        due = clocks.next_due(state, self._desk.contexts.pinned(state.policy))
        return due is None or due > now

    def _works(self, lane: str) -> bool:
        """Whether a channel that did not work does again: nothing is tried anew, and the last send got through."""
        rows = [e for e in self._store.effects(None, limit=CHANNEL_SAMPLE) if e.lane == lane]
        if any(e.state in {"waiting", "leased"} and e.attempts for e in rows):
            return False
        ended = [e for e in rows if e.settled_at is not None and e.state in {"done", "failed"}]
        last = max(ended, key=lambda e: (e.settled_at, e.key), default=None)
        return last is None or last.state == "done"

    def _stuck_effects(self, now: datetime) -> list[str]:
        """Sends that should long have ended, or begun: their lane stands still, or nobody runs it."""
        leased = [e for e in self._store.effects(None, state="leased") if e.due_at < now - STUCK_AFTER]
        waiting = [] if self._rests(now) else overdue(self._store, now - STUCK_AFTER)
        stuck = [e.key for e in (*leased, *waiting)]
        if stuck:
            self._store.raise_alarm(
                "stuck-effects", f"{len(stuck)} sends were due or under way for over two minutes", now
            )
        else:
            self._store.clear_alarm("stuck-effects")
        return stuck

    def _rests(self, now: datetime) -> bool:
        """Whether what waits may wait: nothing is sent on purpose, or this node has only just begun."""
        return bool(self._store.meta(HELD)) or now - self._began < STUCK_AFTER

    def _drift(self, now: datetime) -> list[str]:
        sample = self._store.open_refs()[-DRIFT_SAMPLE:]
        drifted = self._store.drift(sample)
        for alarm in self._store.alarms():
            kind, _, ref = alarm.key.partition(":")
            if kind == "drift" and ref not in drifted:
                self._store.clear_alarm(alarm.key)
        for ref in drifted:
            self._store.raise_alarm(f"drift:{ref}", f"the stored state of {ref} differs from its events", now)
        return drifted


def repair(state: Incident, context: Context, now: datetime, *, what: str) -> list[ev.Event]:
    """Record the repair; writing the stream computes its wake-up anew."""
    if clocks.next_due(state, context) is None:
        return []
    return [ev.Repaired(now, what)]
