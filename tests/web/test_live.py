"""The live stream over real sockets: nothing is missed, nothing comes twice, and it ends when it must."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tocsin.web import live
from web.running import LOCAL, Served, served


def events(answer: httpx2.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line[5:])


def note(server: Served, ref: str, text: str) -> None:
    with server.local("mei") as client:
        assert client.post(f"/api/v1/incidents/{ref}/note", json={"text": text}).status_code == 200


def take(found: Iterator[dict[str, Any]], text: str) -> dict[str, Any]:
    return next(e for e in found if e["text"].endswith(text))


def test_an_event_arrives_within_a_fifth_of_a_second(server: Served) -> None:
    ref = server.declare()
    delays = []
    with server.local() as client, client.stream("GET", "/api/v1/events", params={"ref": ref}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        found = events(stream)
        time.sleep(0.2)
        for n in range(10):
            begun = time.monotonic()
            note(server, ref, f"quick {n}")
            event = take(found, f"quick {n}")
            delays.append(time.monotonic() - begun)
    assert event.keys() == {"ref", "seq", "version", "at", "recorded_at", "kind", "by", "text", "show"}
    assert (event["kind"], event["by"], event["show"], event["ref"]) == ("Noted", "mei", "person", ref)
    assert sorted(delays)[8] < 0.2, delays


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_broken_stream_resumes_without_a_gap_or_a_double(how: str, server: Served) -> None:
    ref = server.declare()
    note(server, ref, "before")
    with server.local() as client:
        known = client.get(f"/api/v1/incidents/{ref}/timeline").json()["events"][-1]["seq"]
        for n in range(30):
            note(server, ref, f"missed {n}")
        headers = {"Last-Event-ID": str(known)} if how == "header" else {}
        params = {"ref": ref, **({"after": str(known)} if how == "query" else {})}
        with client.stream("GET", "/api/v1/events", params=params, headers=headers) as stream:
            found = events(stream)
            writer = threading.Thread(target=lambda: [note(server, ref, f"live {n}") for n in range(30)])
            writer.start()
            seen = []
            for event in found:
                seen.append(event)
                if event["text"].endswith("live 29"):
                    break
            writer.join()
    texts = [e["text"] for e in seen if e["kind"] == "Noted"]
    assert texts == [f"mei: missed {n}" for n in range(30)] + [f"mei: live {n}" for n in range(30)]
    assert [e["seq"] for e in seen] == sorted({e["seq"] for e in seen})


def test_without_a_place_to_resume_only_what_is_new_comes(server: Served) -> None:
    ref = server.declare()
    note(server, ref, "old")
    with server.local() as client, client.stream("GET", "/api/v1/events") as stream:
        time.sleep(0.2)
        note(server, ref, "new")
        first = next(e for e in events(stream) if e["kind"] == "Noted")
    assert first["text"] == "mei: new"


def test_of_one_incident_only(server: Served) -> None:
    one, two = server.declare("One"), server.declare("Two")
    with (
        server.local() as client,
        client.stream("GET", "/api/v1/events", params={"ref": two, "after": 0}) as s,
    ):
        found = events(s)
        note(server, one, "elsewhere")
        note(server, two, "here")
        assert all(e["ref"] == two for e in [take(found, "here")])


@pytest.mark.parametrize(
    ("params", "headers"),
    [
        ({"ref": "x"}, {}),
        ({"after": "-1"}, {}),
        ({}, {"Last-Event-ID": "x"}),
        ({}, {"Last-Event-ID": "9" * 30}),
        ({}, {"Last-Event-ID": "-1"}),
    ],
    ids=str,
)
def test_a_place_that_is_none(params: dict[str, str], headers: dict[str, str], server: Served) -> None:
    with server.local() as client:
        assert client.get("/api/v1/events", params=params, headers=headers).status_code == 422


def test_silence_is_filled_with_heartbeats(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.1)
    with (
        server.local() as client,
        client.stream("GET", "/api/v1/events", params={"ref": "INC-2000-0001"}) as s,
    ):
        lines = s.iter_lines()
        beats = [line for line in (next(lines) for _ in range(12)) if line == ": here"]
    assert len(beats) >= 2


def test_a_reader_who_leaves_is_forgotten(fresh: Served) -> None:
    listeners = fresh.feed._listeners
    with fresh.local() as client, client.stream("GET", "/api/v1/events") as stream:
        next(stream.iter_lines())
        assert len(listeners) == 1
    until = time.monotonic() + 3
    while listeners and time.monotonic() < until:
        time.sleep(0.02)
    assert not listeners


def test_a_reader_who_is_too_slow_is_let_go(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEHIND", 0)
    with server.local() as client, client.stream("GET", "/api/v1/events") as stream:
        time.sleep(0.2)
        server.declare("Somebody does not read")
        assert list(events(stream)) == []


def test_there_is_a_limit_of_streams(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS", 0)
    with server.local() as client:
        answer = client.get("/api/v1/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_the_server_stops_quickly_while_somebody_reads(tmp_path: Path) -> None:
    ended = threading.Event()

    def read(url: str, ready: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {LOCAL}"}
        with httpx2.stream("GET", f"{url}/api/v1/events", headers=headers, timeout=30) as stream:
            for _ in stream.iter_lines():
                ready.set()
        ended.set()

    ready = threading.Event()
    with served(tmp_path) as running:
        reader = threading.Thread(target=read, args=(running.url, ready))
        reader.start()
        assert ready.wait(5)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2.5
    reader.join(5)
    assert ended.is_set()
