"""Who plays: the handbook, the people and who of them is on call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tocsin.config import EmailSettings
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import Policy, RotationRow, RotationTable
from tocsin.domain.source import BUILT_IN
from tocsin.engine.live import Live
from tocsin.handbook.read import read_handbook
from tocsin.testing import Story
from tocsin.wiring.people import directory

ROOT = Path(__file__).resolve().parents[2]
DAY = datetime(2026, 1, 20, 13, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Script:
    """A walk-through: what happens, what must have happened, when it begins and who is on call."""

    tell: Callable[[Story], None]
    check: Callable[[Story], None]
    day: datetime = DAY
    primary: str = "mei"
    secondary: str = "priya"
    people: Callable[[Live], Live] = lambda live: live
    """Who differs from the example's cast."""

    def staged(self, url: str, policy: Policy, kill_at: int | None = None) -> Story:
        """The story before its first line."""
        cast = self.people(live(policy, primary=self.primary, secondary=self.secondary, day=self.day))
        return Story(url, cast, at=self.day, kill_at=kill_at)


def acme_policy() -> Policy:
    """The project's own example handbook."""
    policy = read_handbook(None, ROOT / "examples" / "acme" / "docs" / "ops").policy
    assert policy is not None
    return policy


def live(
    policy: Policy,
    *,
    primary: str = "mei",
    secondary: str = "priya",
    day: datetime = DAY,
    warnings: tuple[str, ...] = (),
) -> Live:
    """The policy with somebody on call, everyone reachable by mail."""
    monday = (day - timedelta(days=day.weekday())).date()
    week = RotationRow(monday.isoformat(), (("primary", primary), ("secondary", secondary)), BUILT_IN)
    rotation = RotationTable((week,), BUILT_IN, 0, "09:00", "Europe/Stockholm", repeats=True)
    mail = EmailSettings(name="mail", url="smtp://127.0.0.1:1025", sender="tocsin@acme.example")
    people = directory(policy, [], {"mail": mail}, ["henrik"])
    return Live("pinned", replace(policy, rotations=(rotation,)), people, Rota(tables=(rotation,)), warnings)
