"""Deny by default: there is no way in that has not been thought about."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tocsin.domain.people import RIGHTS, Permission
from tocsin.web.app import ROUTES, create_app
from tocsin.web.auth import EVERYBODY, METRICS, THIS_MACHINE
from tocsin.web.guard import Entry, GuardedRoute, refuse_unguarded, register, unguarded
from web.running import Served

PUBLIC = {
    *("/healthz", "/readyz", "/alarmz"),
    *("/signin", "/signin/{token}", "/a/{token}", "/static/{name:path}"),
}
"""All that a stranger may ask for; a longer list is a decision, not an accident."""


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(MagicMock(name="program"))


def test_every_route_names_a_permission(app: FastAPI) -> None:
    assert unguarded(app) == []
    assert len(app.router.routes) == len(ROUTES)
    assert all(isinstance(route, GuardedRoute) for route in app.router.routes)


@pytest.mark.parametrize(
    "plant",
    [
        Route("/plant", lambda _: PlainTextResponse("in")),
        Mount("/plant", app=StaticFiles(directory=".")),
        Mount("/plant", routes=[Route("/inner", lambda _: PlainTextResponse("in"))]),
    ],
    ids=["route", "files", "mount"],
)
def test_a_planted_route_without_one_is_found(plant: Route | Mount) -> None:
    app = create_app(MagicMock(name="program"))
    app.router.routes.append(plant)
    assert unguarded(app) == ["/plant"]
    with pytest.raises(RuntimeError, match="/plant"):
        refuse_unguarded(app)


def test_a_route_of_the_framework_is_found_too() -> None:
    app = create_app(MagicMock(name="program"))
    app.get("/plant")(lambda: "in")
    assert unguarded(app) == ["/plant"]


def test_registering_beside_an_unguarded_route_ends_the_start() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    with pytest.raises(RuntimeError, match=r"/openapi\.json"):
        register(app, [])


def test_the_public_list_is_short() -> None:
    assert {entry.path for entry in ROUTES if entry.access == EVERYBODY} == PUBLIC
    assert [entry.path for entry in ROUTES if entry.access == THIS_MACHINE] == ["/dev/mailbox"]
    assert [entry.path for entry in ROUTES if entry.access == METRICS] == ["/metrics"]


def address(path: str) -> str:
    return (
        path.replace("{ref}", "INC-2026-0001")
        .replace("{verb}", "ack")
        .replace("{handle}", "mei")
        .replace("{id}", "0" * 16)
        .replace("{name}", "primary")
        .replace("{seq}", "1000001")
    )


GUARDED = [e for e in ROUTES if e.access.permission is not None and not e.access.here]


@pytest.mark.parametrize("entry", GUARDED, ids=lambda e: f"{e.method} {e.path}")
def test_a_stranger_gets_nowhere(entry: Entry, server: Served) -> None:
    with server.anonymous() as client:
        answer = client.request(entry.method, address(entry.path))
    page = entry.method == "GET" and not entry.path.startswith("/api/")
    if page or entry.path == "/api/docs":
        assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    else:
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("entry", GUARDED, ids=lambda e: f"{e.method} {e.path}")
def test_a_token_without_the_scope_gets_nowhere(entry: Entry, server: Served) -> None:
    """A token that may everything but what the route asks for."""
    needed = entry.access.permission
    others = sorted(p.value for p in RIGHTS["admin"] if p not in {needed, Permission.ACT_AS})
    with server.local("mei") as local:
        local.post("/api/v1/users", json={"handle": "priya", "standing": "admin"})
        made = local.post(
            "/api/v1/tokens", json={"person": "priya", "scopes": others, "label": "all but one"}
        )
        token = made.json()["token"]
    with server.bearer(token) as client:
        answer = client.request(entry.method, address(entry.path))
    assert answer.status_code == 403, answer.text
    assert needed is not None
    assert needed.value in answer.text


def test_paging_people_by_hand_takes_the_right_to_respond() -> None:
    """A token that may declare, such as that of a monitor, calls nobody by name."""
    needed = {
        e.path: e.access.permission
        for e in ROUTES
        if e.method == "POST" and e.path.startswith("/api/v1/pages")
    }
    assert needed == dict.fromkeys(("/api/v1/pages", "/api/v1/pages/test"), Permission.RESPOND)


def test_an_observer_reads_and_changes_nothing(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as local:
        local.post("/api/v1/users", json={"handle": "watcher", "name": "A Watcher", "standing": "observer"})
        scopes = [p.value for p in Permission if p != Permission.ACT_AS]
        token = local.post("/api/v1/tokens", json={"person": "watcher", "scopes": scopes}).json()["token"]
    with server.bearer(token) as client:
        assert client.get(f"/api/v1/incidents/{ref}").status_code == 200
        assert client.get("/api/v1/me").json()["permissions"] == ["incident:read"]
        assert client.post(f"/api/v1/incidents/{ref}/ack", json={}).status_code == 403
        assert client.post("/api/v1/incidents", json={"title": "x"}).status_code == 403
        assert client.get("/api/v1/users").status_code == 403
        page = client.get(f"/i/{ref}")
    assert page.status_code == 200
    assert "<textarea" not in page.text


def test_the_documentation_says_the_permission(server: Served) -> None:
    with server.local() as client:
        paths = client.get("/api/openapi.json").json()["paths"]
    assert paths["/api/v1/backup"]["post"]["x-permission"] == "admin"
    assert paths["/api/v1/incidents"]["post"]["x-permission"] == "incident:declare"
