"""Two incidents that are one: what ends, what goes on, who is called again, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.told import REF, Told, acme
from tocsin.domain import actions, crew, grouping, legal, lifecycle, merging, response, restricted, tasks
from tocsin.domain import events as ev
from tocsin.domain import statements as said
from tocsin.domain.context import Refused
from tocsin.domain.effects import Drop, Send
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.policy import built_in_policy
from tocsin.domain.signals import Signal
from tocsin.domain.work import MOST

OTHER = "INC-2026-0002"
THIRD = "INC-2026-0003"


def declared(ref: str, at: str, level: str = "SEV2", by: str = "mei", **more: Any) -> Told:
    told = Told()
    told.until(at)
    opening = lifecycle.Opening(ref, "pinned", "Payments show as pending", level, "person", by, **more)
    return told.open(lifecycle.open_declared(opening, told.context, told.now, why="chosen"))


def alerted(ref: str, at: str, word: str = "critical", key: str = "queue") -> Told:
    told = Told()
    told.until(at)
    signal = Signal("probe", key, "Queue stands still", word, group=key)
    told.note_row(signal)
    return told.open(grouping.open_for(signal, ref, "pinned", told.context, told.now))


def merge(child: Told, into: Told, by: str = "mei", at: str | None = None) -> Told:
    """Both sides, each on the other's state before; the child first, as the engine does it."""
    for told in (child, into):
        told.until(at or f"{max(child.now, into.now):%H:%M:%S}")
    before, parent = child.state, into.state
    ended = merging.merged(before, child.context, child.now, by=by, into=parent, reason="the same")
    merging.absorbed(parent, into.context, into.now, by=by, child=before)  # refused before anything is kept
    child._take(ended)
    into.do(merging.absorbed, by=by, child=before)
    return into


@pytest.fixture
def parent() -> Told:
    """A SEV2 that Mei leads since 13:00, acknowledged at once."""
    return declared(REF, "13:00:00").ack()


# --- the child -------------------------------------------------------------------------------------------


def test_the_child_ends_its_pages_stop_its_clocks_are_not_scored(parent: Told) -> None:
    child = alerted(OTHER, "13:10:00").until("13:12:00").declare("tomas", "SEV2")
    merge(child, parent, at="13:20:00")
    child.wait(days=3)

    assert (child.state.stage, child.state.merged_into) == (Stage.MERGED, REF)
    assert (child.state.paging, child.state.firing) == (Paging.OVER, 0)
    assert set(child.outcomes().values()) == {"stopped"}
    assert {verdict for name in ("ack", "mitigate", "resolve") for _, verdict in child.verdicts(name)} == {
        "merged"
    }
    assert child.due("resolve") is None


def test_a_promise_that_was_broken_before_stays_on_the_timeline_and_is_not_scored(parent: Told) -> None:
    child = alerted(OTHER, "13:10:00", "critical")
    merge(child, parent, at="13:20:00")

    assert child.breaches() == [("ack", "SEV1", "13:15:00")]
    assert child.verdicts("ack") == [("SEV1", "merged")]


# --- the parent ------------------------------------------------------------------------------------------


def test_the_parent_holds_what_the_child_held(parent: Told) -> None:
    child = alerted(OTHER, "13:10:00", "error").ack()
    merge(child, parent)

    assert parent.state.absorbed == (OTHER,)
    assert parent.state.claims == ("probe/queue",)
    assert parent.state.firing == 1
    assert child.state.claims == ()
    (said,) = parent.events(ev.Absorbed)
    assert (said.child, said.title, said.firing) == (OTHER, "Queue stands still", 1)


def test_what_was_merged_into_the_child_comes_along(parent: Told) -> None:
    third, child = alerted(THIRD, "13:01:00", key="disk").ack(), alerted(OTHER, "13:02:00").ack()
    merge(third, child)
    merge(child, parent)

    assert set(parent.state.claims) == {"probe/queue", "probe/disk"}
    assert parent.state.firing == 2


def test_a_worse_child_raises_the_parent_and_calls_by_its_level(parent: Told) -> None:
    child = declared(OTHER, "13:10:00", "SEV1", by="tomas")
    merge(child, parent, at="13:12:00")

    assert parent.state.level == "SEV1"
    (raised,) = parent.events(ev.SeverityChanged)
    assert (raised.by, raised.old, raised.reason) == ("mei", "SEV2", f"absorbed {OTHER}")
    assert ("13:12:00", "mei") in parent.pages()
    assert (parent.due("ack"), parent.due("mitigate")) == ("13:17:00", "13:30:00")


def test_a_milder_child_changes_no_level_and_calls_nobody(parent: Told) -> None:
    called = parent.pages()
    merge(declared(OTHER, "13:10:00", "SEV3").ack(), parent).wait(minutes=4)

    assert parent.state.level == "SEV2"
    assert parent.pages() == called


@pytest.mark.parametrize(("at", "again"), [("13:30:00", False), ("13:30:01", True)])
def test_an_alert_that_nobody_answered_calls_again_where_the_ack_is_old(
    parent: Told, at: str, again: bool
) -> None:
    child = alerted(OTHER, "13:29:00", "error")
    called = len(parent.pages())
    merge(child, parent, at=at)

    assert (len(parent.pages()) > called) is again
    assert (parent.state.paging == Paging.TRIGGERED) is again


def test_an_alert_that_nobody_answered_calls_again_once_it_is_mitigated(parent: Told) -> None:
    parent.until("13:05:00").mitigate()
    merge(alerted(OTHER, "13:10:00", "error"), parent)

    assert parent.state.paging == Paging.TRIGGERED


def test_an_alert_that_somebody_answered_calls_nobody_again(parent: Told) -> None:
    child = alerted(OTHER, "13:40:00", "error").ack("priya")
    merge(child, parent, at="13:41:00")

    assert parent.state.paging == Paging.ACKED


@pytest.mark.parametrize(("acked", "again"), [("13:09:59", True), ("13:10:30", False)])
def test_what_a_person_declared_is_silent_only_where_somebody_answered_since(acked: str, again: bool) -> None:
    parent = declared(REF, "13:00:00").until(acked).ack()
    child = declared(OTHER, "13:10:00", by="aisha")
    merge(child, parent, by="aisha", at="13:12:00")

    assert (("13:12:00", "mei") in parent.pages()) is again
    assert parent.verdicts("ack") == [("SEV2", "met")], "a promise of its own, from now"
    assert parent.due("ack") == ("13:27:00" if again else None)


def test_what_a_person_declared_calls_again_where_the_ack_is_old() -> None:
    parent = declared(REF, "13:00:00").ack()
    child = declared(OTHER, "16:00:00", by="aisha")
    merge(child, parent, by="aisha", at="16:02:00").until("16:10:00")

    assert parent.pages()[1:] == [("16:02:00", "mei"), ("16:07:00", "priya")]


def test_a_mitigated_parent_is_called_for_every_child_that_still_calls(parent: Told) -> None:
    parent.until("13:05:00").mitigate()
    merge(alerted(OTHER, "13:10:00", "error"), parent)
    parent.until("13:12:00").ack()
    merge(alerted(THIRD, "13:14:00", "error", key="disk"), parent)

    assert [at for at, _ in parent.pages()] == ["13:00:00", "13:10:00", "13:14:00"]


def test_a_page_that_is_under_way_for_the_parent_goes_on() -> None:
    parent = declared(REF, "13:00:00", by="tomas")
    merge(alerted(OTHER, "13:02:00", "error"), parent).until("13:06:00")

    assert parent.pages() == [("13:00:00", "mei"), ("13:05:00", "priya")]


def test_what_people_made_of_the_childs_alert_stands_in_the_parent_too(parent: Told) -> None:
    child = alerted(OTHER, "13:10:00", "critical").ack().severity("SEV3", reason="only the probe")
    merge(child, parent)
    assert parent.state.level == "SEV2"

    parent.do(grouping.signalled, signal=Signal("probe", "queue", "again", "critical", group="queue"))
    assert parent.state.level == "SEV2"


def test_a_level_that_the_parents_handbook_does_not_know_raises_nothing() -> None:
    parent = Told(acme(built_in_policy())).declare("mei", "SEV2").ack()
    child = declared(OTHER, "13:10:00", "SEV1").ack()
    child._state = replace(child.state, level="Emergency")
    absorbed = merging.absorbed(parent.state, parent.context, child.now, by="mei", child=child.state)

    assert [type(e).__name__ for e in absorbed] == ["Absorbed"]


def test_the_codename_of_a_restricted_child_stands_for_its_title(parent: Told) -> None:
    child = declared(OTHER, "13:10:00")
    child._take([ev.Restricted(child.now, "mei", "Heron", ("mei",), ev.Text(""))])
    merge(child, parent)

    assert parent.events(ev.Absorbed)[0].title == "Heron"


def test_the_leader_is_told(parent: Told) -> None:
    merge(declared(OTHER, "13:10:00", "SEV3"), parent)

    assert parent.told("absorbed") == [("13:10:00", "mei")]


# --- what comes along ------------------------------------------------------------------------------------


def test_a_task_that_nobody_began_is_dropped_and_says_where_it_goes_on(parent: Told) -> None:
    child = declared(OTHER, "13:10:00", by="priya").ack("priya")
    child.do(tasks.open_task, by="priya", text="merge the rows back")
    child.do(tasks.open_task, by="priya", text="look at the queue", owner="jonas", minutes=20, second=True)
    merge(child, parent).wait(hours=1)

    assert [(e.task, e.by, e.reason) for e in child.events(ev.TaskDropped)] == [
        (1, "mei", f"goes on in {REF}"),
        (2, "mei", f"goes on in {REF}"),
    ]
    assert not [task for task in child.state.work.tasks if task.open]


def test_open_actions_come_along_with_their_owner_and_day(parent: Told) -> None:
    parent.do(actions.add, by="mei", text="an alert for it")
    child = declared(OTHER, "13:10:00", by="priya").ack("priya")
    day = child.now.date() + timedelta(days=3)
    child.do(actions.add, by="priya", text="a dry run", kind="process", owner="jonas", due=day)
    child.do(actions.add, by="priya", text="not needed")
    child.do(actions.drop, by="priya", action=2, reason="no")
    merge(child, parent)

    first, second = parent.state.duties.actions
    assert (first.number, first.text) == (1, "an alert for it")
    assert (second.number, second.text, second.kind, second.owner) == (2, "a dry run", "process", "jonas")
    assert (second.due, second.state) == (day, "open")
    assert [(e.action, e.reason) for e in child.events(ev.ActionDropped)][1:] == [(1, f"goes on in {REF}")]
    assert ("13:10:00", "jonas") in parent.told("action")
    child.wait(days=5)
    assert not child.events(ev.ActionOverdue), "asked for once, in the parent"


def test_the_plan_of_a_level_without_times_comes_along(parent: Told) -> None:
    child = declared(OTHER, "13:10:00", by="priya").ack("priya")
    child._take([ev.ActionAdded(child.now, "priya", 1, ev.Text("a"), "mitigate", calendar="next sprint")])
    merge(child, parent)

    assert parent.state.duties.actions[0].calendar == "next sprint"


def test_whoever_made_a_change_that_the_child_suspects_is_not_proposed_to_lead() -> None:
    parent = declared(REF, "13:00:00", by="aisha").ack("aisha")
    child = declared(OTHER, "13:02:00", by="aisha").ack("aisha")
    for told in (parent, child):
        told.do(crew.suspect, by="aisha", what="a new queue")
    child.do(crew.suspect, by="aisha", what="migration", author="mei", happened=child.now)
    merge(child, parent, by="aisha", at="13:03:00")
    parent.ack()

    assert parent.state.holder("ic") is None
    assert "mei" not in crew.candidates(parent.state, parent.context)
    assert [s.what for s in parent.state.room.suspects] == ["a new queue", "migration"]


def test_no_more_changes_come_along_than_one_incident_holds(parent: Told) -> None:
    child = declared(OTHER, "13:02:00").ack()
    for told, word in ((parent, "here"), (child, "there")):
        for number in range(crew.SUSPECTS_LIMIT - 1):
            told.do(crew.suspect, by="mei", what=f"{word} {number}")
    child.do(crew.suspect, by="mei", what="migration", author="jonas")
    merge(child, parent)

    assert len(parent.state.room.suspects) == crew.SUSPECTS_LIMIT
    assert parent.state.room.suspects[-1].author == "jonas"


def test_the_words_of_a_restricted_child_stay_where_they_may_be_read(parent: Told) -> None:
    child = declared(OTHER, "13:10:00").ack()
    child.do(actions.add, by="mei", text="rotate the keys of Northwind", owner="jonas")
    child.do(crew.suspect, by="mei", what="export of Northwind", author="jonas")
    child.do(restricted.restrict, by="mei", codename="Heron")
    merge(child, parent)

    assert [a.text for a in parent.state.duties.actions] == [f"action 1 of {OTHER}, Heron"]
    assert [s.what for s in parent.state.room.suspects] == [f"suspected change 1 of {OTHER}, Heron"]


def test_an_offer_ends_with_the_child(parent: Told) -> None:
    child = declared(OTHER, "13:10:00").ack()
    child.do(response.offer_handover, by="mei", role="ic", to="priya")
    merge(child, parent)

    assert [(e.role, e.to, e.by) for e in child.events(ev.HandoverWithdrawn)] == [("ic", "priya", "mei")]
    assert child.told("merged") == [("13:10:00", "priya")]
    child.wait(hours=1)
    assert not child.events(ev.HandoverReminded)


def test_everybody_at_work_in_the_child_hears_where_it_goes_on(parent: Told) -> None:
    child = declared(OTHER, "13:02:00", by="aisha").ack("priya").ack("henrik")
    child.do(response.assign_seat, by="priya", role="ops", person="jonas")
    child.do(crew.shadow, by="tomas")
    merge(child, parent, at="13:10:00")

    told = child.told("merged")
    assert sorted(person for _, person in told) == ["aisha", "henrik", "jonas", "priya", "tomas"]
    assert {e.note for _, e in child.effects if isinstance(e, Send) and e.about == "merged"} == {REF}


def test_whoever_merges_is_not_told_of_it(parent: Told) -> None:
    child = declared(OTHER, "13:02:00").ack()
    merge(child, parent)

    assert child.told("merged") == []


def test_what_waited_to_be_said_about_the_child_is_not_said_any_more(parent: Told) -> None:
    child = declared(OTHER, "13:02:00", by="priya").ack("priya")
    merge(child, parent)
    dropped = [n for n, (_, effect) in enumerate(child.effects) if effect == Drop("notice/")]
    said_last = [n for n, (_, e) in enumerate(child.effects) if isinstance(e, Send) and e.about == "merged"]

    assert dropped
    assert dropped[-1] < min(said_last)


def test_approvers_of_a_statement_that_was_not_sent_hear_of_it(parent: Told) -> None:
    child = declared(OTHER, "13:02:00", by="priya").ack("priya")
    child.do(said.draft, by="priya", audience="customers", text="some are missing", data="nothing exposed")
    child.do(response.offer_handover, by="priya", role="ic", to="henrik")
    child.do(response.accept_handover, by="henrik", role="ic")
    merge(child, parent)

    assert ("13:02:00", "priya") in child.told("merged")


def test_those_at_work_in_the_child_may_read_a_restricted_parent(parent: Told) -> None:
    parent.do(restricted.restrict, by="mei", codename="Heron", readers=("tomas",))
    child = declared(OTHER, "13:02:00", by="priya").ack("priya")
    child.do(response.assign_seat, by="priya", role="ops", person="jonas")
    merge(child, parent)

    assert restricted.may_read(parent.state, "priya")
    assert restricted.may_read(parent.state, "jonas")
    assert not restricted.may_read(parent.state, "aisha")
    joined = parent.events(ev.Restricted)[-1]
    assert (joined.codename, joined.readers) == ("Heron", ("mei", "tomas", "priya", "jonas"))
    assert joined.reason == f"absorbed {OTHER}"


def test_nobody_lets_others_read_what_they_may_not_read(parent: Told) -> None:
    parent.do(restricted.restrict, by="mei", codename="Heron")
    merge(declared(OTHER, "13:02:00", by="priya").ack("priya"), parent, by="priya")

    assert not restricted.may_read(parent.state, "priya")
    assert len(parent.events(ev.Restricted)) == 1


def test_a_list_of_readers_that_holds_them_all_is_not_written_again(parent: Told) -> None:
    parent.do(restricted.restrict, by="mei", codename="Heron", readers=("priya",))
    merge(declared(OTHER, "13:02:00", by="priya").ack("priya"), parent)

    assert len(parent.events(ev.Restricted)) == 1


# --- refused ---------------------------------------------------------------------------------------------


def refusal(child: Incident, into: Incident) -> Refused:
    """Both sides refuse, in the same words."""
    told = Told()
    with pytest.raises(Refused) as first:
        merging.merged(child, told.context, told.now, by="mei", into=into, reason="")
    with pytest.raises(Refused) as second:
        merging.absorbed(into, told.context, told.now, by="mei", child=child)
    assert (first.value.reason, first.value.possible) == (second.value.reason, second.value.possible)
    assert first.value.possible
    return first.value


def test_an_incident_is_not_merged_into_itself(parent: Told) -> None:
    assert "itself" in refusal(parent.state, parent.state).reason


def test_no_circle_is_possible(parent: Told) -> None:
    child = declared(OTHER, "13:10:00")
    merge(child, parent)

    assert REF in refusal(parent.state, child.state).possible


def test_it_is_merged_once(parent: Told) -> None:
    child, third = declared(OTHER, "13:10:00"), declared(THIRD, "13:11:00")
    merge(child, parent)

    assert f"merged into {REF}" in refusal(child.state, third.state).reason


def test_what_is_over_is_reopened_first(parent: Told) -> None:
    child = declared(OTHER, "13:10:00")
    parent.resolve()

    assert f"tocsin reopen {REF}" in refusal(child.state, parent.state).possible
    assert "only what still runs" in refusal(parent.state, child.state).reason


def test_what_cannot_be_reopened_any_more_is_not_advised(parent: Told) -> None:
    parent.resolve()
    child = declared(OTHER, "13:10:00")
    told = Told(at=parent.now + timedelta(days=1, seconds=1))
    for decision, state, other in (
        (merging.merged, child.state, {"into": parent.state, "reason": ""}),
        (merging.absorbed, parent.state, {"child": child.state}),
    ):
        with pytest.raises(Refused) as refused:
            decision(state, told.context, told.now, by="mei", **other)  # type: ignore[operator]

        assert "tocsin reopen" not in refused.value.possible
        assert f"go on with {OTHER}" in refused.value.possible


@pytest.mark.parametrize("count", [1, 2])
def test_work_under_way_in_the_child_is_finished_first(parent: Told, count: int) -> None:
    child = declared(OTHER, "13:10:00").ack()
    for _ in range(count):
        child.do(tasks.open_task, by="mei", text="merge the rows back", owner="jonas", minutes=20)
    refused = refusal(child.state, parent.state)

    numbers = {1: "task 1", 2: "tasks 1, 2"}[count]
    assert numbers in refused.reason
    assert refused.possible == f"finish or drop {numbers} first"
    for number in range(count):
        child.do(tasks.finish_task, by="jonas", task=number + 1)
    merge(child, parent)


def test_a_legal_deadline_does_not_end_in_silence(parent: Told) -> None:
    child = declared(OTHER, "13:10:00").ack()
    child.do(legal.start, by="mei", regime="gdpr", aware=child.now, owner="henrik")
    refused = refusal(child.state, parent.state)

    assert "gdpr deadline runs" in refused.reason
    assert "2026-01-23 13:10:00 UTC" in refused.reason
    assert f"merge {REF} into {OTHER}" in refused.possible
    merge(parent, child)
    assert child.state.absorbed == (REF,)


def test_a_decided_deadline_is_in_nobodys_way(parent: Told) -> None:
    child = declared(OTHER, "13:10:00").ack()
    child.do(legal.start, by="mei", regime="gdpr", aware=child.now, owner="henrik")
    child.do(legal.decide, by="henrik", regime="gdpr", decision="not notifiable", reason="no data")
    merge(child, parent)

    assert child.state.merged_into == REF


def test_a_deadline_of_what_is_not_declared_yet(parent: Told) -> None:
    child = alerted(OTHER, "13:10:00").ack("henrik")
    child.do(legal.start, by="henrik", regime="gdpr", aware=child.now, owner="henrik")

    assert f"declare {OTHER} and merge {REF} into {OTHER}" in refusal(child.state, parent.state).possible


def test_harm_that_goes_on_is_not_merged_into_what_is_mitigated(parent: Told) -> None:
    parent.until("13:05:00").mitigate()
    child = declared(OTHER, "13:10:00").ack()
    refused = refusal(child.state, parent.state)

    assert refused.reason == f"{REF} is mitigated and {OTHER} is not"
    assert refused.possible == f"mitigate it first, or merge {REF} into {OTHER}"
    child.mitigate()
    merge(child, parent)
    assert child.state.merged_into == REF


def test_what_is_mitigated_goes_on_in_what_is_not(parent: Told) -> None:
    parent.until("13:05:00").mitigate()
    child = declared(OTHER, "13:10:00").ack()
    merge(parent, child)

    assert child.due("mitigate") == "14:10:00"


def test_more_actions_than_one_incident_holds_do_not_come_along(parent: Told) -> None:
    child = declared(OTHER, "13:10:00").ack()
    child.do(actions.add, by="mei", text="a dry run")
    item = child.state.duties.actions[0]
    full = tuple(replace(item, number=n) for n in range(1, MOST + 1))
    into = replace(parent.state, duties=replace(parent.state.duties, actions=full, action_count=MOST))

    assert "no room for 1 more" in refusal(child.state, into).reason


def test_only_incidents_are_merged(parent: Told) -> None:
    told = Told()
    opening = lifecycle.Opening(OTHER, "pinned", "Almost", "", "person", "mei", kind="near-miss")
    told.open(lifecycle.open_recorded(opening, told.context, told.now))

    assert "near-miss" in refusal(told.state, parent.state).reason
    assert "near-miss" in refusal(parent.state, told.state).reason


@pytest.mark.parametrize("into_drill", [True, False])
def test_a_drill_and_the_real_thing_stay_apart(parent: Told, into_drill: bool) -> None:
    drill = declared(OTHER, "13:10:00", drill=True)
    child, into = (parent, drill) if into_drill else (drill, parent)

    assert f"{OTHER} is a drill" in refusal(child.state, into.state).reason


def test_a_declared_one_does_not_go_on_in_one_that_is_not(parent: Told) -> None:
    triage = alerted(OTHER, "13:10:00")

    assert f"merge {OTHER} into {REF}" in refusal(parent.state, triage.state).possible


def test_an_incident_absorbs_only_so_many(parent: Told) -> None:
    full = replace(parent.state, absorbed=tuple(f"INC-2026-{n:04}" for n in range(100, 150)))

    assert "50" in refusal(declared(OTHER, "13:10:00").state, full).reason


def test_nobody_acknowledges_what_was_merged(parent: Told) -> None:
    child = declared(OTHER, "13:10:00")
    merge(child, parent)

    with pytest.raises(Refused):
        child.do(response.acknowledge, by="mei", via="cli")
