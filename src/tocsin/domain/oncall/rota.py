"""The one resolver: every question "who is on call" is asked here and nowhere else (F2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tocsin.domain.oncall.tables import on_call
from tocsin.domain.policy import RotationTable
from tocsin.domain.schedules import Interval, Member, Schedule


class Rota:
    """Every schedule by name: those of the policy blocks, and `primary`, `secondary` ... of the handbook's tables."""

    def __init__(
        self,
        schedules: Iterable[Schedule] = (),
        tables: Iterable[RotationTable] = (),
        members: Iterable[Member] = (),
    ) -> None:
        self.schedules = {schedule.name: schedule for schedule in schedules}
        self.tables = tuple(tables)
        self.members = {member.handle: member for member in members}

    def who(self, name: str, at: datetime) -> tuple[str, ...]:
        """Handles on call at `at`, in order; empty is a gap. Raises LookupError for an unknown schedule."""
        return on_call(self.tables, name, at)

    def shadows(self, name: str, at: datetime) -> tuple[str, ...]:
        """Handles on the shadow layers at `at` (L6)."""
        return ()

    def final(self, name: str, start: datetime, end: datetime) -> tuple[Interval, ...]:
        """The final schedule of [start, end): minimal, contiguous, gaps explicit (F1)."""
        raise NotImplementedError
