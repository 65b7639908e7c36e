"""The timetable of what would happen: who, in which order, by which way, when; what is not covered; how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.told import BUILT_IN, DAY, POLICY, acme, directory
from tocsin.domain import routing
from tocsin.domain.context import Context, Refused
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory, Quiet, Rule
from tocsin.domain.plan import Plan, Row, plan, plan_alert
from tocsin.domain.policy import Escalation, MonitoredService, Route, Rung
from tocsin.domain.schedules import Layer, Rotation, Schedule
from tocsin.domain.signals import Signal

MINUTE = 60


def calls(found: Plan, kind: str = "call") -> list[tuple[int, str, str]]:
    """Minutes from the beginning, person, channel."""
    rows = [row for row in found.rows if row.kind == kind]
    return [(int((r.at - found.at).total_seconds() / MINUTE), r.person, r.channel) for r in rows]


def minutes(found: Plan, kind: str) -> list[float]:
    return [(row.at - found.at).total_seconds() / MINUTE for row in found.rows if row.kind == kind]


def step(*targets: str, delay: int = 5, **more: Any) -> Rung:
    return Rung(0, targets, BUILT_IN, delay_s=delay * MINUTE, **more)


def block(*steps: Rung, rota: Rota | None = None, people: Directory | None = None, **more: Any) -> Context:
    """A policy block with one escalation, and the example's people."""
    escalation = Escalation("platform", steps, BUILT_IN, **more)
    context = acme(ladder=(), escalations=(escalation,))
    return replace(context, rota=rota or context.rota, directory=people or context.directory)


def people(**rules: dict[str, Any]) -> Directory:
    """The example's people, some with rules of their own."""
    known = directory()
    changed = {h: replace(p, **rules.get(h, {})) for h, p in known.people.items()}
    return Directory(changed, known.methods)


def test_a_handbooks_sentence_as_a_timetable() -> None:
    found = plan(acme(without=("priya",)), DAY, "sev1")
    assert (found.level, found.urgent, found.escalation, found.complete) == ("SEV1", True, "handbook", True)
    assert [(m, p) for m, p, channel in calls(found) if channel == "mail"][:1] == [(0, "mei")]
    assert found.people == ("mei", "henrik")
    assert [c.name for c in found.clocks] == ["ack", "mitigate", "resolve"]
    assert minutes(found, "clock") == [5, 30, 120]
    assert "no way to reach priya" in " ".join(found.uncovered)
    assert found.fallback == ("role:ic",)
    assert found.end.endswith("called again every 30m00s, until somebody answers")


def test_steps_wait_their_delay_and_repeat_and_then_the_fallback_is_called() -> None:
    context = block(
        step("person:mei", delay=5), step("person:jonas", delay=10), repeat=1, fallback=("person:henrik",)
    )
    found = plan(context, DAY, "SEV1")
    by_mail = [(m, p) for m, p, channel in calls(found) if channel == "mail"]
    assert by_mail[:5] == [(0, "mei"), (5, "jonas"), (15, "mei"), (20, "jonas"), (30, "henrik")]
    assert found.fallback_people == ("henrik",)
    assert found.complete


def test_personal_rules_say_by_which_way_and_when() -> None:
    rules = people(mei={"high": (Rule("text", 0), Rule("mail", 2 * MINUTE))})
    found = plan(block(step("person:mei"), people=rules), DAY, "SEV1")
    assert calls(found)[:2] == [(0, "mei", "text"), (2, "mei", "mail")]


def test_low_urgency_calls_the_first_step_only_and_waits_for_the_end_of_quiet_hours() -> None:
    quiet = people(mei={"quiet": Quiet("22:00", "08:00"), "tz": "UTC"})
    context = block(step("person:mei"), step("person:jonas"), people=quiet)
    night = datetime(2026, 1, 20, 23, 0, tzinfo=UTC)
    low, high = plan(context, night, "SEV3"), plan(context, night, "SEV1")
    assert (low.urgent, low.people[:1], "jonas" in low.people) == (False, ("mei",), False)
    assert calls(low)[0][0] == 9 * 60
    assert [row.kind for row in low.rows if row.at == night and row.kind == "rest"] == ["rest"]
    assert calls(high)[0][:2] == (0, "mei")


def test_an_empty_step_is_passed_at_once_and_named() -> None:
    nobody = Rota((Schedule("night", "UTC", (Layer("a", 1, "UTC"),)),))
    context = block(step("schedule:night"), step("person:mei"), rota=nobody, fallback=("person:henrik",))
    found = plan(context, DAY, "SEV1")
    assert calls(found)[0][:2] == (0, "mei")
    assert any("step 1" in line and "empty" in line for line in found.uncovered)
    assert "nobody is on call for schedule:night" in found.uncovered


def test_when_nobody_at_all_can_be_reached_the_plan_says_so() -> None:
    everybody = tuple(directory().people)
    found = plan(acme(without=everybody), DAY, "SEV1")
    assert found.people == ()
    assert any("nobody can be reached" in line for line in found.uncovered)
    assert found.end == "nobody is called"


def test_nobody_who_may_be_ic_and_no_fallback_are_named() -> None:
    found = plan(block(step("person:jonas"), fallback=("person:tomas",)), DAY, "SEV1")
    assert "nobody who is called may be IC" in found.uncovered
    assert (
        "there is no fallback: every administrator is called last"
        in plan(block(step("person:mei")), DAY, "SEV1").uncovered
    )


def test_a_promise_without_a_time_is_named() -> None:
    assert "SEV4 promises no time for ack" in plan(acme(), DAY, "SEV4").uncovered


def test_round_robin_begins_with_whoever_is_next() -> None:
    context = block(step("person:mei", "person:jonas", mode="round_robin"))
    assert plan(context, DAY, "SEV1").people[0] == "mei"
    assert plan(replace(context, cursors={"platform/0": 1}), DAY, "SEV1").people[0] == "jonas"


def test_who_is_on_call_at_that_hour_is_called_however_far_ahead() -> None:
    weekly = Rotation("2026-01-05T09:00", "week", (("mei",), ("jonas",)))
    rota = Rota((Schedule("platform", "UTC", (Layer("a", 1, "UTC", rotation=weekly),)),))
    context = block(step("schedule:platform"), rota=rota)
    first = datetime(2026, 1, 5, 9, tzinfo=UTC)
    for week in (0, 1, 52, 53, 520):
        found = plan(context, first + timedelta(weeks=week), "SEV1")
        assert found.people[0] == ("mei", "jonas")[week % 2]


def test_a_hand_over_in_between_is_seen() -> None:
    weekly = Rotation("2026-01-05T09:00", "week", (("mei",), ("jonas",)))
    rota = Rota((Schedule("platform", "UTC", (Layer("a", 1, "UTC", rotation=weekly),)),))
    context = block(step("schedule:platform"), step("schedule:platform"), rota=rota)
    found = plan(context, datetime(2026, 1, 12, 8, 57, tzinfo=UTC), "SEV1")
    assert [(m, p) for m, p, channel in calls(found) if channel == "mail"][:2] == [(0, "mei"), (5, "jonas")]


def test_a_service_and_a_route_decide_the_escalation() -> None:
    context = block(step("person:mei"))
    policy = replace(
        context.policy,
        services=(MonitoredService("portal", BUILT_IN, "shop"),),
        escalations=(*context.policy.escalations, Escalation("shop", (step("person:jonas"),), BUILT_IN)),
        routes=(
            Route((("team", "shop"),), BUILT_IN, "portal", "SEV2"),
            Route((("service", "billing"),), BUILT_IN, escalation="shop"),
        ),
    )
    context = replace(context, policy=policy)
    by_route = routing.declared(replace(policy, services=()), "billing", "", "SEV1", DAY)
    assert plan(context, DAY, "SEV1", "billing", by_route).people[0] == "jonas"
    routed = routing.declared(policy, "portal", "", "SEV1", DAY)
    assert plan(context, DAY, "SEV1", "portal", routed).people[0] == "jonas"
    alert = plan_alert(context, DAY, Signal("prometheus", "a", "Errors", "info", labels=(("team", "shop"),)))
    assert (alert.level, alert.service, alert.escalation, alert.people[0]) == (
        "SEV2",
        "portal",
        "shop",
        "jonas",
    )


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(Refused, match="no severity"):
        plan(acme(), DAY, "SEV9")


@pytest.mark.parametrize("level", ["SEV1", "SEV2", "SEV3", "SEV4"])
def test_rows_are_in_order_and_begin_with_the_incident(level: str) -> None:
    found = plan(acme(), DAY, level)
    assert [row.at for row in found.rows] == sorted(row.at for row in found.rows)
    assert found.rows[0].at == DAY
    assert all(isinstance(row, Row) and row.text for row in found.rows)
    assert found.complete


def test_a_very_long_escalation_ends_at_the_horizon_and_says_so() -> None:
    context = block(*(step("person:mei", delay=24 * 60) for _ in range(10)), repeat=9)
    found = plan(context, DAY, "SEV1")
    assert not found.complete
    assert found.end.startswith("not followed further than")


def test_a_plan_is_the_same_each_time_and_leaves_no_trace() -> None:
    context = acme()
    assert plan(context, DAY, "SEV1") == plan(context, DAY, "SEV1")
    assert context.policy == POLICY
