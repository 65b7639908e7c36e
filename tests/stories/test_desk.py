"""What whoever queues a command can rely on."""

from __future__ import annotations

from stories import scripts
from tocsin.domain import response
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
