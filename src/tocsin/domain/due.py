"""What falls due: the one value that every rule about time speaks in.

`clocks` gathers the deadlines of all rules and fires them; each rule's module lists its own kinds in `FIRE`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tocsin.domain.context import Draft


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that happens at `due` unless the state changes first. `key` tells deadlines of a kind apart."""

    due: datetime
    kind: str
    key: str = ""


Fire = Callable[[Draft, Deadline, datetime], None]
"""Adds what happens to the draft: for this deadline, at this instant."""
