"""Calling people by hand over the API: pages, test pages, escalate, snooze, pass on; and own contact methods."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest

from tocsin.channels.port import Message, Receipt
from tocsin.config import EmailSettings, NtfySettings
from tocsin.domain.context import Refused
from tocsin.domain.delivery import permanent
from tocsin.store.contract import ContactRow
from tocsin.web.api_contacts import CODES
from tocsin.wiring import contacts
from web.running import Served


def paged(server: Served, *to: str, by: str = "jonas", text: str = "Can you look at the invoices?") -> dict:
    with server.local(by) as client:
        answer = client.post("/api/v1/pages", json={"to": list(to), "text": text})
    assert answer.status_code == 201, answer.text
    return answer.json()


def known(server: Served) -> list[str]:
    with server.local() as client:
        found = client.get("/api/v1/incidents", params={"limit": 200, "tests": True}).json()["incidents"]
    return [row["ref"] for row in found]


def calling(server: Served, ref: str) -> dict:
    with server.local() as client:
        return client.get(f"/api/v1/incidents/{ref}").json()["calling"]


def test_a_page_by_hand_calls_the_named_person_and_ends_with_her_answer(server: Served) -> None:
    made = paged(server, "@mei")
    ref = made["ref"]
    assert made["incident"]["stage"] == "triage"
    with server.local("mei") as client:
        called = client.get(f"/api/v1/incidents/{ref}/pages").json()["pages"]
        assert [page["person"] for page in called] == ["mei"]
        taken = client.post(f"/api/v1/incidents/{ref}/ack").json()
    assert taken["incident"]["acked_by"] == "mei"


def test_a_page_to_a_schedule_calls_whoever_is_on_call(server: Served) -> None:
    with server.local("jonas") as client:
        on_call = client.get("/api/v1/oncall").json()["primary"]
        ref = paged(server, "primary")["ref"]
        called = client.get(f"/api/v1/incidents/{ref}/pages").json()["pages"]
    assert {page["person"] for page in called} == set(on_call)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"to": ["nobody-we-know"], "text": "x"}, "nobody-we-know"),
        ({"to": ["schedule:moon"], "text": "x"}, "moon"),
        ({"to": ["mei"], "text": "  "}, "says nothing"),
        ({"to": ["mei"], "text": "x", "sev": "SEV9"}, "SEV9"),
    ],
    ids=str,
)
def test_a_page_by_hand_that_means_nobody_is_refused_and_takes_no_number(
    body: dict, says: str, server: Served
) -> None:
    with server.local("jonas") as client:
        before = known(server)
        answer = client.post("/api/v1/pages", json=body)
        assert answer.status_code == 409
        assert says in answer.json()["detail"]
    assert known(server) == before


def test_a_test_page_is_answered_by_the_tested_person_only(server: Served) -> None:
    with server.local("jonas") as client:
        made = client.post("/api/v1/pages/test", json={"person": "mei"})
        assert made.status_code == 201, made.text
        ref = made.json()["ref"]
        assert ref.startswith("TEST-")
        assert client.post(f"/api/v1/incidents/{ref}/ack").status_code == 409
    with server.local("mei") as client:
        answered = client.post(f"/api/v1/incidents/{ref}/ack")
    assert answered.status_code == 200, answered.text
    assert "Tested" in [event["kind"] for event in answered.json()["events"]]


def test_one_test_page_a_minute_and_person_unless_it_was_answered(fresh: Served) -> None:
    """Whoever may respond must not ring somebody all night by asking again and again."""

    def asked(person: str, by: str = "jonas", **headers: str) -> Any:
        with fresh.local(by) as client:
            return client.post("/api/v1/pages/test", json={"person": person}, headers=headers)

    first = asked("mei", **{"Idempotency-Key": "once"})
    again = asked("mei", by="henrik")
    assert (first.status_code, again.status_code) == (201, 429)
    assert 1 <= int(again.headers["Retry-After"]) <= 60
    assert "acknowledge" in again.json()["possible"]
    assert asked("mei", **{"Idempotency-Key": "once"}).json()["ref"] == first.json()["ref"], (
        "a repeat is none"
    )
    assert asked("henrik").status_code == 201, "another person"
    with fresh.local("mei") as client:
        client.post(f"/api/v1/incidents/{first.json()['ref']}/ack")
    assert asked("mei").status_code == 201, "it was answered"
    assert asked("mei").status_code == 429
    fresh.clock.ahead += timedelta(seconds=61)
    assert asked("mei").status_code == 201, "a minute is over"


def test_escalate_snooze_and_take_back(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        no_reason = client.post(f"/api/v1/incidents/{ref}/escalate", json={})
        assert no_reason.status_code == 422
        client.post(f"/api/v1/incidents/{ref}/ack")
        further = client.post(f"/api/v1/incidents/{ref}/escalate", json={"reason": "beyond me"}).json()
        assert "Escalated" in [event["kind"] for event in further["events"]]
        assert further["incident"]["paging"] == "triggered"
        quiet = client.post(f"/api/v1/incidents/{ref}/snooze", json={"for_s": 600, "reason": "provider"})
        assert quiet.json()["incident"]["paging"] == "snoozed"
        both = {"for_s": 600, "until": "2099-01-01T00:00:00Z", "reason": "x"}
        assert client.post(f"/api/v1/incidents/{ref}/snooze", json=both).status_code == 409
        long = client.post(f"/api/v1/incidents/{ref}/snooze", json={"for_s": 8 * 86400, "reason": "x"})
        assert (long.status_code, "7 days" in long.json()["detail"]) == (409, True)


def test_further_people_are_called_in_whatever_the_steps_do(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        client.post(f"/api/v1/incidents/{ref}/ack")
        asked = client.post(f"/api/v1/incidents/{ref}/call", json={"people": ["henrik"], "reason": "hands"})
        assert asked.status_code == 200, asked.text
        called = client.get(f"/api/v1/incidents/{ref}/pages").json()["pages"]
        assert "henrik" in {page["person"] for page in called}
        assert asked.json()["incident"]["paging"] == "acked"


def test_the_view_says_who_is_called_by_which_ways_and_who_is_next(server: Served) -> None:
    ref = paged(server, "mei")["ref"]
    now = calling(server, ref)
    (page,) = now["pages"]
    assert (page["person"], page["step"], page["asked"], page["urgent"]) == ("mei", 1, False, True)
    assert [way["channel"] for way in page["ways"]] == ["screen"]
    assert page["ways"][0]["st"] in ("under way", "taken")
    assert (now["escalation"], now["steps"], now["snoozed"], now["holds_until"]) == ("by hand", 1, None, None)
    assert now["next"]["people"]


def test_a_snooze_says_until_when_by_whom_and_why(server: Served) -> None:
    ref = server.declare("Slow invoices", "SEV3")
    with server.local("tomas") as client:
        client.post(f"/api/v1/incidents/{ref}/snooze", json={"for_s": 600, "reason": "provider at six"})
    now = calling(server, ref)
    assert (now["pages"], now["next"]) == ([], None)
    assert (now["snoozed"]["by"], now["snoozed"]["reason"]) == ("tomas", "provider at six")


def test_an_ack_that_does_not_hold_for_good_is_renewed_by_whoever_is_on_it(fresh: Served) -> None:
    ref = paged(fresh, "mei")["ref"]
    with fresh.local("mei") as client:
        client.post(f"/api/v1/incidents/{ref}/ack")
        until = calling(fresh, ref)["holds_until"]
        assert until is not None
        assert client.post(f"/api/v1/incidents/{ref}/renew").status_code == 200
    assert calling(fresh, ref)["holds_until"] > until
    with fresh.local("tomas") as client:
        refused = client.post(f"/api/v1/incidents/{ref}/renew")
        assert (refused.status_code, "tomas" in refused.json()["detail"]) == (409, True)


def reminded(server: Served) -> tuple[str, Message]:
    """Mei took a page by hand and was then silent: the incident, and the message that asks her."""
    sent: list[Message] = []

    async def collect(message: Message) -> Receipt:
        sent.append(message)
        return Receipt("kept")

    server.program.channels["screen"].send = collect  # type: ignore[method-assign]
    ref = paged(server, "mei")["ref"]
    with server.local("mei") as client:
        client.post(f"/api/v1/incidents/{ref}/ack")
    server.clock.ahead += timedelta(minutes=50)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        asked = next((message for message in sent if message.about == "ack-reminder"), None)
        if asked is not None:
            return ref, asked
        time.sleep(0.02)
    raise AssertionError([message.about for message in sent])


def test_whoever_is_silent_is_asked_with_a_link_and_one_tap_there_renews_it(fresh: Served) -> None:
    ref, message = reminded(fresh)
    assert (message.person, "Still on it?" in message.subject) == ("mei", True)
    assert f"tocsin renew {ref}" in message.text
    (label, link), (_, room) = message.links
    assert (label, room) == ("Say that you are still on it", f"{fresh.url}/i/{ref}")
    until = calling(fresh, ref)["holds_until"]
    with fresh.anonymous() as phone:
        page = phone.get(link).text
        assert "Still on it? You have it until" in page
        assert calling(fresh, ref)["holds_until"] == until
        form = dict(re.findall(r'name="(page|once)" value="([^"]+)"', page))
        assert phone.post(link, data={**form, "do": "renew"}).status_code == 303
        assert "You have it." in phone.get(link).text
        assert phone.post(link, data={**form, "do": "renew"}).status_code == 303
    assert calling(fresh, ref)["holds_until"] > until
    with fresh.local() as client:
        events = client.get(f"/api/v1/incidents/{ref}/timeline").json()["events"]
    assert [event["by"] for event in events if event["kind"] == "AckRenewed"] == ["mei"]


def test_who_was_called_in_is_said_with_what_became_of_it(server: Served) -> None:
    ref = server.declare()
    with server.local("mei") as client:
        client.post(f"/api/v1/incidents/{ref}/call", json={"people": ["henrik"], "reason": "hands"})
    assert [(h["person"], h["st"]) for h in calling(server, ref)["helpers"]] == [("henrik", "called")]
    with server.local("henrik") as client:
        client.post(f"/api/v1/incidents/{ref}/ack")
    assert [(h["person"], h["st"]) for h in calling(server, ref)["helpers"]] == [("henrik", "joined")]


# --- test pages are no incidents --------------------------------------------------------------------------------------


def try_out(server: Served, person: str = "mei") -> str:
    with server.local(person) as client:
        return client.post("/api/v1/pages/test").json()["ref"]


def test_a_test_page_stands_in_no_list_that_does_not_ask_for_it(fresh: Served) -> None:
    ref, real = try_out(fresh), fresh.declare()
    with fresh.local() as client:
        for query, wanted in (({}, [real]), ({"tests": "true"}, [real, ref]), ({"stage": "open"}, [real])):
            rows = client.get("/api/v1/incidents", params=query).json()["incidents"]
            assert [row["ref"] for row in rows] == wanted
        metrics = client.get("/metrics").text
    assert 'tocsin_open_incidents{level="SEV1",stage="declared"} 1.0' in metrics
    assert 'stage="triage"' not in metrics
    with fresh.session() as browser:
        assert ref not in browser.get("/").text
        assert ref not in browser.get("/incidents").text
        assert ref in browser.get("/incidents?tests=true").text
        assert ref not in browser.get(f"/i/{real}?do=merge").text


def test_a_test_page_owes_nothing_and_counts_for_nothing(fresh: Served) -> None:
    ref = try_out(fresh)
    with fresh.local() as client:
        client.post(f"/api/v1/incidents/{ref}/ack")
        view = client.get(f"/api/v1/incidents/{ref}").json()
        score = client.get(f"/api/v1/incidents/{ref}/score").json()
    assert (view["stage"], view["kind"], view["clocks"], view["upcoming"]) == ("dismissed", "test", [], [])
    assert (view["documents"], view["documents_owed"], view["postmortem_due"]) == ({}, {}, None)
    assert score["lines"] == []


def test_the_room_of_a_test_page_says_so_and_offers_nothing_but_the_answer(fresh: Served) -> None:
    ref = try_out(fresh)
    with fresh.session("mei") as hers, fresh.session("tomas") as another:
        page = hers.get(f"/i/{ref}").text
        assert "Test page" in page
        assert f'action="/i/{ref}/ack"' in page
        assert "nobody is called" not in page
        assert "Declare" not in another.get(f"/i/{ref}").text.split("<main", 1)[1].split("</main>")[0]
        assert f'action="/i/{ref}/ack"' not in another.get(f"/i/{ref}").text


# --- own contact methods ----------------------------------------------------------------------------------------------


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every code that is sent, in order."""
    sent: list[str] = []

    def made() -> str:
        sent.append(f"{len(sent) + 12345678:08}")
        return sent[-1]

    monkeypatch.setattr(contacts, "new_code", made)
    return sent


WRONG = "00000000"


def used(server: Served, person: str = "mei") -> list[str]:
    return [m.address for m in server.program.engine.contexts.live.directory.methods_of(person)]


def add(client: object, address: str = "mei's desk", channel: str = "screen") -> dict:
    answer = client.post("/api/v1/contacts", json={"channel": channel, "address": address})  # type: ignore[attr-defined]
    return {"status": answer.status_code, **answer.json()}


def enter(client: object, code: str) -> dict:
    answer = client.post("/api/v1/contacts/screen/verify", json={"code": code})  # type: ignore[attr-defined]
    return {"status": answer.status_code, **answer.json()}


def test_an_address_counts_once_its_code_was_entered(fresh: Served, codes: list[str]) -> None:
    with fresh.local("mei") as client:
        added = add(client)
        assert (added["status"], added["address"], added["waiting"]) == (201, "mei", "mei's desk")
        assert used(fresh) == ["mei"]
        proven = enter(client, codes[0])
        assert (proven["status"], proven["state"], proven["own"], proven["waiting"]) == (
            200,
            "proven",
            True,
            "",
        )
        assert used(fresh) == ["mei's desk"]
        assert client.delete("/api/v1/contacts/screen").status_code == 204
        assert used(fresh) == ["mei"]
        assert client.delete("/api/v1/contacts/screen").status_code == 404


def test_a_proven_address_stays_in_use_while_another_waits_for_its_code(
    fresh: Served, codes: list[str]
) -> None:
    with fresh.local("mei") as client:
        add(client)
        enter(client, codes[0])
        fresh.clock.ahead += contacts.CODE_EVERY
        waits = add(client, "mei's attic")
        assert (waits["address"], waits["state"], waits["waiting"]) == ("mei's desk", "proven", "mei's attic")
        enter(client, WRONG)
        assert used(fresh) == ["mei's desk"]
        assert enter(client, codes[0])["status"] == 409
        assert enter(client, codes[1])["address"] == "mei's attic"
        assert used(fresh) == ["mei's attic"]


def test_an_address_that_waits_is_taken_back_without_anything_else_changing(
    fresh: Served, codes: list[str]
) -> None:
    with fresh.local("mei") as client:
        add(client)
        assert client.delete("/api/v1/contacts/screen").status_code == 204
        assert enter(client, codes[0])["status"] == 409
        (method,) = client.get("/api/v1/contacts").json()["contacts"]
    assert (method["address"], method["waiting"]) == ("mei", "")


def test_a_code_is_void_after_five_wrong_ones(fresh: Served, codes: list[str]) -> None:
    with fresh.local("mei") as client:
        add(client)
        said = [enter(client, WRONG) for _ in range(contacts.CODE_TRIES)]
        assert {one["status"] for one in said} == {409}
        assert [one["possible"] for one in said[-2:]] == ["1 more try", "it is void now: ask for a new one"]
        assert "run out" in enter(client, codes[0])["detail"]
    assert used(fresh) == ["mei"]


def test_a_code_holds_for_a_quarter_of_an_hour(fresh: Served, codes: list[str]) -> None:
    with fresh.local("mei") as client:
        add(client)
        fresh.clock.ahead += contacts.CODE_FOR
        assert "run out" in enter(client, codes[0])["detail"]


def test_codes_are_not_sent_one_after_the_other(fresh: Served, codes: list[str]) -> None:
    with fresh.local("mei") as client:
        assert add(client)["status"] == 201
        again = add(client, "elsewhere")
        assert (again["status"], "less than a minute" in again["detail"]) == (409, True)
        fresh.clock.ahead += contacts.CODE_EVERY
        assert add(client, "elsewhere")["status"] == 201
    assert len(codes) == 2


def test_nobody_floods_a_mailbox_with_codes_by_taking_the_address_away_each_time(
    fresh: Served, codes: list[str]
) -> None:
    with fresh.local("mei") as client:
        said = []
        for _ in range(CODES + 2):
            said.append(add(client)["status"])
            client.delete("/api/v1/contacts/screen")
        assert said == [201] * CODES + [429] * 2
        fresh.clock.ahead += contacts.CODE_EVERY
        assert add(client)["status"] == 201
    with fresh.local("tomas") as client:
        assert add(client, "the desk of tomas")["status"] == 201, "others are not kept from it"
    assert len(codes) == CODES + 2


def test_nobody_proves_an_address_for_somebody_else(fresh: Served, codes: list[str]) -> None:
    with fresh.local("mei") as client:
        add(client)
    with fresh.local("tomas") as client:
        others = client.post("/api/v1/contacts/screen/verify", json={"code": codes[0], "person": "mei"})
        assert (others.status_code, "mei" in others.json()["detail"]) == (403, True)
        assert enter(client, codes[0])["status"] == 409
        assert client.get("/api/v1/contacts").json()["contacts"][0]["address"] == "tomas"
        named = {"channel": "screen", "address": "x", "person": "mei"}
        assert client.post("/api/v1/contacts", json=named).status_code == 403


@pytest.mark.parametrize(
    ("channel", "address", "status", "says"),
    [
        ("pigeon", "roof", 409, "pigeon"),
        ("screen", "mei", 409, "already"),
        ("screen", "   ", 409, "empty"),
        ("screen", "a" * 300, 409, "no address"),
        ("", "x", 409, "no channel"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_before_anything_is_sent(
    channel: str, address: str, status: int, says: str, server: Served, codes: list[str]
) -> None:
    with server.local("mei") as client:
        answer = add(client, address, channel)
    assert (answer["status"], says in answer["detail"]) == (status, True), answer
    assert codes == []


def test_an_address_that_is_no_address_is_refused_by_its_kind() -> None:
    mail = EmailSettings(name="mail", url="smtp://localhost:25", sender="tocsin@example.com")
    for address in (
        "mei",
        "mei@",
        "@home.example",
        "a b@c.example",
        "a@b.example\nBcc: x",
        "<a@b.example>",
        "zoë@b.example",
    ):
        with pytest.raises(Refused):
            contacts.refuse_unfit("mei", "mail", address, {"mail": mail})
    contacts.refuse_unfit("mei", "mail", "mei+page@home.example", {"mail": mail})
    push = NtfySettings(name="push", url="https://ntfy.example", topic="acme-{handle}")
    for address in ("mei@home.example", "my topic", "a/b", "x" * 65, "zoë"):
        with pytest.raises(Refused, match="no topic"):
            contacts.refuse_unfit("mei", "push", address, {"push": push})
    contacts.refuse_unfit("mei", "push", "mei-s_Topic1", {"push": push})


def test_an_address_that_failed_too_often_says_so_and_is_proven_anew(fresh: Served, codes: list[str]) -> None:
    store = fresh.program.store
    store.save_contact(
        ContactRow("mei", "screen", "", fresh.clock.now(), disabled="refused", fails=3, tried="mei")
    )
    fresh.program.refresh_people()
    with fresh.local("mei") as client:
        (method,) = client.get("/api/v1/contacts").json()["contacts"]
        assert (method["address"], method["state"], method["disabled"]) == ("mei", "disabled", "refused")
        add(client)
        proven = enter(client, codes[0])
    assert (proven["address"], proven["state"], proven["disabled"]) == ("mei's desk", "proven", "")


def test_what_cannot_be_sent_is_not_kept(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise permanent("550 no such box")

    monkeypatch.setattr(server.program.channels["screen"], "send", broken)
    with server.local("aisha") as client:
        answer = add(client, "desk")
    assert (answer["status"], "550" in answer["detail"]) == (502, True)
    assert server.program.store.contacts("aisha") == []
