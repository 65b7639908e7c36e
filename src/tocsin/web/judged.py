"""The judgement of readiness, kept for those who ask often: made anew after a minute, and when people or schedules
change.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Final

from tocsin.domain.readiness import Contact, Readiness, readiness
from tocsin.engine.live import Live
from tocsin.store.contract import ContactRow
from tocsin.wiring.program import Program

KEPT: Final = timedelta(seconds=60)
"""How old a judgement may be for `/metrics` and `/alarmz`."""


class Judged:
    """The newest judgement of one program. One is made at a time; others wait for it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._making = threading.Lock()
        self._live: Live | None = None
        self._newest: Readiness | None = None

    def recent(self) -> Readiness:
        """At most a minute old, of the people and schedules that are live now. Raises StoreUnavailable."""
        with self._making:
            age = self._program.clock.now() - self._newest.at if self._newest else None
            same = self._live is self._program.engine.contexts.live
            if self._newest is not None and age is not None and same and timedelta(0) <= age < KEPT:
                return self._newest
            return self._make()

    def fresh(self) -> Readiness:
        """Made now. Raises StoreUnavailable."""
        with self._making:
            return self._make()

    def _make(self) -> Readiness:
        live = self._program.engine.contexts.live
        contacts = [contact_of(row) for row in self._program.store.contacts()]
        now = self._program.clock.now()
        self._newest, self._live = readiness(live.directory, live.rota, live.policy, now, contacts), live
        return self._newest


def contact_of(row: ContactRow) -> Contact:
    """What the judgement looks at of a stored contact method."""
    return Contact(
        person=row.person,
        channel=row.channel,
        address=row.address,
        verified_at=row.verified_at,
        disabled=row.disabled,
        last_ok=row.last_ok,
        last_fail=row.last_fail,
        fails=row.fails,
        detail=row.detail,
    )
