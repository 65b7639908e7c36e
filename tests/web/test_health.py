"""Alive, ready, alarmed, measured; and what goes around every answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tocsin.store.contract import StoreUnavailable
from tocsin.web.static_files import FILES
from web.running import Served


def test_well(server: Served) -> None:
    with server.anonymous() as client:
        assert client.get("/healthz").json()["status"] == "ok"
        ready = client.get("/readyz").json()
        assert 0 <= ready.pop("tick_age_s") < 5
        assert ready == {"status": "ready", "reasons": []}
        assert client.get("/alarmz").json() == {"status": "quiet", "reasons": []}
        assert client.head("/healthz").status_code == 200


def test_an_alarm_turns_alarmz_red_and_nothing_else(fresh: Served) -> None:
    fresh.program.store.raise_alarm("dead-end:INC-2026-0001", "nobody can be reached", fresh.clock.now())
    with fresh.anonymous() as client:
        red = client.get("/alarmz")
        assert (red.status_code, red.json()["reasons"]) == (503, ["nobody can be reached"])
        assert client.get("/readyz").status_code == 200
    with fresh.local() as client:
        assert "nobody can be reached" in client.get("/").text


def test_a_stale_tick_is_not_ready(fresh: Served) -> None:
    fresh.program.engine.ticker.stop()
    fresh.clock.ahead += timedelta(seconds=30)
    with fresh.anonymous() as client:
        red = client.get("/readyz")
        assert red.status_code == 503
        assert "the tick is stale" in red.json()["reasons"]
        assert client.get("/healthz").status_code == 200


def test_a_database_that_is_gone_is_said(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")

    for name in ("meta", "alarms", "incidents", "last_seq"):
        monkeypatch.setattr(fresh.program.store, name, gone)
    with fresh.local() as client:
        assert "the database is not usable" in client.get("/readyz").json()["reasons"][0]
        assert "the database is not usable" in client.get("/alarmz").json()["reasons"][0]
        for path in ("/api/v1/incidents", "/metrics"):
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert answer.headers["retry-after"] == "2"
            assert "the disk" not in answer.text  # what the database says may name its place
        page = client.get("/")
        assert (page.status_code, "database is not usable" in page.text) == (503, True)


def test_numbers_for_prometheus(fresh: Served) -> None:
    fresh.declare()
    fresh.declare("Another", "SEV3")
    with fresh.local("mei") as client:
        client.post("/api/v1/incidents", json={"title": "An exercise", "sev": "SEV2", "drill": True})
        client.post("/api/v1/incidents", json={"title": "A near miss", "kind": "near-miss"})
    with fresh.anonymous() as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.text)}
    levels = {s.labels["level"]: s.value for s in families["tocsin_open_incidents"].samples}
    assert levels == {"SEV1": 1, "SEV3": 1}
    assert sum(s.value for s in families["tocsin_pages"].samples) >= 2
    assert families["tocsin_ready"].samples[0].value == 1
    assert families["tocsin_tick_age_seconds"].samples[0].value < 5
    assert families["tocsin_desk_waiting"].samples[0].value == 0


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Host": "tocsin.acme.example"}],
    ids=str,
)
def test_behind_a_proxy_or_another_name_nobody_is_local(headers: dict[str, str], server: Served) -> None:
    with server.anonymous() as client:
        assert client.get("/metrics", headers=headers).status_code == 401
        assert client.get("/dev/mailbox", headers=headers).status_code == 403
    with server.local() as local:
        local.post("/api/v1/users", json={"handle": "henrik", "standing": "admin"})
        made = local.post("/api/v1/tokens", json={"person": "henrik", "scopes": ["metrics:read"]}).json()
    with server.bearer(made["token"]) as client:
        assert client.get("/metrics", headers=headers).status_code == 200
        assert client.get("/api/v1/incidents").status_code == 403


# --- around every answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/signin", "/api/v1/me", "/nothing", "/static/ui.css", "/healthz", "/api/docs"]
)
def test_security_headers_are_everywhere(path: str, server: Served) -> None:
    with server.local() as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "immutable" in headers["cache-control"] or headers["cache-control"] in {"no-store", "no-cache"}


@pytest.mark.parametrize("path", ["/", "/declare", "/signin", "/api/docs", "/dev/mailbox"])
def test_pages_hold_no_inline_style_or_script_and_no_outside_host(path: str, server: Served) -> None:
    server.declare()
    with server.local() as client:
        page = client.get(path)
    assert page.status_code == 200
    for word in (" style=", "<style", "<script>", " onclick=", "javascript:", "//cdn", "https://"):
        assert word not in page.text, word


def test_static_files_are_compressed_and_kept(server: Served) -> None:
    with server.anonymous() as client:
        page = client.get("/signin").text
        address = page.split('rel="stylesheet" href="')[1].split('"')[0]
        sheet = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert sheet.headers["content-encoding"] == "gzip"
        assert "immutable" in sheet.headers["cache-control"]
        tag = sheet.headers["etag"]
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
        assert (
            client.get("/static/ui.css", headers={"Accept-Encoding": "identity"}).content
            == FILES["ui.css"].content
        )
        for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/", "/static/nothing.css"):
            assert client.get(path).status_code == 404


def test_the_first_view_is_light(server: Served) -> None:
    ref = server.declare()
    files = sum(len(FILES[name].zipped) for name in ("tokens.css", "ui.css", "live.js", "icon.svg"))
    with server.local() as client:
        page = len(client.get(f"/i/{ref}").content)
    assert files + page < 60 * 1024, (files, page)
