"""Every verb over the wire, and what is refused, by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from web.running import Served

API = "/api/v1/incidents"
FAR = "2026-01-20T13:00:00Z"


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= found.keys()
    assert found["status"] == status
    return found


def test_a_whole_incident(server: Served) -> None:
    with server.local("mei") as mei, server.local("jonas") as jonas, server.local("tomas") as tomas:
        declared = mei.post(API, json={"title": "Sign-in loops", "sev": "sev1", "service": "portal"})
        assert declared.status_code == 201
        body = declared.json()
        ref = body["ref"]
        assert body["url"].endswith(f"/i/{ref}")
        assert body["incident"]["level"] == "SEV1"
        assert [e["kind"] for e in body["events"]][:2] == ["Opened", "Declared"]

        def do(client: Any, verb: str, **fields: Any) -> dict[str, Any]:
            answer = client.post(f"{API}/{ref}/{verb}", json=fields)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            assert (found["ref"], found["replayed"]) == (ref, False)
            return found

        acked = do(jonas, "ack")
        assert acked["incident"]["acked_by"] == "jonas"
        assert do(mei, "ack")["warnings"] == ["jonas acknowledged first"]
        assert do(mei, "note", text="seen", at=None)["events"][0]["text"] == "mei: seen"
        do(mei, "role", role="comms", person="@tomas")
        do(jonas, "take", role="ops")
        do(mei, "decide", decision="roll back", why="it is quick", objections=True)
        do(tomas, "update", impact="nobody signs in", eta="unknown", next_steps="we roll back")
        assert do(mei, "handoff", role="ic", to="henrik")["incident"]["offers"][0]["to"] == "henrik"
        with server.local("henrik") as henrik:
            assert do(henrik, "accept", role="ic")["incident"]["seats"]["ic"] == "henrik"
            do(henrik, "severity", level="SEV2", reason="only half of them")
        assert do(mei, "mitigate", evidence="smoke is green")["incident"]["stage"] == "mitigated"
        done = do(mei, "resolve", confirmed="release", impact_ended="probe", errors_normal="dashboard")
        assert done["incident"]["stage"] == "resolved"
        assert {c["verdict"] for c in done["incident"]["clocks"]} == {"met"}
        assert "postmortem" in problem(mei.post(f"{API}/{ref}/close"), 409)["detail"]
        do(mei, "postmortem", where="https://docs.example/1")
        timeline = mei.get(f"{API}/{ref}/timeline").json()["events"]
    assert [e["version"] for e in timeline] == list(range(1, len(timeline) + 1))
    assert {"Noted", "Decided", "UpdatePosted", "Mitigated", "Resolved"} <= {e["kind"] for e in timeline}


def test_a_stranger_to_the_roster_is_taken_with_a_warning(server: Served) -> None:
    ref = server.declare()
    with server.local("operator") as client:
        answer = client.post(f"{API}/{ref}/ack").json()
    assert answer["warnings"] == ["operator is not in the handbook's roster"]


def test_a_slip_of_the_finger_acknowledges_nothing(server: Served) -> None:
    ref = server.declare()
    with server.local("jonsa") as client:
        refused = problem(client.post(f"{API}/{ref}/ack"), 422)
        assert "nobody is known as jonsa" in refused["detail"]
    with server.local("MEI") as client:
        assert client.post(f"{API}/{ref}/ack").json()["incident"]["acked_by"] == "mei"


def test_two_people_take_the_same_seat_and_the_second_hears_who_was_first(server: Served) -> None:
    ref = server.declare(by="tomas")
    with server.local("mei") as mei, server.local("henrik") as henrik, ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda c: c.post(f"{API}/{ref}/take", json={"role": "ic"}), [mei, henrik]))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    won = next(a for a in both if a.status_code == 200).json()["incident"]["seats"]["ic"]
    lost = problem(next(a for a in both if a.status_code == 409), 409)
    assert lost["detail"] == f"{won} holds ic"
    assert "hand-over" in lost["possible"]


# --- once only ----------------------------------------------------------------------------------------------


def test_a_repeated_declare_is_one_incident(server: Served) -> None:
    key = {"Idempotency-Key": "declare-once"}
    with server.local("mei") as client:
        first = client.post(API, json={"title": "Once"}, headers=key).json()
        again = client.post(API, json={"title": "Once"}, headers=key)
        assert (again.status_code, again.json()["replayed"], again.json()["ref"]) == (201, True, first["ref"])
        other = problem(client.post(API, json={"title": "Twice"}, headers=key), 422)
        assert other["errors"][0]["field"] == "Idempotency-Key"
        assert len(client.get(API, params={"q": "Once"}).json()["incidents"]) == 1
        assert client.get(API, params={"q": "Twice"}).json()["incidents"] == []
    with server.local("jonas") as client:
        mine = client.post(API, json={"title": "Another person's key is another key"}, headers=key).json()
    assert mine["replayed"] is False


def test_a_repeated_verb_is_one_event(server: Served) -> None:
    ref = server.declare()
    key = {"Idempotency-Key": "note-once"}
    with server.local("mei") as client:
        first = client.post(f"{API}/{ref}/note", json={"text": "a"}, headers=key).json()
        again = client.post(f"{API}/{ref}/note", json={"text": "a"}, headers=key).json()
        assert (again["replayed"], again["version"]) == (True, first["version"])
        problem(client.post(f"{API}/{ref}/note", json={"text": "b"}, headers=key), 422)
        assert (
            client.post(f"{API}/{ref}/decide", json={"decision": "a"}, headers=key).json()["replayed"]
            is False
        )
        notes = [e for e in client.get(f"{API}/{ref}/timeline").json()["events"] if e["kind"] == "Noted"]
    assert len(notes) == 1


def test_the_same_key_at_the_same_time_is_one_event(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client, ThreadPoolExecutor(8) as pool:
        body, key = {"text": "together"}, {"Idempotency-Key": "together"}
        answers = list(
            pool.map(lambda _: client.post(f"{API}/{ref}/note", json=body, headers=key), range(16))
        )
        assert {a.status_code for a in answers} == {200}
        assert [a.json()["replayed"] for a in answers].count(False) == 1
        events = client.get(f"{API}/{ref}/timeline").json()["events"]
    assert [e["text"] for e in events].count("mei: together") == 1


def test_a_refused_command_may_be_repeated_under_its_key(server: Served) -> None:
    ref = server.declare()
    key = {"Idempotency-Key": "refused"}
    with server.local("mei") as client:
        problem(client.post(f"{API}/{ref}/close", headers=key), 409)
        problem(client.post(f"{API}/{ref}/close", headers=key), 409)


@pytest.mark.parametrize("key", ["", "k" * 301, "tab\there"])
def test_an_unusable_key_is_refused(key: str, server: Served) -> None:
    with server.local("mei") as client:
        found = problem(client.post(API, json={"title": "x"}, headers={"Idempotency-Key": key}), 422)
    assert found["errors"][0]["field"] == "Idempotency-Key"


# --- what does not fit --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": None}, "title"),
        ({"title": 7}, "title"),
        ({"title": ["a"]}, "title"),
        ({"title": "a" * 301}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "a\x1b[31m"}, "title"),
        ({"title": "a\rb"}, "title"),
        ({"title": "a\x85b"}, "title"),
        ({"title": "a", "sev": "a\x7f"}, "sev"),
        ({"title": "a", "titel": "b"}, "titel"),
        ({"title": "a", "detected": "yesterday"}, "detected"),
        ({"title": "a", "detected": "2026-01-20T13:00:00"}, "detected"),
        ({"title": "a", "detected": 1768914000}, "detected"),
        ({"title": "a", "detected": "0001-01-01T00:00:00+23:59"}, "detected"),
        ([], "body"),
        ("title", "body"),
        (None, "body"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_field_that_does_not_fit_is_named(body: Any, field: str, server: Served) -> None:
    with server.local("mei") as client:
        found = problem(client.post(API, json=body), 422)
    assert field in [error["field"] for error in found["errors"]]
    assert field in found["detail"]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"title": "\\ud800"}', "title"),
        (b'{"title": "ok", "\\udfff": 1}', "body"),
        (b'{"title": "ok", "x\\ud83d\\ude00": 1}', "x😀"),
        (b"{", "body"),
        (b'{"title": "ok",', "body"),
    ],
)
def test_text_that_is_none_is_refused(raw: bytes, field: str, server: Served) -> None:
    with server.local("mei") as client:
        found = problem(client.post(API, content=raw, headers={"Content-Type": "application/json"}), 422)
    assert field in [error["field"] for error in found["errors"]]


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b'{"title": "\xff\xfe"}', b"\x00", b'{"title": ' + b"9" * 9000 + b"}"]
)
def test_unreadable_bodies_are_a_problem_and_not_a_crash(raw: bytes, server: Served) -> None:
    with server.local("mei") as client:
        answer = client.post(API, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text
    assert "Traceback" not in answer.text


def test_a_body_that_is_too_large_is_refused_however_it_comes(server: Served) -> None:
    def drops() -> Any:
        for _ in range(300):
            yield b" " * 1024

    headers = {"Content-Type": "application/json"}
    with server.local("mei") as client:
        problem(client.post(API, content=b" " * (256 * 1024 + 1), headers=headers), 413)
        problem(client.post(API, content=drops(), headers=headers), 413)
        assert client.post(API, content=b" " * (256 * 1024), headers=headers).status_code == 422


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_only_json_is_read(kind: str, server: Served) -> None:
    with server.local("mei") as client:
        problem(client.post(API, content=b'{"title": "x"}', headers={"Content-Type": kind}), 422)


@pytest.mark.parametrize(
    "title",
    ["\u202egnirts desrever", "\u2066half open", "🔥🧯 fire", "a\nb\tc", "<b>&amp;", "  spaces  ", "日本語"],
)
def test_strange_text_is_kept_as_it_is(title: str, server: Served) -> None:
    with server.local("mei") as client:
        answer = client.post(API, json={"title": title})
        assert answer.status_code == 201, answer.text
        ref = answer.json()["ref"]
        shown = client.get(f"{API}/{ref}").json()["title"]
    assert shown.split() == title.split()


# --- what is not there, and what cannot be ------------------------------------------------------------------


@pytest.mark.parametrize(
    "ref", ["INC-2026-9999", "INC-1", "x", "%00", "INC-2026-0001%0a", "..%2f..", "\uff29NC-2026-0001"]
)
def test_an_unknown_incident(ref: str, server: Served) -> None:
    with server.local("mei") as client:
        for path in (f"{API}/{ref}", f"{API}/{ref}/timeline", f"{API}/{ref}/alerts", f"{API}/{ref}/pages"):
            problem(client.get(path), 404)
        problem(client.post(f"{API}/{ref}/ack"), 404)


def test_an_unknown_verb_and_method(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        problem(client.post(f"{API}/{ref}/explode"), 404)
        problem(client.put(f"{API}/{ref}"), 405)
        problem(client.get("/api/v1/nothing"), 404)


def test_what_the_domain_refuses_says_what_is_possible(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        assert "empty" in problem(client.post(API, json={"title": "   "}), 409)["detail"]
        level = problem(client.post(API, json={"title": "x", "sev": "SEV9"}), 409)
        assert "SEV1, SEV2" in level["possible"]
        role = problem(client.post(f"{API}/{ref}/take", json={"role": "chef"}), 409)
        assert "ic" in role["possible"]
        problem(client.post(f"{API}/{ref}/dismiss", json={"reason": "none"}), 409)
        problem(client.post(API, json={"title": "x", "detected": "2199-01-01T00:00:00Z"}), 409)


def test_when_nothing_can_be_written_it_says_so_and_when_to_ask_again(fresh: Served) -> None:
    ref = fresh.declare()
    fresh.program.engine.desk.stop()
    with fresh.local("mei") as client:
        answer = client.post(f"{API}/{ref}/note", json={"text": "x"})
        found = problem(answer, 503)
        assert answer.headers["retry-after"] == "2"
        assert "Nothing was written" in found["detail"]
        assert client.get(f"{API}/{ref}").status_code == 200


# --- lists --------------------------------------------------------------------------------------------------


def test_the_list_is_filtered_and_paged(fresh: Served) -> None:
    refs = [fresh.declare(f"Number {n}", "SEV3" if n % 2 else "SEV1") for n in range(7)]
    with fresh.local("mei") as client:
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = client.get(API, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
            seen += [row["ref"] for row in page["incidents"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == refs[::-1]
        low = client.get(API, params={"sev": "sev3"}).json()["incidents"]
        assert [row["title"] for row in low] == ["Number 5", "Number 3", "Number 1"]
        assert [r["ref"] for r in client.get(API, params={"q": "number 4"}).json()["incidents"]] == [refs[4]]
        assert len(client.get(API, params={"stage": "open"}).json()["incidents"]) == 7
        assert client.get(API, params={"stage": "closed"}).json() == {"incidents": [], "next": None}
        for wrong in ({"stage": "burning"}, {"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"q": "\x00"}):
            problem(client.get(API, params=wrong), 422)


def test_a_timeline_goes_on_after_a_seq(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        events = client.get(f"{API}/{ref}/timeline").json()["events"]
        rest = client.get(f"{API}/{ref}/timeline", params={"after": events[1]["seq"]}).json()
        assert [e["seq"] for e in rest["events"]][: len(events) - 2] == [e["seq"] for e in events[2:]]
        assert rest["next"] is None


def test_every_page_has_one_outcome(server: Served) -> None:
    ref = server.declare(by="tomas")
    with server.local("jonas") as client:
        assert client.get(f"{API}/{ref}/pages").json()["pages"][-1]["person"] == "jonas"
        client.post(f"{API}/{ref}/ack")
        pages = client.get(f"{API}/{ref}/pages").json()["pages"]
        assert "acked" in [page["outcome"] for page in pages]
        assert all(page["outcome"] for page in pages)
        everyone = client.get("/api/v1/pages", params={"limit": 1}).json()
    assert len(everyone["pages"]) == 1
