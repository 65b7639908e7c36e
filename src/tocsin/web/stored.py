"""What the store holds of one incident, by its reference. Whoever asks is not looked at here: `readers` does that."""

from __future__ import annotations

import re
from typing import Final

from tocsin.domain.incident import Incident
from tocsin.engine.sitting import UnknownIncident
from tocsin.store.contract import Recorded
from tocsin.web import models as m
from tocsin.wiring.program import Program

REF: Final = re.compile(m.REFERENCE)
READ_AT_ONCE: Final = 2000


def known_ref(ref: str) -> str:
    """The reference, if it can be one. Raises UnknownIncident."""
    if not REF.fullmatch(ref):
        raise UnknownIncident(ref)
    return ref


def state_of(program: Program, ref: str) -> Incident:
    """The state of an incident. Raises UnknownIncident."""
    state = program.store.incident(known_ref(ref))
    if state is None:
        raise UnknownIncident(ref)
    return state


def records_of(program: Program, ref: str) -> list[Recorded]:
    """Its whole timeline, oldest first."""
    found: list[Recorded] = []
    while True:
        more = program.store.timeline(ref, after=found[-1].seq if found else 0, limit=READ_AT_ONCE)
        found += more
        if len(more) < READ_AT_ONCE:
            return found
