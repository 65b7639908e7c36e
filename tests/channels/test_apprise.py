"""Apprise beyond the contract: whom its addresses stand for, what it may not do, and what happens without it."""

from __future__ import annotations

import asyncio
import io
import logging
from dataclasses import replace
from typing import Any

import pytest

from channels.receivers import HANG, http_server
from channels.test_contract import MESSAGE, failure_of, run
from tocsin.channels import apprise
from tocsin.channels.apprise import AT_ONCE, AppriseChannel
from tocsin.domain.delivery import Failure, Undelivered


def test_the_address_is_made_for_the_person() -> None:
    async def story() -> None:
        async with http_server() as server:
            url = f"json://127.0.0.1:{server.port}/{{handle}}/in"
            await AppriseChannel("else", url=url).send(replace(MESSAGE, person="jean?to=all"))
            assert server.requests[0].line == "POST /jean%3Fto=all/in HTTP/1.1"

    run(story())


@pytest.mark.parametrize("url", ["nothing", "pigeon://coop/secret", "json://"])
def test_an_address_that_cannot_be_read_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="none that Apprise can read") as caught:
        AppriseChannel("else", url=url)
    assert url not in str(caught.value)


def test_a_telephone_number_may_be_wanted() -> None:
    assert "Signal" in repr(AppriseChannel("else", url="signal://localhost:9000/+15551234567/{address}"))


def test_an_address_with_nobody_in_it_is_for_good() -> None:
    async def story() -> None:
        url = "signal://localhost:9000/+15551234567/{address}"
        failed = await failure_of(AppriseChannel("else", url=url), replace(MESSAGE, to="no-number"))
        assert failed.kind is Failure.PERMANENT

    run(story())


def test_without_the_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise, "LIBRARY", "apprise_is_not_here")
    with pytest.raises(ValueError, match=r"pip install 'tocsin\[apprise\]'"):
        AppriseChannel("else", url="json://127.0.0.1/")


def test_nobody_is_called_by_a_word_in_a_text() -> None:
    async def story() -> None:
        async with http_server() as server:
            text = "@everyone <!channel> <@U123> @HERE mail priya@here.example"
            await AppriseChannel("else", url=f"json://127.0.0.1:{server.port}/").send(
                replace(MESSAGE, subject=text, text=text)
            )
            said = server.requests[0].json
            for part in (said["title"], said["message"]):
                assert "@everyone" not in part
                assert "<!" not in part
                assert "<@" not in part
                assert "@HERE" not in part

    run(story())


def test_a_service_of_short_messages_keeps_the_first_link() -> None:
    class Short:
        body_maxlen = 160

    links = (("Acknowledge", "https://t.example/a/1"), ("Open", "https://t.example/" + "x" * 200))
    title, body = apprise._words(replace(MESSAGE, text="x" * 500, subject="y" * 500, links=links), Short())
    assert len(title) + len(body) <= 160
    assert "https://t.example/a/1" in body


def test_what_hangs_does_not_pile_up() -> None:
    async def story() -> None:
        async with http_server(HANG) as server:
            channel = AppriseChannel("else", url=f"json://127.0.0.1:{server.port}/", limit_s=0.5)
            failures = await asyncio.gather(
                *(channel.send(replace(MESSAGE, key=str(n))) for n in range(AT_ONCE + 2)),
                return_exceptions=True,
            )
            kinds = [failed.kind for failed in failures if isinstance(failed, Undelivered)]
            assert kinds.count(Failure.IN_DOUBT) == AT_ONCE
            assert kinds.count(Failure.RETRY) == 2, "certainly not sent: nothing was begun"

    run(story())


def test_a_refusal_names_the_status() -> None:
    async def story() -> None:
        async with http_server(403) as server:
            failed = await failure_of(AppriseChannel("else", url=f"json://127.0.0.1:{server.port}/"))
            assert failed.kind is Failure.RETRY
            assert "403" in failed.reason

    run(story())


def test_the_library_logs_no_address(capfd: Any) -> None:
    async def story() -> None:
        async with http_server(500) as server:
            channel = AppriseChannel("else", url=f"json://u:hidden-word@127.0.0.1:{server.port}/hidden-path")
            await failure_of(channel)

    root, written = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(written), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        run(story())
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert "hidden" not in written.getvalue() + "".join(capfd.readouterr())
