"""Tells people by another path that tocsin itself is in trouble (docs/reference/oncall.md P8).

A round of its own asks the engine why it is not ready and what it is alarmed about; it needs nothing that may be
broken: no desk, no lane, no channel, no database. What is new is told once, what stands is told again each half hour,
and that all is well is told once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

import structlog

from tocsin.engine.engine import Engine
from tocsin.sentinel import FAILURES, Single, Word, plain
from tocsin.wiring.telling import Ways

log = structlog.get_logger("tocsin.self_alarm")

EVERY_S: Final = 10.0
STANDS_S: Final = 10.0
"""A reason is told once it stood so long: what a restart or a single failed write leaves behind is gone by then."""
STEADY_S: Final = 20.0
"""A reason is gone once it was gone so long."""
REPEAT_S: Final = 1800.0
LONGEST_GAP_S: Final = 300.0
"""New reasons are told at once, but in a storm of them less and less often: never further apart than this."""
FLICKERS: Final = 3
"""After so many words within half an hour all must be well for `LONGEST_GAP_S` before it is called so."""
LOOK_LIMIT_S: Final = 8.0
LONGEST_PAUSE_S: Final = 300.0
"""Between two tries while no way works."""
_NUMBER = re.compile(r"(?<![\w-])\d+(?:\.\d+)?(?![\w-])")
_SHOWN: Final = 20


class Standing:
    """Which reasons stand, and what people have to be told of them; times in seconds that only go forward."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._words: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self._told: set[str] = set()
        self._told_at: float | None = None
        self._reds: list[float] = []
        """When something new was told, within the last half hour."""

    def see(self, reasons: list[str], now: float) -> Word | None:
        """What has to be told now; it has to be told until `told`."""
        current = {_key(reason): plain(reason) for reason in reasons}
        self._words |= current
        for key in current:
            self._since.setdefault(key, now)
            self._gone.pop(key, None)
        for key in self._since.keys() - current.keys():
            self._gone.setdefault(key, now)
        self._reds = [at for at in self._reds if now - at < REPEAT_S]
        steady = STEADY_S if len(self._reds) < FLICKERS else LONGEST_GAP_S
        for key in [key for key, at in self._gone.items() if now - at >= steady]:
            self._forget(key)
        settled = {key for key in current if now - self._since[key] >= STANDS_S}
        if settled - self._told and self._may_tell(now):
            return self._word("red", settled)
        if settled and self._told_at is not None and now - self._told_at >= REPEAT_S:
            return self._word("still red", settled)
        if self._told_at is not None and not self._since:
            return Word(
                "well", f"tocsin is well again: {self._url}", "Nothing that was told stands any more.\n"
            )
        return None

    def told(self, word: Word, now: float) -> None:
        """Somebody took it."""
        if word.state == "well":
            self._told_at = None
            return
        self._told_at = now
        if word.state == "red":
            self._reds.append(now)
        self._told = {key for key in self._since if now - self._since[key] >= STANDS_S}

    def _may_tell(self, now: float) -> bool:
        """Whether the last new thing was told long enough ago: 20 s after the first, 40 s after the second, ..."""
        return not self._reds or now - self._reds[-1] >= min(10.0 * 2 ** len(self._reds), LONGEST_GAP_S)

    def _forget(self, key: str) -> None:
        for known in (self._words, self._since, self._gone):
            known.pop(key, None)
        self._told.discard(key)

    def _word(self, state: str, settled: set[str]) -> Word:
        fresh = [self._words[key] for key in sorted(settled - self._told)]
        known = [self._words[key] for key in sorted(settled & self._told)]
        first, *others = [*fresh, *known]
        lines = ["What is wrong:", *(f"- {reason}" for reason in [*fresh, *known][:_SHOWN])]
        more = len(settled) - _SHOWN
        lines += [f"- and {more} more"] * (more > 0)
        lines += [
            "",
            f"Look at {self._url}/alarmz and /readyz. It is said again each half hour while it lasts.",
        ]
        count = f" (and {len(others)} more)" if others else ""
        again = "still " if state == "still red" else ""
        return Word(state, f"tocsin is {again}in trouble: {first}{count}", "\n".join(lines) + "\n")


def _key(reason: str) -> str:
    """The same reason with another count or age is the same reason; another incident is another one."""
    return _NUMBER.sub("#", plain(reason))


class SelfCheck:
    """One look: `once`. `stopping`: the engine ends on purpose, and nobody is told that it does."""

    def __init__(
        self, ways: Ways, look: Callable[[], list[str]], stopping: Callable[[], bool], url: str
    ) -> None:
        self._ways = ways
        self._look = look
        self._single = Single()
        self._stopping = stopping
        self._standing = Standing(url)
        self._pause = EVERY_S
        self._not_before = 0.0

    def once(self) -> None:
        """Look, and tell what has to be told."""
        self.at(time.monotonic())

    def at(self, now: float) -> None:
        """The same at this second of a clock that only goes forward."""
        reasons = self._reasons()
        if self._stopping():
            return
        word = self._standing.see(reasons, now)
        if word is None:
            self._pause, self._not_before = EVERY_S, 0.0
        elif now >= self._not_before:
            if self._ways.tell(word):
                self._standing.told(word, now)
                self._pause, self._not_before = EVERY_S, 0.0
            else:
                self._not_before = now + self._pause
                self._pause = min(self._pause * 2, LONGEST_PAUSE_S)

    def _reasons(self) -> list[str]:
        """What hangs is red, and is not asked again before it comes back."""
        try:
            return self._single.within(LOOK_LIMIT_S, self._look)
        except FAILURES as failed:
            log.warning("tocsin cannot say how it is", reason=str(failed))
            return ["tocsin cannot say how it is: whatever it waits for does not answer"]


def reasons_of(engine: Engine) -> Callable[[], list[str]]:
    """Everything that is wrong, each thing once."""
    return lambda: list(dict.fromkeys([*engine.not_ready(), *engine.alarmed()]))
