"""A sign of life to a dead man's switch elsewhere, and an eye on another tocsin: each a round of a loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from tocsin.config import Heartbeat, Watch
from tocsin.engine.engine import Engine
from tocsin.sentinel import FAILURES, STEADY_LOOKS, Ask, Watcher, look
from tocsin.wiring.telling import Target, Ways

log = structlog.get_logger("tocsin.watch")

LOOK_EVERY_S: Final = 10.0
_READ: Final = 65_536
_HEADERS: Final = {"user-agent": "tocsin", "accept": "*/*"}


class Pulse:
    """GETs the dead man's switch, but only while the engine is ready, sends, is audited, and `alive`.

    Silence is the alarm: an engine that is held calls nobody, however well it is.
    """

    def __init__(self, settings: Heartbeat, engine: Engine, alive: Callable[[], bool]) -> None:
        self._target = Target(settings.url.reveal(), settings.allow_loopback, "heartbeat.url")
        self._engine = engine
        self._alive = alive
        self._failing = False

    def once(self) -> None:
        """One sign of life, where there is life."""
        engine = self._engine
        works = engine.auditor.alive() and self._alive() and not engine.ticker.held
        if engine.stopping or not works or engine.not_ready():
            return
        try:
            self._target.ask("GET", _HEADERS)
        except FAILURES as failed:
            if not self._failing:
                log.warning("the heartbeat is not taken", reason=str(failed))
            self._failing = True
        else:
            if self._failing:
                log.info("the heartbeat is taken again")
            self._failing = False


class OtherTocsin:
    """Watches another tocsin as the sentinel does, and tells of it by the ways of the self-alarm."""

    def __init__(self, settings: Watch, ways: Ways, stopping: Callable[[], bool]) -> None:
        target = Target(settings.url, settings.allow_loopback, "watch.url")
        self._ask: Ask = lambda path: target.get(path, _HEADERS, _READ)
        self._ways = ways
        self._stopping = stopping
        self._state = ""
        self._watcher = Watcher(
            settings.url.rstrip("/"),
            after=settings.after.total_seconds(),
            alarmz_after=settings.alarmz_after.total_seconds(),
            steady=STEADY_LOOKS * LOOK_EVERY_S,
        )

    def once(self) -> None:
        """One look, and a word where one is due."""
        now = time.monotonic()
        seen = look(self._ask)
        if self._stopping():
            return
        if seen.state != self._state:
            self._state = seen.state
            log.info("the other tocsin", state=seen.state, words=seen.words)
        for trouble, word in self._watcher.see(seen, now):
            if self._ways.tell(word):
                trouble.told(word.state, now)
            else:
                trouble.missed(now)
