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


KILLS = {"sqlite": 40, "postgresql": 20}
"""So many kills per story in the ordinary run, spread evenly; `make soak` kills at every single point."""


def sweep(fresh_database: Callable[[], str], name: str, *, every_point: bool) -> None:
    url = fresh_database()
    undisturbed = told(url, name, None)
    expected, points = outcome(undisturbed), undisturbed.points
    undisturbed.close()
    assert points > 20, "the story reaches the commit points"

    step = 1 if every_point else -(-points // KILLS[url.partition(":")[0].partition("+")[0]])
    for kill_at in range(0, points, step):
        story = told(fresh_database(), name, kill_at)
        try:
            assert story.kills == 1, f"killed at {kill_at} of {points}"
            assert outcome(story) == expected, f"killed at {kill_at} of {points}"
            story.expect_one_outcome_per_page()
        finally:
            story.close()


@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_killed_all_over_the_story(fresh_database: Callable[[], str], name: str) -> None:
    sweep(fresh_database, name, every_point=False)


@pytest.mark.soak
@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_killed_at_every_single_point(fresh_database: Callable[[], str], name: str) -> None:
    sweep(fresh_database, name, every_point=True)
