"""The disk is full: nothing is half done, whoever asks is told, and everything goes on once there is room."""

from __future__ import annotations

import pytest

from tocsin.domain import events as ev
from tocsin.store.contract import Store
from tocsin.store.sqlite import SqliteStore
from trouble.conftest import House, eventually

NO_LIMIT = 2**32 - 2
MANY = 400


def most_pages(store: Store, pages: int | None) -> None:
    """The file may not grow beyond this many pages; None: not beyond what it has now."""
    assert isinstance(store, SqliteStore)
    with store.writing() as link:
        now = pages or link.rows("PRAGMA page_count")[0][0]
        link.rows(f"PRAGMA max_page_count = {now}")


def titles(house: House) -> list[str]:
    rows = house.program.store.incidents(stage=None, level=None, q=None, before=None, limit=1000)
    return sorted(row.title for row in rows)


def test_a_full_disk(house: House) -> None:
    waiting = house.declare("Declared while there was room")
    most_pages(house.program.store, None)
    accepted: dict[str, str] = {}
    refused = ""
    for number in range(MANY):
        title = f"Outage {number}"
        answer = house.ask("POST", "/api/v1/incidents", title=title, sev="SEV1")
        if answer.status_code != 201:
            refused = title
            break
        accepted[answer.json()["ref"]] = title
    else:
        pytest.fail(f"{MANY} incidents found room")

    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Nothing was written and nobody was called" in answer.json()["detail"]
    assert "the database is not usable" in answer.json()["detail"]
    eventually(lambda: "takes no writes" in house.alarms(), "alarmz says it", within=3)
    eventually(lambda: not house.ready(), "readyz says it", within=3)
    again = house.ask("POST", "/api/v1/incidents", title=refused, sev="SEV1", by="bea")
    assert again.status_code == 503
    assert house.ask("GET", f"/api/v1/incidents/{waiting}").status_code == 200, "reading goes on"
    before = titles(house)

    most_pages(house.program.store, NO_LIMIT)

    eventually(house.ready, "readyz is green again by itself", within=5)
    eventually(lambda: "takes no writes" not in house.alarms(), "alarmz has forgotten it", within=5)
    last = house.declare(refused)
    assert before == sorted([*accepted.values(), "Declared while there was room"])
    assert titles(house) == sorted([*before, refused])
    refs = [waiting, *accepted, last]
    assert [int(ref[-4:]) for ref in refs] == list(range(1, len(refs) + 1)), (
        "no number was spent on a refusal"
    )
    for ref in refs:
        eventually(lambda ref=ref: house.post.pages(ref)["ann@test.example"], f"{ref}: ann is called")
        eventually(house.has(ref, ev.ClockBreached), f"{ref}: the deadline is not lost")
        eventually(lambda ref=ref: house.row(ref), f"{ref} stands in the log")
    for ref in refs:
        house.do(ref, "ack")
        eventually(lambda ref=ref: house.quiet(ref), f"{ref}: everything is carried out")
        assert len(house.events(ref, ev.ClockBreached)) == 1
        ended = [e.page for e in house.events(ref, ev.PageEnded)]
        asked = [e.page for e in house.events(ref, ev.PageRequested)]
        assert sorted(ended) == sorted(asked), "every page has one outcome"
    assert house.engine.auditor.audit() == []
