"""The one clock of a process. Nothing else reads the time.

It runs on the monotonic clock from a wall anchor: forward corrections of the wall clock are adopted, backward ones
slewed (time never goes back, it runs slower until the wall has caught up). A step of more than 5 s back or 60 s
forward is reported once as a jump (design rule 12).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

STEP_BACK = timedelta(seconds=5)
STEP_FORWARD = timedelta(seconds=60)
SLEW_RATE = 0.05
"""While ahead of the wall, the clock loses this share: ten minutes are made up in three hours and twenty minutes."""


class Clock(Protocol):
    """Gives the time: aware UTC, never going back."""

    def now(self) -> datetime:
        """The present instant."""
        ...


def _wall() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """The clock of a running process. `floor` is the last instant the database has seen: time starts no earlier."""

    def __init__(
        self,
        floor: datetime | None = None,
        *,
        wall: Callable[[], datetime] = _wall,
        monotonic: Callable[[], float] = time.monotonic,
        on_jump: Callable[[timedelta, datetime], None] | None = None,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self.on_jump = on_jump
        self._lock = threading.Lock()
        self._now = max(wall(), floor) if floor else wall()
        self._mark = monotonic()
        self._behind = wall() - self._now

    @property
    def ahead(self) -> timedelta:
        """How far the process is ahead of the wall clock, which it lets catch up."""
        return max(timedelta(0), -self._behind)

    def now(self) -> datetime:
        """The present instant; also notices steps of the wall clock."""
        with self._lock:
            mark = self._monotonic()
            passed = timedelta(seconds=mark - self._mark)
            self._mark = mark
            wall = self._wall()
            ahead = self._now + passed - wall
            jump = -ahead - self._behind
            if ahead <= timedelta(0):
                self._now = wall
            else:
                self._now += passed - min(passed * SLEW_RATE, ahead)
            self._behind = wall - self._now
            now = self._now
        if self.on_jump is not None and (jump > STEP_FORWARD or jump < -STEP_BACK):
            self.on_jump(jump, now)
        return now
