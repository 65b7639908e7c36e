"""A test page every day, the whole way to a provider, measured (docs/reference/oncall.md P9).

It goes through desk, effects, courier and channel like every page. What became of the last one is remembered in the
database, so that a restart forgets nothing and several nodes send one. None within 25 hours is an alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from tocsin.config import Synthetic
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.engine.desk import Busy
from tocsin.engine.engine import Engine
from tocsin.engine.trials import page_test
from tocsin.store.contract import Store, StoreUnavailable

log = structlog.get_logger("tocsin.synthetic")

META: Final = "synthetic_page"
ALARM: Final = "synthetic-page"
EVERY_S: Final = 20.0
OLD: Final = timedelta(hours=25)
PATIENCE: Final = timedelta(minutes=10)
"""A test page that no provider took by then is an alarm; it has ended."""
AGAIN: Final = timedelta(minutes=5)
"""Between two tries where it could not even be opened."""
ANSWER_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of the daily page. `day`: the day it was last asked for, as `2026-03-02`."""

    since: datetime
    """When the first one was expected to come."""
    day: str
    ref: str = ""
    asked_at: datetime | None = None
    ok_at: datetime | None = None
    """When a provider last took one."""
    seconds: float | None = None
    """How long that took from the opening."""
    settled: bool = True


def read_record(store: Store) -> Record | None:
    """What became of the last one; None before the first."""
    stored = store.meta(META)
    try:
        return msgspec.json.decode(stored, type=Record) if stored else None
    except msgspec.MsgspecError:
        return None


class DailyPage:
    """One look: `once`. Begins with the first time of day that comes after it was configured."""

    def __init__(self, settings: Synthetic, engine: Engine, now: Callable[[], datetime]) -> None:
        self._person = settings.person.lstrip("@")
        self._at = settings.at
        self._zone = ZoneInfo(settings.tz)
        self._engine = engine
        self._now = now
        self._not_before: datetime | None = None
        self._refused = ""

    def once(self) -> None:
        """Ask for today's page, look what became of it, alarm where it is missing."""
        if self._engine.stopping or self._engine.ticker.held:
            return
        try:
            self._look(self._now())
        except (StoreUnavailable, Busy, NotInTime) as down:
            log.warning("the daily test page waits", reason=str(down))

    def _look(self, now: datetime) -> None:
        store, day = self._engine.store, self._day(now)
        record = read_record(store)
        if record is None:
            self._keep(Record(now, day))
            return
        if record.day != day and (self._not_before is None or now >= self._not_before):
            record = self._ask(record, day, now)
        if not record.settled:
            record = self._follow(record)
        wrong = self._wrong(record, now)
        if wrong:
            store.raise_alarm(ALARM, wrong, now)
        elif record.settled:
            store.clear_alarm(ALARM)

    def _day(self, now: datetime) -> str:
        """The local day whose page is the last that was due."""
        local = now.astimezone(self._zone)
        today = datetime.combine(local.date(), self._at, self._zone)
        return str((local if local >= today else local - timedelta(days=1)).date())

    def _ask(self, record: Record, day: str, now: datetime) -> Record:
        """Every node asks under the same key, so one page goes out."""
        key = f"synthetic/{day}"
        answer = page_test(self._engine.desk, person=self._person, by=self._person, key=key)
        try:
            ref = answer.result(ANSWER_S).ref
        except Refused as refused:
            self._not_before = now + AGAIN
            if not self._refused:
                log.warning("the daily test page cannot be sent", person=self._person, reason=str(refused))
            self._refused = "the daily test page cannot be sent: the log of the server says why"
            return record
        self._not_before, self._refused = None, ""
        log.info("the daily test page", ref=ref, person=self._person)
        return self._keep(replace(record, day=day, ref=ref, asked_at=now, settled=False))

    def _follow(self, record: Record) -> Record:
        """Whether a provider took it, and how long that took."""
        events = [recorded.event for recorded in self._engine.store.timeline(record.ref)]
        opened = next((e.at for e in events if isinstance(e, ev.Opened)), None)
        sent = next((e.at for e in events if isinstance(e, ev.PageSent)), None)
        if opened is not None and sent is not None:
            took = (sent - opened).total_seconds()
            return self._keep(replace(record, ok_at=sent, seconds=took, settled=True))
        return record

    def _wrong(self, record: Record, now: datetime) -> str:
        """In words for everybody: `alarmz` asks nobody who reads it, so it names nobody."""
        if not record.settled and record.asked_at is not None and now - record.asked_at > PATIENCE:
            return f"the daily test page {record.ref} was taken by no provider"
        last = record.ok_at or record.since
        if now - last > OLD:
            return f"no test page has reached a provider since {last:%Y-%m-%d %H:%M} UTC"
        return self._refused

    def _keep(self, record: Record) -> Record:
        self._engine.store.set_meta(META, msgspec.json.encode(record).decode())
        return record
