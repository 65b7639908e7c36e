"""What whoever queues a command can rely on."""

from __future__ import annotations

import pytest

from stories import scripts
from tocsin.domain import response
from tocsin.domain.signals import Signal
from tocsin.engine.commands import Declaration, declare
from tocsin.engine.receive import receive
from tocsin.engine.sitting import UnknownIncident
from tocsin.testing import Story


def test_a_caller_who_goes_away_stops_nobody(database_url: str) -> None:
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    story.declare("Sign-in loops for all users", by="aisha", sev="SEV1")
    desk = story.engine.desk
    gone = desk.submit(story.ref, response.note, by="mei", text="first", happened=None)
    stays = desk.submit(story.ref, response.note, by="mei", text="second", happened=None)

    assert not gone.cancel()
    desk.drain()

    assert stays.result().version == gone.result().version + 1
    story.close()


def test_one_bad_job_of_a_batch_fails_alone(database_url: str) -> None:
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    story.declare("Sign-in loops for all users", by="aisha", sev="SEV1")
    desk = story.engine.desk

    def broken(*_: object) -> list[object]:
        raise ZeroDivisionError

    before = [desk.submit(story.ref, response.note, by="mei", text=f"{n}", happened=None) for n in range(3)]
    bad = desk.submit(story.ref, broken)  # type: ignore[arg-type]
    nowhere = desk.submit("INC-2026-9999", response.note, by="mei", text="x", happened=None)
    after = [desk.submit(story.ref, response.note, by="mei", text=f"{n}", happened=None) for n in range(3)]
    desk.drain()

    versions = [future.result().version for future in (*before, *after)]
    assert versions == list(range(versions[0], versions[0] + 6))
    assert isinstance(bad.exception(), ZeroDivisionError)
    assert isinstance(nowhere.exception(), UnknownIncident)
    story.close()


def test_what_fails_after_the_commit_never_decides_a_batch_again(database_url: str) -> None:
    """Hints and alarms come after the commit: they may fail, what was written and answered stands."""
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    desk = story.engine.desk

    def gone(*_: object) -> None:
        raise RuntimeError("Event loop is closed")

    desk.on_lanes = gone
    futures = [declare(desk, Declaration("aisha", f"Outage {n}", "SEV1")) for n in range(4)]
    while desk.waiting:
        with pytest.raises(RuntimeError):
            desk.drain()

    refs = [future.result(timeout=0).ref for future in futures]
    rows = story.store.incidents(stage=None, level=None, q=None, before=None, limit=10)
    assert sorted(row.ref for row in rows) == refs
    story.close()


def test_an_old_incident_does_not_hide_who_holds_the_claim_now(database_url: str) -> None:
    """The first incident of a claim is over, a second one holds it: work on the first one leaves that alone."""
    story = Story(database_url, scripts.live(scripts.acme_policy()), at=scripts.DAY)
    over = story.alert("Sign-in fails", key="a", group="sign-in")
    story.confirm("mei")
    story.resolve("mei", "green", "13:00", "normal")
    now = story.alert("Sign-in fails again", key="b", group="sign-in")
    desk = story.engine.desk

    noted = desk.submit(over, response.note, by="mei", text="looking back", happened=None)
    joined = receive(desk, Signal("smoke", "c", "Sign-in is slow", "critical", group="sign-in"))
    recovered = receive(desk, Signal("smoke", "b", "Sign-in fails again", "critical", False, group="sign-in"))
    desk.drain()

    assert noted.result().ref == over
    assert (joined.result().ref, recovered.result().ref) == (now, now)
    assert story.state(now).firing == 1
    story.close()
