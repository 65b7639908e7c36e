"""Restricted incidents over the wire: readers by name, a codename for everybody else, every read written down."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from tocsin.store.contract import JournalRow, StoreUnavailable
from web.running import Served
from web.test_process import API, begun, do, get, refused
from web.test_room import fields_of, form_of, send

SECRET = "Tenant Umbra sees the rows of others"
READS = (
    "",
    "/timeline",
    "/alerts",
    "/pages",
    "/score",
    "/brief",
    "/gates",
    "/export",
    f"/evidence/{'0' * 64}",
)


@pytest.fixture
def restricted(fresh: Served) -> tuple[Served, str]:
    ref = fresh.declare(SECRET, by="mei")
    do(fresh, "mei", ref, "restrict", codename="Heron", readers=["@aisha"], reason="a tenant's data")
    do(fresh, "mei", ref, "note", text="Umbra was told")
    return fresh, ref


def test_only_readers_and_those_at_work_read_it(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    for who, status in (("mei", 200), ("aisha", 200), ("tomas", 403), ("operator", 403)):
        with server.local(who) as client:
            for part in READS[:-1]:
                answer = client.get(f"{API}/{ref}{part}")
                assert answer.status_code == status, (who, part, answer.text)
                assert status == 200 or ("Heron" in answer.text and "Umbra" not in answer.text)
            assert client.get(f"{API}/{ref}{READS[-1]}").status_code == (404 if status == 200 else 403)
    do(server, "mei", ref, "role", role="comms", person="tomas")
    assert get(server, f"{API}/{ref}", "tomas")["title"] == SECRET


def test_who_was_called_for_it_stands_in_no_list_for_everybody(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    other = server.declare("Another", by="tomas")
    for who in ("tomas", "mei"):
        assert {row["ref"] for row in get(server, "/api/v1/pages", who)["pages"]} == {other}
    assert {row["ref"] for row in get(server, f"{API}/{ref}/pages", "mei")["pages"]} == {ref}


def test_everybody_else_hears_the_codename_and_cannot_act(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    rows = get(server, API, "tomas", stage="open")["incidents"]
    assert [row["title"] for row in rows] == ["Heron"]
    assert get(server, API, "tomas", q="Umbra")["incidents"] == []
    other = server.declare("Another", by="tomas")
    for where, verb, body in (
        (ref, "ack", {}),
        (ref, "note", {"text": "x"}),
        (ref, "shadow", {}),
        (ref, "restrict", {"lift": True, "reason": "curious"}),
        (other, "merge", {"into": ref, "reason": ""}),
    ):
        assert "restricted" in refused(server, "tomas", where, verb, **body)["detail"], verb
    with server.session("tomas") as client:
        home, room = client.get("/"), client.get(f"/i/{ref}")
        assert "Heron" in home.text
        assert "Umbra" not in home.text
        assert room.status_code == 403
        assert "Heron" in room.text
        assert "Umbra" not in room.text


def test_every_read_is_written_down(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    get(server, f"{API}/{ref}/timeline", "aisha")
    get(server, f"{API}/{ref}", "aisha")
    get(server, f"{API}/{ref}", "aisha")
    with server.session("aisha") as client:
        client.get(f"/i/{ref}")
    with server.local("mei") as client:
        client.post("/api/v1/users", json={"handle": "mei", "standing": "admin"})
        kept = client.get("/api/v1/journal").json()["journal"]
    said = [row["detail"] for row in kept if row["kind"] == "restricted_read" and "aisha" in row["detail"]]
    assert sorted(said) == [f"aisha read {ref}", f"aisha read {ref} (timeline)"]
    server.clock.ahead += timedelta(minutes=2)
    get(server, f"{API}/{ref}", "aisha")
    with server.local("mei") as client:
        kept = client.get("/api/v1/journal").json()["journal"]
    assert [row["detail"] for row in kept].count(f"aisha read {ref}") == 2


def journaled(server: Served, who: str) -> list[str]:
    """What the journal holds of somebody's reads, oldest first."""
    rows = server.program.store.journal()
    return [row.detail for row in reversed(rows) if row.kind == "restricted_read" and who in row.detail]


def test_a_repeat_shows_no_more_than_any_other_read(fresh: Served) -> None:
    key = {"Idempotency-Key": "sent twice"}
    with fresh.local("tomas") as tomas:
        declared = tomas.post(API, json={"title": "Rows of others", "sev": "SEV2"}, headers=key)
        ref = fresh.declare(SECRET, by="mei")
        asked = {"url": f"{API}/{ref}/note", "json": {"text": "seen in Umbra"}, "headers": key}
        assert tomas.post(**asked).status_code == 200
        do(fresh, "mei", ref, "restrict", codename="Heron", reason="a tenant's data")
        again = tomas.post(**asked)
        assert again.status_code == 403, again.text
        assert "Heron" in again.text
        assert "Umbra" not in again.text
        own = declared.json()["ref"]
        do(fresh, "tomas", own, "restrict", codename="Egret", reason="a tenant's data")
        repeated = tomas.post(API, json={"title": "Rows of others", "sev": "SEV2"}, headers=key)
        assert repeated.json()["incident"]["title"] == "Rows of others"
    assert f"tomas read {own} (incidents)" in journaled(fresh, "tomas")


def test_what_a_command_answers_is_a_read_too(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    do(server, "aisha", ref, "note", text="their contact was called")
    assert journaled(server, "aisha") == [f"aisha read {ref} (note)"]


def test_who_gives_up_the_last_part_in_it_hears_what_that_has_left(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    do(server, "mei", ref, "task", do="open", text="look at the rows", owner="tomas")
    done = do(server, "tomas", ref, "task", do="done", task=1, result="three rows")
    assert done["title"] == SECRET
    with server.local("tomas") as client:
        assert client.get(f"{API}/{ref}").status_code == 403


def test_a_read_that_could_not_be_written_down_is_none_and_is_written_down_later(
    restricted: tuple[Served, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, ref = restricted

    def full(row: JournalRow) -> None:
        raise StoreUnavailable("the disk is full")

    with server.local("aisha") as client, monkeypatch.context() as broken:
        broken.setattr(server.program.store, "note", full)
        for _ in range(2):
            answer = client.get(f"{API}/{ref}")
            assert answer.status_code == 503
            assert "Umbra" not in answer.text
        acted = client.post(f"{API}/{ref}/note", json={"text": "x"})
        assert acted.status_code == 503
        assert "It was done" in acted.json()["detail"]
        assert "Umbra" not in acted.text
    get(server, f"{API}/{ref}", "aisha")
    assert journaled(server, "aisha") == [f"aisha read {ref}"]


def test_no_file_for_an_incident_that_somebody_may_not_read_is_taken_in(
    restricted: tuple[Served, str],
) -> None:
    server, ref = restricted
    with begun(server, ref, "tomas") as upload:
        answer = upload.recv(65536)
    assert answer.startswith(b"HTTP/1.1 409"), "it answers before a byte of the file was sent"
    assert b"restricted" in answer
    with server.session("tomas") as tomas:
        own = tomas.get(f"/i/{server.declare('Mine', by='tomas')}?do=evidence").text
        fields = fields_of(form_of(own, "evidence"))
        refused = tomas.post(f"/i/{ref}/evidence", data=fields, files={"file": ("rows.csv", b"a,b")})
    assert refused.status_code == 409
    assert "Umbra" not in refused.text
    assert server.program.store.evidence(hashlib.sha256(b"a,b").hexdigest()) is None


def frames(server: Served, who: str, until: int, **params: Any) -> list[dict[str, Any]]:
    found = []
    with server.local(who) as client, client.stream("GET", "/api/v1/events", params=params) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                found.append(json.loads(line[5:]))
                if found[-1]["seq"] >= until:
                    return found
    return found


def test_the_live_stream_tells_nobody_else_what_it_says(restricted: tuple[Served, str]) -> None:
    server, ref = restricted
    last = server.program.store.last_seq()
    everything = frames(server, "tomas", last, after=0)
    assert {event["text"] for event in everything if event["ref"] == ref} == {"restricted"}
    mine = frames(server, "aisha", last, after=0, ref=ref)
    assert any("Umbra was told" in event["text"] for event in mine)
    assert mine[0].keys() == everything[0].keys()
    with server.local("tomas") as client:
        assert client.get("/api/v1/events", params={"ref": ref}).status_code == 403


def test_a_stream_that_was_open_before_hears_no_more(fresh: Served) -> None:
    ref = fresh.declare(SECRET, by="mei")
    with (
        fresh.local("tomas") as client,
        client.stream("GET", "/api/v1/events", params={"ref": ref}) as stream,
    ):
        told = (json.loads(line[5:])["text"] for line in stream.iter_lines() if line.startswith("data:"))
        do(fresh, "mei", ref, "note", text="before")
        assert "mei: before" in next(text for text in told if "before" in text)
        do(fresh, "mei", ref, "restrict", codename="Heron", readers=[], reason="their data")
        assert next(text for text in told if text == "restricted" or "their data" in text) == "restricted"
        do(fresh, "mei", ref, "note", text="after")
        assert next(text for text in told if text == "restricted" or "after" in text) == "restricted"
        do(fresh, "mei", ref, "restrict", lift=True, reason="they were told")
        do(fresh, "mei", ref, "note", text="in the open again")
        assert next(text for text in told if "open again" in text)


def test_restricting_and_lifting_by_form(fresh: Served) -> None:
    ref = fresh.declare(SECRET, by="mei")
    with fresh.session("mei") as client, fresh.session("tomas") as tomas:
        same = send(client, ref, "restrict", codename="umbra", readers="aisha", reason="x")
        assert same.status_code == 409
        assert "stands in the title" in form_of(same.text, "restrict")
        sent = send(client, ref, "restrict", codename="Heron", readers="aisha, @henrik", reason="their data")
        assert sent.status_code == 303
        page = client.get(f"/i/{ref}").text
        assert "Everybody else knows it as" in page
        assert "Henrik Lund" in page.split('id="restricted"')[1].split("<details")[0]
        assert tomas.get(f"/i/{ref}").status_code == 403
        form = form_of(page, "restrict-lift")
        lifted = client.post(f"/i/{ref}/restrict", data={**fields_of(form), "reason": "they were told"})
        assert lifted.status_code == 303
        assert tomas.get(f"/i/{ref}").status_code == 200
