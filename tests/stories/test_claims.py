"""An alert never joins what is over: between the look at the claim and at the incident another node may end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stories import cast
from tocsin.domain.incident import Stage
from tocsin.store.batch import OpenBatch
from tocsin.testing import Story


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    told = Story(database_url, cast.live(cast.acme_policy()), at=cast.DAY)
    yield told
    told.close()


@pytest.mark.parametrize("how", ["resolve", "merge"])
def test_what_was_just_ended_elsewhere_takes_no_alert(
    story: Story, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = story.alert("Smoke test failed", key="smoke", group="sign-in")
    claim = "smoke/sign-in"
    story.ack("mei")
    story.confirm("mei", sev="SEV1")
    other = ""
    if how == "resolve":
        story.resolve("mei", "green", "13:00", "normal")
    else:
        other = story.declare("Sign-in is down", by="mei", sev="SEV1")
        story.ack("mei")
        story.merge(first, other, by="mei")
    looked = OpenBatch.reserve
    stale = [first]

    def reserve(batch: OpenBatch, claims: object, alerts: object, answers: object) -> object:
        tail = looked(batch, claims, alerts, answers)  # type: ignore[arg-type]
        if claims and stale:
            tail.claims[claim] = stale.pop()
        return tail

    monkeypatch.setattr(OpenBatch, "reserve", reserve)
    ref = story.alert("Disk full", key="disk", group="sign-in")

    assert not stale, "the old picture was looked at"
    assert ref != first
    if how == "merge":
        assert ref == other
    else:
        assert story.state(ref).stage == Stage.TRIAGE
        assert story.state(ref).open_pages()
    assert {row.ref for row in story.store.alerts(ref) if row.dedup_key == "disk"} == {ref}
