"""Declaring anew what comes back to an earlier incident: it must be there, and open to whoever declares."""

from __future__ import annotations

import pytest

from web.running import Served
from web.test_pages import hidden
from web.test_process import API, do


@pytest.fixture(scope="module")
def restricted(server: Served) -> str:
    ref = server.declare("Rows of tenant Umbra", by="mei")
    do(server, "mei", ref, "restrict", codename="Heron", readers=["aisha"], reason="their data")
    return ref


def named(server: Served, title: str) -> list[str]:
    rows = server.program.store.incidents(stage=None, level=None, q=title, before=None, limit=9)
    return [row.ref for row in rows if row.title == title]


def test_a_restricted_incident_is_followed_by_its_readers_only(server: Served, restricted: str) -> None:
    body = {"title": "Again", "sev": "SEV2", "follows": restricted}
    with server.local("tomas") as client:
        answer = client.post(API, json=body)
        acted = client.post(f"{API}/{restricted}/note", json={"text": "x"})
    assert answer.status_code == acted.status_code == 409
    assert answer.json() == acted.json(), "in the same words as any other command"
    assert named(server, "Again") == []
    with server.local("aisha") as client:
        answer = client.post(API, json=body)
    assert (answer.status_code, answer.json()["incident"]["follows"]) == (201, restricted)


def test_what_is_followed_must_be_there(server: Served) -> None:
    with server.local("mei") as client:
        answer = client.post(API, json={"title": "Never again", "sev": "SEV2", "follows": "INC-2020-0404"})
    assert answer.status_code == 404
    assert "INC-2020-0404" in answer.json()["detail"]
    assert named(server, "Never again") == []


def test_the_form_keeps_the_line_and_lets_go_of_what_cannot_be_followed(
    server: Served, restricted: str
) -> None:
    with server.session("tomas") as client:
        for follows, status in ((restricted, 409), ("INC-2020-0404", 404), ("nonsense", 422)):
            fields = hidden(client.get("/declare").text, "/declare")
            given = {**fields, "title": "It is back", "sev": "SEV2", "follows": follows}
            answer = client.post("/declare", data=given)
            assert answer.status_code == status
            assert 'role="alert"' in answer.text
            assert 'value="It is back"' in answer.text
            assert f'type="checkbox" name="follows" value="{follows}" checked' in answer.text
            assert "Umbra" not in answer.text
        fields = hidden(answer.text, "/declare")
        answer = client.post("/declare", data={**fields, "title": "It is back", "sev": "SEV2"})
    assert answer.status_code == 303
