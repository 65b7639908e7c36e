"""What is said of a clock follows from its times and the levels in force: whoever looked when, and whatever order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.told import DAY, HOUR, MINUTE, POLICY, SEV1, SEV2, Told, acme, changed, target
from tocsin.domain import events as ev
from tocsin.domain import times, verdicts
from tocsin.domain.context import Refused
from tocsin.domain.fold import fold
from tocsin.domain.incident import Incident
from tocsin.domain.policy import Target

Change = tuple[int, str]
"""A change of severity: so many minutes after the declare, to that level."""
minutes = st.integers(0, 6 * 60)
levels = st.sampled_from(("SEV1", "SEV2", "SEV3", "SEV4"))
changes = st.lists(st.tuples(minutes, levels), max_size=8).map(sorted)
inclusive = st.booleans()


def handbook(within: bool) -> Told:
    """The example's promises, all of them `within` or all of them `<`."""
    both = changed(
        SEV1,
        ack=target(5 * MINUTE, within=within),
        mitigate=target(30 * MINUTE, within=within),
        resolve=target(2 * HOUR, within=within),
    )
    return Told(acme(severities=both))


def after(minute: float) -> datetime:
    return DAY + timedelta(minutes=minute)


def told_with(story: list[Change], end: int, *, within: bool, look: Callable[[Told], None]) -> Told:
    """Declared as SEV2, acknowledged at once, the severity changed, mitigated at the end; `look` before each step."""
    told = handbook(within).declare("mei", "SEV2").ack()
    for minute, level in [change for change in story if change[0] <= end]:
        told.now = after(minute)
        look(told)
        with contextlib.suppress(Refused):  # it has that level already
            told.severity(level)
    told.now = after(end)
    look(told)
    return told.mitigate()


def clocks_of(state: Incident) -> list[tuple[str, str, str, bool, datetime | None]]:
    return [(c.name, verdicts.recorded(c), c.level, c.breached, c.ended_at) for c in state.clocks]


# --- by hand ---------------------------------------------------------------------------------------------


def test_what_was_recorded_is_what_the_times_say(told: Told) -> None:
    told.declare("mei", "SEV2").ack().until("13:40:00").severity("SEV1").until("13:50:00").mitigate()
    mitigate = told.state.clock("mitigate")
    assert mitigate is not None

    found = verdicts.judged(mitigate, told.state, told.context, told.now)

    assert (found.verdict, found.level, found.breached) == ("missed", "SEV1", True)
    assert found.due == told.instant("13:30:00")
    assert found.took_s == 50 * MINUTE


def test_a_clock_that_runs_is_judged_as_of_now(told: Told) -> None:
    told.declare("mei").ack()
    mitigate = told.state.clock("mitigate")
    assert mitigate is not None

    at = [verdicts.judged(mitigate, told.state, told.context, after(m)).verdict for m in (29, 30, 31)]

    assert at == ["running", "breached", "breached"]


def test_a_merged_clock_is_never_judged(told: Told) -> None:
    told.declare("mei").ack().until("14:00:00")
    told._take([ev.ClockEnded(told.now, "resolve", "SEV1", "merged", HOUR, None)])
    resolve = told.state.clock("resolve")
    assert resolve is not None

    assert verdicts.judged(resolve, told.state, told.context, after(10_000)).verdict == "merged"


def test_nobody_is_needed_any_more_is_no_promise_kept_but_a_broken_one_stays_broken(told: Told) -> None:
    told.alert("warning")
    told.until("13:10:00").severity("SEV2", by="tomas").until("13:30:00").severity("SEV1", by="tomas").ack()

    acks = [verdicts.judged(c, told.state, told.context, told.now).verdict for c in told.state.clocks]
    assert acks == ["void", "missed", "met"]


@pytest.mark.parametrize(
    ("at", "verdict"), [("13:25:00", "met"), ("13:29:59", "met"), ("13:30:00", "missed")]
)
def test_a_fact_at_another_time_is_judged_by_the_level_of_that_time(at: str, verdict: str) -> None:
    told = Told().declare("mei", "SEV1").ack()
    told.until("13:20:00").severity("SEV2", reason="smaller than it looked")
    told.until("13:25:00").severity("SEV1").ack()
    told.until("13:29:00").mitigate().until("13:40:00")
    with contextlib.suppress(Refused):
        told.do(times.correct, by="mei", name="mitigated", at=told.instant(at), reason="the graph")

    assert told.state.clock("mitigate").verdict == verdict  # type: ignore[union-attr]


@pytest.mark.parametrize(("within", "verdict"), [(True, "met"), (False, "missed")])
def test_a_fact_moved_to_the_very_limit_is_compared_as_the_handbook_does(within: bool, verdict: str) -> None:
    told = handbook(within).declare("mei").ack().until("13:20:00").mitigate().until("14:00:00")
    told.do(times.correct, by="mei", name="mitigated", at=told.instant("13:30:00"), reason="the graph")

    assert told.state.clock("mitigate").verdict == verdict  # type: ignore[union-attr]


def test_a_level_without_a_number_promises_nothing_when_the_fact_moves_under_it(told: Told) -> None:
    told.declare("mei", "SEV4").ack().until("13:10:00").severity("SEV2").ack()
    told.until("13:20:00").mitigate()
    said = [(c.verdict, c.level) for c in told.state.clocks if c.name == "mitigate"]
    told.do(times.correct, by="mei", name="mitigated", at=told.instant("13:05:00"), reason="it was earlier")

    assert said == [("met", "SEV2")]
    assert [(c.verdict, c.level) for c in told.state.clocks if c.name == "mitigate"] == [("void", "SEV4")]


# --- severity raised and lowered in any order ------------------------------------------------------------


def promise(level: str, within: bool) -> Target | None:
    severity = handbook(within).context.policy.severity(level)
    assert severity is not None
    return severity.mitigate


def kept_by_the_minute(story: list[Change], end: int, within: bool) -> bool:
    """The same judged the slow way: at every instant that matters, under every level that holds then."""
    steps = [(0, "SEV2"), *[change for change in story if change[0] <= end]]
    instant = timedelta(microseconds=1)
    matters = {after(end), *(after(m) for m, _ in steps)}
    for level in {level for _, level in steps}:
        limit = promise(level, within)
        if limit is not None and (due := limit.due(DAY)):
            matters |= {due, due + instant}
    for at in sorted(m for m in matters if m <= after(end)):
        until_then = [(m, level) for m, level in steps if after(m) < at]
        just_then = [level for m, level in steps if after(m) == at]
        for level in [*([until_then[-1][1]] if until_then else []), *just_then]:
            limit = promise(level, within)
            if limit is not None and not limit.met(DAY, at):
                return False
    return True


@settings(max_examples=200)
@given(changes, minutes, inclusive)
def test_raised_and_lowered_in_any_order(story: list[Change], end: int, within: bool) -> None:
    told = told_with(story, end, within=within, look=lambda t: None)

    mitigate = told.state.clock("mitigate")
    assert mitigate is not None
    assert (mitigate.verdict != "missed") is kept_by_the_minute(story, end, within)
    assert told.events(ev.ClockBreached) or mitigate.verdict != "missed"
    found = verdicts.judged(mitigate, told.state, told.context, told.now)
    assert (found.verdict, found.level) == (mitigate.verdict, mitigate.level)


@settings(max_examples=100)
@given(changes, minutes, inclusive, st.integers(1, 90))
def test_looked_at_on_time_late_or_all_at_once(
    story: list[Change], end: int, within: bool, apart: int
) -> None:
    def on_time(told: Told) -> None:
        now, told.now = told.now, max(e.at for e in told.timeline)
        told._pass(now, inclusive=True)

    def late(told: Told) -> None:
        now, told.now = told.now, max(e.at for e in told.timeline)
        while told.now < now:
            told.now = min(now, told.now + timedelta(minutes=apart))
            told.advance(inclusive=told.now < now)

    looks: tuple[Callable[[Told], None], ...] = (on_time, late, lambda told: None)
    stories = [told_with(story, end, within=within, look=look) for look in looks]

    first, *others = [clocks_of(told.state) for told in stories]
    assert all(other == first for other in others)
    assert len({tuple(sorted(told.breaches())) for told in stories}) == 1


# --- corrections in any order ----------------------------------------------------------------------------

NAMES = ("impact_start", "detected", "declared", "acked", "mitigated", "impact_end", "resolved")
moments = st.lists(st.integers(-60, 8 * 60), min_size=7, max_size=7).map(sorted)


def whole_story(story: list[Change]) -> Told:
    """From a SEV2 to resolved, the severity changed on the way, at 21:00 when people look back at it."""
    told = Told(acme()).declare("mei", "SEV2")
    told.until("13:04:00").ack()
    for minute, level in story:
        told._pass(after(minute), inclusive=False)
        with contextlib.suppress(Refused):
            told.severity(level)
    told._pass(after(400), inclusive=False)
    return told.mitigate().until("20:00:00").resolve().until("21:00:00")


def correct_all(told: Told, wanted: list[tuple[str, datetime]]) -> bool:
    """Correct them in that order, coming back to those that do not fit yet, or that another one moved (an incident
    that nobody detected before was detected when it was declared); whether all could be.
    """
    for _ in range(2 * len(wanted) + 1):
        waiting = [(name, at) for name, at in wanted if told.state.time(name) != at]
        if not waiting:
            return True
        for name, at in waiting:
            with contextlib.suppress(Refused):
                told.do(times.correct, by="mei", name=name, at=at, reason="looked it up")
    return False


@settings(max_examples=150)
@given(changes, moments, st.permutations(NAMES), st.permutations(NAMES), st.sets(st.sampled_from(NAMES)))
def test_corrections_in_any_order_end_in_the_same_verdicts(
    story: list[Change], at: list[int], one_way: list[str], another: list[str], left_alone: set[str]
) -> None:
    wanted = {name: after(minute) for name, minute in zip(NAMES, at, strict=True) if name not in left_alone}
    ends = []
    for order in (one_way, another):
        told = whole_story(story)
        assume(correct_all(told, [(name, wanted[name]) for name in order if name in wanted]))
        assert fold(told.timeline) == told.state
        for clock in told.state.clocks:
            found = verdicts.judged(clock, told.state, told.context, told.now)
            assert (found.verdict, found.level) == (clock.verdict, clock.level)
        ends.append(clocks_of(told.state))

    assert ends[0] == ends[1]


@settings(max_examples=80)
@given(changes, moments, st.permutations(NAMES))
def test_corrected_and_put_back_everything_is_said_as_it_was(
    story: list[Change], at: list[int], order: list[str]
) -> None:
    told = whole_story(story)
    before = clocks_of(told.state)
    were = [(name, told.state.time(name)) for name in order]
    wanted = {name: after(minute) for name, minute in zip(NAMES, at, strict=True)}
    assume(correct_all(told, [(name, wanted[name]) for name in order]))
    assume(correct_all(told, [(name, was) for name, was in were if was is not None]))

    assert clocks_of(told.state) == before


def test_the_promises_used_here_are_those_of_the_example() -> None:
    assert POLICY.severities[:2] == (SEV1, SEV2)
