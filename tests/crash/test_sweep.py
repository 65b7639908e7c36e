"""The walk-throughs killed at every commit point: the same pages (possibly later, never fewer), one breach each."""

from __future__ import annotations

from pathlib import Path

import pytest
from stories import scripts
from tocsin.domain import events as ev
from tocsin.testing import Story


def told(url: str, name: str, kill_at: int | None) -> Story:
    story = Story(url, scripts.live(scripts.acme_policy()), at=scripts.DAY, kill_at=kill_at)
    scripts.SCRIPTS[name][0](story)
    return story


def outcome(story: Story) -> dict[str, object]:
    """What must be the same however often it died."""
    state = story.state()
    return {
        "people called": sorted(person for _, person in story.pages()),
        "breaches": sorted((e.clock, e.level, e.due) for e in story.events(ev.ClockBreached)),
        "overdue": len(story.events(ev.UpdateOverdue)),
        "verdicts": [(c.name, c.level, c.verdict) for c in state.clocks],
        "stage": state.stage,
        "seats": state.seats,
        "acked by": state.acked_by,
        "told": sorted((p, a) for p, a in {(d.person, d.about) for d in story.deliveries}),
        "documents": sorted({d for _, _, d in story.documents}),
    }


@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_every_point(database_url: str, name: str, tmp_path: Path, fresh_database: object) -> None:
    undisturbed = told(database_url, name, None)
    expected, points = outcome(undisturbed), undisturbed.points
    undisturbed.close()
    assert points > 50

    for kill_at in range(points):
        story = told(fresh_database(), name, kill_at)  # type: ignore[operator]
        assert story.kills == 1, f"killed at {kill_at} of {points}"
        assert outcome(story) == expected, f"killed at {kill_at} of {points}"
        story.expect_one_outcome_per_page()
        story.close()
