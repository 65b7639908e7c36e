"""What a page tells of the method it used: kept with its outcome, in the same commit (N10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stories import scripts
from tocsin.domain.delivery import Failure, permanent
from tocsin.store.contract import ContactRow
from tocsin.testing import Story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    yield told
    told.close()


def health(story: Story, person: str = "mei") -> ContactRow:
    (row,) = story.store.contacts(person)
    return row


def test_a_page_that_is_taken_proves_the_address(story: Story) -> None:
    story.alert("Sign-in fails")
    row = health(story)
    assert (row.channel, row.address, row.last_ok, row.fails) == ("mail", "", story.clock.at, 0)
    (method,) = story.context().directory.methods_of("mei")
    assert row.tried == method.address
    assert {row.channel for row in story.store.contacts()} == {"mail"}


def test_three_pages_that_are_refused_for_good_disable_the_method(story: Story) -> None:
    story.broken["mei", "mail"] = Failure.PERMANENT
    for number in range(3):
        assert not number or health(story).disabled == ""
        story.alert(f"Outage {number}", key=f"{number}", group=f"{number}")
    assert (health(story).fails, health(story).last_ok) == (3, None)
    assert health(story).disabled == "3 messages in a row were refused for good: the channel is broken"
    assert health(story, "priya").disabled == "", "whoever was called instead is well"


def test_a_channel_that_is_down_for_a_while_disables_nothing(story: Story) -> None:
    story.broken["mei", "mail"] = Failure.RETRY
    for number in range(4):
        story.alert(f"Outage {number}", key=f"{number}", group=f"{number}")
    row = health(story)
    assert (row.fails, row.disabled, row.last_fail) == (0, "", story.clock.at)


def test_what_would_fail_for_everybody_is_an_alarm_and_held_against_no_address(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail server refuses the password: once that is right again, everybody is reached as before (N10)."""

    def refused(lane: str, *_: object) -> None:
        raise permanent("535 the mail server refused user and password", channel=lane == "mail")

    monkeypatch.setattr(story, "_carry_out", refused)
    for number in range(4):
        story.alert(f"Outage {number}", key=f"{number}", group=f"{number}")
    row = health(story)
    assert (row.fails, row.disabled, row.last_fail) == (0, "", story.clock.at)
    alarms = {alarm.key: alarm.reason for alarm in story.store.alarms()}
    assert "535 the mail server refused" in alarms["channel:mail"]
