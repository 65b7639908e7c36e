"""Who somebody is: links, sessions, tokens, the local operator, and what a foreign page can do (nothing)."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from tocsin.web.auth import digest
from tocsin.web.signin import issue_signin_link
from web.running import Served


def test_a_link_is_used_by_pressing_its_button_and_never_by_fetching_it(server: Served) -> None:
    link = server.link("mei")
    with server.anonymous() as client:
        for _ in range(3):
            shown = client.get(link)
            assert shown.status_code == 200
            assert "set-cookie" not in shown.headers
        used = client.post(link)
        assert (used.status_code, used.headers["location"]) == (303, "/")
        assert client.get("/api/v1/me").json()["handle"] == "mei"
    with server.anonymous() as other:
        again = other.post(link)
    assert again.status_code == 403
    assert "used already" in again.text


def test_a_link_lapses_after_ten_minutes(fresh: Served) -> None:
    link = fresh.link("mei")
    fresh.clock.ahead += timedelta(minutes=10)
    with fresh.anonymous() as client:
        assert client.post(link).status_code == 403


def test_only_hashes_are_stored(server: Served) -> None:
    url = issue_signin_link(server.program, "mei")
    token = url.rsplit("/", 1)[-1]
    hashes = [row.hash for row in server.program.store.secrets("signin")]
    assert digest(token) in hashes
    assert token not in hashes


def test_a_session_token_is_no_link_and_a_link_no_session(server: Served) -> None:
    link = server.link("mei")
    token = link.rsplit("/", 1)[-1]
    with server.anonymous() as client:
        client.cookies.set("tocsin", token)
        assert client.get("/api/v1/me").status_code == 401
    with server.session("mei") as signed_in, server.anonymous() as other:
        cookie = signed_in.cookies["tocsin"]
        assert other.post(f"/signin/{cookie}").status_code == 403
        assert other.get("/api/v1/me", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server: Served) -> None:
    with server.anonymous() as client:
        cookie = client.post(server.link("mei")).headers["set-cookie"]
    assert cookie.startswith("tocsin=")
    for word in ("HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={14 * 86400}"):
        assert word in cookie
    assert "Domain" not in cookie


def test_over_a_network_without_tls_nobody_signs_in(server: Served) -> None:
    with server.anonymous() as client:
        answer = client.post(server.link("mei"), headers={"Host": "tocsin.acme.example"})
    assert answer.status_code == 403
    assert "HTTPS" in answer.text


def test_a_session_ends_by_signing_out_and_by_time(fresh: Served) -> None:
    with fresh.session("mei") as client:
        page = client.get("/")
        csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
        assert client.post("/signout", data={"csrf": "wrong"}).status_code == 403
        cookie = client.cookies["tocsin"]
        assert client.post("/signout", data={"csrf": csrf}).headers["location"] == "/signin"
        client.cookies.set("tocsin", cookie)
        assert client.get("/api/v1/me").status_code == 401
    with fresh.session("mei") as client:
        fresh.clock.ahead += timedelta(days=14, seconds=1)
        assert client.get("/api/v1/me").status_code == 401


def test_the_first_person_to_sign_in_is_the_first_admin_and_the_second_is_not(fresh: Served) -> None:
    with fresh.session("henrik") as client:
        assert client.get("/api/v1/me").json()["standing"] == "admin"
    with fresh.session("mei") as client:
        assert client.get("/api/v1/me").json()["standing"] == "responder"
    assert [row.detail for row in fresh.program.store.journal() if row.kind == "first_admin"] == ["henrik"]


def test_the_last_admin_stays(fresh: Served) -> None:
    with fresh.session("henrik"), fresh.local(None) as client:
        refused = client.post("/api/v1/users", json={"handle": "henrik", "standing": "responder"})
        assert refused.status_code == 409
        assert "last administrator" in refused.json()["detail"]
        client.post("/api/v1/users", json={"handle": "mei", "standing": "admin"})
        assert (
            client.post("/api/v1/users", json={"handle": "henrik", "standing": "responder"}).status_code
            == 200
        )


def test_too_many_wrong_attempts_are_stopped_and_a_minute_later_allowed(fresh: Served) -> None:
    with fresh.anonymous() as client:
        answers = [client.post("/signin/wrong").status_code for _ in range(12)]
        assert answers == [403] * 10 + [429] * 2
        assert client.post(fresh.link("mei")).status_code == 429
        fresh.clock.ahead += timedelta(minutes=1)
        assert client.post(fresh.link("mei")).status_code == 303


def test_a_right_attempt_costs_nothing(fresh: Served) -> None:
    for _ in range(15):
        with fresh.session("mei"):
            pass


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
    ids=str,
)
def test_a_foreign_page_cannot_use_a_session(headers: dict[str, str], server: Served) -> None:
    with server.session("mei") as client:
        del client.headers["Origin"]
        answer = client.post("/api/v1/incidents", json={"title": "planted"}, headers=headers)
        form = client.post("/declare", data={"title": "planted"}, headers=headers)
    assert answer.status_code == 403
    assert form.status_code == 403
    with server.local() as client:
        assert "planted" not in client.get("/api/v1/incidents").text


def test_a_form_needs_the_token_of_this_very_session(server: Served) -> None:
    with server.session("jonas") as other:
        foreign = other.get("/declare").text.split('name="csrf" value="')[1].split('"')[0]
    with server.session("mei") as client:
        for csrf in ("", "wrong", foreign):
            answer = client.post("/declare", data={"title": "planted", "csrf": csrf})
            assert answer.status_code == 403
            assert "out of date" in answer.text


def test_a_token_does_what_its_person_and_its_scopes_allow(server: Served) -> None:
    with server.local("mei") as local:
        made = local.post(
            "/api/v1/tokens", json={"person": "jonas", "scopes": ["admin", "incident:read"]}
        ).json()
    assert made["token"].startswith("tcs_")
    assert len(made["token"]) > 40
    with server.bearer(made["token"]) as client:
        me = client.get("/api/v1/me").json()
        assert (me["handle"], me["permissions"], me["via"]) == ("jonas", ["incident:read"], "api")
        assert client.get("/api/v1/tokens").status_code == 403
        assert client.get("/api/v1/me", headers={"Tocsin-As": "mei"}).status_code == 403
    with server.local("mei") as local:
        listed = local.get("/api/v1/tokens").json()["tokens"]
        assert made["id"] in [row["id"] for row in listed]
        assert "token" not in listed[0]
        assert local.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
        assert local.delete(f"/api/v1/tokens/{made['id']}").status_code == 404
    with server.bearer(made["token"]) as client:
        revoked = client.get("/api/v1/me")
        assert revoked.status_code == 401
        assert "revoked" in revoked.json()["detail"]


def test_a_token_ends_in_time(fresh: Served) -> None:
    with fresh.local("mei") as local:
        body = {"person": "jonas", "scopes": ["incident:read"], "expires_in_days": 1}
        token = local.post("/api/v1/tokens", json=body).json()["token"]
    with fresh.bearer(token) as client:
        assert client.get("/api/v1/me").status_code == 200
        fresh.clock.ahead += timedelta(days=1)
        assert client.get("/api/v1/me").status_code == 401


def test_acting_for_others_is_the_local_operator_s(server: Served) -> None:
    with server.local("tomas") as client:
        assert client.get("/api/v1/me").json()["name"] == "Tomás Ferreira"
    with server.local("@tomas") as client:
        assert client.get("/api/v1/me").json()["handle"] == "tomas"
    with server.local(None) as client:
        assert client.get("/api/v1/me").json()["handle"] == "operator"
        assert client.post("/api/v1/tokens", json={"scopes": ["act:any"]}).status_code == 422
    with server.session("mei") as client:
        assert client.get("/api/v1/me", headers={"Tocsin-As": "jonas"}).status_code == 403
    with server.anonymous() as client:
        assert client.get("/api/v1/me", headers={"Tocsin-As": "jonas"}).status_code == 403


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer tcs_wrong", "Bearer \x80"])
def test_a_wrong_authorization_is_refused_and_never_falls_back_to_the_cookie(
    header: str, server: Served
) -> None:
    with server.session("mei") as client:
        answer = client.get("/api/v1/me", headers=[(b"authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_pages_need_no_sign_in_twice(server: Served) -> None:
    with httpx2.Client(base_url=server.url, follow_redirects=True) as client:
        assert "How to get a link" in client.get("/").text
