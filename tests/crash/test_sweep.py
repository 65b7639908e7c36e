"""The walk-throughs killed at every commit point: the same pages (possibly later, never fewer), one breach each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stories import scripts
from tocsin.domain import events as ev
from tocsin.testing import Story


def told(url: str, name: str, kill_at: int | None) -> Story:
    script = scripts.SCRIPTS[name]
    story = script.staged(url, scripts.acme_policy(), kill_at)
    script.tell(story)
    return story


def outcome(story: Story) -> dict[str, object]:
    """What must be the same however it died."""
    state = story.state()
    return {
        "people called": sorted(person for _, person in story.pages()),
        # From detection: an alert that is repeated after the restart moves everything by these seconds.
        "breaches": sorted(
            (e.clock, e.level, e.due - state.detected_at) for e in story.events(ev.ClockBreached)
        ),
        "overdue": len(story.events(ev.UpdateOverdue)),
        "verdicts": [(c.name, c.level, c.verdict) for c in state.clocks],
        "stage": state.stage,
        "seats": state.seats,
        "acked by": state.acked_by,
        "told": sorted({(d.person, d.about) for d in story.deliveries}),
        "documents": sorted({document for _, _, document in story.documents}),
        "tasks": [(t.number, t.state, t.approved_by) for t in state.work.tasks],
        "checks": [(c.number, c.passed, c.confirmed, c.lapsed) for c in state.work.checks],
        "gate reminders": len(story.events(ev.GateLapsing)),
        "duties": [(a.number, a.state, a.reminded, a.overdue) for a in state.duties.actions],
        "legal": [(x.regime, x.decision, x.reminded, x.overdue) for x in state.duties.legal],
        "statements": [(x.number, x.state) for x in state.duties.statements],
        "proposed": len(story.events(ev.HandoverProposed)),
    }


LONG = {"late_payments": 9, "lost_contacts": 9, "acked_and_forgotten": 9}
"""Stories with hundreds of points: every so-manieth in the ordinary run, each one in `make soak`."""


def sweep(fresh_database: Callable[[], str], name: str, step: int) -> None:
    undisturbed = told(fresh_database(), name, None)
    expected, points = outcome(undisturbed), undisturbed.points
    undisturbed.close()
    assert points > 20, "the story reaches the commit points"

    for kill_at in range(0, points, step):
        story = told(fresh_database(), name, kill_at)
        try:
            assert story.kills == 1, f"killed at {kill_at} of {points}"
            assert outcome(story) == expected, f"killed at {kill_at} of {points}"
            story.expect_one_outcome_per_page()
        finally:
            story.close()


@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_every_point(fresh_database: Callable[[], str], name: str) -> None:
    sweep(fresh_database, name, LONG.get(name, 1))


@pytest.mark.soak
@pytest.mark.parametrize("name", LONG)
def test_every_single_point_of_the_long_ones(fresh_database: Callable[[], str], name: str) -> None:
    sweep(fresh_database, name, 1)
