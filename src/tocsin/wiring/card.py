"""Keeps the card that is printed up to date: when handbook or roster change, and when the pager changes hands.

Here: when it is written. What stands on it is `handbook.card`'s; unchanged it is not written again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from tocsin.handbook.card import card
from tocsin.handbook.documents import DocumentRefused
from tocsin.store.contract import StoreUnavailable
from tocsin.wiring.repository import UNEXPECTED, explained
from tocsin.wiring.surroundings import Surroundings

log = structlog.get_logger("tocsin.card")

EVERY_S = 600.0
"""A turn of the rota that began is on the card so much later at most."""
ALARM = "card"


class CardKeeper:
    """A thread of its own, on the nodes that carry. `waits` says why nothing may be written, or None."""

    def __init__(self, around: Surroundings, waits: Callable[[], str | None]) -> None:
        self._around = around
        self._waits = waits
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Write it now, and whenever it changes."""
        self._thread = threading.Thread(target=self._run, name="card", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a write under way is finished."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Handbook or people may have changed; safe from any thread."""
        self._wanted.set()

    def _run(self) -> None:
        try:
            self._rounds()
        finally:
            if not self._stopping.is_set():
                self._alarm("nobody looks after it any more: start tocsin again")

    def _rounds(self) -> None:
        while not self._stopping.is_set():
            self._wanted.clear()
            try:
                self.write()
            except StoreUnavailable as down:
                log.warning("cannot look after the card", reason=str(down))
            except UNEXPECTED as error:
                log.exception("card")
                self._alarm(explained(error))
            self._wanted.wait(EVERY_S)

    def write(self) -> bool:
        """Whether it was written. Raises StoreUnavailable."""
        around = self._around
        if self._waits() is not None or around.store.active_policy() is None:
            return False
        live = around.contexts().live
        text = card(live.policy, live.directory, live.rota.tables, around.now(), live.rota)
        documents = around.documents()
        if documents is None:
            return False
        try:
            with around.writing:
                written = documents.write_card(text)
        except (DocumentRefused, OSError) as refused:
            reason = refused.reason if isinstance(refused, DocumentRefused) else str(refused.strerror)
            return self._alarm(reason)
        around.store.clear_alarm(ALARM)
        if written.changed:
            around.written()
        return written.changed

    def _alarm(self, reason: str) -> bool:
        self._around.store.raise_alarm(ALARM, f"the card cannot be written: {reason}", self._around.now())
        return False
