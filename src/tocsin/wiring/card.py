"""Keeps the card that is printed up to date: when handbook or roster change, and when the pager changes hands.

Here: when it is written. What stands on it is `handbook.card`'s; unchanged it is not written again.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from tocsin.handbook.card import card
from tocsin.handbook.documents import DocumentRefused
from tocsin.store.contract import StoreUnavailable
from tocsin.wiring.keeper import Keeper
from tocsin.wiring.repository import UNEXPECTED, explained
from tocsin.wiring.surroundings import Surroundings

log = structlog.get_logger("tocsin.card")

EVERY_S = 600.0
"""A turn of the rota that began is on the card so much later at most."""
ALARM = "card"


class CardKeeper(Keeper):
    """A thread of its own, on the nodes that carry. `waits` says why nothing may be written, or None."""

    def __init__(self, around: Surroundings, waits: Callable[[], str | None]) -> None:
        super().__init__("card")
        self._around = around
        self._waits = waits

    def abandoned(self) -> None:
        """Raise the alarm."""
        self._alarm("nobody looks after it any more: start tocsin again")

    def rounds(self) -> None:
        """Write it now, and whenever it changes."""
        while not self.stopping.is_set():
            self.wanted.clear()
            try:
                self.write()
            except StoreUnavailable as down:
                log.warning("cannot look after the card", reason=str(down))
            except UNEXPECTED as error:
                log.exception("card")
                self._alarm(explained(error))
            self.wanted.wait(EVERY_S)

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
