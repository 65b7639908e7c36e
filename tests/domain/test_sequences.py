"""Whatever people, senders and the clock do, in any order: what must hold all the time."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.told import DAY, PEOPLE, POLICY, SEV1, Decision, Told, acme, changed, directory, on_call, target
from tocsin.domain import (
    actions,
    clocks,
    comms,
    crew,
    effects,
    gates,
    grouping,
    legal,
    lifecycle,
    merging,
    narrate,
    response,
    restricted,
    tasks,
    times,
    verdicts,
)
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.fold import fold
from tocsin.domain.incident import ASKED, TIMES, Paging, Stage
from tocsin.domain.signals import Signal

HANDLES = tuple(p.handle for p in PEOPLE)
people = st.sampled_from((*HANDLES, "a-contractor"))
words = st.sampled_from(("critical", "error", "warning", "info", "gibberish"))
levels = st.sampled_from(("SEV1", "SEV2", "SEV3", "SEV4"))
keys = st.sampled_from(("a", "b", "c"))
roles = st.sampled_from(("ic", "comms", "ops", "scribe"))
maybe = st.one_of(st.none(), st.sampled_from(HANDLES))
spans = st.one_of(
    st.integers(1, 59).map(lambda s: timedelta(seconds=s)),
    st.integers(1, 90).map(lambda m: timedelta(minutes=m)),
    st.integers(1, 96).map(lambda h: timedelta(hours=h)),
    st.just(timedelta(microseconds=1)),
)
handbooks = st.sampled_from(
    (
        POLICY,
        replace(
            POLICY, severities=changed(SEV1, ack=target(300, within=True), mitigate=target(1800, within=True))
        ),
        replace(POLICY, ladder=()),
        replace(POLICY, ladder=POLICY.ladder[:2]),
    )
)
contexts = st.builds(
    lambda policy, primary, secondary, without: acme(
        policy, primary=primary, secondary=secondary, without=tuple(without)
    ),
    handbooks,
    maybe,
    maybe,
    st.lists(st.sampled_from(HANDLES), max_size=4),
)
OTHER = "INC-2026-0002"
OVER = {Stage.RESOLVED, Stage.CLOSED, Stage.DISMISSED, Stage.MERGED}
OWED = {"postmortem", "action", "legal-reminder", "legal-overdue"}
"""What may fall due when it is over."""


def commands() -> st.SearchStrategy[tuple[Decision, dict[str, Any]]]:
    """Anything a person, a sender or a provider may ask for, sensible or not."""

    def asked(decision: Decision, **given_: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.tuples(st.just(decision), st.fixed_dictionaries(given_))

    text = st.sampled_from(("because", "because", "because", " "))
    signal = st.builds(
        Signal,
        integration=st.just("probe"),
        dedup_key=keys,
        title=st.sampled_from(("Smoke test failed", "")),
        severity=words,
        firing=st.sampled_from((True, True, False)),
        group=st.just("g"),
    )
    moment = st.integers(-60, 24 * 60).map(lambda minutes: DAY + timedelta(minutes=minutes))
    pages = {"page": st.integers(1, 12), "person": people, "channel": st.sampled_from(("mail", "text"))}
    return st.one_of(
        asked(grouping.signalled, signal=signal),
        asked(response.acknowledge, by=people, via=st.just("cli")),
        asked(
            lifecycle.declare, by=people, title=st.just("Billing down"), level=st.one_of(st.none(), levels)
        ),
        asked(lifecycle.change_severity, by=people, level=levels, reason=text),
        asked(response.take_seat, by=people, role=roles),
        asked(response.assign_seat, by=people, role=roles, person=people),
        asked(response.offer_handover, by=people, role=roles, to=people),
        asked(response.accept_handover, by=people, role=roles),
        asked(comms.post_update, by=people, impact=text, eta=st.just("unknown"), next_steps=text),
        asked(lifecycle.mitigate, by=people, evidence=text),
        asked(response.page_failed, **pages, reason=text),
        asked(response.page_failed, **pages, reason=text),
        asked(response.page_sent, **pages, receipt=st.none()),
        asked(response.note, by=people, text=text, happened=st.none()),
        asked(times.correct, by=people, name=st.sampled_from(TIMES), at=moment, reason=text),
        asked(times.correct, by=people, name=st.sampled_from(TIMES), at=moment, reason=text),
    )


def work() -> st.SearchStrategy[tuple[Decision, dict[str, Any]]]:
    """What people do beside paging and stages: tasks, duties, shadows, suspicions."""

    def asked(what: Decision, /, **given_: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.tuples(st.just(what), st.fixed_dictionaries({"by": somebody, **given_}))

    somebody = st.sampled_from(HANDLES)
    text = st.sampled_from(("merge the rows back", "merge the rows back", " "))
    number = st.integers(1, 3)
    opened = asked(
        tasks.open_task,
        text=text,
        owner=maybe,
        minutes=st.one_of(st.none(), st.integers(1, 90)),
        second=st.booleans(),
    )
    known = st.integers(-60, 0).map(lambda minutes: DAY + timedelta(minutes=minutes))
    day = st.one_of(st.none(), st.integers(0, 9).map(lambda days: DAY.date() + timedelta(days=days)))
    regime = st.just("gdpr")
    return st.one_of(
        opened,
        opened,
        asked(tasks.assign_task, task=number, owner=somebody),
        asked(tasks.approve_task, task=number),
        asked(tasks.start_task, task=number),
        asked(tasks.finish_task, task=number, result=text),
        asked(tasks.drop_task, task=number, reason=text),
        asked(legal.start, regime=regime, aware=known, owner=somebody),
        asked(legal.decide, regime=regime, decision=st.sampled_from(legal.DECISIONS), reason=text),
        asked(actions.add, text=text, owner=maybe, due=day),
        asked(actions.prove, action=number, proof=text),
        asked(crew.suspect, what=text, author=maybe),
        asked(crew.shadow, person=maybe),
        asked(crew.leave_shadow),
        asked(restricted.restrict, codename=st.just("Heron")),
    )


def endings() -> st.SearchStrategy[tuple[Decision, dict[str, Any]]]:
    by = {"by": st.sampled_from(HANDLES)}
    done = st.fixed_dictionaries(
        {**by, **dict.fromkeys(("confirmed", "impact_ended", "errors_normal"), st.just("yes"))}
    )
    return st.one_of(
        st.tuples(st.just(lifecycle.resolve), done),
        st.tuples(st.just(lifecycle.dismiss), st.fixed_dictionaries({**by, "reason": st.just("none")})),
        st.tuples(
            st.just(lifecycle.publish_postmortem), st.fixed_dictionaries({**by, "where": st.just("pm.md")})
        ),
        st.tuples(
            st.just(response.document_written),
            st.fixed_dictionaries(dict.fromkeys(("document", "path", "digest"), st.just("log"))),
        ),
        st.tuples(st.just(lifecycle.close), st.fixed_dictionaries(by)),
        st.tuples(st.just(lifecycle.reopen), st.fixed_dictionaries({**by, "reason": st.just("again")})),
    )


def attempt(told: Told, command: tuple[Decision, dict[str, Any]]) -> None:
    """What does not fit is refused and changes nothing but what was due anyway."""
    decision, asked = command
    told.advance(inclusive=False)
    if decision is grouping.signalled and not told.state.claims:
        told.advance()
        return  # the alert belongs to another incident, a new one
    before = told.state
    with contextlib.suppress(Refused):
        told.do(decision, **asked)
        return
    assert told.state == before
    told.advance()


def another(context: Context, told: Told, level: str | None) -> Told:
    """A second incident that begins now: declared by somebody at that level, or opened by an alert of its own."""
    other = Told(context, told.now)
    if level is None:
        signal = Signal("probe", "x", "Queue stands still", "critical", group="other")
        other.note_row(signal)
        return other.open(grouping.open_for(signal, OTHER, "pinned", context, other.now))
    opening = lifecycle.Opening(OTHER, "pinned", "Queue stands still", level, "person", "aisha")
    return other.open(lifecycle.open_declared(opening, context, other.now, why="chosen"))


def merge(child: Told, parent: Told, by: str) -> bool:
    """Both sides or neither, as the engine does it."""
    for told in (child, parent):
        told.advance(inclusive=False)
    before = child.state
    merged = False
    with contextlib.suppress(Refused):
        ended = merging.merged(before, child.context, child.now, by=by, into=parent.state, reason="the same")
        grown = merging.absorbed(parent.state, parent.context, parent.now, by=by, child=before)
        child._take(ended)
        parent._take(grown)
        parent.firing |= child.firing
        merged = True
    for told in (child, parent):
        told.advance()
    return merged


def begin(context: Context, word: str | None) -> Told:
    told = Told(context)
    if word is None:
        return told.declare("tomas", "SEV1")
    told.alert(word, key="a")
    return told


def nothing_is_left_behind(told: Told) -> None:
    """What must hold of every incident: nothing under way in what is over, no deadline in what ended elsewhere."""
    state = told.state
    if not gates.is_worked_on(state):
        assert not [task for task in state.work.tasks if task.open]
    if state.stage in OVER:
        assert not [clock for clock in state.clocks if clock.open]
        assert not state.open_pages()
        assert not state.offers
    if state.stage == Stage.MERGED:
        assert not legal.running(state)
        assert not [task for task in state.work.tasks if task.open]
        assert not [action for action in state.duties.actions if action.state == "open"]
        assert clocks.next_due(state, told.context) is None


class Incidents(RuleBasedStateMachine):
    """One incident, a few commands at a time."""

    told: Told

    @initialize(context=contexts, word=st.one_of(st.none(), words))
    def opened(self, context: Context, word: str | None) -> None:
        self.told = begin(context, word)

    @rule(command=commands())
    def somebody_asks(self, command: tuple[Decision, dict[str, Any]]) -> None:
        attempt(self.told, command)

    @rule(command=endings())
    def somebody_ends_it(self, command: tuple[Decision, dict[str, Any]]) -> None:
        attempt(self.told, command)

    @rule(command=work())
    def somebody_works(self, command: tuple[Decision, dict[str, Any]]) -> None:
        attempt(self.told, command)

    @rule(
        level=st.one_of(st.none(), levels),
        did=st.lists(st.one_of(commands(), work(), work()), max_size=6),
        by=st.sampled_from(HANDLES),
        goes_on=st.sampled_from((True, True, True, False)),
    )
    def it_is_the_same_as_another(
        self, level: str | None, did: list[tuple[Decision, dict[str, Any]]], by: str, goes_on: bool
    ) -> None:
        """Another incident is merged into this one; or this one ends in the other."""
        other = another(self.told.context, self.told, level)
        for command in did:
            attempt(other, command)
        child, parent = (other, self.told) if goes_on else (self.told, other)
        called = child.state.paging == Paging.TRIGGERED
        ack = parent.state.acked_at
        if not merge(child, parent, by):
            return
        assert child.state.stage == Stage.MERGED
        nothing_is_left_behind(child)
        if called and ack is not None and self.told.now - ack > grouping.GROUP_WINDOW:
            assert parent.state.paging == Paging.TRIGGERED

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self.told.now += span
        self.told.advance()

    @precondition(lambda self: clocks.next_due(self.told.state, self.told.context) is not None)
    @rule(command=commands())
    def somebody_speaks_at_the_very_instant(self, command: tuple[Decision, dict[str, Any]]) -> None:
        due = clocks.next_due(self.told.state, self.told.context)
        assert due is not None
        self.told.now = max(due, self.told.now)
        attempt(self.told, command)

    @rule(primary=maybe, secondary=maybe, without=st.lists(st.sampled_from(HANDLES), max_size=7))
    def people_change(self, primary: str | None, secondary: str | None, without: list[str]) -> None:
        self.told.context = replace(
            self.told.context,
            directory=directory(without=tuple(without)),
            rota=on_call(primary, secondary),
        )

    @invariant()
    def the_state_is_what_the_facts_say(self) -> None:
        assert fold(self.told.timeline) == self.told.state
        assert self.told.state.version == len(self.told.timeline)

    @invariant()
    def nothing_is_left_due_and_looking_again_finds_nothing(self) -> None:
        told = self.told
        due = clocks.next_due(told.state, told.context)
        assert due is None or due > told.now
        assert clocks.advance(told.state, told.context, told.now) == []

    @invariant()
    def every_page_has_one_outcome_and_all_have_one_when_nobody_is_called(self) -> None:
        ended = Counter(e.page for e in self.told.events(ev.PageEnded))
        asked = Counter(e.page for e in self.told.events(ev.PageRequested))
        waiting = Counter(e.page for e in self.told.events(ev.PageDeferred))
        assert max([*ended.values(), *asked.values(), *waiting.values()], default=1) == 1
        assert ended.keys() <= asked.keys() | waiting.keys()
        if self.told.state.paging is not Paging.TRIGGERED:
            helping = {p.number for p in self.told.state.open_pages() if p.rung == ASKED}
            assert ended.keys() | helping == asked.keys() | waiting.keys()

    @invariant()
    def nobody_is_called_on_two_pages(self) -> None:
        called = Counter(p.person for p in self.told.state.open_pages())
        assert max(called.values(), default=1) == 1

    @invariant()
    def what_is_said_of_a_clock_follows_from_its_times_and_levels_alone(self) -> None:
        told = self.told
        for clock in told.state.clocks:
            found = verdicts.judged(clock, told.state, told.context, told.now)
            said = (verdicts.recorded(clock), clock.level, clock.breached)
            assert (found.verdict, found.level, found.breached) == said

    @invariant()
    def every_clock_is_broken_at_most_once_and_judged_once(self) -> None:
        if self.told.events(ev.TimeCorrected) or self.told.events(ev.Reopened):
            return  # then a promise may be kept after all, and broken again
        for name in ("ack", "mitigate", "resolve"):
            breached = [e for e in self.told.events(ev.ClockBreached) if e.clock == name]
            ended = [e for e in self.told.events(ev.ClockEnded) if e.clock == name]
            kept = [c for c in self.told.state.clocks if c.name == name]
            assert len(breached) == sum(c.breached for c in kept)
            assert len(ended) == sum(not c.open for c in kept)
            assert sum(c.open for c in kept) <= 1
            judged = [c for c in kept if not c.open and c.verdict != "merged"]
            assert all(c.breached == (c.verdict == "missed") for c in judged)

    @invariant()
    def whoever_is_not_answered_for_is_still_being_called(self) -> None:
        state = self.told.state
        if state.paging == Paging.TRIGGERED and state.stage not in OVER:
            assert any(d.kind == "rung" for d in clocks.deadlines(state, self.told.context))

    @invariant()
    def once_it_is_over_only_what_is_owed_is_due(self) -> None:
        stage = self.told.state.stage
        if stage in OVER:
            kinds = {d.kind for d in clocks.deadlines(self.told.state, self.told.context)}
            assert kinds <= OWED | ({"task"} if stage == Stage.RESOLVED else set())

    @invariant()
    def nothing_is_left_behind(self) -> None:
        nothing_is_left_behind(self.told)

    @invariant()
    def whoever_answered_does_not_only_watch(self) -> None:
        state = self.told.state
        assert state.acked_by not in state.room.shadows
        assert not {person for _, person in state.seats} & set(state.room.shadows)

    @invariant()
    def every_fact_can_be_said_in_one_line_and_acted_on(self) -> None:
        for event in self.told.timeline[-12:]:
            sentence = narrate.sentence(event)
            assert sentence.strip()
            assert len(sentence.splitlines()) == 1
            effects.derive(event, self.told.state, self.told.context.directory)

    @invariant()
    def time_on_the_timeline_never_goes_back(self) -> None:
        moments = [e.at for e in self.told.timeline]
        assert moments == sorted(moments)


TestIncidents = Incidents.TestCase
TestIncidents.settings = settings(max_examples=60, stateful_step_count=25)

steps = st.one_of(
    st.tuples(st.just("command"), st.one_of(commands(), work())),
    st.tuples(st.just("pass"), spans),
    st.tuples(st.just("end"), endings()),
)
stories = st.lists(steps, max_size=10)


def tell(context: Context, word: str | None, story: list[tuple[str, Any]], *, closely: bool) -> Told:
    """The same story, once looked at whenever something falls due, once only when somebody speaks."""
    told = begin(context, word)
    for kind, what in story:
        if kind != "pass":
            attempt(told, what)
        elif closely:
            told.wait(seconds=what.total_seconds())
        else:
            told.now += what
    told.advance()
    return told


def promises(told: Told) -> list[tuple[Any, ...]]:
    return [(c.name, c.start, c.level, c.breached, c.verdict, c.ended_at) for c in told.state.clocks]


@settings(max_examples=150)
@given(contexts, st.one_of(st.none(), words), stories)
def test_however_often_somebody_looks_at_the_clock_the_verdicts_are_the_same(
    context: Context, word: str | None, story: list[tuple[str, Any]]
) -> None:
    # a provider's answer is about a page, and when pages are asked for depends on when somebody looks
    story = [(kind, what) for kind, what in story if kind == "pass" or what[0].__name__[:5] != "page_"]
    often, seldom = (tell(context, word, story, closely=closely) for closely in (True, False))
    # an ack that does not hold (E10) calls people anew when somebody looks, and with them a new promise begins
    assume(not often.events(ev.AckExpired))

    assert promises(often) == promises(seldom)
    if not often.events(
        ev.TimeCorrected
    ):  # at the instant of a limit a person may speak before anybody looks
        assert sorted(often.breaches()) == sorted(seldom.breaches())
    for name in ("stage", "level", "seats", "acked_by", "acked_at", "paging", "seat_alarmed", "offers"):
        assert getattr(often.state, name) == getattr(seldom.state, name), name
    late = [[(e.due, e.level) for e in t.events(ev.UpdateOverdue)] for t in (often, seldom)]
    assert late[0] == late[1]
    assert often.state.postmortem_overdue == seldom.state.postmortem_overdue


@settings(max_examples=100)
@given(contexts, st.one_of(st.none(), words), st.lists(spans, min_size=1, max_size=8))
def test_time_in_small_steps_and_in_one_big_step_breaks_the_same_promises(
    context: Context, word: str | None, naps: list[timedelta]
) -> None:
    small, big = begin(context, word), begin(context, word)
    for nap in naps:
        small.now += nap
        small.advance()
    big.now += sum(naps, timedelta())
    big.advance()

    assert small.breaches() == big.breaches()
    assert {e.person for e in big.events(ev.PageRequested)} <= {
        e.person for e in small.events(ev.PageRequested)
    }


@settings(max_examples=60)
@given(contexts, words, st.integers(0, 40))
def test_somebody_is_called_or_the_siren_rings_in_the_instant_of_opening(
    context: Context, word: str, minutes: int
) -> None:
    told = begin(context, word)
    reachable = any(context.directory.methods_of(handle) for handle in context.directory.people)

    assert all(e.at == DAY for e in told.timeline)
    assert bool(told.state.open_pages()) is reachable
    told.wait(minutes=minutes)
    if not reachable:
        assert told.events(ev.NobodyReachable)
