"""No database change without a check that passed: lost contacts, minute by minute, and what could go otherwise.

The afternoon of the walk-through: a planned change was checked at 16:05, went wrong at 16:20, and from 16:34 on the
lost rows are an incident that Mei leads and Jonas repairs.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.told import BACKUP, DAY, Told, acme
from tocsin.domain import events as ev
from tocsin.domain import gates, lifecycle, narrate, response, tasks
from tocsin.domain.context import Refused
from tocsin.domain.effects import Write
from tocsin.domain.gates import EarlierCheck, PointAnswer
from tocsin.domain.policy import Gate

CHANGE = "CHG-2026-0001"
SEEN = (
    "recovery point 16:44:29, 9m31s ago",
    "the window reaches back 7 days",
    "dump of Sunday, its checksum fits",
    "52 days ago, passed",
    "noted below",
)


def given_answers(**instead: tuple[str, str]) -> tuple[PointAnswer, ...]:
    """Every point answered, in order; `p3=("failed", "...")` instead of the ordinary answer to the third."""
    ordinary = [("ok", seen) for seen in SEEN]
    for point, said in instead.items():
        ordinary[int(point.removeprefix("p")) - 1] = said
    return tuple(PointAnswer(*said) for said in ordinary)


def contacts_lost(gate: Gate = BACKUP) -> Told:
    """SEV1 since 16:34; Mei leads, Jonas repairs, the loss is contained at 16:44:30. It is 16:50."""
    told = Told(acme(primary="jonas", secondary="mei", gates=(gate,)))
    told.until("16:34:00").declare("tomas", title="Contacts missing")
    told.until("16:36:10").ack("jonas")
    told.until("16:38:00")
    told.do(response.take_seat, by="mei", role="ic")
    told.do(response.assign_seat, by="mei", role="ops", person="jonas")
    told.until("16:44:30").mitigate()
    return told.until("16:50:00")


def planned_change() -> Told:
    """Checked at 16:05 by Jonas, the moment to return to noted just before the start."""
    change = Told(acme(gates=(BACKUP,))).until("16:05:00").record("jonas")
    change.do(gates.go_through, by="jonas", answers=given_answers(p1=("ok", "recovery point 16:03")))
    change.until("16:19:40")
    change.do(gates.note_restore_point, by="jonas", point=change.instant("16:19:40"), note="before the start")
    return change


def known_elsewhere(other: Told, ref: str = CHANGE) -> tuple[EarlierCheck, ...]:
    """What the rows of all incidents say about the checks of that one."""
    return tuple(
        EarlierCheck(
            ref=ref,
            gate=c.gate,
            check=c.number,
            by=c.by,
            at=c.at,
            passed=c.passed,
            confirmed=c.confirmed,
            valid_until=c.valid_until,
            restore_point=c.restore_point,
            used=c.used,
            answers=other.state.work.answers,
        )
        for c in other.state.work.checks
    )


def waiting(told: Told, text: str = "Insert the contacts from memory", **more: object) -> int:
    """A database change of Jonas's that waits for the check; its number."""
    told.do(tasks.open_task, by="jonas", text=text, owner="jonas", db_change=True, **more)
    return told.state.work.task_count


def checked(told: Told, by: str = "jonas", **instead: tuple[str, str]) -> int:
    """Gone through once more; its number."""
    told.do(gates.go_through, by=by, answers=given_answers(**instead))
    return told.state.work.check_count


def confirmed(told: Told, **instead: tuple[str, str]) -> int:
    """Gone through by Jonas and confirmed by Mei."""
    number = checked(told, **instead)
    told.do(gates.confirm, by="mei", check=number)
    return number


def start(told: Told, task: int = 1, by: str = "jonas", earlier: tuple[EarlierCheck, ...] = ()) -> str:
    """Start it; what let it."""
    told.do(tasks.start_task, by=by, task=task, earlier=earlier)
    return told.events(ev.TaskStarted)[-1].passed


def refused_start(told: Told, task: int = 1, earlier: tuple[EarlierCheck, ...] = ()) -> str:
    """What the refusal says; nothing has happened."""
    before = told.state.version
    with pytest.raises(Refused) as refused:
        told.do(tasks.start_task, by="jonas", task=task, earlier=earlier)
    assert told.state.version == before
    return f"{refused.value.reason} / {refused.value.possible}"


def clock(moments: list[ev.GateLapsing] | list[ev.GateLapsed]) -> list[tuple[int, str, str]]:
    return [(e.check, f"{e.at:%H:%M:%S}", f"{e.due:%H:%M:%S}") for e in moments]


# --- the afternoon --------------------------------------------------------------------------------------------------


def test_a_planned_change_is_checked_and_counts_at_once_for_half_an_hour() -> None:
    change = planned_change()

    (check,) = change.state.work.checks
    assert (check.passed, check.confirmed) == (True, True), "nobody leads outside of an incident"
    assert check.valid_until == change.instant("16:35:00")
    assert change.state.work.restore_point == check.restore_point == change.instant("16:19:40")


def test_at_16_50_the_check_of_16_05_has_run_out() -> None:
    told = contacts_lost()
    waiting(told)

    said = refused_start(told, earlier=known_elsewhere(planned_change()))

    assert f"check 1 of {CHANGE} ran out at 16:35:00 (15m00s ago)" in said
    assert f"restore point 2026-01-20 16:19:40 UTC (of {CHANGE})" in said
    for number, point in enumerate(BACKUP.points, start=1):
        assert f"{number}. {point.text}" in said
    assert "(last ok, 45m00s ago: recovery point 16:03)" in said
    assert "the IC (mei) goes past it with a reason" in said


def test_the_check_of_16_54_counts_until_17_24_once_mei_confirms_it() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    told.do(gates.go_through, by="jonas", answers=given_answers(), restore_point=told.instant("16:19:40"))
    assert told.told("gate-confirm") == [("16:54:00", "mei")]
    assert "check 1 passed, but waits to be confirmed" in refused_start(told)

    told.until("16:55:00")
    told.do(gates.confirm, by="mei", check=1)

    assert told.state.work.checks[0].valid_until == told.instant("17:24:00"), "from when it was looked at"
    assert told.state.work.restore_point == told.instant("16:19:40")
    assert told.due("gate-lapsing") == "17:19:00"
    assert start(told) == "check 1"


def test_while_the_restore_runs_the_reminder_comes_at_17_19_and_it_runs_out_at_17_24() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    confirmed(told)
    told.until("16:57:00")
    told.do(tasks.open_task, by="mei", text="Restore to a new project", owner="jonas", minutes=60)
    assert told.state.work.tasks[1].state == "started", "a restore beside the running database is not gated"
    told.until("17:35:00")

    assert clock(told.events(ev.GateLapsing)) == [(1, "17:19:00", "17:24:00")]
    assert told.told("gate-lapsing") == [("17:19:00", "jonas")]
    assert clock(told.events(ev.GateLapsed)) == [(1, "17:24:00", "17:24:00")]
    assert "check 1 ran out at 17:24:00 (11m00s ago)" in refused_start(told)


def test_copying_back_passes_by_the_exception_and_nobody_is_reminded_while_it_runs() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    confirmed(told)
    told.until("17:50:00")
    told.do(tasks.drop_task, by="jonas", task=1, reason="copied from the restore instead")
    copying = waiting(told, "Copy 1,842 contacts back", minutes=15)
    refused_start(told, copying)
    told.until("17:56:00")
    confirmed(told, p1=("exception", "newest recovery point 16:44:29, but nothing was written since"))
    assert told.due("gate-lapsing") == "18:21:00"

    told.until("18:02:00")
    assert start(told, copying) == "check 2"
    told.until("18:08:00")
    told.do(tasks.finish_task, by="jonas", task=copying, result="1,842 rows, verified")
    told.until("18:30:00")

    check = told.events(ev.GateChecked)[-1]
    assert (check.exceptions, check.failed, check.passed) == ((1,), (), True)
    assert "passed (point 1 by its exception), valid until 18:26:00" in narrate.sentence(check)
    assert clock(told.events(ev.GateLapsing)) == [(1, "17:19:00", "17:24:00")]
    assert clock(told.events(ev.GateLapsed)) == [(1, "17:24:00", "17:24:00"), (2, "18:26:00", "18:26:00")]
    assert not told.events(ev.TaskAsked), "done in time"


def test_nobody_is_reminded_while_the_change_itself_is_typed() -> None:
    told = contacts_lost()
    waiting(told)
    confirmed(told)
    told.until("17:10:00")
    start(told)
    told.until("17:40:00")

    assert told.told("gate-lapsing") == []


# --- otherwise ------------------------------------------------------------------------------------------------------


def test_a_checksum_that_does_not_fit_fails_the_check() -> None:
    told = contacts_lost()
    waiting(told)
    number = checked(told, p3=("failed", "the checksum differs"))

    (check,) = told.events(ev.GateChecked)
    assert (check.passed, check.confirmed, check.failed, check.valid_until) == (False, False, (3,), None)
    assert "FAILED (point 3 failed)" in narrate.sentence(check)
    assert told.told("gate-confirm") == [], "there is nothing to confirm"
    said = refused_start(told)
    assert "check 1 failed" in said
    assert "(last failed, 0s ago: the checksum differs)" in said
    with pytest.raises(Refused, match=r"check 1 failed \(point 3\)"):
        told.do(gates.confirm, by="mei", check=number)


def test_whoever_leads_confirms_no_failure() -> None:
    told = contacts_lost()
    checked(told, by="mei", p3=("failed", "the checksum differs"))

    assert not told.state.work.checks[0].confirmed


def test_what_fails_now_ends_what_passed_before() -> None:
    told = contacts_lost()
    waiting(told)
    confirmed(told)
    told.until("16:58:00")
    checked(told, p3=("failed", "the checksum differs"))

    assert "check 2 failed" in refused_start(told)
    told.until("17:30:00")
    assert (told.told("gate-lapsing"), told.events(ev.GateLapsed)) == ([], []), "it does not count any more"
    confirmed(told)
    assert start(told) == "check 3"


def test_a_failure_in_another_incident_ends_it_as_well() -> None:
    other = Told(acme(gates=(BACKUP,))).until("16:55:00").record("priya")
    checked(other, p3=("failed", "the checksum differs"))
    told = contacts_lost()
    waiting(told)
    confirmed(told)
    told.until("17:00:00")

    assert f"check 1 of {CHANGE} failed 5m00s ago" in refused_start(told, earlier=known_elsewhere(other))


def test_a_valid_check_made_elsewhere_is_shown_and_lets_nothing_start_here() -> None:
    other = Told(acme(gates=(BACKUP,))).until("16:48:00").record("priya")
    checked(other)
    told = contacts_lost()
    waiting(told)

    said = refused_start(told, earlier=known_elsewhere(other))
    assert f"needs a passing backup check: check 1 of {CHANGE} counts there only" in said
    assert f"(last ok, 2m00s ago: {SEEN[1]})" in said
    confirmed(told)
    assert start(told, earlier=known_elsewhere(other)) == "check 1"


def test_in_the_planned_change_its_own_check_counts() -> None:
    change = planned_change()
    waiting(change)

    assert start(change) == "check 1"


def test_what_stands_in_the_way_here_is_named_before_what_passed_elsewhere() -> None:
    told = contacts_lost()
    waiting(told)
    confirmed(told)
    other = Told(acme(gates=(BACKUP,))).until("17:10:00").record("priya")
    checked(other)
    told.until("17:21:00")

    assert "check 1 ran out at 17:20:00" in refused_start(told, earlier=known_elsewhere(other))


def test_the_ic_may_go_past_a_failure_in_another_incident() -> None:
    other = Told(acme(gates=(BACKUP,))).until("16:55:00").record("priya")
    checked(other, p3=("failed", "the checksum differs"))
    told = contacts_lost()
    waiting(told)
    confirmed(told)
    told.until("17:00:00")
    elsewhere = known_elsewhere(other)
    told.do(gates.override, by="mei", task=1, reason="another dump, known to be bad", earlier=elsewhere)

    assert start(told, earlier=elsewhere) == "override"


def test_its_own_checks_are_known_without_the_rows_of_all() -> None:
    told = contacts_lost()
    waiting(told)
    confirmed(told)

    assert start(told, earlier=known_elsewhere(told, told.state.ref)) == "check 1"
    assert told.state.work.checks[0].used


def test_renewed_in_time_the_old_end_means_nothing() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    confirmed(told)
    told.until("17:15:00")
    confirmed(told)
    told.until("17:30:00")

    assert told.told("gate-lapsing") == []
    assert start(told) == "check 2"


def test_renewed_but_not_confirmed_the_old_one_counts_on_and_its_end_is_told() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    confirmed(told)
    told.until("17:15:00")
    checked(told)
    told.until("17:20:00")

    assert clock(told.events(ev.GateLapsing)) == [(1, "17:19:00", "17:24:00")]
    assert start(told) == "check 1"


def test_the_very_instant_at_which_it_ends_is_too_late() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    confirmed(told)
    told.until("17:24:00")

    assert "ran out at 17:24:00" in refused_start(told)


def test_only_a_person_confirms() -> None:
    told = contacts_lost()
    checked(told)

    with pytest.raises(Refused, match="nobody is known as 'operator'"):
        told.do(gates.confirm, by="operator", check=1)


def test_what_whoever_leads_went_through_waits_for_whoever_repairs() -> None:
    told = contacts_lost()
    waiting(told)
    number = checked(told, by="mei")

    assert told.told("gate-confirm") == [("16:50:00", "jonas")]
    assert "check 1 passed, but waits to be confirmed" in refused_start(told)
    with pytest.raises(Refused, match=r"only the ops \(jonas\) confirms a backup check of mei's") as refused:
        told.do(gates.confirm, by="mei", check=number)
    assert refused.value.possible == "ask for it"
    told.do(gates.confirm, by="jonas", check=number)
    assert start(told) == "check 1"


def test_whoever_leads_alone_need_not_confirm_herself() -> None:
    told = Told(acme(gates=(BACKUP,))).until("16:34:00").declare("mei")
    waiting(told)
    checked(told, by="mei")
    assert start(told) == "check 1", "nobody repairs"
    told.do(response.assign_seat, by="mei", role="ops", person="mei")
    checked(told, by="mei")

    assert [check.confirmed for check in told.state.work.checks] == [True, True]
    assert told.told("gate-confirm") == []


def test_left_alone_she_confirms_what_waited_for_somebody_else() -> None:
    told = contacts_lost()
    waiting(told)
    number = checked(told, by="mei")
    told.do(response.assign_seat, by="mei", role="ops", person="mei")
    told.do(gates.confirm, by="mei", check=number)

    assert start(told) == "check 1"


def test_the_seat_that_the_handbook_names_is_told_that_a_check_waits() -> None:
    told = contacts_lost(replace(BACKUP, done_by=None, confirmed_by="comms"))
    told.do(response.assign_seat, by="mei", role="comms", person="tomas")
    checked(told, by="mei")

    assert told.told("gate-confirm") == [("16:50:00", "tomas")]


def test_only_the_seat_that_the_handbook_names_confirms() -> None:
    told = contacts_lost()
    checked(told)

    with pytest.raises(Refused, match=r"only the ic \(mei\) confirms"):
        told.do(gates.confirm, by="jonas", check=1)
    told.do(gates.confirm, by="mei", check=1)
    with pytest.raises(Refused, match="check 1 counts already"):
        told.do(gates.confirm, by="mei", check=1)
    with pytest.raises(Refused, match="no check 7") as refused:
        told.do(gates.confirm, by="mei", check=7)
    assert refused.value.possible == "checks here: 1"


def test_an_empty_seat_is_named_when_it_should_confirm() -> None:
    told = Told(acme(gates=(BACKUP,))).declare("tomas")
    checked(told)

    with pytest.raises(Refused, match=r"only the ic \(nobody yet\)") as refused:
        told.do(gates.confirm, by="jonas", check=1)
    assert refused.value.possible == "take the seat of ic first, or give it to somebody"


def test_it_cannot_be_confirmed_after_it_ran_out() -> None:
    told = contacts_lost()
    told.until("16:54:00")
    checked(told)
    told.until("17:24:00")

    with pytest.raises(Refused, match="check 1 ran out at 17:24:00"):
        told.do(gates.confirm, by="mei", check=1)


def test_where_the_handbook_names_nobody_a_check_counts_at_once() -> None:
    told = contacts_lost(replace(BACKUP, confirmed_by=None))
    waiting(told)
    checked(told)

    assert start(told) == "check 1"


# --- going past it --------------------------------------------------------------------------------------------------


def test_the_ic_alone_goes_past_it_with_a_reason_that_stays() -> None:
    told = contacts_lost()
    waiting(told)
    waiting(told, "Another one")

    with pytest.raises(Refused, match=r"only the IC \(mei\)"):
        told.do(gates.override, by="jonas", task=1, reason="quick")
    with pytest.raises(Refused, match="needs a reason"):
        told.do(gates.override, by="mei", task=1, reason=" ")
    told.do(gates.override, by="mei", task=1, reason="every minute loses orders")

    (overridden,) = told.events(ev.GateOverridden)
    assert narrate.sentence(overridden).endswith("for task 1: every minute loses orders")
    assert narrate.kind_of(overridden) == "override"
    assert "none was gone through yet" in refused_start(told, 2), "it counts for that task alone"
    assert start(told, 1) == "override"


def test_what_passes_need_not_be_gone_past() -> None:
    told = contacts_lost()
    waiting(told)
    with pytest.raises(Refused, match="has no task 9"):
        told.do(gates.override, by="mei", task=9, reason="quick")
    told.do(tasks.open_task, by="mei", text="Count the rows", owner="jonas")
    with pytest.raises(Refused, match="task 2 waits for no check"):
        told.do(gates.override, by="mei", task=2, reason="quick")
    confirmed(told)

    with pytest.raises(Refused, match="check 1 lets task 1 start already"):
        told.do(gates.override, by="mei", task=1, reason="quick")
    start(told)
    with pytest.raises(Refused, match="task 1 is started"):
        told.do(gates.override, by="mei", task=1, reason="quick")


def test_a_second_override_of_the_same_task_changes_nothing() -> None:
    told = contacts_lost()
    waiting(told)
    told.do(gates.override, by="mei", task=1, reason="every minute loses orders")

    with pytest.raises(Refused, match="override lets task 1 start already"):
        told.do(gates.override, by="mei", task=1, reason="again")


@pytest.mark.parametrize("recorded", [True, False])
def test_without_an_ic_nobody_goes_past_it(recorded: bool) -> None:
    told = Told(acme(gates=(BACKUP,)))
    _ = told.record("jonas") if recorded else told.declare("tomas")
    waiting(told)

    with pytest.raises(Refused, match="nobody is IC"):
        told.do(gates.override, by="jonas", task=1, reason="quick")


def test_a_task_that_was_let_past_waits_for_no_check() -> None:
    told = contacts_lost()
    waiting(told)
    told.do(gates.override, by="mei", task=1, reason="every minute loses orders")
    confirmed(told)
    told.until("17:30:00")

    assert told.told("gate-lapsing") == []
    assert clock(told.events(ev.GateLapsed)) == [(1, "17:20:00", "17:20:00")]


# --- handbooks that say less ----------------------------------------------------------------------------------------


def test_without_a_validity_a_check_lets_one_task_start() -> None:
    told = contacts_lost(replace(BACKUP, valid_s=None))
    waiting(told)
    waiting(told, "Another one")
    confirmed(told)
    told.until("18:50:00")

    assert start(told, 1) == "check 1"
    assert "check 1 let a task start already and is spent" in refused_start(told, 2)
    assert told.told("gate-lapsing") == []
    confirmed(told)
    assert start(told, 2) == "check 2"


def test_without_any_check_a_database_change_starts_and_the_entry_says_so() -> None:
    told = Told().declare("mei").ack()
    (opened, _) = told.do(tasks.open_task, by="mei", text="Add the index", owner="jonas", db_change=True)

    assert told.state.work.tasks[0].state == "started"
    assert opened == told.events(ev.TaskOpened)[0]
    assert "the handbook names no check before it" in narrate.sentence(opened)
    with pytest.raises(Refused, match="the handbook names no check"):
        told.do(gates.go_through, by="mei", answers=())


def test_a_very_short_validity_is_not_reminded_of() -> None:
    told = contacts_lost(replace(BACKUP, valid_s=4 * 60))
    waiting(told)
    confirmed(told)
    told.until("17:00:00")

    assert told.told("gate-lapsing") == []
    assert clock(told.events(ev.GateLapsed)) == [(1, "16:54:00", "16:54:00")]


def test_a_check_of_another_name_is_asked_for_by_it() -> None:
    told = Told(acme(gates=(BACKUP, replace(BACKUP, key="storage", points=BACKUP.points[:1])))).record()

    told.do(gates.go_through, by="jonas", gate="storage", answers=given_answers()[:1])
    waiting(told)
    assert "none was gone through yet" in refused_start(told)
    with pytest.raises(Refused, match="no check 'disk'") as refused:
        told.do(gates.go_through, by="jonas", gate="disk", answers=())
    assert refused.value.possible == "known checks: backup, storage"


# --- bad input ------------------------------------------------------------------------------------------------------


def test_every_point_needs_evidence_and_all_that_lack_it_are_named() -> None:
    told = contacts_lost()
    before = told.state.version

    with pytest.raises(Refused) as refused:
        told.do(gates.go_through, by="jonas", answers=given_answers(p2=("ok", "  "), p4=("ok", "")))
    assert "point 2: it needs evidence" in refused.value.reason
    assert "point 4: it needs evidence" in refused.value.reason
    assert told.state.version == before, "nothing half-done"


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        ({"p2": ("exception", "no need")}, "point 2: it names no exception"),
        ({"p1": ("exception", " ")}, "point 1: it needs evidence"),
        ({"p5": ("yes", "noted")}, "point 5: 'yes' is no answer: ok, failed, exception"),
        ({"p5": ("ok", "x" * 1001)}, "point 5: the evidence is longer than 1000 characters"),
    ],
)
def test_an_answer_that_is_none_is_refused(instead: dict[str, tuple[str, str]], why: str) -> None:
    with pytest.raises(Refused, match=why):
        checked(contacts_lost(), **instead)


@pytest.mark.parametrize("count", [0, 4])
def test_all_points_are_answered_or_none(count: int) -> None:
    with pytest.raises(Refused, match=f"has 5 points, {count} were answered") as refused:
        contacts_lost().do(gates.go_through, by="jonas", answers=given_answers()[:count])
    assert "3. The dump is there and its checksum fits." in refused.value.possible


def test_a_moment_to_return_to_has_passed() -> None:
    told = contacts_lost()
    later = told.instant("16:50:01")

    with pytest.raises(Refused, match="lies in the future"):
        told.do(gates.note_restore_point, by="jonas", point=later)
    with pytest.raises(Refused, match="lies in the future"):
        told.do(gates.go_through, by="jonas", answers=given_answers(), restore_point=later)
    told.do(gates.note_restore_point, by="jonas", point=told.now)
    assert told.state.work.restore_point == told.now


def test_what_a_check_said_of_the_moment_to_return_to_stays() -> None:
    told = contacts_lost()
    own = told.instant("16:19:40")
    told.do(gates.go_through, by="jonas", answers=given_answers(), restore_point=own)
    told.do(gates.confirm, by="mei", check=1)
    told.do(gates.note_restore_point, by="jonas", point=told.instant("16:44:30"))

    assert told.state.work.checks[0].restore_point == own
    assert told.state.work.restore_point == told.instant("16:44:30"), "what is known now"


def test_a_moment_noted_after_the_start_is_not_that_of_the_check() -> None:
    told = contacts_lost()
    waiting(told)
    confirmed(told)
    start(told)
    told.do(gates.note_restore_point, by="jonas", point=told.instant("16:44:30"))
    assert told.state.work.checks[0].restore_point is None

    confirmed(told)
    told.do(gates.note_restore_point, by="jonas", point=told.instant("16:45:00"))
    assert [c.restore_point for c in told.state.work.checks] == [None, told.instant("16:45:00")]


def test_the_moment_noted_here_comes_before_one_noted_elsewhere() -> None:
    told = contacts_lost()
    waiting(told)
    elsewhere = known_elsewhere(planned_change())
    told.do(gates.note_restore_point, by="jonas", point=told.instant("16:44:30"))

    assert "restore point 2026-01-20 16:44:30 UTC" in refused_start(told, earlier=elsewhere)
    unnoted = contacts_lost()
    assert "no restore point is written down yet" in refused_start(unnoted, waiting(unnoted))


def test_once_closed_nothing_is_checked_any_more() -> None:
    told = Told(acme(gates=(BACKUP,)))
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="a false alarm")

    for decision, asked in (
        (gates.go_through, {"answers": given_answers()}),
        (gates.confirm, {"check": 1}),
        (gates.note_restore_point, {"point": told.now}),
    ):
        with pytest.raises(Refused, match="is dismissed: nothing is worked on here"):
            told.do(decision, by="mei", **asked)


# --- what else is written down --------------------------------------------------------------------------------------


def test_a_closed_change_is_not_to_be_reopened() -> None:
    change = planned_change()
    change.do(lifecycle.close, by="jonas")

    with pytest.raises(Refused, match="nothing is worked on here") as refused:
        checked(change)
    assert refused.value.possible == "record another change"


def test_the_last_answers_are_at_hand_for_the_next_time() -> None:
    told = contacts_lost()
    told.until("16:54:00")
    confirmed(told)
    told.until("17:56:00")
    checked(told, p1=("exception", "nothing was written since 16:44:29"))

    last = gates.last_answers(told.state, BACKUP)
    assert [(a.point, a.answer, f"{a.at:%H:%M}") for a in last if a][:2] == [
        (1, "exception", "17:56"),
        (2, "ok", "17:56"),
    ]
    assert gates.last_answers(contacts_lost().state, BACKUP) == (None,) * 5


def test_a_restore_is_a_row_of_the_restore_log() -> None:
    told = contacts_lost()
    asked = {
        "kind": "restore",
        "source": "recovery point 16:19:40",
        "target": "new project",
        "reason": "lost contacts",
        "validation": "1,842 of 1,842 found",
        "passed": True,
        "rpo_s": 25,
        "rto_s": 48 * 60,
    }
    told.do(gates.record_restore, by="jonas", **asked)
    told.do(gates.record_restore, by="jonas", **{**asked, "kind": "drill", "rpo_s": None, "rto_s": None})

    first, second = told.events(ev.RestoreRecorded)
    assert "to new project: passed, RPO 25s, RTO 48m00s" in narrate.sentence(first)
    assert (first.number, second.number) == (1, 2)
    written = [e.document for _, e in told.effects if isinstance(e, Write)]
    assert written[-2:] == ["restore-1", "restore-2"]
    with pytest.raises(Refused, match="needs target, validation"):
        told.do(gates.record_restore, by="jonas", **{**asked, "target": "", "validation": " "})
    with pytest.raises(Refused, match="'copy' is no kind of restore"):
        told.do(gates.record_restore, by="jonas", **{**asked, "kind": "copy"})
    with pytest.raises(Refused, match="less than nothing"):
        told.do(gates.record_restore, by="jonas", **{**asked, "rto_s": -1})


def test_a_check_is_a_row_once_it_is_decided() -> None:
    told = contacts_lost()
    checked(told)
    assert "check-1" not in [e.document for _, e in told.effects if isinstance(e, Write)]
    told.do(gates.confirm, by="mei", check=1)
    checked(told, p3=("failed", "the checksum differs"))

    written = [e.document for _, e in told.effects if isinstance(e, Write)]
    assert written[-2:] == ["check-1", "check-2"]


# --- whenever somebody looks at the clock ---------------------------------------------------------------------------


def test_a_planned_change_is_reminded_only_while_a_task_waits() -> None:
    idle = planned_change().until("17:00:00")
    assert (idle.events(ev.GateLapsing), idle.events(ev.GateLapsed)) == ([], [])

    change = planned_change()
    waiting(change)
    change.until("17:00:00")
    assert change.told("gate-lapsing") == [("16:30:00", "jonas")]
    assert clock(change.events(ev.GateLapsed)) == [(1, "16:35:00", "16:35:00")]


def test_after_resolve_it_is_reminded_while_a_task_waits() -> None:
    told = contacts_lost()
    told.resolve()
    waiting(told)
    confirmed(told)
    told.until("17:30:00")

    assert told.told("gate-lapsing") == [("17:15:00", "jonas")]


def test_after_an_hour_asleep_it_has_run_out_and_nobody_is_told_that_it_will() -> None:
    told = contacts_lost()
    waiting(told)
    told.until("16:54:00")
    confirmed(told)
    told.sleep(hours=1)

    assert told.events(ev.GateLapsing) == []
    assert clock(told.events(ev.GateLapsed)) == [(1, "17:54:00", "17:24:00")]


def test_a_task_that_comes_late_is_told_at_once_how_long_the_check_counts() -> None:
    told = contacts_lost()
    told.until("16:54:00")
    confirmed(told)
    told.until("17:21:00")
    waiting(told)

    assert clock(told.events(ev.GateLapsing)) == [(1, "17:21:00", "17:24:00")]


@given(st.lists(st.integers(1, 40 * 60), min_size=1, max_size=10), st.integers(60, 60 * 60))
def test_however_time_passes_it_runs_out_once_and_is_told_before_or_never(
    naps: list[int], valid: int
) -> None:
    told = contacts_lost(replace(BACKUP, valid_s=valid))
    waiting(told)
    confirmed(told)
    for seconds in naps:
        told.sleep(seconds=seconds)

    until = told.state.work.checks[0].valid_until
    assert until == DAY.replace(hour=16, minute=50) + timedelta(seconds=valid)
    over = told.now >= until
    assert len(told.events(ev.GateLapsed)) == int(over)
    assert all(e.at < until for e in told.events(ev.GateLapsing))
    assert len(told.events(ev.GateLapsing)) <= 1
    assert (gates.passing(told.state, told.context, told.now, "backup") is None) == over
