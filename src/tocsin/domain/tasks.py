"""Tasks: who does what, for how long, and the one question when the time is over."""

from __future__ import annotations

from tocsin.domain.context import Context
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.incident import Incident


def deadlines(state: Incident, context: Context) -> list[Deadline]:
    """What falls due by these rules."""
    return []


FIRE: dict[str, Fire] = {}
