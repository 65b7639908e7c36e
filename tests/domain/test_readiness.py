"""What will hurt is said before it does: people who cannot be reached, schedules that run out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.told import PEOPLE, POLICY, acme, directory
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory, Method, Person, Rule
from tocsin.domain.policy import Escalation, Policy, Rung
from tocsin.domain.readiness import RULES, Contact, Finding, Readiness, readiness
from tocsin.domain.schedules import Holidays, Layer, Member, Restriction, Rotation, Schedule, Shift
from tocsin.domain.source import BUILT_IN

NOW = datetime(2026, 1, 20, 13, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def days(count: float) -> datetime:
    return NOW + count * DAY


def rotation(*members: str, **more: object) -> Rotation:
    return Rotation("2026-01-05T09:00", "week", tuple((m,) if m else () for m in members), **more)  # type: ignore[arg-type]


def schedule(*layers: Layer, name: str = "platform", **more: object) -> Schedule:
    return Schedule(name, "UTC", layers, **more)  # type: ignore[arg-type]


def layer(*members: str, **more: object) -> Layer:
    return Layer("primary", 1, "UTC", rotation=rotation(*members), **more)  # type: ignore[arg-type]


def shifts(*spans: tuple[str, float, float]) -> Layer:
    found = tuple(Shift((who,), days(start), days(end)) for who, start, end in spans)
    return Layer("shifts", 1, "UTC", shifts=found)


def proven(*people: str, at: datetime = NOW - DAY) -> list[Contact]:
    return [Contact(p, channel, last_ok=at) for p in people for channel in ("mail", "text")]


ALL = tuple(p.handle for p in PEOPLE)


def judged(
    *schedules: Schedule,
    people: Directory | None = None,
    contacts: list[Contact] | None = None,
    policy: Policy = POLICY,
    now: datetime = NOW,
) -> Readiness:
    known = directory() if people is None else people
    return readiness(known, Rota(schedules), policy, now, proven(*ALL) if contacts is None else contacts)


def found(judgement: Readiness, rule: str) -> list[Finding]:
    return [f for f in judgement.findings if f.rule == rule]


GOOD = schedule(layer("mei", "priya"))


def test_when_everybody_is_reachable_and_somebody_always_there_nothing_is_found() -> None:
    good = judged(GOOD)
    assert (good.findings, good.alarms, good.gaps) == ((), (), ())
    mei = good.of("mei")
    assert mei is not None
    assert (mei.ready_high, mei.ready_low, mei.called, mei.proven_at) == (True, True, True, NOW - DAY)
    assert [way.channel for way in mei.high] == ["mail", "text"]


# --- people --------------------------------------------------------------------------------------------------------


def test_somebody_without_a_way_is_an_error_where_she_may_be_called_and_else_a_word() -> None:
    levels = {
        f.about: f.level for f in found(judged(GOOD, people=directory(without=("mei", "tomas"))), "no-method")
    }
    assert levels == {"mei": "error", "tomas": "info"}


def test_being_named_by_an_escalation_is_being_called() -> None:
    steps = (Rung(0, ("person:tomas",), BUILT_IN, delay_s=300),)
    policy = replace(POLICY, escalations=(Escalation("x", steps, BUILT_IN, fallback=("person:aisha",)),))
    judgement = judged(GOOD, policy=policy)
    assert {p.handle for p in judgement.people if p.called} == {"priya", "mei", "henrik", "tomas", "aisha"}


def with_rules(*high: Rule) -> Directory:
    known = directory()
    return Directory({**known.people, "mei": replace(known.people["mei"], high=high)}, known.methods)


def test_a_first_rule_that_waits_is_found_and_makes_nobody_ready() -> None:
    judgement = judged(GOOD, people=with_rules(Rule("mail", 120), Rule("text", 300)))
    assert [f.about for f in found(judgement, "no-immediate-rule")] == ["mei"]
    mei = judgement.of("mei")
    assert mei is not None
    assert (mei.ready_high, mei.ready_low) == (False, True)
    assert not found(judged(GOOD, people=with_rules(Rule("mail", 0), Rule("text", 300))), "no-immediate-rule")


@pytest.mark.parametrize(
    ("contact", "rule"),
    [
        (Contact("mei", "own", "mei@home.example"), "unverified"),
        (Contact("mei", "mail", disabled="3 failures", last_ok=NOW - DAY), "method-disabled"),
        (Contact("mei", "mail", last_ok=NOW - DAY, last_fail=NOW, fails=1), "method-failing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_way_that_does_not_work_is_found(contact: Contact, rule: str) -> None:
    others = [c for c in proven(*ALL) if (c.person, c.channel) != (contact.person, contact.channel)]
    judgement = judged(GOOD, contacts=[contact, *others])
    assert [(f.rule, f.about, f.level) for f in judgement.findings] == [(rule, "mei", "warning")]


def test_a_failure_before_the_last_success_is_forgotten() -> None:
    judgement = judged(
        GOOD, contacts=[*proven(*ALL), Contact("mei", "mail", last_ok=NOW, last_fail=NOW - DAY)]
    )
    assert judgement.findings == ()


def test_a_verified_address_of_her_own_is_no_finding() -> None:
    own = Contact("mei", "own", "mei@home.example", verified_at=NOW - DAY)
    assert judged(GOOD, contacts=[*proven(*ALL), own]).findings == ()


@pytest.mark.parametrize(("age", "rules"), [(90, []), (91, ["proven-long-ago"])])
def test_a_proof_lasts_ninety_days(age: int, rules: list[str]) -> None:
    others = [p for p in ALL if p != "mei"]
    judgement = judged(GOOD, contacts=[*proven(*others), *proven("mei", at=NOW - age * DAY)])
    assert [f.rule for f in judgement.findings] == rules


def test_whoever_was_never_reached_is_to_be_tested() -> None:
    judgement = judged(GOOD, contacts=[])
    assert {f.about: f.level for f in found(judgement, "never-proven")}["mei"] == "warning"
    assert "tocsin page test mei" in next(f.repair for f in judgement.findings if f.about == "mei")


def test_nobody_reachable_at_all_is_an_error_and_an_alarm() -> None:
    judgement = judged(GOOD, people=directory(without=ALL))
    assert [f.level for f in found(judgement, "nobody-reachable")] == ["error"]
    assert "nobody at all can be reached for high urgency" in judgement.alarms
    assert judged(people=Directory()).alarms == ("nobody at all can be reached for high urgency",)


def test_alarms_name_nobody() -> None:
    judgement = judged(GOOD, people=directory(without=ALL))
    assert not [a for a in judgement.alarms if any(person in a for person in ALL)]


# --- schedules -----------------------------------------------------------------------------------------------------


def test_a_rota_of_one_person_is_found() -> None:
    assert [f.about for f in found(judged(schedule(layer("mei"))), "one-person-rota")] == ["platform"]
    assert not found(judged(GOOD), "one-person-rota")


@pytest.mark.parametrize(
    ("start", "level", "alarmed"),
    [(-1, "error", True), (6, "error", False), (8, "warning", False), (31, None, False)],
)
def test_a_gap_within_thirty_days_is_found_and_one_now_alarms(
    start: float, level: str | None, alarmed: bool
) -> None:
    holey = schedule(shifts(("mei", -30, start), ("priya", start + 2, 500)))
    judgement = judged(holey)
    assert [f.level for f in found(judgement, "gap")] == ([level] if level else [])
    assert judgement.alarms == (("nobody is on call in platform",) if alarmed else ())
    assert len(judgement.gaps) == (1 if level else 0)


def test_a_gap_outside_of_what_must_be_covered_is_none() -> None:
    weekend = shifts(("mei", -30, 3.5), ("priya", 5.5, 500))  # Saturday 01:00 to Monday 01:00
    office = (Restriction("daily", "08:00", "18:00", days=(0, 1, 2, 3, 4)),)
    assert found(judged(schedule(weekend)), "gap")
    assert not found(judged(schedule(weekend, coverage=office)), "gap")


@pytest.mark.parametrize(("ends", "level"), [(-40, "error"), (6, "error"), (40, "warning"), (200, "info")])
def test_a_schedule_that_ends_is_found_the_louder_the_nearer(ends: float, level: str) -> None:
    judgement = judged(schedule(shifts(("mei", -60, ends - 1), ("priya", ends - 1, ends))))
    assert [f.level for f in found(judgement, "schedule-ends")] == [level]


def test_a_week_without_anybody_who_may_be_ic_is_found() -> None:
    turns = schedule(shifts(("mei", -1, 7.1), ("jonas", 7.1, 14.1), ("priya", 14.1, 500)))
    messages = [f.message for f in found(judged(turns), "no-ic-week")]
    assert messages == []  # mei is there in the first hours of that week
    turns = schedule(shifts(("mei", -1, 7), ("jonas", 7, 22), ("priya", 22, 500)))
    messages = [f.message for f in found(judged(turns), "no-ic-week")]
    assert messages == ["nobody on call may be IC in the week from 2026-01-27 and 1 more"]
    beside = schedule(layer("henrik", "mei"), name="leads")
    assert not found(judged(turns, beside), "no-ic-week")


@pytest.mark.parametrize(("last", "rules"), [("2026-03-20", ["holidays-end"]), ("2026-03-21", [])])
def test_a_calendar_of_holidays_that_ends_within_sixty_days_is_found(last: str, rules: list[str]) -> None:
    free = layer("mei", "priya", holidays=Holidays("off", ("2026-01-01", last)))
    below = replace(layer("priya", "henrik"), name="below", priority=0)
    assert [f.rule for f in judged(schedule(free, below)).findings] == rules


def test_the_only_one_on_call_who_cannot_be_reached_is_an_error_and_an_alarm() -> None:
    judgement = judged(GOOD, people=directory(without=("mei",)), now=datetime(2026, 1, 7, tzinfo=UTC))
    assert [f.about for f in found(judgement, "alone-unreachable")] == ["platform"]
    assert judgement.alarms == ("whoever is on call in platform cannot be reached",)
    both = schedule(layer("mei"), replace(layer("priya"), name="too"))
    assert not found(judged(both, people=directory(without=("mei",))), "alone-unreachable")


def test_whoever_comes_on_call_within_two_days_and_is_not_ready_is_found() -> None:
    coming = schedule(shifts(("mei", -1, 1.9), ("jonas", 1.9, 3), ("tomas", 3, 500)))
    judgement = judged(coming, people=directory(without=("jonas", "tomas")))
    assert [f.about for f in found(judgement, "coming-not-ready")] == ["jonas"]
    assert not found(judged(coming), "coming-not-ready")


def test_a_schedule_that_cannot_be_computed_is_an_error() -> None:
    nowhere = Schedule("moon", "Luna/Tycho", (Layer("x", 1, "Luna/Tycho", rotation=rotation("mei")),))
    assert [(f.rule, f.level) for f in judged(GOOD, nowhere).findings] == [("schedule-invalid", "error")]


def test_the_example_with_prose_tables_is_judged_by_the_same_rules() -> None:
    context = acme()
    judgement = readiness(context.directory, context.rota, context.policy, NOW, proven(*ALL))
    rules = {(f.rule, f.about) for f in judgement.findings}
    assert rules == {("one-person-rota", "primary"), ("one-person-rota", "secondary")}


def test_the_worst_stands_first_and_every_rule_has_its_name() -> None:
    judgement = judged(
        schedule(shifts(("mei", -30, -1))), people=directory(without=("mei", "tomas")), contacts=[]
    )
    levels = [f.level for f in judgement.findings]
    assert levels == sorted(levels, key=("error", "warning", "info").index)
    assert {f.rule for f in judgement.findings} <= set(RULES)
    assert all(f.repair and f.message for f in judgement.findings)


def test_people_who_have_left_are_in_no_schedule_and_the_gap_is_found() -> None:
    known = directory()
    gone = replace(known.people["mei"], inactive_from=days(2))
    people = Directory({**known.people, "mei": gone}, known.methods)
    rota = Rota((schedule(layer("mei")),), (), (Member("mei", "UTC", None, days(2)),))
    judgement = readiness(people, rota, POLICY, NOW, proven(*ALL))
    assert [f.level for f in found(judgement, "gap")] == ["error"]


def test_a_stranger_on_call_is_not_ready() -> None:
    turns = schedule(shifts(("mei", -1, 1), ("zoe", 1, 500)))
    assert [f.about for f in found(judged(turns), "coming-not-ready")] == ["zoe"]


def test_kinds_of_methods_are_shown() -> None:
    people = Directory({"mei": Person("mei", "Mei")}, {"mei": (Method("mail", "m@x", "email"),)})
    judgement = judged(people=people)
    assert [(m.channel, m.kind, m.usable) for m in judgement.people[0].methods][:1] == [
        ("mail", "email", True)
    ]
