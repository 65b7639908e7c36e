"""Plan and pager cannot differ: what the plan says is what the engine then does, message by message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stories import cast
from tocsin.domain.people import Directory, Method, Rule
from tocsin.domain.plan import plan
from tocsin.domain.policy import Escalation, Rung
from tocsin.domain.source import BUILT_IN
from tocsin.engine.live import Live
from tocsin.testing import Story

BOTH = (Method("mail", "m@acme.example", "email"), Method("siren", "s", "webhook"))


def two_ways(live: Live) -> Live:
    """Everybody has two ways; Mei's second one waits."""
    known = live.directory
    mei = replace(known.people["mei"], high=(Rule("siren", 0), Rule("mail", 180)))
    people = {**known.people, "mei": mei}
    return replace(live, directory=Directory(people, dict.fromkeys(people, BOTH)))


def prose(live: Live) -> Live:
    return live


def block(live: Live) -> Live:
    """A policy block: all, round robin, an empty step, one repeat, a fallback."""
    steps = (
        Rung(0, ("schedule:primary",), BUILT_IN, delay_s=240),
        Rung(0, ("person:nobody-there",), BUILT_IN, delay_s=600),
        Rung(0, ("person:jonas", "person:priya"), BUILT_IN, delay_s=300, mode="round_robin"),
    )
    escalation = Escalation(
        "default", steps, BUILT_IN, repeat=1, fallback=("person:henrik",), remind_every_s=900
    )
    return replace(live, policy=replace(live.policy, ladder=(), escalations=(escalation,)))


@pytest.mark.parametrize("level", ["SEV1", "SEV3"])
@pytest.mark.parametrize("ways", [prose, two_ways], ids=["one way", "two ways"])
@pytest.mark.parametrize("said", [prose, block], ids=["prose", "block"])
def test_whom_the_plan_names_the_engine_calls_at_that_time_by_that_way(
    said: object, ways: object, level: str, database_url: str
) -> None:
    live: Live = said(ways(cast.live(cast.acme_policy())))  # type: ignore[operator]
    story = Story(database_url, live, at=cast.DAY)
    try:
        context = story.engine.contexts.active()[1]
        planned = plan(context, cast.DAY, level)
        assert planned.complete
        wanted = sorted((row.at, row.person, row.channel) for row in planned.rows if row.kind == "call")
        story.declare("Sign-in loops", by="tomas", sev=level)
        story.clock.at = cast.DAY  # the plan begins with the declare
        story.advance(seconds=(wanted[-1][0] - cast.DAY).total_seconds())
        called = sorted((d.at, d.person, d.via) for d in story.deliveries if d.about == "page")
        assert called == wanted
        assert len(wanted) >= 2
    finally:
        story.close()
