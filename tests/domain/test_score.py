"""The score, checked by hand: the three walk-throughs as tables, then each promise alone.

A row is (promise, due, answered, verdict, note); times are UTC, with the day where it is another one.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.told import HOUR, MINUTE, SEV1, Told, acme, changed
from tocsin.domain import actions, comms, lifecycle, postmortem, response
from tocsin.domain import events as ev
from tocsin.domain.context import Refused
from tocsin.domain.events import Text
from tocsin.domain.policy import Gate, GatePoint, Target
from tocsin.domain.score import Score, score
from tocsin.domain.score_lines import length
from tocsin.domain.source import BUILT_IN

GATE = Gate(
    "backup",
    "Backup check",
    tuple(GatePoint(f"point {n}", BUILT_IN, ("no writes since",) if n == 1 else ()) for n in range(1, 6)),
    BUILT_IN,
    valid_s=30 * MINUTE,
    done_by="ops",
    confirmed_by="ic",
)
Row = tuple[str, str, str, str, str]


def to(told: Told, clock: str, *, days: int = 0) -> Told:
    """On to that time of the day on which the story stands."""
    hour, minute, *second = (int(part) for part in clock.split(":"))
    then = told.now.replace(hour=hour, minute=minute, second=second[0] if second else 0) + timedelta(
        days=days
    )
    told._pass(then, inclusive=False)
    return told


def happen(told: Told, *events: ev.Event) -> Told:
    """What the story takes as given: facts of other rules."""
    told._take(list(events))
    return told


def declared(told: Told, by: str, level: str, title: str, detected: datetime | None = None) -> Told:
    opening = lifecycle.Opening("INC-2026-0001", "pinned", title, level, "person", by, detected=detected)
    told.open(lifecycle.open_declared(opening, told.context, told.now, why="chosen"))
    return logged(told)


def logged(told: Told, after: float = 1.0) -> Told:
    at = told.now + timedelta(seconds=after)
    return happen(told, ev.DocumentWritten(at, "log", "docs/ops/incidents.md", "digest"))


def judged(told: Told) -> Score:
    return score(told.state, told.context, told.timeline, told.now)


def rows(told: Told) -> list[Row]:
    day = told.state.opened_at.date()

    def shown(at: datetime | None) -> str:
        return "" if at is None else f"{at:%H:%M:%S}" if at.date() == day else f"{at:%a %d %H:%M}"

    return [(x.promise, shown(x.due), shown(x.at), x.verdict, x.note) for x in judged(told).lines]


def row(told: Told, promise: str) -> Row:
    (found,) = [r for r in rows(told) if r[0] == promise]
    return found


def counts(told: Told) -> tuple[int, int, int]:
    found = judged(told)
    return found.kept, found.missed, found.open


def publish(told: Told) -> Told:
    told.do(postmortem.publish_postmortem, by="mei", where="docs/pm.md", incomplete=())
    return told


# --- D1: SEV1, nobody can sign in after a deploy ---------------------------------------------------------------------


def d1() -> Told:
    told = Told()
    to(told, "13:03:30").alert()
    to(told, "13:06:10").ack("mei", via="phone")
    to(told, "13:06:40").declare("mei", "SEV1")
    logged(told)
    to(told, "13:07").do(response.assign_seat, by="mei", role="comms", person="tomas")
    told.do(response.assign_seat, by="mei", role="ops", person="priya")
    to(told, "13:10:30").update("tomas")
    to(told, "13:15:40").mitigate("mei")
    return to(told, "13:28").resolve("mei")


D1: list[Row] = [
    # detected by the first alert 13:03:30, which called Mei; declared 13:06:40
    ("ack", "13:08:30", "13:06:10", "met", "took 2m40s"),
    ("IC", "", "13:06:10", "void", "mei; the handbook names no limit"),
    ("log row", "13:11:40", "13:06:41", "met", ""),
    ("mitigate", "13:33:30", "13:15:40", "met", "took 12m10s"),
    ("resolve", "15:03:30", "13:28:00", "met", "took 24m30s"),
    # one update, 3m50s after the declare; the next would have been overdue at 13:40:30, after the end
    ("updates", "", "", "met", "1 of 1 in time"),
    # asked at 13:15:40, due 13:45:40: over before that
    ("close points", "", "13:28:00", "met", "3 of 3 with evidence"),
    ("postmortem", "Thu 22 13:28", "", "open", ""),
]


def test_d1_every_promise_was_kept() -> None:
    told = d1()

    assert rows(told) == D1
    assert counts(told) == (6, 0, 1)
    assert judged(told).shortfalls() == ()


def test_d1_with_its_postmortem_and_the_open_item() -> None:
    told = d1()
    told.do(
        actions.add, by="mei", text="undo the rollback", kind="process", owner="priya", due=date(2026, 1, 21)
    )
    to(told, "11:00", days=1).do(actions.prove, by="priya", action=1, proof="promoted, smoke 3/3")
    publish(to(told, "09:00", days=1))

    assert row(told, "postmortem") == (
        "postmortem",
        "Thu 22 13:28",
        "Thu 22 09:00",
        "met",
        "every section written",
    )
    assert row(told, "action 1") == ("action 1", "Thu 22 00:00", "Wed 21 11:00", "met", "process")
    assert counts(told) == (9, 0, 0)


# --- D2: SEV2, payments shown late after a secret rotation -----------------------------------------------------------


def d2() -> Told:
    told = Told(acme(primary="priya", secondary="jonas"), at=datetime(2026, 1, 28, 9, 44, tzinfo=UTC))
    declared(told, "aisha", "SEV2", "Payments show as pending", told.now.replace(minute=41))
    told.do(response.take_seat, by="aisha", role="comms")
    to(told, "09:49:20").ack("priya")
    to(told, "09:55").update("aisha")
    to(told, "10:06").mitigate("priya")
    to(told, "10:12").update("aisha")
    to(told, "10:31").update("aisha")
    to(told, "10:32").do(response.offer_handover, by="priya", role="ic", to="mei")
    to(told, "10:34").do(response.accept_handover, by="mei", role="ic")
    return to(told, "10:47").resolve("mei")


D2: list[Row] = [
    # detected 09:41 (a customer's mail), declared 09:44, which called Priya
    ("ack", "09:59:00", "09:49:20", "met", "took 5m20s"),
    # nobody was IC until Priya acknowledged: the seat alarmed at 09:49:00, which the handbook does not promise
    ("IC", "", "09:49:20", "void", "priya; the handbook names no limit"),
    ("log row", "09:49:00", "09:44:01", "met", ""),
    ("mitigate", "10:41:00", "10:06:00", "met", "took 25m"),
    ("resolve", "13:41:00", "10:47:00", "met", "took 1h06m"),
    # 11m, 17m and 19m apart; the end came 16m after the last one
    ("updates", "", "", "met", "3 of 3 in time"),
    ("close points", "", "10:47:00", "met", "3 of 3 with evidence"),
    ("postmortem", "Fri 30 10:47", "", "open", ""),
]


def test_d2_every_promise_was_kept() -> None:
    told = d2()

    assert rows(told) == D2
    assert counts(told) == (6, 0, 1)
    assert judged(told).shortfalls() == ()


def test_d2_raised_to_sev1_the_first_ack_keeps_the_verdict_of_its_level() -> None:
    told = Told(acme(primary="priya", secondary="jonas"), at=datetime(2026, 1, 28, 9, 44, tzinfo=UTC))
    declared(told, "aisha", "SEV2", "Payments show as pending", told.now.replace(minute=41))
    to(told, "09:49:20").ack("priya")
    to(told, "10:01").severity("SEV1", by="priya")
    to(told, "10:03").ack("priya")

    found = {
        (x.promise, x.promised): (f"{x.due:%H:%M}", x.verdict, x.note) for x in judged(told).lines if x.due
    }
    assert found["ack", "< 15m (SEV2)"] == ("09:59", "met", "took 5m20s")
    assert found["ack", "< 5m (SEV1)"] == ("10:06", "met", "took 2m")
    assert found["mitigate", "< 30m (SEV1)"] == ("10:11", "open", "")
    assert found["resolve", "< 120m (SEV1)"] == ("11:41", "open", "")


# --- D3: SEV1, a migration deleted rows ------------------------------------------------------------------------------

THURSDAY = datetime(2026, 2, 5, 16, 34, tzinfo=UTC)


def check(told: Told, number: int, *, exceptions: tuple[int, ...] = ()) -> Told:
    valid = told.now + timedelta(minutes=30)
    passed = ev.GateChecked(
        told.now,
        "jonas",
        "backup",
        number,
        passed=True,
        confirmed=False,
        exceptions=exceptions,
        valid_until=valid,
    )
    return happen(told, passed, ev.GateConfirmed(told.now, "mei", "backup", number))


def task(told: Told, number: int, text: str) -> Told:
    return happen(told, ev.TaskOpened(told.now, "jonas", number, Text(text), "jonas", gate="backup"))


def started(told: Told, number: int, passed: str) -> Told:
    return happen(told, ev.TaskStarted(told.now, "jonas", number, passed))


def d3() -> Told:
    told = Told(acme(primary="jonas", secondary="mei", gates=(GATE,)), at=THURSDAY)
    declared(told, "tomas", "SEV1", "Contacts missing", told.now.replace(minute=33))
    to(told, "16:36:10").ack("jonas")
    to(told, "16:38").do(response.take_seat, by="mei", role="ic")
    aware = to(told, "16:40").now
    due = aware + timedelta(hours=72)
    happen(told, ev.LegalStarted(aware, "mei", "gdpr", aware, 72 * HOUR, due, "henrik", Text("")))
    to(told, "16:44:30").mitigate("mei")
    to(told, "16:46").update("tomas")
    task(to(told, "16:50"), 1, "quick SQL from memory")
    check(to(told, "16:54"), 1)
    happen(told, ev.TaskDropped(told.now, "jonas", 1, Text("restore to a new project instead")))
    for clock in ("17:01", "17:16", "17:31", "17:46"):
        to(told, clock).update("tomas")
    task(to(told, "17:50"), 2, "copy back contacts only")
    check(to(told, "17:56"), 2, exceptions=(1,))
    to(told, "18:01").update("tomas")
    started(to(told, "18:02"), 2, "check 2")
    for clock in ("18:16", "18:31"):
        to(told, clock).update("tomas")
    to(told, "18:42").resolve("mei")
    decided = to(told, "10:00", days=1).now
    return happen(told, ev.LegalDecided(decided, "henrik", "gdpr", "not notifiable", Text("restored in 2h")))


D3: list[Row] = [
    # seen 16:33, declared 16:34, which called Jonas; Mei as well, since Jonas cannot be IC
    ("ack", "16:39:00", "16:36:10", "met", "took 2m10s"),
    ("IC", "", "16:38:00", "void", "mei; the handbook names no limit"),
    ("log row", "16:39:00", "16:34:01", "met", ""),
    ("mitigate", "17:03:00", "16:44:30", "met", "took 11m30s"),
    ("resolve", "18:33:00", "18:42:00", "missed", "missed by 9m"),
    # 12m after the declare, then every 15m; the end came 11m after the last one
    ("updates", "", "", "met", "8 of 8 in time"),
    # task 1 was refused and dropped: it never touched the database
    ("backup check before task 2", "", "18:02:00", "met", "check 2, point 1 by its exception"),
    ("close points", "", "18:42:00", "met", "3 of 3 with evidence"),
    ("postmortem", "Sat 07 18:42", "", "open", "due on a weekend"),
    ("gdpr decision", "Sun 08 16:40", "Fri 06 10:00", "met", "not notifiable"),
]


def test_d3_only_resolve_was_missed() -> None:
    told = d3()

    assert rows(told) == D3
    assert counts(told) == (7, 1, 1)
    assert judged(told).shortfalls() == ("resolve missed by 9m",)
    assert judged(told).shortfalls(clocks=False) == ()


def test_d3_the_migration_itself_went_through_its_check() -> None:
    told = Told(acme(gates=(GATE,)), at=THURSDAY.replace(hour=16, minute=5))
    told.open(
        [ev.Opened(told.now, "CHG-2026-0001", Text("merge_contacts"), "pinned", "person", "", kind="change")]
    )
    task(told, 1, "merge_contacts")
    check(told, 1)
    started(to(told, "16:19:41"), 1, "check 1")

    assert rows(told) == [("backup check before task 1", "", "16:19:41", "met", "check 1")]


def test_d3_variant_the_ic_goes_past_the_check() -> None:
    told = d3()
    happen(
        task(told, 3, "drop the copy"),
        ev.GateOverridden(told.now, "mei", "backup", 3, Text("the dump is being written")),
    )
    assert row(told, "backup check before task 3")[3:] == ("open", "not started")

    started(told, 3, "override")
    verdict, note = row(told, "backup check before task 3")[3:]
    assert (verdict, note) == ("missed", "missed, mei went past it: the dump is being written")
    assert judged(told).shortfalls(clocks=False) == (
        "backup check before task 3 missed, mei went past it: the dump is being written",
    )


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_while_it_runs_promises_are_open_and_broken_ones_missed(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:40")

    assert row(told, "ack")[2:] == ("", "missed", "missed, still open")
    assert row(told, "mitigate")[1:] == ("13:30:00", "", "missed", "missed, still open")
    assert row(told, "resolve")[1:] == ("15:00:00", "", "open", "")
    assert row(told, "close points")[3] == "open"
    assert row(told, "postmortem")[1:] == ("", "", "open", "")


def test_answered_at_the_very_limit_is_missed_where_the_handbook_says_less_than(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:05").ack("mei")

    assert row(told, "ack")[2:] == ("13:05:00", "missed", "missed at the limit")


def test_an_alert_that_was_dismissed_has_its_ack_clock_alone(told: Told) -> None:
    told.alert()
    to(told, "13:02").do(lifecycle.dismiss, by="mei", reason="a test")

    assert rows(told) == [("ack", "13:05:00", "", "void", "nobody had to answer any more")]
    assert counts(told) == (0, 0, 0)


def test_a_level_without_times_has_no_clocks(told: Told) -> None:
    declared(told, "mei", "SEV4", "Wrong week number")
    told.resolve()

    assert [r[0] for r in rows(told)] == ["IC", "log row", "close points"]


# --- seat and log row ------------------------------------------------------------------------------------------------


def test_the_seat_in_time_late_and_never() -> None:
    promised = acme(seat_promised=True)
    late, never, still = (declared(Told(promised), "tomas", "SEV1", "Sign-in loops") for _ in range(3))
    to(late, "13:05").do(response.take_seat, by="mei", role="ic")
    assert row(late, "IC")[3] == "met"  # at the very limit: a person wins a tie

    to(never, "13:09").resolve("tomas")
    assert row(never, "IC")[2:] == ("", "missed", "missed, nobody took the seat")
    assert row(to(still, "13:04"), "IC")[3] == "open"


def test_over_before_anybody_had_to_be_ic_is_not_judged() -> None:
    told = declared(Told(acme(seat_promised=True)), "tomas", "SEV1", "Sign-in loops")
    to(told, "13:03").resolve("tomas")

    assert row(told, "IC")[3:] == ("void", "over before that")


@pytest.mark.parametrize(
    ("after_s", "verdict", "note"), [(1, "met", ""), (300, "met", ""), (12 * 60, "missed", "missed by 7m")]
)
def test_the_log_row_at_the_declare_or_when_the_file_could_be_written_again(
    told: Told, after_s: int, verdict: str, note: str
) -> None:
    told.declare("mei")
    logged(told, after_s)

    assert row(told, "log row")[3:] == (verdict, note)


def test_no_row_is_open_then_missed_and_a_ticket_is_as_good(told: Told) -> None:
    told.declare("mei")
    assert row(told, "log row")[3] == "open"
    assert row(to(told, "13:06"), "log row")[3:] == ("missed", "missed, not written yet")

    other = Told().declare("mei")
    happen(other, ev.TicketLinked(other.now, "mei", Text("https://tickets.acme.example/7")))
    assert row(other, "log row")[3:] == ("met", "a ticket")


# --- updates ---------------------------------------------------------------------------------------------------------


def test_each_missed_update_has_its_own_line_and_counts_once(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:20").update()
    to(told, "13:56").update()  # overdue since 13:50
    to(told, "14:10").update()

    assert row(told, "updates")[3:] == ("missed", "2 of 3 in time")
    assert row(told, "update") == ("update", "13:50:00", "13:56:00", "missed", "missed by 6m")
    found = judged(told)
    assert sum(line.verdict == "missed" for line in found.lines) == found.missed + 1
    assert "update missed by 6m" in found.shortfalls()


def test_an_update_that_never_came(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:45")
    assert row(told, "update")[1:] == ("13:30:00", "", "missed", "missed, still open")

    to(told, "15:00").resolve()
    assert row(told, "update")[1:] == ("13:30:00", "", "missed", "missed, none came")
    assert row(told, "updates")[3:] == ("missed", "0 of 1 in time")


def test_while_it_runs_the_next_update_is_open(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:20").update()

    assert row(told, "updates") == ("updates", "13:50:00", "", "open", "1 of 1 in time")


def test_over_before_the_first_update_was_due(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:12").resolve()

    assert row(told, "updates")[3:] == ("void", "over before one was due")


def test_a_statement_that_was_sent_is_an_update_and_what_comes_after_the_end_is_none(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:20")
    happen(told, ev.StatementSent(told.now, "tomas", 1, Text("status page")))
    to(told, "13:40").resolve()
    to(told, "13:50")
    happen(told, ev.StatementSent(told.now, "tomas", 2, Text("status page")))

    assert row(told, "updates")[3:] == ("met", "1 of 1 in time")


def test_levels_without_a_cadence_promise_no_updates(told: Told) -> None:
    declared(told, "mei", "SEV3", "Report broken")
    told.update()

    assert not [r for r in rows(told) if r[0].startswith("update")]


def test_the_cadence_begins_anew_after_a_reopening(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:10").resolve()
    to(told, "15:00")
    happen(told, ev.Reopened(told.now, "mei", Text("it came back")))
    to(told, "15:20").update()
    to(told, "15:25").resolve()

    assert row(told, "updates")[3:] == ("met", "1 of 1 in time")


# --- afterwards ------------------------------------------------------------------------------------------------------


def test_the_postmortem_in_time_late_not_yet_and_unseen() -> None:
    in_time, late, never, unseen = (d1() for _ in range(4))
    publish(to(in_time, "13:00", days=2))
    assert row(in_time, "postmortem")[3:] == ("met", "every section written")

    publish(to(late, "15:28", days=2))
    assert row(late, "postmortem")[3:] == ("missed", "missed by 2h")

    assert row(to(never, "13:29", days=2), "postmortem")[3:] == ("missed", "missed, not published yet")

    unseen.do(postmortem.publish_postmortem, by="mei", where="https://wiki.acme.example/pm")
    assert row(unseen, "postmortem")[3:] == ("met", "its sections were not looked at")


def test_after_a_reopening_the_postmortem_is_owed_anew() -> None:
    told = publish(d1())
    happen(to(told, "15:00"), ev.Reopened(to(told, "15:00").now, "mei", Text("it came back")))
    assert row(told, "postmortem")[1:] == ("", "", "open", "")

    publish(to(told, "16:00").resolve())
    assert row(told, "postmortem")[1:] == ("Thu 22 16:00", "16:00:00", "met", "every section written")


def test_business_days_are_promised_without_an_instant() -> None:
    target = Target("5 business days", BUILT_IN, business_days=5)
    told = declared(Told(acme(severities=changed(SEV1, postmortem=target))), "mei", "SEV1", "Sign-in loops")
    told.resolve()
    assert row(told, "postmortem")[1:] == ("", "", "open", "")

    publish(told)
    assert row(told, "postmortem")[3] == "met"


def with_action(due: date | None = date(2026, 1, 27), owner: str | None = "jonas") -> Told:
    told = d1()
    told.do(actions.add, by="mei", text="smoke test signs in", owner=owner, due=due)
    return told


def test_actions_without_owner_or_day_are_named() -> None:
    told = with_action(None)
    told.do(actions.add, by="mei", text="alert on 401s")

    assert row(told, "actions")[3:] == (
        "open",
        "action 1 has no due day; action 2 has no owner and no due day",
    )
    assert row(with_action(), "actions")[3:] == ("met", "1 of 1")


def test_an_action_is_proven_until_the_end_of_its_day() -> None:
    told = with_action()
    assert row(told, "action 1")[1:] == ("Wed 28 00:00", "", "open", "prevent")
    to(told, "23:59", days=7).do(actions.prove, by="jonas", action=1, proof="red on the bad cookie")
    assert row(told, "action 1")[3] == "met"

    late = with_action()
    assert row(to(late, "00:00", days=8), "action 1")[3:] == ("missed", "missed, not proven yet")
    to(late, "12:00").do(actions.prove, by="jonas", action=1, proof="red on the bad cookie")
    assert row(late, "action 1")[3:] == ("missed", "missed by 12h")


def test_a_day_that_had_passed_stays_missed_when_it_is_moved_and_one_moved_before_does_not() -> None:
    before, after = with_action(), with_action()
    to(before, "09:00", days=7).do(actions.change, by="mei", action=1, due=date(2026, 2, 3))
    to(after, "09:00", days=8).do(actions.change, by="mei", action=1, due=date(2026, 2, 3))
    for told in (before, after):
        told.do(actions.prove, by="jonas", action=1, proof="seen")

    assert row(before, "action 1")[3] == "met"
    assert row(after, "action 1")[3:] == ("missed", "missed by 9h")


def test_a_dropped_action_and_one_for_the_next_sprint_are_not_missed() -> None:
    told = with_action()
    told.do(actions.drop, by="mei", action=1, reason="the feature goes away")
    happen(
        told, ev.ActionAdded(told.now, "mei", 2, Text("header"), "mitigate", "mei", calendar="next sprint")
    )
    to(told, "09:00", days=30)

    assert row(told, "action 1")[3:] == ("void", "dropped")
    assert row(told, "action 2")[3:] == ("open", "mitigate")
    assert row(told, "actions")[3:] == ("met", "1 of 1")


def legal(told: Told, regime: str, hours: int) -> Told:
    due = told.now + timedelta(hours=hours)
    return happen(
        told, ev.LegalStarted(told.now, "mei", regime, told.now, hours * HOUR, due, "henrik", Text(""))
    )


def test_legal_decisions_open_in_time_and_late() -> None:
    told = legal(legal(d1(), "gdpr", 72), "contract", 24)
    assert row(told, "gdpr decision")[3] == "open"
    to(told, "14:00", days=1)
    assert row(told, "contract decision")[3:] == ("missed", "missed, not decided yet")

    for regime in ("gdpr", "contract"):
        happen(told, ev.LegalDecided(told.now, "henrik", regime, "notified", Text("sent")))
    assert row(told, "gdpr decision")[3:] == ("met", "notified")
    assert row(told, "contract decision")[3:] == ("missed", "missed by 32m")


def test_what_was_merged_is_not_scored(told: Told) -> None:
    declared(told, "mei", "SEV1", "Sign-in loops")
    to(told, "13:10")
    for name in ("ack", "mitigate", "resolve"):
        happen(told, ev.ClockEnded(told.now, name, "SEV1", "merged", 600, None))
    happen(told, ev.Merged(told.now, "mei", "INC-2026-0002", Text("the same")))

    assert {r[3] for r in rows(told)} == {"void"}
    assert {r[4] for r in rows(told)} == {"went on in INC-2026-0002"}
    assert counts(told) == (0, 0, 0)


# --- whatever happens ------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from("umrtads")), max_size=14))
def test_every_line_has_a_verdict_and_the_sums_are_those_of_the_lines(story: list[tuple[int, str]]) -> None:
    told = Told(acme(gates=(GATE,))).declare("tomas", "SEV2")
    deeds = {
        "u": lambda: told.do(comms.post_update, by="tomas", impact="x", eta="unknown", next_steps="y"),
        "m": told.mitigate,
        "r": told.resolve,
        "t": lambda: told.do(response.take_seat, by="mei", role="ic"),
        "a": lambda: told.ack("mei"),
        "d": lambda: told.do(actions.add, by="mei", text="x", owner="mei", due=told.now.date()),
        "s": lambda: told.severity("SEV1"),
    }
    for minutes, deed in story:
        told.wait(minutes=minutes)
        with contextlib.suppress(Refused):
            deeds[deed]()
    found = judged(told)

    assert {line.verdict for line in found.lines} <= {"met", "missed", "open", "void"}
    missed = [line for line in found.lines if line.verdict == "missed"]
    assert found.missed == len(missed) - any(line.promise == "updates" for line in missed)
    assert len(found.shortfalls()) == found.missed
    assert all(line.note.startswith("missed") for line in missed if line.promise != "updates")
    assert found == judged(told)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (45, "45s"),
        (160, "2m40s"),
        (600, "10m"),
        (3960, "1h06m"),
        (7200, "2h"),
        (36000, "10h"),
        (864000, "10d"),
    ],
)
def test_lengths_are_written_without_empty_parts(seconds: int, text: str) -> None:
    assert length(seconds) == text


def test_what_was_let_start_by_a_check_made_elsewhere_is_not_judged_anew() -> None:
    told = task(Told().declare("mei"), 1, "x")
    started(told, 1, "check 1 of CHG-2026-0003")

    assert row(told, "backup check before task 1")[3:] == ("met", "check 1 of CHG-2026-0003")
