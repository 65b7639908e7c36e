"""What a decision may look at besides the state, and the draft it writes into.

`Context` joins the pinned policy with the live directory and rota (design rule 15). `Draft` is the state so far
with the events decided so far: every decision adds to one and returns its events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain.fold import evolve
from tocsin.domain.incident import Incident
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.policy import Policy, Severity


class Refused(Exception):
    """A command that does not fit: why, and what is possible now. Nothing was changed."""

    def __init__(self, reason: str, possible: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.possible = possible


@dataclass(frozen=True, slots=True)
class Context:
    """`policy` is the one pinned to the stream; everything else is read live."""

    policy: Policy
    directory: Directory
    rota: Rota = field(default_factory=Rota)
    warnings: tuple[str, ...] = ()
    """What the active handbook leaves open; told once, at declare."""
    cursors: Mapping[str, int] = field(default_factory=dict)
    """Round robin: `<escalation>/<rung>` to the position whose turn is next; what a decision moves on it says in a
    `RoundRobinChosen`, and the desk writes it in the same commit (E15)."""

    def severity(self, level: str) -> Severity:
        """The pinned severity of a level. Raises Refused when the handbook has none of that name."""
        found = self.policy.severity(level)
        if found is None:
            known = ", ".join(s.level for s in self.policy.severities)
            raise Refused(f"the handbook has no severity {level!r}", f"known levels: {known}")
        return found


class Draft:
    """The state so far and what was decided so far."""

    def __init__(self, state: Incident | None, context: Context) -> None:
        self._state = state
        self._folded = 0
        self.context = context
        self.events: list[ev.Event] = []

    @property
    def state(self) -> Incident:
        """The state with every added event, folded when it is asked for. Raises LookupError before the first one."""
        for event in self.events[self._folded :]:
            self._state = evolve(self._state, event)
        self._folded = len(self.events)
        if self._state is None:
            raise LookupError("nothing has been opened yet")
        return self._state

    def add(self, *events: ev.Event) -> Draft:
        """Take the events up, in order."""
        self.events.extend(events)
        return self


def late_seconds(due: datetime, at: datetime) -> int:
    """Whole seconds between when something was due and when it happened; 0 when it was not late."""
    return max(0, int((at - due).total_seconds()))
