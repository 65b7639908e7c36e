"""Pages as a browser without script sees them: forms, what is refused, hostile text."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from types import SimpleNamespace

import httpx2
import pytest

from web.running import Served

HOSTILE = "\u202e<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u2066"


def hidden(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that posts to `action`."""
    form = page.split(f'action="{action}"', 1)[1].split("</form>", 1)[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def send(client: httpx2.Client, ref: str, verb: str, **fields: str) -> httpx2.Response:
    page = client.get(f"/i/{ref}?do={verb}").text
    return client.post(f"/i/{ref}/{verb}", data={**hidden(page, f"/i/{ref}/{verb}"), **fields})


def test_the_empty_list_teaches_how_to_begin(fresh: Served) -> None:
    with fresh.session("mei") as client:
        page = client.get("/").text
    assert "Nothing is burning." in page
    assert "tocsin declare " in page
    assert "On call now" in page
    assert page.count("<h1") == 1


def test_declaring_by_form(fresh: Served) -> None:
    with fresh.session("mei") as client:
        form = client.get("/declare", params={"title": "nobody can sign in"}).text
        assert "the title matches the criteria of SEV1" in form
        assert "Jonas Ek" in form.split("Who will be called")[1]
        fields = hidden(form, "/declare")
        sent = client.post("/declare", data={**fields, "title": "nobody can sign in", "sev": ""})
        assert sent.status_code == 303
        again = client.post("/declare", data={**fields, "title": "nobody can sign in", "sev": ""})
        assert again.headers["location"] == sent.headers["location"]
        page = client.get(sent.headers["location"]).text
        assert "nobody can sign in" in page
        assert "SEV1" in page
        assert "1 burning" in client.get("/").text


def test_the_plan_says_who_is_called_at_once_because_nobody_before_may_lead(server: Served) -> None:
    with server.session("mei") as client:
        plan = client.get("/declare").text.split("Who will be called")[1]
        assert "at once too (SEV1 and SEV2): nobody before may lead" in plan
        assert "at once too: nobody" in client.get("/declare", params={"sev": "SEV1"}).text
        assert "at once too" not in client.get("/declare", params={"sev": "SEV3"}).text


def test_a_promise_of_tomorrow_has_its_day_and_nobody_acknowledged_when_the_level_rose(fresh: Served) -> None:
    ref = fresh.declare(sev="SEV3")
    tomorrow = fresh.clock.now() + timedelta(days=1)
    with fresh.session("mei") as client:
        assert f"by {tomorrow.day} {tomorrow:%b %H:%M}" in client.get(f"/i/{ref}").text
        send(client, ref, "severity", level="SEV1")
        page = client.get(f"/i/{ref}").text
    assert "The ack clock stopped after" in page
    assert "Acknowledged after" not in page


@pytest.mark.parametrize(("title", "status"), [("", 409), ("   ", 409), ("x" * 301, 422), ("a\x00b", 422)])
def test_a_title_that_does_not_fit_stands_beside_the_form(title: str, status: int, server: Served) -> None:
    with server.session("mei") as client:
        fields = hidden(client.get("/declare").text, "/declare")
        answer = client.post("/declare", data={**fields, "title": title})
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert "What is wrong?" in answer.text


def test_a_whole_incident_by_forms(server: Served) -> None:
    ref = server.declare("By forms", by="tomas")
    with server.session("mei") as client:
        for verb, fields in (
            ("ack", {}),
            ("note", {"text": "first line\r\nsecond line"}),
            ("role", {"role": "comms", "person": "tomas"}),
            ("take", {"role": "ops"}),
            ("decide", {"decision": "roll back", "why": "quick", "objections": "yes"}),
            ("update", {"impact": "a", "eta": "unknown", "next_steps": "b"}),
            ("handoff", {"role": "ic", "to": "henrik"}),
            ("mitigate", {"evidence": "smoke is green"}),
            ("resolve", {"confirmed": "a", "impact_ended": "b", "errors_normal": "c"}),
            ("postmortem", {"where": "https://docs.example/1"}),
        ):
            answer = send(client, ref, verb, **fields)
            assert (answer.status_code, answer.headers.get("location")) == (303, f"/i/{ref}"), (
                verb,
                answer.text,
            )
        page = client.get(f"/i/{ref}").text
    assert "first line\nsecond line" in page
    assert "Objections" in page
    assert "smoke is green" in page
    assert 'name="evidence"' not in page


def test_what_is_refused_stands_beside_its_form_with_what_was_typed(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        answer = send(client, ref, "resolve", confirmed="the release", impact_ended="", errors_normal="")
    assert answer.status_code == 409
    side = answer.text.split('id="do-resolve"')[1].split("</form>")[0]
    assert "resolve needs evidence for: impact_ended, errors_normal" in side
    assert "one sentence each" in side
    assert 'value="the release"' in side
    assert 'value="resolve" data-pick-of="resolve" checked' in answer.text


def test_two_people_at_once_and_the_second_reads_who_was_first(server: Served) -> None:
    ref = server.declare(by="tomas")
    with server.session("mei") as mei, server.session("henrik") as henrik:
        page = henrik.get(f"/i/{ref}").text
        fields = hidden(page, f"/i/{ref}/take")
        assert send(mei, ref, "take", role="ic").status_code == 303
        late = henrik.post(f"/i/{ref}/take", data={**fields, "role": "ic"})
    assert late.status_code == 409
    assert "mei holds ic" in late.text


def test_pressing_twice_is_one_note(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        page = client.get(f"/i/{ref}").text
        fields = {**hidden(page, f"/i/{ref}/note"), "text": "pressed twice"}
        for _ in range(2):
            assert client.post(f"/i/{ref}/note", data=fields).status_code == 303
        assert client.get(f"/i/{ref}").text.count("pressed twice") == 1


def test_hostile_text_is_inert_everywhere(server: Served) -> None:
    ref = server.declare(HOSTILE)
    with server.local("mei") as client:
        client.post(f"/api/v1/incidents/{ref}/note", json={"text": HOSTILE})
        client.post(f"/api/v1/incidents/{ref}/decide", json={"decision": HOSTILE, "why": HOSTILE})
        body = {"impact": HOSTILE, "eta": HOSTILE, "next_steps": HOSTILE}
        client.post(f"/api/v1/incidents/{ref}/update", json=body)
    server.mails[:] = [
        SimpleNamespace(subject=HOSTILE, sender=HOSTILE, to=HOSTILE, date=None, body=HOSTILE, ref=ref)
    ]
    with server.session("mei") as client:
        pages = [client.get(p).text for p in ("/", f"/i/{ref}", f"/declare?title={HOSTILE}", "/dev/mailbox")]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.findall(r"\{\{.*?\}\}|49\u2066", page)
        assert html.escape("<script>alert(1)</script>", quote=False) in page
    # outside <title>, <input> and <textarea>, which isolate by themselves, everything stands in a <bdi>
    for page in pages[:2]:
        for before in re.findall(r"(.{0,60})\u202e", page.split("</title>", 1)[1]):
            assert re.search(r"<bdi>[^<]*$|\u2068[^<]*$", before), before


def test_the_mailbox_is_for_programs_too(server: Served) -> None:
    server.mails[:] = [SimpleNamespace(subject="s", sender="f", to="t", date=None, body="b", ref="r")]
    with server.anonymous() as client:
        found = client.get("/dev/mailbox", headers={"Accept": "application/json"}).json()
    assert found == {
        "messages": [{"subject": "s", "sender": "f", "to": "t", "date": None, "body": "b", "ref": "r"}]
    }


def test_strangers_are_shown_the_way_in(server: Served) -> None:
    with server.anonymous() as client:
        assert client.get("/i/INC-2026-0001").headers["location"] == "/signin"
        page = client.get("/signin").text
        assert "tocsin user link" in page
        assert client.get("/nothing").status_code == 404


def test_an_unknown_incident_and_verb(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        assert client.get("/i/INC-2020-0001").status_code == 404
        assert client.get("/i/%00").status_code == 404
        assert "There is nothing at this address" in client.get("/nosuch").text
        fields = hidden(client.get(f"/i/{ref}").text, f"/i/{ref}/note")
        assert client.post(f"/i/{ref}/explode", data=fields).status_code == 404
        assert client.post("/i/INC-2020-0001/note", data={**fields, "text": "x"}).status_code == 404


def test_a_file_where_text_belongs_is_refused(server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        fields = hidden(client.get(f"/i/{ref}").text, f"/i/{ref}/note")
        answer = client.post(f"/i/{ref}/note", data=fields, files={"text": ("x.txt", b"x")})
    assert answer.status_code in {400, 413, 422}


def test_old_entries_are_a_click_away(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        for n in range(60):
            client.post(f"/api/v1/incidents/{ref}/note", json={"text": f"entry {n:03}"})
        page, whole = client.get(f"/i/{ref}").text, client.get(f"/i/{ref}?all=1").text
    assert "entry 059" in page
    assert "entry 000" not in page
    assert "older entries" in page
    assert "entry 000" in whole


@pytest.mark.parametrize("path", ["/", "/declare", "/i/{ref}", "/signin", "/api/docs", "/dev/mailbox"])
def test_every_page_has_one_heading_landmarks_and_labels(path: str, server: Served) -> None:
    ref = server.declare()
    with server.session("mei") as client:
        page = client.get(path.replace("{ref}", ref)).text
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert len(re.findall(r"<main[ >]", page)) == 1
    assert '<html lang="en">' in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)
    for field in re.findall(r'<(?:textarea|select|input type="text")[^>]*\bid="([^"]+)"', page):
        assert f'for="{field}"' in page, field
