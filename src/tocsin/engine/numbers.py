"""References: `INC-2026-0007`, `CHG-` for a planned change, `TEST-` for a test page; counted together per year."""

from __future__ import annotations

from datetime import datetime

from tocsin.engine.sitting import Sitting

PREFIXES = {"change": "CHG", "test": "TEST"}
"""What is no incident says so in its reference."""


def new_reference(sitting: Sitting, at: datetime, kind: str = "incident") -> str:
    """The next reference of the year of `at` (UTC)."""
    (number,) = sitting.batch.next_numbers(at.year, 1)
    return f"{PREFIXES.get(kind, 'INC')}-{at.year}-{number:04d}"
