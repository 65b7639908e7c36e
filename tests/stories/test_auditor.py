"""What must not be possible is found, repaired where it can be, and said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy

from stories import scripts
from tocsin.domain import events as ev
from tocsin.domain.delivery import Failure
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory, Method
from tocsin.domain.policy import Escalation, Rung
from tocsin.domain.schedules import Layer, Schedule, Shift
from tocsin.domain.source import BUILT_IN
from tocsin.engine.live import Live
from tocsin.store.contract import Node
from tocsin.testing import Story
from tocsin.wiring.people import members_of


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    told.alert("Smoke test failed: sign-in on production", integration="smoke")
    yield told
    told.close()


@contextmanager
def running_desk(story: Story) -> Iterator[None]:
    """The auditor waits for the desk, so the desk runs in its thread."""
    story.engine.desk.start()
    yield
    story.engine.desk.stop()


def change(story: Story, statement: str, **values: object) -> None:
    """Somebody writes into the database by hand."""
    engine = sqlalchemy.create_engine(story.url)
    with engine.begin() as db:
        db.execute(sqlalchemy.text(statement), values)
    engine.dispose()


def alarms(story: Story) -> set[str]:
    return {alarm.key for alarm in story.store.alarms()}


def test_an_incident_that_lost_its_wake_up_is_armed_again(story: Story) -> None:
    story.store.set_next_due(story.ref, None)

    with running_desk(story):
        found = story.engine.auditor.audit()

    assert [story.ref in line for line in found] == [True]
    assert len(story.events(ev.Repaired)) == 1
    assert story.store.journal()[0].kind == "repaired"
    story.engine = type(story.engine)(
        story.store, story.clock, story.live, story.engine.courier.lanes.values()
    )
    story.advance(minutes=6)
    story.expect_page("priya", at="13:05:00")


def test_a_healthy_incident_is_left_alone(story: Story) -> None:
    with running_desk(story):
        assert story.engine.auditor.audit() == []
    assert not story.events(ev.Repaired)


def test_drift_is_an_alarm_until_it_is_gone(story: Story) -> None:
    state = story.store.incident(story.ref)
    assert state is not None
    change(
        story,
        "UPDATE stream SET state = replace(CAST(state AS TEXT), 'SEV1', 'SEV3') WHERE ref = :r",
        r=story.ref,
    )

    story.clock.at = story.instant("14:01:00")
    assert story.engine.auditor.audit() == [story.ref]
    assert f"drift:{story.ref}" in alarms(story)

    change(story, "UPDATE stream SET fold = 0 WHERE ref = :r", r=story.ref)
    story.engine.refold()
    story.clock.at = story.instant("15:02:00")
    assert story.engine.auditor.audit() == []
    assert f"drift:{story.ref}" not in alarms(story)


def test_a_stream_with_an_unknown_event_is_set_aside_and_the_others_go_on(story: Story) -> None:
    strange = story.ref
    healthy = story.declare("Payments show as pending", by="aisha", sev="SEV1")
    change(story, "UPDATE event SET kind = 'FromTheFuture' WHERE ref = :r AND version = 2", r=strange)
    change(story, "UPDATE stream SET fold = 0 WHERE ref = :r", r=strange)

    story.clock.at = story.instant("13:05:01")
    ticker = story.engine.ticker
    with running_desk(story):
        for _ in range(3):
            ticker._once()

    assert f"stuck:{strange}" in alarms(story)
    assert [e.rung for e in story.events(ev.RungFired, healthy)] == [0, 1]


def test_a_stream_whose_policy_is_lost_stops_neither_auditor_nor_start(story: Story) -> None:
    lost = story.ref
    healthy = story.declare("Payments show as pending", by="aisha", sev="SEV1")
    change(
        story,
        "UPDATE stream SET state = replace(CAST(state AS TEXT), '\"pinned\"', '\"lost\"') WHERE ref = :r",
        r=lost,
    )
    story.clock.at = story.instant("13:05:01")
    with running_desk(story):
        for _ in range(2):  # a tick that took its time leaves the rest to the next one
            story.engine.ticker._once()
    assert f"stuck:{lost}" in alarms(story)
    assert [e.rung for e in story.events(ev.RungFired, healthy)] == [0, 1]

    again = type(story.engine)(story.store, story.clock, story.live, story.engine.courier.lanes.values())
    change(story, "UPDATE event SET body = replace(CAST(body AS TEXT), '\"pinned\"', '\"lost\"')")
    change(story, "UPDATE stream SET fold = 0, next_due = NULL WHERE ref = :r", r=lost)
    again.start()
    try:
        assert again.not_ready() == []
        assert again.auditor.audit() == []
        assert f"stuck:{lost}" in alarms(story)
    finally:
        again.stop()


def test_a_stream_that_cannot_be_armed_again_is_said_and_left(story: Story) -> None:
    change(story, "UPDATE event SET kind = 'FromTheFuture' WHERE ref = :r AND version = 2", r=story.ref)
    change(story, "UPDATE stream SET fold = 0, next_due = NULL WHERE ref = :r", r=story.ref)

    with running_desk(story):
        story.engine.auditor.audit()

    assert f"stuck:{story.ref}" in alarms(story)


def test_a_newer_event_under_a_snapshot_of_this_program_stops_no_audit(story: Story) -> None:
    change(story, "UPDATE event SET kind = 'FromTheFuture' WHERE ref = :r AND version = 2", r=story.ref)

    assert story.store.drift([story.ref]) == []


def test_a_page_that_nobody_carries_is_an_alarm_until_it_is_carried(story: Story) -> None:
    """The channel was taken out of tocsin.toml, or its lane stands still."""
    story.lanes = ("siren", "nowhere", "documents")
    story.restart()
    story.declare("Payments show as pending", by="aisha", sev="SEV1")
    auditor = story.engine.auditor
    auditor.audit()
    assert "stuck-effects" not in alarms(story)

    story.clock.at = story.instant("13:02:30")
    auditor.audit()

    assert "stuck-effects" in alarms(story)
    story.lanes = ("mail", *story.lanes)
    story.restart()
    story.settle()
    story.engine.auditor.audit()
    assert "stuck-effects" not in alarms(story)


def nobody_at_all(url: str) -> Story:
    """An incident that nobody could be called for: no person has any method."""
    live = scripts.live(scripts.acme_policy())
    story = Story(url, replace(live, directory=replace(live.directory, methods={})), at=scripts.DAY)
    story.alert("Smoke test failed: sign-in on production")
    assert [e.people for e in story.events(ev.NobodyReachable)] == [()]
    return story


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_after_a_dead_end_whoever_gets_a_way_is_called_at_once(database_url: str, severity: str) -> None:
    live = scripts.live(scripts.acme_policy())
    story = Story(database_url, replace(live, directory=replace(live.directory, methods={})), at=scripts.DAY)
    story.alert("Smoke test failed: sign-in on production", severity=severity)
    story.until("13:07:00")
    mail = {"mei": live.directory.methods["mei"]}

    story.change_live(replace(live, directory=replace(live.directory, methods=mail)))

    story.expect_page("mei", at="13:07:00")
    assert len(story.events(ev.NobodyReachable)) == 1
    story.close()


def test_after_a_dead_end_whoever_appears_elsewhere_is_the_last_resort(database_url: str) -> None:
    story = nobody_at_all(database_url)
    mail = scripts.live(scripts.acme_policy()).directory.methods["tomas"]
    story.until("13:07:00")
    story.change_live(replace(story.live, directory=replace(story.live.directory, methods={"tomas": mail})))

    story.expect_page("tomas", at="13:07:00")
    story.close()


def test_after_a_dead_end_a_corrected_address_is_tried_at_once_and_only_once(database_url: str) -> None:
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    story.broken["*", "mail"] = Failure.PERMANENT
    story.alert("Smoke test failed: sign-in on production")
    assert story.events(ev.NobodyReachable)
    story.until("13:01:00")
    story.broken.clear()
    corrected = {**story.live.directory.methods, "mei": (Method("mail", "mei.tanaka@acme.example", "email"),)}
    story.change_live(replace(story.live, directory=replace(story.live.directory, methods=corrected)))
    story.change_live(replace(story.live))

    assert [e.person for e in story.events(ev.PageRequested) if e.at == story.clock.at] == ["mei"]
    story.expect_page("mei", at="13:01:00")
    story.close()


def only_admin_and_primary(live: Live) -> Live:
    """One step, the primary, and no fallback; Henrik, who is an administrator, and Mei have a way."""
    step = Rung(0, ("schedule:primary",), BUILT_IN, delay_s=600)
    policy = replace(live.policy, ladder=(), escalations=(Escalation("default", (step,), BUILT_IN),))
    people = {**live.directory.people, "henrik": replace(live.directory.people["henrik"], standing="admin")}
    methods = {handle: live.directory.methods[handle] for handle in ("henrik", "mei")}
    return replace(live, policy=policy, directory=Directory(people, methods))


def test_after_a_dead_end_whoever_is_put_on_the_schedule_is_called_at_once(database_url: str) -> None:
    live = only_admin_and_primary(scripts.live(scripts.acme_policy()))
    story = Story(database_url, replace(live, rota=Rota()), at=scripts.DAY)
    story.alert("Smoke test failed: sign-in on production")
    assert [e.people for e in story.events(ev.NobodyReachable)] == [("henrik",)]
    story.clock.at = story.instant("13:01:00")
    auditor = story.engine.auditor
    with running_desk(story):
        auditor.look_again()
        assert [e.person for e in story.events(ev.PageRequested)][-1] == "henrik"
        story.engine.contexts.live = live
        assert auditor.look_again() == [story.ref]
        assert auditor.look_again() == []

    assert [(f"{e.at:%H:%M}", e.person) for e in story.events(ev.PageRequested)][-1] == ("13:01", "mei")
    assert not story.state().ladder.dead_end
    story.close()


def test_after_a_dead_end_a_turn_that_begins_is_not_missed(database_url: str) -> None:
    live = only_admin_and_primary(scripts.live(scripts.acme_policy()))
    begins = scripts.DAY.replace(hour=13, minute=10)
    layer = Layer("base", 0, "UTC", shifts=(Shift(("mei",), begins, begins + timedelta(days=1)),))
    later = Rota((Schedule("primary", "UTC", (layer,)),), members=members_of(live.directory))
    story = Story(database_url, replace(live, rota=later), at=scripts.DAY)
    story.alert("Smoke test failed: sign-in on production")
    story.advance(minutes=11)

    story.expect_page("mei", at="13:10:00")
    story.close()


def without_mail(story: Story) -> None:
    """The channel is taken out of tocsin.toml, and tocsin is started again; Mei has no other one."""
    story.lanes = tuple(name for name in story.lanes if name != "mail")
    text = {h: (Method("text", "a number"),) for h in story.live.directory.people if h != "mei"}
    story.live = replace(story.live, directory=replace(story.live.directory, methods=text))
    story.restart()


def test_a_page_on_a_channel_that_is_gone_fails_for_good_and_the_next_step_is_called(story: Story) -> None:
    story.hanging.add("mail")
    story.declare("Payments show as pending", by="aisha", sev="SEV1")
    without_mail(story)
    story.advance(seconds=20)
    assert not story.events(ev.PageFailed), "it may only just have been put there"

    story.advance(seconds=41)
    story.settle()

    (failed,) = story.events(ev.PageFailed)
    assert (failed.person, failed.reason) == ("mei", "there is no channel mail in tocsin.toml any more")
    assert [(e.page, e.outcome) for e in story.events(ev.PageEnded)] == [(1, "unreachable")]
    story.expect_page("priya", via="text")
    assert [row.fails for row in story.store.contacts("mei")] == [0], "her address is not to blame"


def test_beside_another_node_a_channel_that_is_unknown_here_is_left_to_it_for_a_while(story: Story) -> None:
    story.hanging.add("mail")
    story.declare("Payments show as pending", by="aisha", sev="SEV1")
    without_mail(story)

    def beat() -> None:
        now = story.clock.now()
        story.store.beat(Node("another", "engine", now, now))

    for _ in range(4):
        beat()
        story.advance(minutes=1)
    assert not story.events(ev.PageFailed)
    beat()
    story.advance(minutes=7)
    assert story.events(ev.PageFailed)


def test_a_mail_server_that_is_down_is_seen_at_once_and_forgotten_when_it_is_back(database_url: str) -> None:
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    story.broken["*", "mail"] = Failure.RETRY
    story.declare("Sign-in loops for all users", by="aisha", sev="SEV1")

    delayed = story.events(ev.PageDelayed)
    assert [(e.person, e.channel) for e in delayed] == [("mei", "mail")]
    story.advance(seconds=6)
    assert "channel:mail" in alarms(story)
    assert len(story.events(ev.PageDelayed)) == 1, "said once, not at every try"

    with running_desk(story):
        story.engine.auditor.audit()
    assert "channel:mail" in alarms(story), "it stays while tries go on"
    story.engine = type(story.engine)(
        story.store, story.clock, story.live, story.engine.courier.lanes.values()
    )
    story.broken.clear()
    story.advance(minutes=2)
    story.expect_page("mei")
    with running_desk(story):
        story.engine.auditor.audit()
    assert "channel:mail" not in alarms(story)
    story.close()


def test_a_page_that_no_lane_was_ever_given_is_sent_and_said(story: Story) -> None:
    story.hanging.add("mail")
    story.declare("Payments show as pending", by="aisha", sev="SEV2")
    change(story, "DELETE FROM effect WHERE ref = :r", r=story.ref)
    story.hanging.clear()
    story.clock.at = story.instant("13:02:30")

    with running_desk(story):
        found = story.engine.auditor.audit()
    story.engine = type(story.engine)(
        story.store, story.clock, story.live, story.engine.courier.lanes.values()
    )
    story.settle()

    assert [story.ref in line for line in found] == [True]
    assert [e.what for e in story.events(ev.Repaired)] == ["page 1: nothing was ever sent; sent now"]
    story.expect_page("mei", at="13:02:30")


def test_whoever_leaves_while_being_called_is_noticed_at_once(story: Story) -> None:
    people = {h: p for h, p in story.live.directory.people.items() if h != "mei"}
    story.clock.at = story.instant("13:01:00")
    story.engine.contexts.live = replace(story.live, directory=replace(story.live.directory, people=people))

    with running_desk(story):
        assert story.engine.auditor.look_again() == [story.ref]
        assert story.engine.auditor.look_again() == []

    assert [(e.page, e.outcome) for e in story.events(ev.PageEnded)] == [(1, "unreachable")]
    assert [e.rung for e in story.events(ev.RungFired)] == [0, 1]
