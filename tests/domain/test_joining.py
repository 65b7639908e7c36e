"""Signals: what opens, what joins, and when joining calls people again (joining never silences)."""

from __future__ import annotations

import pytest

from domain.told import REF, Told, acme
from tocsin.domain import answering, grouping, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.incident import Paging, Stage
from tocsin.domain.signals import Signal


def calls(told: Told) -> list[str]:
    """When Mei, the primary, was called."""
    return [at for at, who in told.pages() if who == "mei"]


# --- opening ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "level", "urgent"),
    [
        ("critical", "SEV1", True),
        ("P1", "SEV1", True),
        ("error", "SEV2", True),
        ("P2", "SEV2", True),
        ("warning", "SEV3", False),
        ("p3", "SEV3", False),
        ("info", "SEV4", False),
        ("P4", "SEV4", False),
        ("P5", "SEV4", False),
        ("a word of their own", "SEV2", True),
    ],
)
def test_the_senders_word_gives_the_provisional_level_and_the_urgency(
    word: str, level: str, urgent: bool
) -> None:
    told = Told()
    told.alert(word)

    assert (told.state.level, told.state.stage) == (level, Stage.TRIAGE)
    assert told.events(ev.PageRequested)[0].urgent is urgent


def test_a_handbook_with_fewer_levels_takes_its_lowest() -> None:
    context = acme(severities=acme().policy.severities[:2])
    told = Told(context)
    told.alert("info")

    assert told.state.level == "SEV2"


@pytest.mark.parametrize("title", ["", "   ", "\n\t"])
def test_an_alert_without_a_title_is_an_alert_all_the_same(title: str) -> None:
    told = Told()
    told.alert(title=title, key="disk")

    assert told.state.title == "probe/disk"
    assert told.pages() == [("13:00:00", "mei")]


@pytest.mark.parametrize("part", ["title", "dedup_key"])
def test_however_long_what_a_sender_says_it_pages(part: str) -> None:
    said = {"integration": "probe", "dedup_key": "k", "title": "", "severity": "critical", part: "x" * 5000}
    told = Told()
    told.open(grouping.open_for(Signal(**said), REF, "pinned", told.context, told.now))

    assert len(told.state.title) == lifecycle.TITLE_LIMIT
    assert told.pages() == [("13:00:00", "mei")]


def test_line_breaks_do_not_get_into_the_title(told: Told) -> None:
    told.alert(title="disk full\r\n\r\nBcc: everybody@acme.example")
    assert told.state.title == "disk full Bcc: everybody@acme.example"

    told.declare("mei", title="no\nsign-in")
    assert told.state.title == "no sign-in"


# --- joining ---------------------------------------------------------------------------------------------


def test_the_same_alert_again_is_no_event(told: Told) -> None:
    told.alert()
    told.until("13:01:00")

    assert told.alert() == []


def test_a_new_alert_soon_after_the_first_joins_without_another_call(told: Told) -> None:
    told.alert()
    told.until("13:01:00").ack().until("13:20:00").alert(key="other")

    assert [e.why for e in told.events(ev.Signalled)] == ["first", "joined"]
    assert calls(told) == ["13:00:00"]


def test_a_new_alert_while_people_are_being_called_does_not_start_the_ladder_again(told: Told) -> None:
    told.alert()
    told.until("13:04:00").alert(key="other")
    told.until("13:06:00")

    assert told.pages() == [("13:00:00", "mei"), ("13:05:00", "priya")]


@pytest.mark.parametrize(("at", "again"), [("13:31:00", False), ("13:31:01", True)])
def test_a_new_alert_later_than_the_window_after_the_ack_calls_again(
    told: Told, at: str, again: bool
) -> None:
    told.alert()
    told.until("13:01:00").ack().until(at).alert(key="other")

    assert (calls(told) == ["13:00:00", at]) is again


def test_a_known_alert_that_goes_on_firing_calls_nobody_again(told: Told) -> None:
    told.alert()
    told.ack().declare().until("17:00:00").alert()

    assert calls(told) == ["13:00:00"]


def test_called_again_there_is_a_new_ack_clock_and_the_first_verdict_stays(told: Told) -> None:
    told.alert()
    told.until("13:01:00").ack().until("14:00:00").alert(key="other")

    assert told.verdicts("ack") == [("SEV1", "met")]
    assert told.due("ack") == "14:05:00"


# --- worse -----------------------------------------------------------------------------------------------


def test_a_worse_alert_raises_triage_and_calls_by_the_new_level(told: Told) -> None:
    told.alert("warning")
    told.until("13:10:00").ack().until("13:20:00").alert("critical", key="other")

    assert told.state.level == "SEV1"
    assert calls(told) == ["13:00:00", "13:20:00"]
    assert told.due("ack") == "13:25:00"


def test_a_worse_alert_before_anybody_answered_breaks_no_promise_that_nobody_had_made(told: Told) -> None:
    told.alert("warning")
    told.until("13:30:00").alert("critical", key="other")

    assert told.breaches() == []
    assert told.verdicts("ack") == [("SEV3", "void")]
    assert told.due("ack") == "13:35:00"


def test_the_same_alert_grown_worse_counts_as_worse(told: Told) -> None:
    told.alert("warning")
    told.ack().until("13:05:00").alert("critical")

    assert told.state.level == "SEV1"
    assert calls(told) == ["13:00:00", "13:05:00"]


@pytest.mark.parametrize("key", ["smoke", "other"])
def test_a_worse_alert_joining_a_declared_incident_is_not_silenced(told: Told, key: str) -> None:
    told.alert("warning")
    told.ack().until("13:05:00").declare("mei", "SEV3")
    told.until("13:20:00").alert("critical", key=key)

    assert calls(told) == ["13:00:00", "13:20:00"]
    assert told.state.level == "SEV1"
    assert [(e.by, e.old, e.new) for e in told.events(ev.SeverityChanged)] == [(None, "SEV3", "SEV1")]


@pytest.mark.parametrize("declared", [True, False])
def test_what_people_made_of_the_worst_alert_stands_while_it_goes_on_firing(
    told: Told, declared: bool
) -> None:
    told.alert("critical")
    told.ack()
    if declared:
        told.declare("mei", "SEV1")
    told.severity("SEV3", by="mei", reason="only the probe itself is broken")
    told.until("13:05:00").alert("critical")
    told.until("13:06:00").alert("critical", key="other")

    assert told.state.level == "SEV3"
    assert calls(told) == ["13:00:00"]


# --- after mitigated -------------------------------------------------------------------------------------


@pytest.fixture
def mitigated(told: Told) -> Told:
    told.alert()
    told.ack().declare("mei").until("13:10:00").mitigate()
    return told


def test_a_first_firing_after_mitigated_calls_again(mitigated: Told) -> None:
    mitigated.until("13:11:00").alert(key="other")

    assert calls(mitigated) == ["13:00:00", "13:11:00"]


def test_an_alert_that_recovered_and_fires_again_after_mitigated_calls_again(mitigated: Told) -> None:
    mitigated.recovered()
    mitigated.until("13:12:00").alert()

    assert calls(mitigated) == ["13:00:00", "13:12:00"]


def test_only_the_first_firing_after_mitigated_calls_not_every_one_of_a_storm(mitigated: Told) -> None:
    for n in range(20):
        mitigated.wait(seconds=1)
        mitigated.alert(key=f"other-{n}")
    mitigated.ack("priya")
    for n in range(20):
        mitigated.wait(seconds=1)
        mitigated.alert(key=f"more-{n}")

    assert calls(mitigated) == ["13:00:00", "13:10:01"]


# --- recovered -------------------------------------------------------------------------------------------


def test_the_last_recovery_dismisses_triage_and_stops_the_calls(told: Told) -> None:
    told.alert()
    told.alert(key="other")
    told.until("13:01:00").recovered()
    assert told.state.stage == Stage.TRIAGE

    told.until("13:02:00").recovered("other")
    told.wait(days=1)

    assert told.state.stage == Stage.DISMISSED
    assert [(e.by, e.reason) for e in told.events(ev.Dismissed)] == [(None, "recovered")]
    assert told.pages() == [("13:00:00", "mei")]
    assert told.outcomes() == {1: "stopped"}


def test_the_last_recovery_of_a_declared_incident_is_a_note_and_nothing_else(told: Told) -> None:
    told.alert()
    told.ack().declare("mei")
    told.until("13:05:00").recovered()

    assert told.events(ev.Recovered)
    assert told.state.stage == Stage.DECLARED


def test_an_alert_that_never_fired_here_recovers_nothing(told: Told) -> None:
    told.alert()

    assert told.recovered("never seen") == []
    assert told.state.stage == Stage.TRIAGE


def test_a_storm_keeps_the_state_small_and_ends_with_the_last_alert(told: Told) -> None:
    for n in range(205):
        told.alert(key=f"k{n}")

    assert told.state.firing == 205
    told.recovered("k0")
    told.recovered("k0")
    for n in range(1, 204):
        told.recovered(f"k{n}")
    assert told.state.stage == Stage.TRIAGE
    told.recovered("k204")
    assert told.state.stage == Stage.DISMISSED


# --- silenced by hand (E11) ------------------------------------------------------------------------------


def silenced(level: str = "critical") -> Told:
    """Quiet from 13:06 until 20:00."""
    told = Told()
    told.alert(level)
    told.until("13:06:00").do(
        answering.snooze, by="mei", until=told.instant("20:00"), reason="the supplier works on it"
    )
    return told


def test_a_new_alert_after_the_group_window_ends_a_silence() -> None:
    told = silenced()
    told.until("13:36:00").alert(key="queue")
    assert told.state.paging is Paging.SNOOZED, "within the window it is the same trouble"

    told.until("13:36:01").alert(key="payments")

    assert [e.why for e in told.events(ev.Signalled)][-1] == "new alert after the group window"
    assert [e.why for e in told.events(ev.SnoozeEnded)] == ["a new alert joined"]
    assert calls(told) == ["13:00:00", "13:36:01"]


def test_an_alert_that_fires_already_leaves_the_silence_alone() -> None:
    told = silenced()
    told.until("15:00:00").alert()

    assert told.state.paging is Paging.SNOOZED
    assert calls(told) == ["13:00:00"]


def test_a_new_silence_begins_a_new_window() -> None:
    told = silenced()
    told.until("14:00:00").do(
        answering.snooze, by="mei", until=told.instant("21:00"), reason="it takes them longer"
    )
    told.until("14:10:00").alert(key="payments")

    assert told.state.paging is Paging.SNOOZED


# --- the claim -------------------------------------------------------------------------------------------


def test_the_claim_is_held_until_resolved_never_until_closed(told: Told) -> None:
    told.alert()
    assert told.state.claims == ("probe/sign-in",)
    told.ack().declare("mei").mitigate()
    assert told.state.claims == ("probe/sign-in",)

    told.resolve()
    assert told.state.claims == ()


def test_the_claim_is_given_up_when_dismissed(told: Told) -> None:
    told.alert()
    told.do(lifecycle.dismiss, by="mei", reason="no incident")

    assert told.state.claims == ()


def test_alerts_of_one_group_share_a_claim_others_have_their_own() -> None:
    grouped = [Signal("probe", key, "t", "critical", group="g").claim for key in ("a", "b")]
    alone = [Signal("probe", key, "t", "critical").claim for key in ("a", "b")]

    assert grouped == ["probe/g", "probe/g"]
    assert alone == ["probe/a", "probe/b"]
