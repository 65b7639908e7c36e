"""The page behind a phone link: who may answer, what changes nothing, and what it says in every state (rule 23)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Refused
from tocsin.domain.effects import Send
from tocsin.domain.incident import Incident, Page
from tocsin.store.contract import SecretRow, StoreUnavailable, Taken
from tocsin.web import phone
from tocsin.web.phone import KNOCKS, take_by_link
from tocsin.web.problems import without_secret
from tocsin.web.show_phone import standing_of
from tocsin.wiring.phone_links import VALID, answer_link, hash_of
from web.running import Served
from web.test_process import API, do, get

FIELD = re.compile(r'name="(page|once)" value="([^"]*)"')
DONE = {"confirmed": "a", "impact_ended": "b", "errors_normal": "c"}


def pages(server: Served, ref: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(server, f"{API}/{ref}/pages")["pages"]
    return found


def first_called(server: Served, ref: str) -> str:
    return str(pages(server, ref)[-1]["person"])


def link_to(server: Served, ref: str, number: int = 1, channel: str = "screen") -> str:
    """A link as carrying a page makes one."""
    person = next(page["person"] for page in pages(server, ref) if page["number"] == number)
    send = Send(person, channel, "page", f"page/{number}/{channel}", page=number)
    taken = Taken("key", ref, channel, send, 1)
    url = answer_link(server.program.store, "", channel, send, taken, server.clock.now())
    assert url is not None
    return url


def fields(page: str) -> dict[str, str]:
    return dict(FIELD.findall(page))


def press(server: Served, link: str, what: str, **other: str) -> httpx2.Response:
    """Open the page, press the button, look at what comes."""
    with server.anonymous() as client:
        shown = client.get(link)
        assert shown.status_code == 200, shown.text
        answer = client.post(link, data={**fields(shown.text), "do": what, **other})
        return client.get(answer.headers["location"]) if answer.status_code == 303 else answer


def events(server: Served, ref: str, *kinds: str) -> list[dict[str, Any]]:
    found = get(server, f"{API}/{ref}/timeline")["events"]
    return [event for event in found if event["kind"] in kinds]


def paging(server: Served, ref: str) -> str:
    return str(get(server, f"{API}/{ref}")["paging"])


# --- who may answer -------------------------------------------------------------------------------------------------


def test_fetching_a_link_changes_nothing(server: Served) -> None:
    ref = server.declare("Previewed", by="tomas")
    link, before = link_to(server, ref), server.program.store.last_seq()
    with server.anonymous() as client:
        for _ in range(5):
            shown = client.get(link, headers={"User-Agent": "LinkPreview/1.0"})
            assert shown.status_code == 200
        assert client.request("HEAD", link).status_code == 200
    assert events(server, ref, "Acknowledged") == []
    assert paging(server, ref) == "triggered"
    assert [
        e for e in server.program.store.feed(before) if e.ref == ref and "Ack" in type(e.event).__name__
    ] == []


def test_pressing_acknowledge_stops_the_calls_in_the_name_of_whoever_was_called(server: Served) -> None:
    ref = server.declare("By phone", by="tomas")
    who = first_called(server, ref)
    after = press(server, link_to(server, ref), "ack")
    assert "You have it." in after.text
    [event] = events(server, ref, "Acknowledged")
    assert event["by"] == who
    assert "a link in screen" in event["text"]
    assert paging(server, ref) == "acked"


def test_a_post_without_the_field_of_the_page_answers_nothing(server: Served) -> None:
    ref = server.declare("Blind", by="tomas")
    link, other = link_to(server, ref), link_to(server, ref)
    with server.anonymous() as client:
        foreign = fields(client.get(other).text)
        for sent in ({"do": "ack"}, {"do": "ack", "page": ""}, {"do": "ack", **foreign}):
            refused = client.post(link, data=sent)
            assert refused.status_code == 403
            assert "did not come from this page" in refused.text
        own = {**fields(client.get(link).text), "do": "ack"}
        elsewhere = client.post(link, data=own, headers={"Sec-Fetch-Site": "cross-site"})
        assert elsewhere.status_code == 403
        assert client.post(link, data={**own, "do": "resolve"}).status_code == 422
    assert paging(server, ref) == "triggered"


def test_a_link_that_runs_out_while_it_is_answered_says_so(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = server.declare("Too late", by="tomas")
    link, asked, find = link_to(server, ref), [], phone.link_of

    def found(request: Any, token: str) -> phone.Link:
        asked.append(token)
        if len(asked) > 1:
            raise phone.DeadLink("expired")
        return find(request, token)

    async def refused(*_: Any) -> None:
        raise Refused("it is over", "")

    with server.anonymous() as client:
        own = {**fields(client.get(link).text), "do": "ack"}
        monkeypatch.setattr(phone, "link_of", found)
        monkeypatch.setattr(phone, "_carry_out", refused)
        assert client.post(link, data=own).status_code == 410


def test_a_browser_that_is_signed_in_answers_as_well(server: Served) -> None:
    """Under no-referrer a browser says `Origin: null`; the session plays no part."""
    ref = server.declare("Signed in", by="tomas")
    link = link_to(server, ref)
    with server.session("henrik") as client:
        sent = {**fields(client.get(link).text), "do": "ack"}
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        assert client.post(link, data=sent, headers=headers).status_code == 303
    [event] = events(server, ref, "Acknowledged")
    assert event["by"] == first_called(server, ref)


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "%C3%A9", "x" * 5000])
def test_a_forged_link_says_what_to_do_and_nothing_else(token: str, server: Served) -> None:
    with server.anonymous() as client:
        shown = client.get(f"/a/{token}")
        assert shown.status_code == 404
        posted = client.post(f"/a/{token}", data={"do": "ack", "page": "x"})
        assert posted.status_code == 404
    for text in (shown.text, posted.text):
        assert "INC-" not in text
    assert "newest" in shown.text


def test_another_secret_is_no_link(server: Served) -> None:
    ref, store, now = server.declare("Other secrets"), server.program.store, server.clock.now()
    hashed = hash_of("a-token", store.epoch)
    store.save_secret(SecretRow(hashed, "session", "mei", now, now + timedelta(hours=1), ref=ref, page=1))
    with server.anonymous() as client:
        assert client.get("/a/a-token").status_code == 404


def test_after_a_restore_no_earlier_link_is_known(server: Served) -> None:
    """The epoch is part of what is stored."""
    assert hash_of("a-token", "one") != hash_of("a-token", "two")


def test_a_link_expires_after_twelve_hours(fresh: Served) -> None:
    ref = fresh.declare("Long ago", by="tomas")
    link = link_to(fresh, ref)
    fresh.clock.ahead += VALID
    with fresh.anonymous() as client:
        shown = client.get(link)
        posted = client.post(link, data={"do": "ack"})
    assert (shown.status_code, posted.status_code) == (410, 410)
    assert "expired" in shown.text
    assert ref not in shown.text


def test_only_the_hash_is_stored_and_it_names_person_incident_and_page(server: Served) -> None:
    ref = server.declare("Stored", by="tomas")
    token = link_to(server, ref).rsplit("/", 1)[-1]
    row = server.program.store.secret(hash_of(token, server.program.store.epoch))
    assert row is not None
    assert (row.kind, row.person, row.ref, row.page) == ("page", first_called(server, ref), ref, 1)
    assert token not in repr(server.program.store.secrets("page"))


def test_a_page_goes_out_without_its_link_while_nothing_can_be_written(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = fresh.declare("Full disk", by="tomas")

    def full(_: Any) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(fresh.program.store, "save_secret", full)
    send = Send("mei", "screen", "page", "page/1/screen", page=1)
    taken = Taken("key", ref, "screen", send, 1)
    assert answer_link(fresh.program.store, "", "screen", send, taken, fresh.clock.now()) is None


def test_a_notice_has_no_link(server: Served) -> None:
    send = Send("mei", "screen", "role", "notice/seat")
    taken = Taken("key", "INC-2026-0001", "screen", send, 1)
    assert answer_link(server.program.store, "", "screen", send, taken, server.clock.now()) is None


def test_neither_the_address_nor_the_page_is_kept_anywhere(server: Served) -> None:
    link = link_to(server, server.declare("Headers", by="tomas"))
    with server.anonymous() as client:
        for path in (link, "/a/nothing"):
            headers = client.get(path).headers
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "no-store"
            assert "set-cookie" not in headers
            assert "default-src 'none'" in headers["content-security-policy"]
    assert without_secret("/a/secret") == "/a/..."
    assert without_secret("/i/INC-2026-0001") == "/i/INC-2026-0001"


def test_too_many_requests_are_turned_away_and_others_are_not_kept_from_answering(fresh: Served) -> None:
    ref = fresh.declare("Knocked at", by="tomas")
    one, other = link_to(fresh, ref), link_to(fresh, ref)
    with fresh.anonymous() as client:
        forged = [client.get(f"/a/guess-{n}").status_code for n in range(KNOCKS + 1)]
        assert (forged[0], forged[-1]) == (404, 429)
        opened = [client.get(one).status_code for n in range(KNOCKS + 1)]
        assert (opened[0], opened[-1]) == (200, 429)
        assert client.get(other).status_code == 200
        fresh.clock.ahead += timedelta(minutes=1)
        assert client.get(one).status_code == 200


# --- what it says ---------------------------------------------------------------------------------------------------


def test_it_says_what_since_when_who_is_called_and_who_is_next(server: Served) -> None:
    ref = server.declare("Exports stand still", by="tomas")
    with server.anonymous() as client:
        text = client.get(link_to(server, ref)).text
    assert "Exports stand still" in text
    assert "Since" in text
    assert "called in" in text
    assert "Who is called" in text
    assert "<b>You</b>" in text
    assert re.search(r">Acknowledge<small>", text)
    assert re.search(r">Pass on<small>", text)


def test_whoever_has_it_is_named(server: Served) -> None:
    ref = server.declare("Taken", by="tomas")
    link = link_to(server, ref)
    taker = "henrik" if first_called(server, ref) != "henrik" else "priya"
    do(server, taker, ref, "ack")
    with server.anonymous() as client:
        text = client.get(link).text
    assert re.search(r"<bdi>(Henrik|Priya) \S+ has it\.", text)
    assert ">Pass on<" not in text
    assert "Acknowledge too" in text
    press(server, link, "ack")
    assert len(events(server, ref, "AlsoAcknowledged")) == 1


def test_the_same_answer_again_is_one_answer(server: Served) -> None:
    """The form sent again by the browser, and the button pressed on a second page that was open already."""
    ref = server.declare("Twice", by="tomas")
    link = link_to(server, ref)
    with server.anonymous() as client:
        one, other = ({**fields(client.get(link).text), "do": "ack"} for _ in range(2))
        assert one["once"] != other["once"]
        assert [client.post(link, data=sent).status_code for sent in (one, one, other)] == [303, 303, 303]
        assert "You have it." in client.get(link).text
    assert len(events(server, ref, "Acknowledged", "AlsoAcknowledged")) == 1


def test_the_same_form_again_after_somebody_was_first_is_one_answer(server: Served) -> None:
    ref = server.declare("Second", by="tomas")
    link = link_to(server, ref)
    taker = "henrik" if first_called(server, ref) != "henrik" else "priya"
    with server.anonymous() as client:
        sent = {**fields(client.get(link).text), "do": "ack"}
        do(server, taker, ref, "ack")
        assert [client.post(link, data=sent).status_code for _ in range(3)] == [303, 303, 303]
    assert len(events(server, ref, "AlsoAcknowledged")) == 1


def test_passing_it_on_calls_the_next_now(server: Served) -> None:
    """docs/reference/oncall.md E12: her page has ended, she may take it after all."""
    ref = server.declare("Passed on", by="tomas")
    link, who = link_to(server, ref), first_called(server, ref)
    after = press(server, link, "pass")
    assert "You passed it on." in after.text
    assert "you take it after all" in after.text
    assert ">Pass on<" not in after.text
    assert next(page["outcome"] for page in pages(server, ref) if page["number"] == 1) == "superseded"
    assert paging(server, ref) == "triggered"
    [event] = events(server, ref, "Escalated")
    assert event["by"] == who
    assert "You have it." in press(server, link, "ack").text


def test_called_again_an_earlier_link_answers_both(fresh: Served) -> None:
    """oncall.md E7: her first page is superseded, and she may well open the first message."""
    ref = fresh.declare("Called again", by="tomas")
    link, who = link_to(fresh, ref), first_called(fresh, ref)
    do(fresh, "tomas", ref, "severity", level="SEV2", reason="a part works")
    do(fresh, "tomas", ref, "severity", level="SEV1")
    assert [page["outcome"] for page in pages(fresh, ref) if page["person"] == who][-1] == "superseded"
    with fresh.anonymous() as client:
        assert "You were called again" in client.get(link).text
    assert "You have it." in press(fresh, link, "ack").text
    assert {page["outcome"] for page in pages(fresh, ref)} <= {"acked", "stopped", "superseded"}


def test_whoever_was_asked_to_help_is_asked_and_not_sent_away(server: Served) -> None:
    """oncall.md E14: somebody has it, and calls her in; her answer says that she comes."""
    ref = server.declare("Two more hands", by="tomas")
    do(server, "tomas", ref, "ack")
    other = next(h for h in ("henrik", "priya", "aisha") if all(p["person"] != h for p in pages(server, ref)))
    do(server, "tomas", ref, "call", people=[other], reason="two more hands")
    number = next(p["number"] for p in pages(server, ref) if p["person"] == other)
    link = link_to(server, ref, number)
    with server.anonymous() as client:
        text = client.get(link).text
    assert "You are asked to help." in text
    assert "nothing is asked of you" not in text
    assert ">Pass on<" not in text
    press(server, link, "ack")
    assert len(events(server, ref, "ResponderJoined")) == 1
    assert next(p["outcome"] for p in pages(server, ref) if p["number"] == number) == "acked"


def as_shadow(server: Served, outcome: str | None) -> tuple[Incident, Context, Page]:
    """An incident whose first page only lets somebody learn along."""
    state = server.program.store.incident(server.declare("Learned along", by="tomas"))
    assert state is not None
    page = replace(state.pages[0], shadow=True, outcome=outcome)
    context = server.program.engine.contexts.pinned(state.policy)
    return replace(state, pages=(page, *state.pages[1:])), context, page


def test_a_shadow_is_not_told_that_she_stops_the_calls(server: Served) -> None:
    """oncall.md L6: she presses and nothing stops, so the page must not say so."""
    state, context, page = as_shadow(server, None)
    said = standing_of(state, context, page, page.person, server.clock.now(), passed=False)
    assert said.say == "You learn along."
    assert "stops nothing" in said.acks_note
    assert said.passes == ""
    state, context, page = as_shadow(server, "acked")
    seen = standing_of(state, context, page, page.person, server.clock.now(), passed=False)
    assert (seen.st, seen.acks) == ("met", "")


def test_a_link_to_learn_along_never_takes_it(server: Served) -> None:
    """oncall.md L6: neither pressed twice, nor pressed on a page that was opened before her call ended."""
    now = server.clock.now()
    state, context, page = as_shadow(server, "acked")
    by, number = page.person, page.number
    assert take_by_link(state, context, now, by=by, page=number, via="link:screen") == []
    state, context, page = as_shadow(server, "unreachable")
    with pytest.raises(Refused, match="learn along"):
        take_by_link(state, context, now, by=by, page=number, via="link:screen")
    state, context, page = as_shadow(server, None)
    [ended, seen] = take_by_link(state, context, now, by=by, page=number, via="link:screen")
    assert isinstance(ended, ev.PageEnded)
    assert isinstance(seen, ev.ShadowAcknowledged)


def test_what_is_resolved_says_so_and_takes_no_answer(server: Served) -> None:
    ref = server.declare("Over soon", by="tomas")
    link = link_to(server, ref)
    with server.anonymous() as client:
        sent = {**fields(client.get(link).text), "do": "ack"}
        do(server, "tomas", ref, "resolve", **DONE)
        shown, posted = client.get(link), client.post(link, data=sent)
    assert shown.status_code == 200
    assert "It is resolved" in shown.text
    assert "Over soon" not in shown.text
    assert "<form" not in shown.text
    assert posted.status_code == 409
    assert events(server, ref, "Acknowledged") == []


def test_what_was_merged_says_where_it_goes_on(server: Served) -> None:
    ref, into = server.declare("Child", by="tomas"), server.declare("Parent", by="tomas")
    link = link_to(server, ref)
    do(server, "tomas", ref, "merge", into=into, reason="the same")
    with server.anonymous() as client:
        shown = client.get(link).text
    assert f"It goes on in {into}" in shown
    assert f'href="/i/{into}"' in shown


def test_a_restricted_incident_goes_by_its_codename(server: Served) -> None:
    ref = server.declare("Rows of tenant Umbra", by="tomas")
    link = link_to(server, ref)
    do(server, "tomas", ref, "restrict", codename="Heron", readers=[], reason="their data")
    with server.anonymous() as client:
        shown = client.get(link).text
    assert "Heron" in shown
    assert "Umbra" not in shown


def test_hostile_titles_are_text(server: Served) -> None:
    ref = server.declare("<script>hit()</script>\u202e", by="tomas")
    with server.anonymous() as client:
        shown = client.get(link_to(server, ref)).text
    assert "<script>hit" not in shown
    assert "&lt;script&gt;hit" in shown


def test_somebody_who_is_not_known_any_more_answers_nothing(fresh: Served) -> None:
    ref = fresh.declare("Gone", by="tomas")
    store, now = fresh.program.store, fresh.clock.now()
    row = SecretRow(hash_of("t", store.epoch), "page", "nobody", now, now + VALID, ref=ref, page=1)
    store.save_secret(row)
    with fresh.anonymous() as client:
        assert client.get("/a/t").status_code == 404


# --- told by another way --------------------------------------------------------------------------------------------


def test_every_answer_by_link_is_told_by_another_way(server: Served) -> None:
    """She has one way here, so it is the same one."""
    ref = server.declare("Told", by="tomas")
    press(server, link_to(server, ref), "ack")
    told = [row for row in server.program.store.effects(ref) if row.about == "link-used"]
    assert [(row.lane, row.person) for row in told] == [("screen", first_called(server, ref))]
