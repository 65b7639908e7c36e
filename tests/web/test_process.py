"""The whole process over the wire: every verb beyond the spine, files, score, export, and what is refused by name."""

from __future__ import annotations

import hashlib
import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tocsin.domain import events as ev
from tocsin.store.contract import EVIDENCE_LIMIT, Recorded
from tocsin.web import evidence, show_duties
from web.running import LOCAL, Served

API = "/api/v1/incidents"
POINTS = 5


def answers(**other: tuple[str, str]) -> list[dict[str, str]]:
    """Every point holds, except those named `p1`, `p2` ..."""
    given = [{"answer": "ok", "evidence": f"seen {n}"} for n in range(1, POINTS + 1)]
    for name, (answer, seen) in other.items():
        given[int(name[1:]) - 1] = {"answer": answer, "evidence": seen}
    return given


def do(server: Served, who: str, ref: str, verb: str, **fields: Any) -> dict[str, Any]:
    with server.local(who) as client:
        answer = client.post(f"{API}/{ref}/{verb}", json=fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found["incident"]  # type: ignore[no-any-return]


def refused(
    server: Served, who: str, ref: str, verb: str, status: int = 409, **fields: Any
) -> dict[str, Any]:
    with server.local(who) as client:
        answer = client.post(f"{API}/{ref}/{verb}", json=fields)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def get(server: Served, path: str, who: str = "mei", **params: Any) -> Any:
    with server.local(who) as client:
        answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- times, merging, reopening --------------------------------------------------------------------------------------


def test_a_corrected_time_is_judged_anew_and_two_people_do_not_overwrite_each_other(server: Served) -> None:
    ref = server.declare()
    now = server.clock.now()
    before = get(server, f"{API}/{ref}")["times"]
    earlier = (now - timedelta(minutes=40)).isoformat()
    found = do(
        server, "mei", ref, "time", name="detected", at=earlier, because="first mail", was=before["detected"]
    )
    assert found["times"]["detected"] != before["detected"]
    assert found["times"]["impact_end"] is None
    late = refused(
        server,
        "jonas",
        ref,
        "time",
        name="detected",
        at=now.isoformat(),
        because="the alert",
        was=before["detected"],
    )
    assert "somebody corrected it meanwhile" in late["detail"]
    empty = refused(server, "mei", ref, "time", name="impact_start", at=earlier, because=" ")
    assert "reason" in empty["detail"]
    unknown = refused(server, "mei", ref, "time", 422, name="finished", at=earlier, because="x")
    assert unknown["errors"][0]["field"] == "name"


def test_two_that_are_one_go_on_as_one(server: Served) -> None:
    parent, child = server.declare("Exports stand still"), server.declare("Reports are empty", "SEV2")
    found = do(server, "mei", child, "merge", into=parent, reason="the same queue")
    assert (found["stage"], found["merged_into"]) == ("merged", parent)
    assert get(server, f"{API}/{parent}")["absorbed"] == [child]
    assert child not in [row["ref"] for row in get(server, API, stage="open", limit=200)["incidents"]]
    again = refused(server, "mei", child, "merge", into=parent, reason="")
    assert parent in again["detail"]
    assert "itself" in refused(server, "mei", parent, "merge", into=parent, reason="")["detail"]
    refused(server, "mei", parent, "merge", 404, into="INC-2020-0001", reason="")
    refused(server, "mei", parent, "merge", 422, into="the other one", reason="")


def test_what_comes_back_is_reopened(server: Served) -> None:
    ref = server.declare(sev="SEV3")
    assert "nothing to reopen" in refused(server, "mei", ref, "reopen", reason="x")["detail"]
    done = {"confirmed": "a", "impact_ended": "b", "errors_normal": "c"}
    end = server.clock.now().isoformat()
    found = do(server, "mei", ref, "resolve", **done, impact_end=end)
    assert found["times"]["impact_end"] is not None
    found = do(server, "mei", ref, "reopen", reason="it is back")
    assert found["stage"] == "declared"
    assert found["reopened_at"]


def test_near_misses_and_changes_have_no_level_and_call_nobody(server: Served) -> None:
    with server.local("mei") as client:
        miss = client.post(API, json={"title": "Mails nearly went out twice", "kind": "near-miss"}).json()
        change = client.post(API, json={"title": "Migration 41", "kind": "change"}).json()
        assert client.post(API, json={"title": "x", "kind": "near-miss", "sev": "SEV1"}).status_code == 409
        assert client.post(API, json={"title": "x", "kind": "party"}).status_code == 422
    assert miss["ref"].startswith("INC-")
    assert change["ref"].startswith("CHG-")
    for made in (miss, change):
        state = get(server, f"{API}/{made['ref']}")
        assert (state["level"], state["stage"], state["clocks"]) == ("", "recorded", [])
        assert get(server, f"{API}/{made['ref']}/pages")["pages"] == []
        assert get(server, f"{API}/{made['ref']}/score")["missed"] == 0
        assert get(server, f"{API}/{made['ref']}/brief")["brief"]
        do(server, "mei", made["ref"], "note", text="seen in review")
    kinds = {row["ref"]: row["kind"] for row in get(server, API, stage="recorded", limit=200)["incidents"]}
    assert (kinds[miss["ref"]], kinds[change["ref"]]) == ("near-miss", "change")


def test_a_drill_is_marked_wherever_it_is_listed(server: Served) -> None:
    with server.local("mei") as client:
        ref = client.post(API, json={"title": "An exercise", "sev": "SEV1", "drill": True}).json()["ref"]
        assert client.post(API, json={"title": "x", "drill": "yes"}).status_code == 422
    assert get(server, f"{API}/{ref}")["drill"] is True
    rows = get(server, API, limit=200)["incidents"]
    assert next(row for row in rows if row["ref"] == ref)["drill"] is True


# --- work -----------------------------------------------------------------------------------------------------------


def test_a_database_change_waits_for_its_check(server: Served) -> None:
    ref = server.declare(by="mei")
    do(server, "mei", ref, "task", do="open", text="Count the rows", owner="jonas", minutes=10)
    found = do(
        server, "mei", ref, "task", do="open", text="Copy the rows back", owner="jonas", db_change=True
    )
    assert [task["state"] for task in found["tasks"]] == ["started", "open"]
    do(server, "jonas", ref, "gate", do="check", answers=answers(p1=("failed", "30m behind")))
    held = refused(server, "jonas", ref, "task", do="start", task=2)
    assert "needs a passing backup check" in held["detail"]
    assert "30m behind" in held["possible"]
    point = (server.clock.now() - timedelta(minutes=1)).isoformat()
    do(server, "jonas", ref, "gate", do="check", answers=answers(), restore_point=point)
    gate = get(server, f"{API}/{ref}/gates")
    shown = gate["gates"][0]
    assert (shown["passing"], shown["state"]) == (None, "not confirmed")
    assert [p["last"]["evidence"] for p in shown["points"]][:2] == ["seen 1", "seen 2"]
    assert gate["restore_point"]
    do(server, "mei", ref, "gate", do="confirm", check=2)
    assert get(server, f"{API}/{ref}/gates")["gates"][0]["passing"] == "check 2"
    found = do(server, "jonas", ref, "task", do="start", task=2)
    assert found["tasks"][1]["state"] == "started"
    done = do(server, "jonas", ref, "task", do="done", task=2, result="23/23")
    assert done["tasks"][1]["state"] == "done"


def test_a_check_of_a_planned_change_is_shown_in_an_incident_and_lets_nothing_start(server: Served) -> None:
    with server.local("jonas") as client:
        change = client.post(API, json={"title": "Migration 42", "kind": "change"}).json()["ref"]
    do(server, "jonas", change, "gate", do="check", answers=answers())
    ref = server.declare(by="mei")
    shown = get(server, f"{API}/{ref}/gates")["gates"][0]
    assert (shown["passing"], shown["state"]) == (None, "not done here")
    assert f"1 of {change} counts there only" in shown["why"]
    assert [p["last"]["evidence"] for p in shown["points"]][:2] == ["seen 1", "seen 2"]


def test_going_past_a_check_is_the_ics_and_stays(server: Served) -> None:
    ref = server.declare(by="mei")
    do(server, "mei", ref, "gate", do="check", answers=answers(p3=("failed", "the checksum differs")))
    do(server, "mei", ref, "task", do="open", text="Delete the doubles", db_change=True)
    assert "only the IC" in refused(server, "jonas", ref, "gate", do="override", task=1, reason="x")["detail"]
    assert "reason" in refused(server, "mei", ref, "gate", do="override", task=1, reason=" ")["detail"]
    found = do(server, "mei", ref, "gate", do="override", task=1, reason="customers pay twice")
    assert found["overrides"] == [{"gate": "backup", "task": 1}]
    do(server, "jonas", ref, "task", do="start", task=1)
    lines = get(server, f"{API}/{ref}/score")["lines"]
    assert any("check" in line["promise"] and line["verdict"] == "missed" for line in lines)


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("task", {"do": "open"}, "text"),
        ("task", {"do": "start"}, "task"),
        ("task", {"do": "start", "task": 1, "owner": "mei"}, "owner"),
        ("task", {"do": "open", "text": "x", "minutes": 1441}, "minutes"),
        ("task", {"do": "dance"}, "do"),
        ("task", {}, "do"),
        ("gate", {"do": "check"}, "answers"),
        ("gate", {"do": "check", "answers": [{"answer": "maybe", "evidence": "x"}]}, "answers.0.answer"),
        ("gate", {"do": "confirm", "check": 1, "reason": "x"}, "reason"),
        ("gate", {"do": "override", "task": 1}, "reason"),
        ("legal", {"do": "start", "regime": "gdpr"}, "aware"),
        ("legal", {"do": "decide", "regime": "gdpr", "decision": "perhaps", "reason": "x"}, "decision"),
        ("statement", {"do": "draft", "audience": "all", "text": "x"}, "data"),
        ("action", {"do": "add", "text": "x", "kind": "blame"}, "kind"),
        ("action", {"do": "add", "text": "x", "due": "tomorrow"}, "due"),
        ("action", {"do": "add", "text": "x", "due": "2026-02-30"}, "due"),
        ("action", {"do": "prove", "action": 1}, "proof"),
        ("restored", {"kind": "restore"}, "source"),
        ("ticket", {"where": "javascript:alert(1)"}, "where"),
        ("postmortem", {"where": "../../secrets"}, "where"),
        ("note", {"text": "x", "replaces": 0}, "replaces"),
    ],
)
def test_a_field_that_is_missing_or_does_not_belong_there_is_named(
    verb: str, body: dict[str, Any], field: str, server: Served
) -> None:
    found = refused(server, "mei", server.declare(), verb, 422, **body)
    assert field in [error["field"] for error in found["errors"]], found


def test_notes_change_and_the_second_of_two_hears_of_it(server: Served) -> None:
    ref = server.declare()
    do(server, "mei", ref, "note", text="1,842 rows")
    events = get(server, f"{API}/{ref}/timeline")["events"]
    version = next(e["version"] for e in events if e["kind"] == "Noted")
    do(server, "mei", ref, "note", text="1,843 rows", replaces=version)
    late = refused(server, "jonas", ref, "note", text="1,844 rows", replaces=version)
    assert "changed meanwhile" in late["detail"]
    texts = [e["text"] for e in get(server, f"{API}/{ref}/timeline")["events"]]
    assert any("1,842 rows" in text for text in texts)


def test_a_proposal_is_decided_once(server: Served) -> None:
    ref = server.declare()
    assert do(server, "jonas", ref, "propose", text="roll back")["proposals"][0]["by"] == "jonas"
    found = do(server, "mei", ref, "decide", decision="roll back", why="quick", proposal=1)
    assert found["proposals"] == []
    assert "decided already" in refused(server, "mei", ref, "decide", decision="no", proposal=1)["detail"]


# --- people and duties ----------------------------------------------------------------------------------------------


def test_a_shadow_sees_everything_and_does_not_act(server: Served) -> None:
    ref = server.declare()
    assert do(server, "priya", ref, "shadow")["shadows"] == ["priya"]
    for verb, body in (
        ("note", {"text": "x"}),
        ("mitigate", {"evidence": "x"}),
        ("task", {"do": "open", "text": "x"}),
        ("merge", {"into": server.declare("Another"), "reason": ""}),
        ("postmortem", {"where": "https://docs.example/1"}),
    ):
        assert "does not act" in refused(server, "priya", ref, verb, **body)["detail"], verb
    with server.local("priya") as client:
        assert client.get(f"{API}/{ref}/timeline").status_code == 200
        sent = client.post(f"{API}/{ref}/evidence", params={"name": "a.txt"}, content=b"a")
    assert sent.status_code == 409
    assert do(server, "priya", ref, "shadow", leave=True)["shadows"] == []
    do(server, "priya", ref, "note", text="now I act")


def test_whoever_made_a_suspected_change_does_not_lead_by_acknowledging(server: Served) -> None:
    ref = server.declare(by="tomas")
    found = do(server, "tomas", ref, "suspect", what="secret rotated", author="mei")
    assert found["suspects"] == [{"what": "secret rotated", "author": "mei", "happened": None}]
    assert "ic" not in do(server, "mei", ref, "ack")["seats"]


def test_a_legal_deadline_runs_until_it_is_decided(server: Served) -> None:
    ref = server.declare()
    aware = (server.clock.now() - timedelta(minutes=1)).isoformat()
    found = do(server, "jonas", ref, "legal", do="start", regime="gdpr", aware=aware)["legal"][0]
    assert (found["owner"], found["decision"]) == ("henrik", None)
    longer = refused(server, "mei", ref, "legal", do="start", regime="gdpr", aware=aware, limit_s=1000)
    assert "runs already" in longer["detail"]
    decided = do(
        server,
        "henrik",
        ref,
        "legal",
        do="decide",
        regime="gdpr",
        decision="not notifiable",
        reason="restored",
    )
    assert decided["legal"][0]["decision"] == "not notifiable"


def test_nothing_leaves_without_its_named_approvers(server: Served) -> None:
    ref = server.declare(by="mei")
    draft = {"audience": "status page", "text": "Sign-in is slow.", "data": "not touched"}
    found = do(server, "tomas", ref, "statement", do="draft", **draft)["statements"][0]
    assert found["approvers"] == ["mei"]
    assert (
        "not approved"
        in refused(server, "tomas", ref, "statement", do="sent", statement=1, where="page")["detail"]
    )
    refused(server, "tomas", ref, "statement", do="approve", statement=1)
    do(server, "mei", ref, "statement", do="approve", statement=1)
    assert (
        do(server, "tomas", ref, "statement", do="sent", statement=1, where="page")["statements"][0]["state"]
        == "sent"
    )


def test_actions_are_followed_over_all_incidents(fresh: Served) -> None:
    ref = fresh.declare()
    due = (fresh.clock.now() + timedelta(days=20)).date().isoformat()
    do(fresh, "mei", ref, "action", do="add", text="Alert on bulk deletes", kind="detect")
    do(fresh, "mei", ref, "action", do="add", text="Count before and after", owner="jonas", due=due)
    do(fresh, "mei", ref, "action", do="change", action=1, owner="priya", due=due)
    found = get(fresh, "/api/v1/actions")["actions"]
    assert {(a["number"], a["owner"], a["due"]) for a in found} == {(1, "priya", due), (2, "jonas", due)}
    assert [a["number"] for a in get(fresh, "/api/v1/actions", owner="@jonas")["actions"]] == [2]
    do(fresh, "jonas", ref, "action", do="prove", action=2, proof="the test of 3 March")
    assert [a["number"] for a in get(fresh, "/api/v1/actions")["actions"]] == [1]
    assert [a["state"] for a in get(fresh, "/api/v1/actions", state="proven")["actions"]] == ["proven"]
    assert len(get(fresh, "/api/v1/actions", state="all")["actions"]) == 2
    with fresh.local() as client:
        assert client.get("/api/v1/actions", params={"state": "burning"}).status_code == 422


def test_a_ticket_stands_for_the_row(server: Served) -> None:
    ref = server.declare()
    assert (
        do(server, "mei", ref, "ticket", where="https://tracker.example/7")["ticket"]
        == "https://tracker.example/7"
    )


def test_a_postmortem_in_the_repository_is_looked_at(fresh: Served) -> None:
    ref = fresh.declare(sev="SEV1")
    do(fresh, "mei", ref, "resolve", confirmed="a", impact_ended="b", errors_normal="c")
    root = fresh.program.reading.root if fresh.program.reading else None
    assert root is not None
    page = root / "docs" / "ops" / "mine.md"
    page.write_text("# Ours\n\n## Timeline\n\n13:00 it broke\n", "utf-8")
    missing = refused(fresh, "mei", ref, "postmortem", where="docs/ops/mine.md")
    assert "root cause" in missing["detail"]
    assert "timeline" not in missing["detail"].split("mine.md")[1]
    sections = "".join(
        f"## {name}\n\nWhat we know of it.\n\n"
        for name in ("Timeline", "Root cause", "Blast radius", "Fixes", "Preventions")
    )
    page.write_text(f"# Ours\n\n{sections}Jonas should have looked.\n", "utf-8")
    with fresh.local("mei") as client:
        answer = client.post(f"{API}/{ref}/postmortem", json={"where": "docs/ops/mine.md"}).json()
        assert answer["incident"]["postmortem_published"]
        assert any("should have" in words for words in answer["warnings"])
        elsewhere = client.post(f"{API}/{ref}/postmortem", json={"where": "https://docs.example/1"}).json()
    assert elsewhere["warnings"] == ["it stands elsewhere: nobody looked whether its sections are written"]


def test_a_path_where_nothing_can_be_read_is_no_postmortem(fresh: Served, tmp_path: Path) -> None:
    ref = fresh.declare(sev="SEV1")
    do(fresh, "mei", ref, "resolve", confirmed="a", impact_ended="b", errors_normal="c")
    root = fresh.program.reading.root if fresh.program.reading else None
    assert root is not None
    outside = tmp_path / "elsewhere.md"
    outside.write_text("## Root cause\n\nIt broke.\n", "utf-8")
    (root / "docs" / "linked.md").symlink_to(outside)
    (root / "docs" / "long.md").write_bytes(b"x" * (1024 * 1024 + 1))
    for where in ("docs/ops/postmortem/typo.md", "docs", "docs/linked.md", "docs/long.md"):
        found = refused(fresh, "mei", ref, "postmortem", where=where)
        assert f"{where} cannot be looked at" in found["detail"]
        assert "web address" in found["possible"]
    assert not get(fresh, f"{API}/{ref}")["postmortem_published"]


def test_the_room_goes_through_a_draft_once_and_through_no_endless_one(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = fresh.declare(sev="SEV1")
    do(fresh, "mei", ref, "resolve", confirmed="a", impact_ended="b", errors_normal="c")
    root = fresh.program.reading.root if fresh.program.reading else None
    assert root is not None
    state = fresh.program.store.incident(ref)
    assert state is not None
    context = fresh.program.engine.contexts.pinned(state.policy)
    written = ev.DocumentWritten(fresh.clock.now(), "postmortem", "docs/ops/mine.md", "d")
    records = [Recorded(1, ref, 1, fresh.clock.now(), written)]
    gone_through = []

    def noted(text: str) -> tuple[str, ...]:
        gone_through.append(text)
        return ()

    monkeypatch.setattr(show_duties, "hints", noted)
    for text in (f"{ref}: the cookie changed\n", f"{ref}: it was the cookie\n", ref + "x" * 64 * 1024):
        (root / "docs" / "ops" / "mine.md").write_text(text, "utf-8")
        for _ in range(3):
            shown = show_duties.postmortem_of(fresh.program, state, context, fresh.clock.now(), records)
            assert shown is not None
            assert shown.path == "docs/ops/mine.md"
    assert [text.split(": ")[1] for text in gone_through] == ["the cookie changed\n", "it was the cookie\n"]


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_later_export_begins_with_the_earlier_one(server: Served) -> None:
    ref = server.declare()
    with server.local() as client:
        first = client.get(f"{API}/{ref}/export")
        do(server, "mei", ref, "note", text="line\nbreak \u202e and more")
        second = client.get(f"{API}/{ref}/export")
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert second.content.startswith(first.content)
    assert second.text.count("\n") > first.text.count("\n")
    assert "line break" in second.text


def test_the_score_counts_what_it_lists(server: Served) -> None:
    ref = server.declare(by="mei")
    do(server, "jonas", ref, "ack")
    found = get(server, f"{API}/{ref}/score")
    verdicts = [line["verdict"] for line in found["lines"]]
    assert verdicts.count("missed") == found["missed"] == 0
    assert any(line["promise"] == "ack" and line["verdict"] == "met" for line in found["lines"])


def test_unknown_incidents_have_no_score_either(server: Served) -> None:
    with server.local() as client:
        for part in ("score", "brief", "gates", "export", f"evidence/{'a' * 64}"):
            for ref in ("INC-2020-0001", "CHG-2020-0001", "x"):
                assert client.get(f"{API}/{ref}/{part}").status_code == 404, (ref, part)


# --- files ----------------------------------------------------------------------------------------------------------


def sent(server: Served, ref: str, body: Any, who: str = "mei", **more: Any) -> Any:
    params = {"name": more.pop("name", "log.txt"), **more.pop("params", {})}
    with server.local(who) as client:
        return client.post(f"{API}/{ref}/evidence", params=params, content=body, **more)


def test_a_file_is_kept_once_and_given_back_as_a_download(server: Served) -> None:
    ref, other = server.declare(), server.declare("Another")
    body = b"<script>alert(1)</script>\x00" * 100
    digest = hashlib.sha256(body).hexdigest()
    hostile = '../../\u202eetc/pass"wd;\r\nX: y.html'
    answer = sent(server, ref, body, name="report.html", headers={"Content-Type": "text/html"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["events"][0]["kind"] == "EvidenceAdded"
    assert digest in answer.json()["events"][0]["text"]
    assert sent(server, ref, body, name=hostile.replace("\r\n", "")).status_code == 200
    with server.local() as client:
        found = client.get(f"{API}/{ref}/evidence/{digest}")
        assert found.content == body
        assert client.get(f"{API}/{other}/evidence/{digest}").status_code == 404
        assert client.get(f"{API}/{ref}/evidence/{'0' * 64}").status_code == 404
        assert client.get(f"{API}/{ref}/evidence/..%2f..").status_code == 404
    headers = found.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    kept = headers["content-disposition"]
    assert kept.startswith('attachment; filename="')
    assert not set('/\\;"') & set(kept.split('"')[1])
    with server.anonymous() as client:
        assert client.get(f"{API}/{ref}/evidence/{digest}").status_code == 401


def begun(server: Served, ref: str, who: str = "mei", size: int = 1000) -> socket.socket:
    """An upload of which nothing but the headers has come."""
    sock = socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=10)
    head = (
        f"POST {API}/{ref}/evidence?name=a.txt HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {LOCAL}",
        f"Tocsin-As: {who}",
        f"Content-Length: {size}",
    )
    sock.sendall("\r\n".join((*head, "", "")).encode())
    return sock


def test_whoever_shadows_and_what_is_over_takes_no_file(server: Served) -> None:
    into, ref = server.declare("Exports stand still"), server.declare("Reports are empty", "SEV2")
    do(server, "mei", ref, "shadow", person="henrik")
    with begun(server, ref, "henrik") as upload:
        assert b"shadow" in upload.recv(65536)
    do(server, "mei", ref, "merge", into=into, reason="the same queue")
    with begun(server, ref) as upload:
        answer = upload.recv(65536)
    assert answer.startswith(b"HTTP/1.1 409")
    assert into.encode() in answer


def test_two_files_are_taken_in_at_once_and_others_are_asked_to_come_again(fresh: Served) -> None:
    ref = fresh.declare()

    def eventually(status: int) -> Any:
        until = time.monotonic() + 10
        while (answer := sent(fresh, ref, b"1842 rows")).status_code != status:
            assert time.monotonic() < until, answer.text
        return answer

    with begun(fresh, ref), begun(fresh, ref):
        busy = eventually(503)
        assert "nothing was kept" in busy.json()["detail"]
        assert busy.headers["retry-after"]
    assert eventually(200).json()["events"][0]["kind"] == "EvidenceAdded"


def test_a_file_that_does_not_come_keeps_nobody_out(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "WITHIN_S", 0.05)
    with begun(server, server.declare()) as upload:
        answer = upload.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_file_that_is_too_large_or_empty_is_not_kept(server: Served) -> None:
    ref = server.declare()

    def drops() -> Any:
        for _ in range(EVIDENCE_LIMIT // 2**20 + 1):
            yield b"x" * 2**20

    assert sent(server, ref, drops()).status_code == 413
    assert sent(server, ref, b"x" * (EVIDENCE_LIMIT + 1)).status_code == 413
    assert sent(server, ref, b"").status_code == 409
    assert sent(server, "INC-2020-0001", b"x").status_code == 404
    assert sent(server, ref, b"x", name="").status_code == 422
    assert sent(server, ref, b"x" * EVIDENCE_LIMIT).status_code == 200
    kinds = [e["kind"] for e in get(server, f"{API}/{ref}/timeline")["events"]]
    assert kinds.count("EvidenceAdded") == 1


def test_the_same_file_under_the_same_key_is_one_entry(server: Served) -> None:
    ref = server.declare()
    key = {"Idempotency-Key": "file-once"}
    assert sent(server, ref, b"a", headers=key).json()["replayed"] is False
    assert sent(server, ref, b"a", headers=key).json()["replayed"] is True
    assert sent(server, ref, b"b", headers=key).status_code == 422


def test_the_card_has_who_to_call_and_what_to_do(server: Served) -> None:
    with server.session("mei") as client:
        page = client.get("/card").text
    for words in ("+46 70 174 06 11", "Priya Natarajan", "SEV1", "The first ten minutes"):
        assert words in page
    assert "<table>" in page
