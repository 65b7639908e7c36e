"""Any policy, any people, any commands, any steps in time: nobody's call is ever lost (invariants 31 to 40)."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.test_escalation_policies import policy, turns, with_policy
from domain.told import DAY, MINUTE, Told
from tocsin.domain import answering, clocks, escalation, lifecycle, outcomes, response, targets
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.fold import fold
from tocsin.domain.incident import ASKED, Paging
from tocsin.domain.people import Method, Quiet, Rule
from tocsin.domain.policy import Rung
from tocsin.domain.source import BUILT_IN

HANDLES = tuple(with_policy(Rung(0, ("person:mei",), BUILT_IN)).directory.people)
METHODS = (Method("mail", "a", "email"), Method("push", "b", "ntfy"), Method("text", "c", "sms"))
minutes = st.integers(1, 20)
handles = st.sampled_from(HANDLES)
named = st.sampled_from((*(f"person:{h}" for h in HANDLES), "person:gone", "oncall:primary", "schedule:none"))
rules = st.lists(
    st.builds(Rule, st.sampled_from(("mail", "push", "text", "fax")), st.integers(0, 600)), max_size=4
).map(tuple)
steps = st.builds(
    lambda named, delay, mode, ack, skip: Rung(
        0, tuple(named), BUILT_IN, delay_s=delay * MINUTE, mode=mode, ack=ack, skip_if_empty=skip
    ),
    st.lists(named, min_size=1, max_size=3),
    minutes,
    st.sampled_from(("all", "round_robin")),
    st.sampled_from(("any", "all")),
    st.sampled_from((True, True, False)),
)
policies = st.builds(
    lambda steps, repeat, fallback, stop: policy(
        *steps, fallback=" ".join(fallback), repeat=repeat, stop_earlier=stop
    ),
    st.lists(steps, min_size=1, max_size=4),
    st.integers(0, 2),
    st.lists(named, max_size=2),
    st.booleans(),
)
quiet = st.sampled_from((None, Quiet("12:00", "14:00"), Quiet("22:00", "07:00"), Quiet("00:00", "00:00")))


@st.composite
def crowds(draw: st.DrawFn) -> Context:
    """Some people with some methods, some rules, some quiet hours; some of them leave at a known time."""
    context = with_policy(Rung(0, ("person:mei",), BUILT_IN))
    people, methods = {}, {}
    for handle, person in context.directory.people.items():
        if draw(st.integers(0, 9)) == 0:
            continue
        gone = draw(st.sampled_from((None, None, None, 0, 7, 90)))
        people[handle] = replace(
            person,
            high=draw(rules),
            low=draw(rules),
            quiet=draw(quiet),
            inactive_from=None if gone is None else DAY + timedelta(minutes=gone),
        )
        methods[handle] = METHODS[: draw(st.integers(0, 3))]
    return replace(context, directory=replace(context.directory, people=people, methods=methods))


class Calling(RuleBasedStateMachine):
    """One incident and everything that can happen to its calls."""

    told: Told

    @initialize(chosen=policies, context=crowds(), word=st.sampled_from(("critical", "error", "warning")))
    def opened(self, chosen: Any, context: Context, word: str) -> None:
        self.told = Told(replace(context, policy=replace(context.policy, escalations=(chosen,))))
        self.told.alert(word)

    def attempt(self, decision: Any, **asked: Any) -> None:
        with contextlib.suppress(Refused):
            self.told.do(decision, **asked)

    @rule(by=handles)
    def somebody_acknowledges(self, by: str) -> None:
        self.attempt(response.acknowledge, by=by, via="phone")

    @rule(by=handles, decision=st.sampled_from((answering.escalate, answering.unack, answering.pass_on)))
    def somebody_moves_it_on(self, by: str, decision: Any) -> None:
        self.attempt(decision, by=by, reason="because")

    @rule(by=handles, who=st.lists(handles, min_size=1, max_size=2))
    def somebody_asks_for_help(self, by: str, who: list[str]) -> None:
        self.attempt(answering.ask_responders, by=by, people=tuple(who), reason="help")

    @rule(by=handles, who=st.lists(handles, min_size=1, max_size=2))
    def somebody_reassigns_it(self, by: str, who: list[str]) -> None:
        self.attempt(answering.reassign, by=by, people=tuple(who), reason="theirs")

    @rule(by=handles, length=st.integers(1, 200))
    def somebody_silences_it(self, by: str, length: int) -> None:
        until = self.told.now + timedelta(minutes=length)
        self.attempt(answering.snooze, by=by, until=until, reason="known")

    @rule(by=handles, level=st.sampled_from(("SEV1", "SEV2", "SEV3")))
    def somebody_changes_the_severity(self, by: str, level: str) -> None:
        self.attempt(lifecycle.change_severity, by=by, level=level, reason="worse")

    @rule(by=handles)
    def somebody_says_something(self, by: str) -> None:
        self.attempt(response.note, by=by, text="hm", happened=None)

    @rule(by=handles)
    def somebody_is_still_on_it(self, by: str) -> None:
        self.attempt(answering.renew_ack, by=by)

    @precondition(lambda self: self.told.state.pages)
    @rule(data=st.data(), channel=st.sampled_from(("mail", "push", "text")), good=st.booleans())
    def a_provider_answers(self, data: st.DataObject, channel: str, good: bool) -> None:
        page = data.draw(st.sampled_from(self.told.state.pages))
        asked = {"page": page.number, "person": page.person, "channel": channel}
        if good:
            self.told.do(response.page_sent, **asked, receipt=None)
        else:
            self.told.do(response.page_failed, **asked, reason="no")

    @rule(context=crowds())
    def people_change(self, context: Context) -> None:
        self.told.context = replace(self.told.context, directory=context.directory)
        self.told.advance()

    @rule(length=st.integers(1, 5000), closely=st.booleans())
    def time_passes(self, length: int, closely: bool) -> None:
        span = timedelta(seconds=length)
        if closely:
            self.told.wait(seconds=length)
        else:
            self.told.now += span
            self.told.advance()

    @precondition(lambda self: clocks.next_due(self.told.state, self.told.context) is not None)
    @rule(by=handles)
    def somebody_acknowledges_in_the_very_instant(self, by: str) -> None:
        due = clocks.next_due(self.told.state, self.told.context)
        assert due is not None
        self.told.now = max(due, self.told.now)
        self.attempt(response.acknowledge, by=by, via="phone")

    @invariant()
    def every_page_and_every_step_has_one_outcome(self) -> None:
        """31, 32, 33, 38."""
        assert outcomes.flaws(self.told.timeline) == []

    @invariant()
    def the_state_is_what_the_facts_say(self) -> None:
        assert fold(self.told.timeline) == self.told.state

    @invariant()
    def looking_again_finds_nothing(self) -> None:
        assert clocks.advance(self.told.state, self.told.context, self.told.now) == []

    @invariant()
    def whoever_is_not_answered_for_is_called_now_or_at_a_time_that_is_known(self) -> None:
        """40: a step, a reminder, the end of a silence, an ack timeout; low urgency that somebody took rests."""
        state, context = self.told.state, self.told.context
        kinds = {d.kind for d in clocks.deadlines(state, context)}
        if state.paging is Paging.TRIGGERED:
            assert "rung" in kinds
        elif state.paging is Paging.SNOOZED:
            assert "snooze-end" in kinds
        elif targets.urgent(state, context):
            assert kinds & {"ack-timeout", "ack-owner"}

    @invariant()
    def nobody_is_waited_for_who_is_not_there(self) -> None:
        told = self.told
        for page in told.state.open_pages():
            assert targets.active(page.person, told.context, told.now)

    @invariant()
    def nothing_grows_without_end(self) -> None:
        assert len(self.told.state.ladder.robin) <= 12
        assert len(self.told.state.pages) <= 60


TestCalling = Calling.TestCase
TestCalling.settings = settings(max_examples=200, stateful_step_count=15)


@settings(max_examples=200)
@given(policies, crowds())
def test_35_somebody_is_called_in_the_first_minute_if_anybody_can_be(chosen: Any, context: Context) -> None:
    told = Told(replace(context, policy=replace(context.policy, escalations=(chosen,))))
    told.alert()
    told.wait(seconds=59)
    able = [
        h
        for h in context.directory.people
        if targets.reachable(h, context) and targets.active(h, context, DAY)
    ]

    waits = any(not s.skip_if_empty for s in chosen.steps)
    assert bool(told.pages()) or not able or waits
    if not able:
        assert told.told("nobody-reachable") == [("13:00:00", "")]


@settings(max_examples=200)
@given(policies, crowds(), st.lists(st.integers(1, 900), max_size=12))
def test_34_and_36_steps_are_never_early_and_come_in_time(
    chosen: Any, context: Context, naps: list[int]
) -> None:
    told = Told(replace(context, policy=replace(context.policy, escalations=(chosen,))))
    told.alert()
    for nap in naps:
        told.wait(seconds=nap)

    ladder = [e for e in told.timeline if isinstance(e, ev.RungFired | ev.RungEmpty | ev.LadderExhausted)]
    lost = {e.at for e in told.events(ev.PageEnded) if e.outcome == "unreachable"}
    for before, after in pairwise(ladder):
        if not isinstance(before, ev.RungFired) or after.at in lost:
            continue
        if isinstance(after, ev.RungFired) and after.why != "ladder":
            continue
        assert after.at - before.at == timedelta(seconds=chosen.steps[before.rung].delay_s or 0)


@settings(max_examples=50)
@given(st.integers(1, 4), st.integers(1, 5))
def test_39_with_everybody_available_each_target_has_the_same_number_of_turns(n: int, m: int) -> None:
    names = " ".join(f"person:{h}" for h in HANDLES[:n])
    step = Rung(0, tuple(names.split()), BUILT_IN, delay_s=300, mode="round_robin")
    counted = Counter(turns(with_policy(step), n * m))

    assert set(counted.values()) == {m}
    assert escalation.cursor_key("default", 0) == "default/0"
    assert ASKED < 0
