"""Who is in the room beside the seats: conflicts, span of control, long incidents, shadows, suspected changes."""

from __future__ import annotations

from tocsin.domain.context import Context
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.incident import Incident


def deadlines(state: Incident, context: Context) -> list[Deadline]:
    """What falls due by these rules."""
    return []


FIRE: dict[str, Fire] = {}
