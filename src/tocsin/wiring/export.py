"""The timeline as text: one entry per line, in the order in which they were recorded, times in UTC.

Nothing live stands in it, no name and no present state: a later export begins with every earlier one, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tocsin.channels.text import clean_line
from tocsin.domain.narrate import actor, sentence
from tocsin.store.contract import Recorded

LONGEST = 20_000
BACK_DATED = timedelta(seconds=1)
"""An entry that happened so much earlier than it was recorded says both."""


def timeline_text(records: Iterable[Recorded]) -> str:
    """Number of the entry, when it happened, who, what; and when it was recorded, where that is another time."""
    return "".join(f"{_line(record)}\n" for record in records)


def _line(record: Recorded) -> str:
    event = record.event
    line = f"{record.ref} {record.version:>5}  {_utc(event.at)}  {actor(event)}: {sentence(event)}"
    if record.recorded_at - event.at >= BACK_DATED:
        line += f" [recorded {_utc(record.recorded_at)}]"
    return clean_line(line, LONGEST)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
