"""What carrying needs besides the effect: shared by everything that makes words and documents."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.channels.tickets import GitHubIssues
from tocsin.domain.context import Context
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.incident import Incident
from tocsin.engine.live import Contexts
from tocsin.handbook.documents import Documents
from tocsin.store.contract import Recorded, Store, Taken

TIMELINE_LIMIT = 10_000


def _nobody_waits() -> None:
    return


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What carrying needs besides the effect; `contexts` is set once the engine exists."""

    store: Store
    contexts: Callable[[], Contexts]
    now: Callable[[], datetime]
    base_url: str
    documents: Callable[[], Documents | None]
    writing: threading.Lock = field(default_factory=threading.Lock)
    """Held while a document is written: one that outlived its time limit must not overtake the next one."""
    written: Callable[[], None] = _nobody_waits
    """Told after each document, by any thread."""
    tracker: GitHubIssues | None = None
    """Where tickets are opened, if anywhere."""

    def subject_of(self, taken: Taken) -> tuple[Incident, Context]:
        """State and context of the incident. Raises Undelivered when it is gone."""
        state = self.store.incident(taken.ref)
        if state is None:
            raise Undelivered(Failure.PERMANENT, f"there is no incident {taken.ref}")
        return state, self.contexts().pinned(state.policy)

    def timeline_of(self, taken: Taken) -> list[Recorded]:
        """The whole of it, as far as documents look."""
        return self.store.timeline(taken.ref, limit=TIMELINE_LIMIT)
