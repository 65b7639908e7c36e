"""What administrators do over the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.running import Served


def test_people_are_those_of_the_handbook_and_those_added(fresh: Served) -> None:
    with fresh.local(None) as client:
        before = {u["handle"]: u for u in client.get("/api/v1/users").json()["users"]}
        assert before["mei"]["in_roster"]
        assert before["mei"]["channels"] == ["screen"]
        body = {"handle": "@sam", "name": "Sam Roth", "email": "sam@acme.example", "standing": "observer"}
        made = client.post("/api/v1/users", json=body)
        assert (made.status_code, made.json()["handle"], made.json()["in_roster"]) == (201, "sam", False)
        again = client.post("/api/v1/users", json={"handle": "sam", "standing": "responder"})
        assert (again.status_code, again.json()["name"], again.json()["standing"]) == (
            200,
            "Sam Roth",
            "responder",
        )
        changed = client.post("/api/v1/users", json={"handle": "mei", "standing": "admin"}).json()
        assert (changed["name"], changed["in_roster"], changed["standing"]) == ("Mei Tanaka", True, "admin")
        after = {u["handle"]: u["standing"] for u in client.get("/api/v1/users").json()["users"]}
    assert (after["sam"], after["mei"], after["jonas"]) == ("responder", "admin", "responder")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"handle": "a b"}, "handle"),
        ({"handle": ""}, "handle"),
        ({"handle": "operator"}, "handle"),
        ({"handle": "@Tocsin"}, "handle"),
        ({"handle": "x", "email": "somebody"}, "email"),
        ({"handle": "x", "email": "a@x.example\nBcc: all@x.example"}, "email"),
        ({"handle": "x", "email": "a@x.example\n"}, "email"),
        ({"handle": "x", "email": 'a@x"><script>'}, "email"),
        ({"handle": "x", "standing": "king"}, "standing"),
        ({"handle": "x", "name": "a\x00"}, "name"),
        ({"handle": "x", "rights": []}, "rights"),
    ],
    ids=str,
)
def test_a_user_that_does_not_fit(body: dict[str, object], field: str, server: Served) -> None:
    with server.local(None) as client:
        answer = client.post("/api/v1/users", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_a_link_over_the_api_signs_in(server: Served) -> None:
    with server.local(None) as client:
        made = client.post("/api/v1/users/jonas/signin-link", json={})
        assert made.status_code == 201
        assert client.post("/api/v1/users/nobody/signin-link").status_code == 404
    path = made.json()["url"].removeprefix(server.url)
    with server.anonymous() as client:
        assert client.post(path).status_code == 303
        assert client.get("/api/v1/me").json()["handle"] == "jonas"


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": ["act:any"]},
        {"scopes": ["incident:read"], "expires_in_days": 0},
        {"scopes": ["incident:read"], "expires_in_days": True},
        {"scopes": ["incident:read"], "person": "nobody"},
        {},
    ],
    ids=str,
)
def test_a_token_that_does_not_fit(body: dict[str, object], server: Served) -> None:
    with server.local("mei") as client:
        assert client.post("/api/v1/tokens", json=body).status_code == 422


def test_a_token_under_a_key_is_made_once(server: Served) -> None:
    key, body = {"Idempotency-Key": "token"}, {"scopes": ["incident:read"], "label": "once"}
    with server.local("mei") as client:
        first = client.post("/api/v1/tokens", json=body, headers=key).json()
        assert client.post("/api/v1/tokens", json=body, headers=key).json() == first
        other = client.post("/api/v1/tokens", json={**body, "label": "twice"}, headers=key)
        assert other.status_code == 422
        listed = [t for t in client.get("/api/v1/tokens").json()["tokens"] if t["label"] in {"once", "twice"}]
    assert len(listed) == 1


def test_a_backup_is_a_new_file_on_the_machine_of_the_server(fresh: Served, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with fresh.local(None) as client:
        made = client.post("/api/v1/backup", json={"file": str(target)})
        assert made.status_code == 201, made.text
        assert target.read_bytes().startswith(b"SQLite format 3")
        assert client.post("/api/v1/backup", json={"file": str(target)}).status_code == 409
        assert client.post("/api/v1/backup", json={"file": str(tmp_path / "no" / "x.db")}).status_code == 422
        assert client.post("/api/v1/backup", json={"file": ""}).status_code == 422
        assert client.post("/api/v1/backup", json={"file": "var/inside.db"}).status_code == 201
    assert (fresh.program.settings.root / "var" / "inside.db").exists()


def test_a_held_engine_is_released_by_adopting(fresh: Served) -> None:
    fresh.program.engine.hold("restored")
    with fresh.local(None) as client:
        assert "restored" in client.get("/alarmz").json()["reasons"][0]
        answer = client.post("/api/v1/adopt", json={}).json()
        assert (answer["adopted"], answer["was_held"]) == (True, "restored")
        assert client.get("/alarmz").status_code == 200


def test_the_handbook_is_read_again(fresh: Served) -> None:
    document = fresh.program.handbook_folder / "incident_response.md"
    with fresh.local(None) as client:
        before = client.get("/api/v1/handbook").json()
        assert [s["ack_s"] for s in before["policy"]["severities"]][:2] == [300, 900]
        assert client.post("/api/v1/handbook/reload").json()["changed"] is False
        document.write_text(document.read_text("utf-8").replace("ack < 5m", "ack < 7m"), "utf-8")
        again = client.post("/api/v1/handbook/reload").json()
        assert (again["changed"], again["policy"]["severities"][0]["ack_s"]) == (True, 420)
        assert client.get("/api/v1/handbook/findings").json()["findings"] == again["findings"]


def test_who_is_on_call(server: Served) -> None:
    with server.local() as client:
        found = client.get("/api/v1/oncall", params={"at": "2026-01-13T00:00:00Z"}).json()
        assert (found["primary"], found["secondary"]) == (["mei"], ["priya"])
        assert found["rotations"][0]["end"] == "2026-01-19T08:00:00Z"
        assert client.get("/api/v1/oncall", params={"at": "tomorrow"}).status_code == 422
        assert client.get("/api/v1/oncall").json()["primary"]


def test_what_happened_behind_is_shown(server: Served) -> None:
    server.declare()
    with server.local(None) as client:
        assert client.get("/api/v1/journal").json()["journal"][-1]["kind"] == "policy_activated"
        effects = client.get("/api/v1/effects", params={"limit": 200}).json()["effects"]
        assert {"screen", "documents"} <= {e["lane"] for e in effects}
        assert client.get("/api/v1/effects", params={"state": "lost"}).status_code == 422
        assert client.get("/api/v1/effects", params={"ref": "x"}).status_code == 422
