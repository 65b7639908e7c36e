"""References of incidents: `INC-2026-0007`, counted per year, given once."""

from __future__ import annotations

from datetime import datetime

from tocsin.engine.sitting import Sitting


def new_reference(sitting: Sitting, at: datetime) -> str:
    """The next reference of the year of `at` (UTC)."""
    (number,) = sitting.batch.next_numbers(at.year, 1)
    return f"INC-{at.year}-{number:04d}"
