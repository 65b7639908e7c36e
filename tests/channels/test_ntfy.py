"""ntfy beyond the contract: topics, urgency, buttons, sign-in, limits, and what each refusal means."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.ntfy_server import DOCUMENT_LIMIT, MESSAGE_LIMIT, NtfyServer, ntfy_server
from channels.receivers import http_server
from channels.test_contract import MESSAGE, NOW, failure_of, run
from tocsin.channels import ntfy
from tocsin.channels.ntfy import NtfyChannel
from tocsin.channels.registry import build
from tocsin.domain.delivery import Failure

PAGE = replace(
    MESSAGE, to="priya", links=(("Acknowledge", "https://t.example/a/1"), ("Open", "https://t.example/i/7"))
)


def push(server: NtfyServer | Any, **more: Any) -> NtfyChannel:
    values = {"url": f"http://127.0.0.1:{server.port}/", "topic": "acme-{handle}", "now": lambda: NOW}
    return NtfyChannel("push", **{**values, "allow_loopback": True, "limit_s": 5.0, **more})


def sent(message: Any = PAGE, **more: Any) -> dict[str, Any]:
    """What a subscriber sees of one message."""

    async def story() -> dict[str, Any]:
        async with ntfy_server() as server:
            await push(server, **more).send(message)
            (taken,) = server.messages
            return taken

    return run(story())  # type: ignore[no-any-return]


# --- what is sent ----------------------------------------------------------------------------------------


def test_an_urgent_page_rings_and_opens_the_acknowledge_page() -> None:
    taken = sent()
    assert taken["topic"] == "acme-priya"
    assert taken["priority"] == 5
    assert taken["tags"] == ["rotating_light"]
    assert taken["click"] == "https://t.example/a/1"
    assert taken["actions"] == [
        {"action": "view", "label": "Acknowledge", "url": "https://t.example/a/1"},
        {"action": "view", "label": "Open", "url": "https://t.example/i/7"},
    ]


def test_no_button_acts_by_itself() -> None:
    """A button that posts would acknowledge out of a pocket, and from every phone that follows the topic."""
    assert {action["action"] for action in sent()["actions"]} == {"view"}


def test_what_is_not_urgent_makes_no_noise() -> None:
    taken = sent(replace(PAGE, urgent=False, links=()))
    assert taken["priority"] == 3
    assert "click" not in taken
    assert "actions" not in taken


def test_three_buttons_at_most_and_no_mail_address_among_them() -> None:
    links = (("Mail", "mailto:a@acme.example"), *((f"n{n}", f"https://t.example/{n}") for n in range(9)))
    assert [a["label"] for a in sent(replace(PAGE, links=links))["actions"]] == ["n0", "n1", "n2"]


def test_a_second_try_takes_the_place_of_the_first() -> None:
    async def story() -> None:
        async with ntfy_server() as server:
            channel = push(server)
            for key in ("a/1/1/1", "a/1/1/1", "a/1/1/2"):
                await channel.send(replace(PAGE, key=key))
            assert len(server.messages) == 3
            assert len(server.published("acme-priya")) == 2

    run(story())


# --- topics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "address", "topic"),
    [
        ("priya", "priya", "acme-priya"),
        ("jean.luc", "jean.luc", "acme-jean_luc"),
        ("priya", "my-own-topic", "my-own-topic"),
        ("priya", "priya@acme.example", "acme-priya"),
    ],
)
def test_a_person_has_a_topic_by_the_pattern_or_her_own(person: str, address: str, topic: str) -> None:
    assert sent(replace(PAGE, person=person, to=address))["topic"] == topic


def test_a_topic_that_ntfy_would_refuse_is_refused_here() -> None:
    async def story() -> None:
        async with ntfy_server() as server:
            failed = await failure_of(push(server), replace(PAGE, person="p" * 63, to="p" * 63))
            assert failed.kind is Failure.PERMANENT
            assert server.requests == []

    run(story())


@pytest.mark.parametrize("topic", ["", "a b", "a/{handle}", "{name}", "ü", "x" * 65])
def test_a_pattern_that_gives_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="the topic of ntfy is"):
        NtfyChannel("push", url="https://ntfy.acme.example", topic=topic, now=lambda: NOW)


def test_the_server_may_lie_below_a_path() -> None:
    async def story() -> None:
        async with http_server(body=b'{"id": "x1"}') as server:
            await push(server, url=f"http://127.0.0.1:{server.port}/push").send(PAGE)
            assert server.requests[0].line == "POST /push/ HTTP/1.1"

    run(story())


# --- limits ----------------------------------------------------------------------------------------------


@given(
    text=st.text(max_size=300).flatmap(lambda part: st.integers(1, 200).map(lambda n: part * n)),
    subject=st.text(max_size=500),
    links=st.lists(st.tuples(st.text(max_size=90), st.just("https://t.example/" + "x" * 600)), max_size=4),
)
def test_no_message_is_beyond_what_ntfy_takes(text: str, subject: str, links: list[tuple[str, str]]) -> None:
    body = ntfy._document("t", replace(PAGE, text=text, subject=subject, links=tuple(links)))
    assert len(body) <= DOCUMENT_LIMIT
    server = NtfyServer()
    document = server_takes(server, body)
    assert len(document.get("message", "").encode()) < MESSAGE_LIMIT
    assert len(document.get("title", "").encode()) <= ntfy.TITLE_BYTES


def server_takes(server: NtfyServer, body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body)
    server._judge(document, "")
    return document


@pytest.mark.parametrize("text", ["x" * 5_000, '"' * 5_000, "€" * 2_000, "\\\n" * 3_000])
def test_what_is_cut_says_so(text: str) -> None:
    assert sent(replace(PAGE, text=text))["message"].endswith("[cut: the whole text is in tocsin]")


def test_a_text_that_just_fits_is_whole() -> None:
    assert sent(replace(PAGE, text="x" * ntfy.MESSAGE_BYTES))["message"] == "x" * ntfy.MESSAGE_BYTES


# --- signing in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"user": "tocsin", "password": "päss:word"}, None),
        ({"token": "tk_right"}, None),
        ({"user": "tocsin", "password": "wrong"}, "401"),
        ({"token": "tk_wrong"}, "401"),
        ({}, "403"),
    ],
)
def test_users_and_tokens(values: dict[str, str], status: str | None) -> None:
    async def story() -> None:
        async with ntfy_server(users={"tocsin": "päss:word"}, tokens={"tk_right": "tocsin"}) as server:
            if status is None:
                await push(server, **values).send(PAGE)
                assert len(server.messages) == 1
                return
            failed = await failure_of(push(server, **values))
            assert failed.kind is Failure.PERMANENT
            assert failed.reason.startswith(status)
            assert "wrong" not in failed.reason

    run(story())


@pytest.mark.parametrize(
    "values",
    [
        {"user": "tocsin"},
        {"password": "p"},
        {"token": "t", "user": "tocsin", "password": "p"},
        {"token": "a b"},
        {"user": "a:b", "password": "p"},
    ],
)
def test_values_that_do_not_fit_together_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="ntfy"):
        NtfyChannel("push", url="https://ntfy.acme.example", topic="t", now=lambda: NOW, **values)


def test_no_secret_travels_unencrypted_to_another_machine() -> None:
    with pytest.raises(ValueError, match="unencrypted"):
        NtfyChannel("push", url="http://ntfy.acme.example", topic="t", token="tk_1", now=lambda: NOW)


# --- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "after"),
    [
        (400, Failure.PERMANENT, None),
        (404, Failure.PERMANENT, None),
        (413, Failure.PERMANENT, None),
        (429, Failure.RETRY, 10.0),
        (500, Failure.RETRY, None),
        (507, Failure.RETRY, None),
    ],
)
def test_a_status_decides(status: int, kind: Failure, after: float | None) -> None:
    async def story() -> None:
        async with ntfy_server(does=status) as server:
            failed = await failure_of(push(server), PAGE)
            assert (failed.kind, failed.after) == (kind, after)
            assert failed.channel is (status in {404, 413}), "a topic has no share in that"
            assert str(status) in failed.reason

    run(story())


def test_too_many_messages_wait_although_ntfy_names_no_time() -> None:
    async def story() -> None:
        async with ntfy_server(burst=2) as server:
            channel = push(server)
            for _ in range(2):
                await channel.send(PAGE)
            failed = await failure_of(channel, PAGE)
            assert (failed.kind, failed.after) == (Failure.RETRY, ntfy.TOO_MANY_S)

    run(story())


def test_a_topic_that_is_read_only_is_for_good() -> None:
    async def story() -> None:
        async with ntfy_server(read_only={"acme-priya"}) as server:
            failed = await failure_of(push(server), PAGE)
            assert failed.kind is Failure.PERMANENT
            assert "may not write" in failed.reason
            assert "acme-priya" not in failed.reason

    run(story())


def test_a_page_of_the_web_that_answers_anything_with_200_is_no_receipt() -> None:
    async def story() -> None:
        async with http_server(body=b"<html>welcome</html>") as server:
            failed = await failure_of(push(server), PAGE)
            assert failed.kind is Failure.IN_DOUBT

    run(story())


def test_it_is_built_by_its_kind() -> None:
    made = build(
        "push", {"kind": "ntfy", "url": "https://ntfy.acme.example", "topic": "a-{handle}"}, lambda: NOW
    )
    assert repr(made) == "NtfyChannel('push', https://ntfy.acme.example:443)"
