"""Something that is looked after beside the engine: now, whenever it is woken, and every so often.

Unlike a `Loop`, its end waits for what is under way, and an end that nobody wanted is an alarm.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Keeper(ABC):
    """A thread of its own, on the nodes that carry; `rounds` runs in it until `stopping` is set."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.wanted = threading.Event()
        """Set by `wake`; whoever rests in `rounds` waits for it."""
        self.stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look now, and whenever something may have changed."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is finished."""
        self.stopping.set()
        self.wanted.set()
        if self._thread is not None:
            self._thread.join()

    def trouble(self) -> str:
        """Nothing here: an end that nobody wanted is an alarm in the database."""
        return ""

    def wake(self) -> None:
        """Something may have changed; safe from any thread."""
        self.wanted.set()

    def _run(self) -> None:
        try:
            self.rounds()
        finally:
            if not self.stopping.is_set():
                self.abandoned()

    @abstractmethod
    def rounds(self) -> None:
        """Look, rest until woken, and again."""

    @abstractmethod
    def abandoned(self) -> None:
        """The thread ends though nobody asked it to: say so."""
