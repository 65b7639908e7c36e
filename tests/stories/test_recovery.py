"""What must survive: a clock that steps, an upgrade in the middle of an incident, a restored backup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy

from stories import scripts
from tocsin.domain import events as ev
from tocsin.domain.delivery import Failure
from tocsin.engine.clock import SystemClock
from tocsin.store.backup import restore
from tocsin.testing import Story


class SteppedClock:
    """The real clock of a process over a wall clock that somebody sets."""

    def __init__(self, at: datetime) -> None:
        self.wall = at
        self.monotonic = 0.0
        self.jumps: list[timedelta] = []
        self.system = SystemClock(
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
            on_jump=lambda jump, _: self.jumps.append(jump),
        )

    def now(self) -> datetime:
        return self.system.now()

    @property
    def at(self) -> datetime:
        return self.now()

    @at.setter
    def at(self, target: datetime) -> None:
        """Let time pass until the process reads `target`."""
        while (left := target - self.now()) > timedelta(0):
            self.monotonic += left.total_seconds()
            self.wall += left

    def step(self, **by: float) -> None:
        self.wall += timedelta(**by)


@pytest.fixture
def live() -> object:
    return scripts.live(scripts.acme_policy())


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_step_of_the_wall_clock_loses_no_page_and_doubles_none(
    database_url: str, live: object, minutes: int
) -> None:
    clock = SteppedClock(scripts.DAY)
    story = Story(database_url, live, clock=clock)  # type: ignore[arg-type]
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    story.advance(minutes=1)

    clock.step(minutes=minutes)
    story.settle()
    story.advance(minutes=14)

    # Ten minutes at once: both late steps fire together, and a page that the next step repeats is not sent twice.
    assert {person for _, person in story.pages()} == {"mei", "priya", "henrik"}
    assert [e.rung for e in story.events(ev.RungFired)] == [0, 1, 2]
    assert len(story.events(ev.ClockBreached)) == 1
    assert [round(jump.total_seconds()) for jump in clock.jumps] == [minutes * 60]
    recorded = [r.recorded_at for r in story.store.timeline(story.ref)]
    assert recorded == sorted(recorded)
    story.ack("henrik")
    story.expect_one_outcome_per_page()
    story.close()


def test_durations_stay_right_after_a_step_back(database_url: str, live: object) -> None:
    """The five minutes of the ladder pass by the monotonic clock, within the five percent of the slew."""
    clock = SteppedClock(scripts.DAY)
    story = Story(database_url, live, clock=clock)  # type: ignore[arg-type]
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    clock.step(minutes=-10)
    before = clock.monotonic

    story.advance(minutes=5)

    assert [person for _, person in story.pages()] == ["mei", "priya"]
    assert 300 <= clock.monotonic - before <= 300 * 1.06
    story.close()


def test_an_open_incident_of_an_older_fold_version_goes_on(database_url: str, live: object) -> None:
    story = Story(database_url, live, at=scripts.DAY)  # type: ignore[arg-type]
    story.alert("Smoke test failed: sign-in on production", integration="smoke")
    before = story.state()
    story.store.close()
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as db:
        db.execute(sqlalchemy.text("UPDATE stream SET fold = 0, next_due = NULL, state = :s"), {"s": b"{}"})
    engine.dispose()

    story.reopen()

    assert story.state() == before
    story.advance(minutes=11)
    assert [person for _, person in story.pages()] == ["mei", "priya", "priya", "mei", "henrik"]
    story.close()


@pytest.fixture
def restored(tmp_path: Path, live: object) -> Iterator[Story]:
    """A backup taken while a page waits for a mail server that is down; restored an hour later."""
    url = f"sqlite:///{tmp_path / 'tocsin.db'}"
    story = Story(url, live, at=scripts.DAY)  # type: ignore[arg-type]
    story.broken["*", "mail"] = Failure.RETRY
    story.declare("Sign-in loops for all users", by="aisha", sev="SEV1")
    story.store.backup(str(tmp_path / "backup.db"))
    story.broken.clear()
    story.advance(minutes=2)
    story.ack("mei")
    story.advance(hours=1)
    story.store.close()
    restore(str(tmp_path / "backup.db"), url, story.clock.now())
    story.deliveries.clear()
    story.reopen()
    yield story
    story.close()


def test_a_restored_backup_sends_nothing_before_it_is_released(restored: Story) -> None:
    restored.settle()
    restored.advance(minutes=5)

    assert restored.deliveries == []
    assert "restored from a backup" in (restored.engine.held() or "")


def test_after_release_the_page_goes_out_and_says_that_it_may_be_a_double(restored: Story) -> None:
    told = restored.released(by="henrik")
    restored.settle()

    assert restored.expect_page("mei").ref == restored.ref
    summary = restored.expect_notice("mei", "summary")
    assert "You may get a page twice" in summary.text
    assert restored.ref in summary.text
    assert any(line.startswith("mei: ") for line in told)
    assert len([d for d in restored.deliveries if d.about == "summary" and d.person == "mei"]) == 1
    restored.ack("mei")
    restored.expect_one_outcome_per_page()


def test_an_incident_that_cannot_be_read_holds_nobody_else_back(restored: Story) -> None:
    restored.store.set_meta("held", "")
    restored.engine.set_held(None)
    strange, restored.broken["*", "mail"] = restored.ref, Failure.RETRY
    restored.declare("Payments show as pending", by="aisha", sev="SEV1")
    restored.engine.hold("looked at by hand")
    engine = sqlalchemy.create_engine(restored.url)
    with engine.begin() as db:
        values = {"r": strange}
        db.execute(sqlalchemy.text("UPDATE event SET kind = 'FromTheFuture' WHERE ref = :r"), values)
        db.execute(sqlalchemy.text("UPDATE stream SET fold = 0 WHERE ref = :r"), values)
    engine.dispose()
    restored.broken.clear()
    restored.clock.at += timedelta(minutes=1)

    told = restored.released(by="henrik")

    assert restored.engine.held() is None
    assert any(strange in line for line in told)
    restored._carry_all()
    assert restored.expect_page("mei").ref == restored.ref


def test_the_restored_database_is_another_epoch(restored: Story) -> None:
    restored.released(by="henrik")
    restored.settle()

    key = restored.expect_notice("mei", "summary").key
    assert key.startswith(restored.store.epoch)
