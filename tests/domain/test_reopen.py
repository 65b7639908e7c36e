"""It comes back: within the policy's time the same incident goes on, with its clocks; later it is a new one."""

from __future__ import annotations

import pytest

from domain.told import DAY, REF, Told, acme
from tocsin.domain import clocks, grouping, lifecycle, narrate, tasks, times
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.fold import fold
from tocsin.domain.incident import Paging, Stage


def reopen(told: Told, by: str = "tomas", reason: str = "customers are locked out again") -> Told:
    told.do(lifecycle.reopen, by=by, reason=reason)
    return told


@pytest.fixture
def over(told: Told) -> Told:
    """Alert 13:00, acknowledged 13:02, declared, mitigated 13:10, resolved 13:20."""
    told.alert()
    told.until("13:02:00").ack().declare("mei")
    return told.until("13:10:00").mitigate().until("13:20:00").resolve()


# --- what goes on ----------------------------------------------------------------------------------------


def test_people_are_called_anew_by_the_ladder_with_a_new_ack_clock(over: Told) -> None:
    reopen(over.until("13:25:00"))
    assert over.due("ack") == "13:30:00"
    over.until("13:31:00")

    assert over.pages()[-2:] == [("13:25:00", "mei"), ("13:30:00", "priya")]
    over.ack("priya")
    assert over.verdicts("ack") == [("SEV1", "met"), ("SEV1", "missed")]


def test_mitigate_and_resolve_run_on_from_their_start(over: Told) -> None:
    reopen(over.until("13:25:00"))

    assert (over.state.stage, over.state.resolved_at, over.state.mitigated_at) == (Stage.DECLARED, None, None)
    assert (over.due("mitigate"), over.due("resolve")) == ("13:30:00", "15:00:00")


def test_a_limit_that_passed_meanwhile_is_a_broken_promise_and_told(over: Told) -> None:
    reopen(over.until("14:00:00"))

    assert over.breaches() == [("mitigate", "SEV1", "13:30:00")]
    assert over.told("breach") == [("14:00:00", "mei")]
    over.ack().until("14:10:00").mitigate()
    assert over.verdicts("mitigate") == [("SEV1", "met"), ("SEV1", "missed")]


def test_what_was_missed_before_stays_missed(told: Told) -> None:
    told.declare("mei").ack().until("13:40:00").mitigate().resolve()
    reopen(told.until("13:50:00")).ack().until("14:00:00").mitigate()

    assert told.verdicts("mitigate") == [("SEV1", "missed"), ("SEV1", "missed")]
    assert len([b for b in told.breaches() if b[0] == "mitigate"]) == 1


def test_the_level_of_now_holds_for_what_goes_on(told: Told) -> None:
    told.declare("mei", "SEV2").ack().until("13:20:00").mitigate()
    told.until("13:25:00").severity("SEV1").ack().until("13:26:00").resolve()
    reopen(told.until("13:28:00"))

    assert told.due("mitigate") == "13:30:00"


def test_a_worse_level_between_mitigated_and_resolved_counts_once_it_goes_on(told: Told) -> None:
    told.declare("mei", "SEV2").ack().until("13:20:00").mitigate()
    told.until("13:35:00").severity("SEV1").ack().until("13:40:00").severity("SEV2").resolve()
    reopen(told.until("13:45:00"))

    mitigate = told.state.clock("mitigate")
    assert mitigate is not None
    assert (mitigate.breached, mitigate.level) == (True, "SEV1"), "it was SEV1 when 13:30 had passed"


def test_updates_are_owed_from_the_reopening(over: Told) -> None:
    over.until("13:25:00")
    assert over.due("update-overdue") is None
    reopen(over)

    assert over.due("update-overdue") == "13:55:00"


def test_whoever_sits_on_a_seat_is_told_and_stays(over: Told) -> None:
    reopen(over.until("13:25:00"))

    assert over.told("reopened") == [("13:25:00", "mei")]
    assert over.state.holder("ic") == "mei"


def test_the_postmortem_is_owed_again_from_the_next_resolve(over: Told) -> None:
    over.do(lifecycle.publish_postmortem, by="mei", where="pm.md")
    reopen(over.until("13:25:00")).ack()
    assert over.due("postmortem") is None
    over.until("13:40:00").resolve()

    assert [d.due for d in clocks.deadlines(over.state, over.context) if d.kind == "postmortem"] == [
        over.instant("2d 13:40")
    ]


def test_a_closed_one_can_be_reopened_too(over: Told) -> None:
    over._take([ev.Closed(over.now, "mei")])
    reopen(over.until("13:25:00"))

    assert (over.state.stage, over.state.closed_at) == (Stage.DECLARED, None)


def test_a_dismissed_one_is_triage_again_and_calls(told: Told) -> None:
    told.alert()
    told.until("13:02:00").do(lifecycle.dismiss, by="mei", reason="the probe")
    reopen(told.until("13:10:00"))

    assert (told.state.stage, told.state.paging) == (Stage.TRIAGE, Paging.TRIGGERED)
    assert told.due("ack") == "13:15:00"
    told.until("13:12:00").ack().declare("mei")
    assert told.due("resolve") == "15:00:00"


def test_the_claim_is_held_again(over: Told) -> None:
    assert over.state.claims == ()
    reopen(over.until("13:25:00"))

    assert over.state.claims == ("probe/sign-in",)


def test_it_counts_the_alerts_that_fire_now(over: Told) -> None:
    over.do(lifecycle.reopen, by="mei", reason="again", firing=0)
    assert over.state.firing == 0

    over.until("13:21:00").do(grouping.signalled, signal=signal())
    assert over.state.firing == 1


def signal() -> grouping.Signal:
    return grouping.Signal("probe", "other", "Smoke test failed", "critical", group="sign-in")


def test_a_second_resolve_leaves_the_first_answer_alone_when_it_is_corrected(told: Told) -> None:
    told.declare("tomas").until("13:04:00").resolve()
    reopen(told.until("13:10:00")).until("13:20:00").resolve().until("13:30:00")
    told.do(times.correct, by="mei", name="resolved", at=told.instant("13:14:00"), reason="earlier")

    acks = [(f"{c.ended_at:%H:%M}", c.verdict) for c in told.state.clocks if c.name == "ack"]
    assert acks == [("13:04", "met"), ("13:14", "met")]
    assert fold(told.timeline) == told.state


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "fits"), [("1d 13:20:00", True), ("1d 13:20:01", False)])
def test_for_a_day_and_not_longer(over: Told, at: str, fits: bool) -> None:
    over.now = over.instant(at)
    if fits:
        assert reopen(over).state.stage == Stage.DECLARED
        return
    with pytest.raises(Refused) as refused:
        reopen(over)
    assert "1d00h" in refused.value.reason
    assert refused.value.possible == f"declare a new one: tocsin declare --from {REF}"


def test_the_handbook_may_give_another_time() -> None:
    told = Told(acme(reopen_s=3600)).declare("mei").ack().resolve().until("14:00:01")

    with pytest.raises(Refused, match="1h00m"):
        reopen(told)


def test_a_reason_is_needed(over: Told) -> None:
    with pytest.raises(Refused, match="needs a reason"):
        reopen(over, reason=" ")


def test_what_runs_is_not_reopened(told: Told) -> None:
    told.declare("mei")

    with pytest.raises(Refused) as refused:
        reopen(told)
    assert refused.value.possible == "possible now: mitigate or resolve it"


def test_what_was_merged_says_where_it_goes_on(told: Told) -> None:
    told.declare("mei")
    told._take([ev.Merged(told.now, "mei", "INC-2026-0002", ev.Text(""))])

    with pytest.raises(Refused) as refused:
        reopen(told)
    assert "INC-2026-0002" in refused.value.possible


# --- near misses and planned changes ---------------------------------------------------------------------


def recorded(kind: str = "near-miss") -> Told:
    told = Told()
    opening = lifecycle.Opening(
        REF, "pinned", "Almost rotated the wrong secret", "", "person", "jonas", kind=kind
    )
    return told.open(lifecycle.open_recorded(opening, told.context, DAY))


@pytest.mark.parametrize("kind", ["near-miss", "change"])
def test_it_has_no_level_no_clock_and_calls_nobody(kind: str) -> None:
    told = recorded(kind).wait(days=30)

    assert (told.state.stage, told.state.level, told.state.clocks) == (Stage.RECORDED, "", ())
    assert told.pages() == []
    assert clocks.next_due(told.state, told.context) is None
    assert narrate.sentence(told.timeline[0])


def test_another_kind_or_a_level_is_refused() -> None:
    for kind, level in (("incident", ""), ("outing", ""), ("near-miss", "SEV1")):
        opening = lifecycle.Opening(REF, "pinned", "x", level, "person", "jonas", kind=kind)
        with pytest.raises(Refused):
            lifecycle.open_recorded(opening, acme(), DAY)


def test_what_belongs_to_an_incident_is_refused_with_what_is_possible() -> None:
    told = recorded()
    possible = "possible now: notes, checks and actions, then close it"

    for step in (told.mitigate, told.resolve, lambda: reopen(told)):
        with pytest.raises(Refused) as refused:
            step()
        assert refused.value.possible == possible
    with pytest.raises(Refused) as refused:
        told.declare("mei")
    assert refused.value.possible == "declare an incident of its own: tocsin declare"
    for step in (told.ack, lambda: told.severity("SEV1"), told.update):
        with pytest.raises(Refused):
            step()


def test_it_is_closed_when_nothing_is_owed() -> None:
    told = recorded()
    told.do(lifecycle.close, by="jonas")

    assert told.state.stage == Stage.CLOSED


# --- severity, so often ----------------------------------------------------------------------------------


def test_people_change_the_severity_so_often_and_no_further_alerts_always_do(told: Told) -> None:
    told.alert("warning")
    told.ack().declare("mei", "SEV3")
    while len(told.state.levels) < lifecycle.LEVELS_LIMIT:
        told.severity("SEV4" if told.state.level == "SEV3" else "SEV3")
    with pytest.raises(Refused, match="50 times"):
        told.severity("SEV2")

    told.alert("critical")
    assert told.state.level == "SEV1"


def test_whose_change_is_suspected_is_not_seated_by_answering(told: Told) -> None:
    told.declare("tomas")
    told._take([ev.ChangeSuspected(told.now, "tomas", "the 13:02 release", "mei", None)])
    told.ack("mei")

    assert told.state.holder("ic") is None
    assert told.state.acked_by == "mei"


def test_a_day_counts_from_the_dismissal(told: Told) -> None:
    told.alert("warning")
    told.ack("jonas").wait(hours=26)
    told.do(lifecycle.dismiss, by="jonas", reason="a wrong click")
    told.wait(minutes=1)
    told.do(lifecycle.reopen, by="mei", reason="it was one")

    assert told.state.stage == Stage.TRIAGE


def test_triage_with_work_under_way_does_not_end_by_itself_or_in_silence(told: Told) -> None:
    told.alert()
    told.ack("mei")
    told.do(tasks.open_task, by="mei", text="Look at the queue", owner="jonas", minutes=10)
    told.recovered()
    assert told.state.stage == Stage.TRIAGE
    with pytest.raises(Refused, match="work under way: task 1"):
        told.do(lifecycle.dismiss, by="mei", reason="recovered")
    told.do(tasks.finish_task, by="jonas", task=1, result="empty again")
    told.do(lifecycle.dismiss, by="mei", reason="recovered")

    assert told.state.stage == Stage.DISMISSED
