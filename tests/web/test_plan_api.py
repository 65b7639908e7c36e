"""What would happen and what will hurt, over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.policy import Escalation, MonitoredService, Route, Rung
from tocsin.domain.readiness import RULES
from tocsin.domain.schedules import Layer, Restriction, Rotation, Schedule, Shift
from tocsin.domain.source import Source
from tocsin.engine.live import Live
from web.running import Served

NIGHT = "2026-12-23T23:30:00Z"
OFFICE = Restriction("daily", "08:00", "18:00", tz="Europe/Stockholm")
HERE = Source("ops.md", 7)


def get(server: Served, path: str, **query: Any) -> Any:
    with server.local() as client:
        answer = client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(server: Served, path: str, **query: Any) -> str:
    with server.local() as client:
        answer = client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


@contextmanager
def living(server: Served, **changes: Any) -> Iterator[None]:
    """Other people, schedules or policy for a while."""
    before: Live = server.program.engine.contexts.live
    server.program.engine.contexts.live = replace(before, **changes)
    yield
    server.program.engine.contexts.live = before


@contextmanager
def block(server: Served) -> Iterator[None]:
    """The example's handbook with services, routes and two escalations."""
    live: Live = server.program.engine.contexts.live
    day = Escalation("day", (Rung(0, ("person:mei",), HERE, delay_s=300),), HERE, fallback=("person:priya",))
    night = Escalation("night", (Rung(0, ("person:henrik",), HERE, delay_s=300),), HERE)
    policy = replace(
        live.policy,
        escalations=(day, night),
        services=(MonitoredService("portal", HERE, "day"),),
        routes=(
            Route((("team", "billing"),), HERE, "portal", "SEV2", hours=(OFFICE,)),
            Route((("team", "billing"),), Source("ops.md", 9), "portal", "SEV1", "night"),
        ),
    )
    with living(server, policy=policy):
        yield


# --- plan ----------------------------------------------------------------------------------------------------------


def test_a_plan_says_who_is_called_when_and_what_runs_out(server: Served) -> None:
    found = get(server, "plan", sev="SEV1", at="2026-01-20T13:00:00Z")
    assert (found["level"], found["urgent"], found["complete"]) == ("SEV1", True, True)
    first = next(row for row in found["rows"] if row["kind"] == "call")
    assert (first["person"], first["channel"], first["after_s"]) == ("jonas", "screen", 0)
    assert found["names"]["mei"] == "Mei Tanaka"
    assert {c["name"]: c["after_s"] for c in found["clocks"]} == {
        "ack": 300,
        "mitigate": 1800,
        "resolve": 7200,
    }
    assert [row["after_s"] for row in found["rows"]] == sorted(row["after_s"] for row in found["rows"])


def test_without_a_level_the_worst_is_planned_and_nothing_is_opened(fresh: Served) -> None:
    assert get(fresh, "plan")["level"] == "SEV1"
    assert get(fresh, "incidents")["incidents"] == []
    assert fresh.program.store.pages(None, limit=10) == []


def test_a_plan_reaches_beyond_the_rotation(server: Served) -> None:
    assert get(server, "plan", at="2031-06-01T00:00:00Z")["people"]


def test_a_service_is_planned_by_its_escalation(server: Served) -> None:
    with block(server):
        found = get(server, "plan", sev="SEV1", service="Portal", at=NIGHT)
        assert (found["service"], found["escalation"], found["people"][0]) == ("portal", "day", "mei")
        assert found["fallback"] == {"targets": ["person:priya"], "people": ["priya"]}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"sev": "SEV9"}, "one of SEV1, SEV2, SEV3, SEV4"),
        ({"service": "protal"}, "did you mean portal?"),
        ({"at": "tomorrow"}, "no instant"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_is_refused_by_name(server: Served, query: dict[str, str], said: str) -> None:
    with block(server):
        assert said in refused(server, "plan", **query)


# --- routes --------------------------------------------------------------------------------------------------------


def test_an_alert_is_tried_against_the_routes_at_an_hour(server: Served) -> None:
    with block(server):
        found = get(server, "routes/test", label=["team=billing", "x=a=b"], severity="warning", at=NIGHT)
    assert [(r["line"], r["outcome"]) for r in found["routes"]] == [(7, "passed"), (9, "won")]
    assert found["routes"][0]["why"].startswith("passed over: outside its hours (08:00-18:00")
    assert (found["service"], found["level"], found["escalation"]) == ("portal", "SEV1", "night")
    assert [row["person"] for row in found["called"]] == ["henrik"]
    with block(server):
        office = get(server, "routes/test", label="team=billing", at="2026-12-23T12:00:00Z")
    assert (office["level"], office["escalation"]) == ("SEV2", "day")


def test_what_is_tried_is_what_happens(fresh: Served) -> None:
    from tocsin.domain.signals import Signal
    from tocsin.engine.receive import receive

    with block(fresh):
        now = fresh.clock.now()
        tried = get(fresh, "routes/test", integration="prometheus", label="team=billing", at=now.isoformat())
        signal = Signal("prometheus", "a", "Errors", "", labels=(("team", "billing"),))
        ref = receive(fresh.program.engine.desk, signal).result(10).ref
        incident = get(fresh, f"incidents/{ref}")
        assert (incident["level"], incident["service"]) == (tried["level"], tried["service"])
        called = {page["person"] for page in get(fresh, f"incidents/{ref}/pages")["pages"]}
        assert called == {row["person"] for row in tried["called"]}
        kinds = [e["kind"] for e in get(fresh, f"incidents/{ref}/timeline")["events"]]
        assert kinds[:3] == ["Opened", "Routed", "Signalled"]


def test_a_label_without_a_name_is_refused(server: Served) -> None:
    assert "label" in refused(server, "routes/test", label="=x")


def test_a_person_declares_for_a_service_of_the_handbook_only(fresh: Served) -> None:
    with block(fresh), fresh.local() as client:
        wrong = client.post("/api/v1/incidents", json={"title": "x", "sev": "SEV1", "service": "potral"})
        assert (wrong.status_code, wrong.json()["detail"]) == (409, "there is no service 'potral'")
        assert "did you mean portal?" in wrong.json()["possible"]
        right = client.post("/api/v1/incidents", json={"title": "x", "sev": "SEV1", "service": "Portal"})
        assert right.json()["incident"]["service"] == "portal"
        assert [p["person"] for p in get(fresh, f"incidents/{right.json()['ref']}/pages")["pages"]][:1]


def test_an_old_service_does_not_keep_anybody_from_going_back_to_it(fresh: Served) -> None:
    with fresh.local() as client:
        body = {"title": "x", "sev": "SEV1", "service": "the shop"}
        ref = client.post("/api/v1/incidents", json=body).json()["ref"]
        with block(fresh):
            again = client.post("/api/v1/incidents", json={**body, "follows": ref})
        assert (again.status_code, again.json()["incident"]["service"]) == (201, "the shop")


# --- readiness -----------------------------------------------------------------------------------------------------


def test_readiness_says_who_is_reached_and_what_will_hurt(server: Served) -> None:
    found = get(server, "readiness")
    mei = next(p for p in found["people"] if p["handle"] == "mei")
    assert mei["ready"] == {"high": True, "low": True}
    assert mei["ways"]["high"] == [{"channel": "screen", "after_s": 0}]
    rules = {f["rule"] for f in found["findings"]}
    assert "never-proven" in rules
    assert found["alarms"] == []


def test_readiness_of_one_person_and_of_nobody(server: Served) -> None:
    found = get(server, "readiness", person="@mei")
    assert [p["handle"] for p in found["people"]] == ["mei"]
    assert {f["about"] for f in found["findings"]} <= {"mei"}
    assert "nobody is known as 'zoe'" in refused(server, "readiness", person="zoe")


def test_a_page_that_arrived_is_a_proof(fresh: Served) -> None:
    from tocsin.store.contract import ContactRow

    row = ContactRow("mei", "screen", "", fresh.clock.now(), last_ok=fresh.clock.now())
    fresh.program.store.save_contact(row)
    assert get(fresh, "readiness", person="mei")["findings"] == []


def platform(*layers: Layer) -> Rota:
    return Rota((Schedule("platform", "UTC", layers),))


def test_a_gap_now_turns_alarmz_red_and_stands_in_the_metrics(fresh: Served) -> None:
    now = fresh.clock.now().astimezone(UTC)
    empty = Layer(
        "a", 1, "UTC", shifts=(Shift(("mei",), now + timedelta(hours=2), now + timedelta(days=900)),)
    )
    with living(fresh, rota=platform(empty)), fresh.anonymous() as client:
        red = client.get("/alarmz")
        assert (red.status_code, red.json()["reasons"]) == (503, ["nobody is on call in platform"])
        families = {f.name: f for f in text_string_to_metric_families(client.get("/metrics").text)}
        gap = families["tocsin_schedule_gap_seconds"].samples[0]
        assert gap.labels == {"schedule": "platform"}
        assert 7000 < gap.value <= 7320
        found = {s.labels["rule"]: s.value for s in families["tocsin_readiness_findings"].samples}
        assert set(found) == set(RULES)
        assert found["gap"] == 1
        ready = {tuple(s.labels.values()): s.value for s in families["tocsin_person_ready"].samples}
        assert ready["mei", "high"] == 1
    with fresh.anonymous() as client:
        assert client.get("/alarmz").status_code == 200  # people and schedules changed: judged anew at once


def test_nobody_reachable_turns_alarmz_red_and_names_nobody(fresh: Served) -> None:
    live: Live = fresh.program.engine.contexts.live
    rotation = Rotation("2026-01-05T09:00", "week", (("mei",),))
    rota = platform(Layer("a", 1, "UTC", rotation=rotation))
    with (
        living(fresh, directory=Directory(live.directory.people, {}), rota=rota),
        fresh.anonymous() as client,
    ):
        reasons = client.get("/alarmz").json()["reasons"]
    assert reasons == [
        "nobody at all can be reached for high urgency",
        "whoever is on call in platform cannot be reached",
    ]


def test_the_judgement_for_scrapes_is_made_once_a_minute(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []
    store = fresh.program.store
    contacts = store.contacts
    monkeypatch.setattr(store, "contacts", lambda: (asked.append(fresh.clock.now()), contacts())[1])
    with fresh.anonymous() as client:
        for _ in range(3):
            client.get("/alarmz")
            client.get("/metrics")
        before = len(asked)
        assert before <= 1
        fresh.clock.ahead += timedelta(seconds=61)
        client.get("/alarmz")
    assert len(asked) == before + 1
