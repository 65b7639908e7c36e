"""Something that is done every so often beside the engine, in a thread of its own, whatever else stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

log = structlog.get_logger("tocsin.loop")

UNEXPECTED: Final = (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a round that nobody foresaw may end with: the next one goes on."""
GOODBYE_S: Final = 1.0


class Loop:
    """Does `once` each `every_s` seconds, first after one pause. Nobody waits for a round that hangs at the end.

    A round that takes longer than `longest_s` hangs.
    """

    def __init__(self, name: str, every_s: float, once: Callable[[], None], longest_s: float = 60.0) -> None:
        self._name = name
        self._every_s = every_s
        self._once = once
        self._bound_s = every_s + longest_s
        self._finished = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._finished = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is left to itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(GOODBYE_S)

    def alive(self) -> bool:
        """Whether the rounds go on: it runs, and the last finished round is no older than one pause and one round."""
        runs = self._thread is not None and self._thread.is_alive()
        return runs and time.monotonic() - self._finished <= self._bound_s

    def trouble(self) -> str:
        """Why it does not do its work; empty when it does, and before it begins or after it was ended."""
        if self._thread is None or self._stop.is_set() or self.alive():
            return ""
        return f"the round {self._name} {'hangs' if self._thread.is_alive() else 'does not run'}"

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._every_s):
                try:
                    self._once()
                except UNEXPECTED:
                    log.exception("a round failed", loop=self._name)
                self._finished = time.monotonic()
        finally:
            if not self._stop.is_set():
                log.critical("nobody does this any more: start tocsin again", loop=self._name)
