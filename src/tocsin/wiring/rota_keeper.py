"""Looks after the rota beside the engine: hand-offs, gaps, zones, and methods that no longer work.

Hourly, after each change and at each hand-off. What happened stands in the journal (docs/reference/oncall.md V2), what
somebody must look at is an alarm (F4, F5, N10, T10). Of several nodes, one writes each line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

import msgspec
import structlog

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.schedules import Slot
from tocsin.engine.astray import TZDATA
from tocsin.engine.live import Live
from tocsin.store.contract import FAILS_TO_DISABLE, JournalRow, Store, StoreUnavailable
from tocsin.wiring.history import rota_as_known
from tocsin.wiring.keeper import Keeper
from tocsin.wiring.timeline import KEPT, minute, moved, read_timeline, timeline_of, written

log = structlog.get_logger("tocsin.rota")
T = TypeVar("T")

EVERY_S = 3600.0
SOONEST_S = 1.0
GAPS_AHEAD = timedelta(days=30)
ALARM_AHEAD = timedelta(days=1)
"""A gap that begins so soon is an alarm (F5)."""
ZONES_SHOWN = timedelta(days=1)
"""So long the alarm about moved hand-offs stands."""
LINES_SHOWN = 20
DUTY, GAPS, METHODS = "on_duty", "gaps", "disabled_methods"
"""Meta keys: who was on duty at the last look, which gaps were known then, and which methods were disabled."""
ELSE = "as long as there is another way"
ZONES, GAP, METHOD, ABANDONED = "tzdata", "gap:", "method:", "rota-keeper"
"""Keys of alarms; gaps and methods with what they are about."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call in the schedule from `start` until `end`."""

    schedule: str
    start: datetime
    end: datetime

    def same(self, other: Gap) -> bool:
        """Whether it is the same one, seen at another time or grown or shrunk."""
        return self.schedule == other.schedule and self.start <= other.end and other.start <= self.end

    @property
    def words(self) -> str:
        """For journal and alarm."""
        return (
            f"nobody is on call in schedule {self.schedule} "
            f"from {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"
        )


@dataclass(frozen=True, slots=True)
class Duties:
    """Who was on duty at the last look, by schedule."""

    at: datetime
    people: dict[str, Slot]


class RotaKeeper(Keeper):
    """A thread of its own, on the nodes that carry. `waits` says that this node must leave it to others."""

    def __init__(
        self,
        store: Store,
        live: Callable[[], Live],
        now: Callable[[], datetime],
        waits: Callable[[], bool],
        *,
        zones: str = TZDATA,
    ) -> None:
        super().__init__("rota")
        self._store = store
        store.clear_alarm(ABANDONED)
        self._live = live
        self._now = now
        self._waits = waits
        self._zones = zones

    def abandoned(self) -> None:
        """Raise the alarm: gaps would not be seen any more."""
        reason = "nobody looks after gaps and hand-offs any more: start tocsin again"
        self._store.raise_alarm(ABANDONED, reason, self._now())

    def rounds(self) -> None:
        """Look now, and whenever something may have changed."""
        while not self.stopping.is_set():
            self.wanted.clear()
            pause = SOONEST_S
            try:
                if not self._waits():
                    pause = self.look()
            except StoreUnavailable as down:
                log.warning("cannot look after the rota", reason=str(down))
            self.wanted.wait(pause)

    def look(self) -> float:
        """Record what has changed; seconds until the next look. Raises StoreUnavailable."""
        now, live = self._now(), self._live()
        if live.rota.names():
            self._keep_timeline(live.rota, now)
        self._keep_duties(live.rota, now)
        gaps = self._keep_gaps(live.rota, now)
        soon = {f"{GAP}{gap.schedule}": gap.words for gap in reversed(gaps) if gap.start <= now + ALARM_AHEAD}
        self._alarms(GAP, soon, now)
        self._alarms(METHOD, self._keep_methods(live, now), now)
        return self._pause(live.rota, gaps, now)

    def _pause(self, rota: Rota, gaps: Iterable[Gap], now: datetime) -> float:
        ahead = [rota.until(name, now) for name in rota.names()]
        ahead += [at for gap in gaps for at in (gap.start - ALARM_AHEAD, gap.start, gap.end)]
        seconds = [(at - now).total_seconds() for at in ahead if at is not None and at > now]
        return max(SOONEST_S, min([EVERY_S, *seconds]))

    # -- zones (T10) ---------------------------------------------------------------------------------------------------
    def _keep_timeline(self, rota: Rota, now: datetime) -> None:
        """Keep the next weeks; with other zones than before, say first which hand-offs moved."""
        stored = self._store.meta(KEPT)
        before = read_timeline(stored)
        notes, lines = [], []
        if before is not None and before.tzdata != self._zones:
            after = timeline_of(self._as_known(before.at, rota), before.at, self._zones)
            lines = moved(before, after, now)
            said = f"time zones {before.tzdata} to {self._zones}: {_moved_words(lines)}"
            notes.append(JournalRow(now, "tzdata_changed", said))
        fresh = written(timeline_of(rota, now, self._zones))
        if self._store.swap_meta(KEPT, stored, fresh, notes) and lines:
            zones = f"time zones {before.tzdata if before else ''} to {self._zones}"
            said = f"{zones}: {len(lines)} hand-offs of the next weeks moved, the journal names them"
            self._store.raise_alarm(ZONES, said, now)
        for alarm in self._store.alarms():
            if alarm.key == ZONES and now - alarm.since >= ZONES_SHOWN:
                self._store.clear_alarm(ZONES)

    def _as_known(self, at: datetime, rota: Rota) -> Rota:
        """The same handbook and adjustments as then: only the zones are others."""
        try:
            return rota_as_known(self._store, at)
        except LookupError:
            return rota

    # -- who was on duty (V2) ------------------------------------------------------------------------------------------
    def _keep_duties(self, rota: Rota, now: datetime) -> None:
        stored = self._store.meta(DUTY)
        before = _read(stored, Duties)
        people = {name: rota.who(name, now) for name in rota.names()}
        notes: list[JournalRow] = []
        for name, after in people.items():
            was = before.people.get(name) if before else None
            if before is not None and was is not None:
                notes += _handoffs(rota, name, was, after, before.at, now)
        notes.sort(key=lambda row: row.at)
        self._store.swap_meta(DUTY, stored, _written(Duties(now, people)), notes)

    # -- gaps (F4, F5) -------------------------------------------------------------------------------------------------
    def _keep_gaps(self, rota: Rota, now: datetime) -> list[Gap]:
        """The gaps of the next days, earliest first; news of them are noted."""
        stored = self._store.meta(GAPS)
        known = _read(stored, list[Gap]) or []
        at = minute(now)
        found = [
            _since(Gap(name, i.start, i.end), known, at)
            for name in rota.names()
            for i in rota.gaps(name, at, at + GAPS_AHEAD)
        ]
        found.sort(key=lambda gap: (gap.start, gap.schedule))
        opened = [gap for gap in found if not any(gap.same(old) for old in known)]
        closed = [old for old in known if not any(gap.same(old) for gap in found)]
        notes = [JournalRow(now, "gap_found", gap.words) for gap in opened]
        notes += [JournalRow(now, "gap_closed", _closed_words(gap, now)) for gap in closed]
        if notes or found != known:
            self._store.swap_meta(GAPS, stored, _written(found), notes)
        return found

    # -- methods (N10) -------------------------------------------------------------------------------------------------
    def _keep_methods(self, live: Live, now: datetime) -> dict[str, str]:
        """Alarms about methods of people who are known that their failures disabled; the journal names both."""
        broken = {
            f"{row.person}/{row.channel}": row
            for row in self._store.contacts()
            if row.disabled and row.fails >= FAILS_TO_DISABLE and live.directory.get(row.person)
        }
        stored = self._store.meta(METHODS)
        known = _read(stored, list[str]) or []
        notes = [
            JournalRow(
                now, "method_disabled", f"{row.person} is not called by {row.channel} {ELSE}: {row.disabled}"
            )
            for key, row in broken.items()
            if key not in known
        ]
        notes += [
            JournalRow(now, "method_enabled", f"{key}: it is used again")
            for key in known
            if key not in broken
        ]
        if notes:
            self._store.swap_meta(METHODS, stored, _written(list(broken)), notes)
        # Anybody may ask for alarms: they name no people.
        said = (
            f"somebody is not called by {{}} {ELSE}, since {FAILS_TO_DISABLE} messages were refused for good"
        )
        return {f"{METHOD}{key}": said.format(row.channel) for key, row in broken.items()}

    def _alarms(self, prefix: str, wanted: Mapping[str, str], now: datetime) -> None:
        """Exactly these alarms of that kind."""
        standing = {alarm.key: alarm.reason for alarm in self._store.alarms() if alarm.key.startswith(prefix)}
        for key, reason in wanted.items():
            if standing.get(key) != reason:
                self._store.raise_alarm(key, reason, now)
        for key in standing.keys() - wanted.keys():
            self._store.clear_alarm(key)


def _handoffs(
    rota: Rota, name: str, was: Slot, people: Slot, last: datetime, now: datetime
) -> list[JournalRow]:
    """Each hand-off since the last look, at its own time; a change that reaches back before it is one of now."""
    pieces = rota.final(name, last, minute(now) + timedelta(minutes=1)) if last < now else ()
    if not pieces or pieces[0].people != was:
        return [_handoff(name, was, people, now)] if people != was else []
    return [_handoff(name, before.people, after.people, after.start) for before, after in pairwise(pieces)]


def _handoff(name: str, was: Slot, people: Slot, at: datetime) -> JournalRow:
    started, stopped = ", ".join(people) or "nobody", ", ".join(was) or "nobody"
    return JournalRow(at, "handoff", f"{name}: {stopped} to {started}, {at:%Y-%m-%d %H:%M} UTC")


def _since(gap: Gap, known: Iterable[Gap], at: datetime) -> Gap:
    """A gap that runs is seen from `at` on only: it began when it was seen first. One to come begins where it does."""
    if gap.start > at:
        return gap
    start = min((old.start for old in known if gap.same(old)), default=gap.start)
    return Gap(gap.schedule, min(start, gap.start), gap.end)


def _closed_words(gap: Gap, now: datetime) -> str:
    return f"{gap.words}: {'over' if gap.end <= now else 'not any more'}"


def _moved_words(lines: list[str]) -> str:
    if not lines:
        return "no hand-off of the next weeks moved"
    more = f" and {len(lines) - LINES_SHOWN} more" if len(lines) > LINES_SHOWN else ""
    return f"hand-offs moved: {'; '.join(lines[:LINES_SHOWN])}{more}"


def _written(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(stored: str | None, kind: type[T]) -> T | None:
    """What was kept; None when there is nothing, or it is of another shape."""
    try:
        return None if stored is None else msgspec.json.decode(stored, type=kind)
    except msgspec.MsgspecError:
        return None
