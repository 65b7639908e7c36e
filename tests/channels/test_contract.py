"""What every channel promises, on real sockets: the same tests for all, and no channel without them.

A bench brings up the other side and says which outcomes it can be made to give. Whatever happens there, `send` returns
a Receipt or raises Undelivered of the right kind.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import threading
import traceback
import unicodedata
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from channels.ntfy_server import ntfy_server
from channels.receivers import DROP, HANG, HttpServer, MailServer, closed_port, http_server, mail_server
from tocsin.channels.apprise import CONNECTION_LIMIT_S
from tocsin.channels.port import Message, Receipt
from tocsin.channels.registry import KINDS, build
from tocsin.channels.signature import verify
from tocsin.domain.delivery import Failure, Undelivered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tocsin.channels.port import Channel

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PASSWORD = "correct-horse-battery"
PATH_TOKEN = "T0KEN-in-the-path"
SIGNING = "whsec_c2lnbmluZy1rZXktb2YtMjQtYnl0ZXMh"
SECRETS = (PASSWORD, PATH_TOKEN, SIGNING, SIGNING.removeprefix("whsec_"), "signing-key-of-24-bytes!")

MESSAGE = Message(
    key="epoch1/INC-2026-0007/3/1",
    to="priya@acme.example",
    person="priya",
    subject="INC-2026-0007 SEV1: Überlast im Portal",
    text="INC-2026-0007 has paged you.\nAnswer within 5 minutes.",
    ref="INC-2026-0007",
    about="page",
    sent_at=NOW,
    urgent=True,
    links=(("Acknowledge", "https://tocsin.acme.example/a/x1"), ("Nothing", "javascript:alert(1)")),
)


@dataclass
class Arrival:
    """What came out at the other side. `text` is everything that its reader sees."""

    text: str
    identity: str | None
    headers: dict[str, str]


@dataclass
class Bench:
    channel: Channel
    arrivals: Callable[[], list[Arrival]]
    left_open: Callable[[], int] = lambda: 0
    lets_go_s: float = 2.0
    """After so many seconds nothing of a send that was given up may be left."""


# --- benches ---------------------------------------------------------------------------------------------


def mails(server: MailServer) -> list[Arrival]:
    found = []
    for mail in server.mails:
        text = f"{mail['Subject']}\n{mail.get_content()}".replace("\r\n", "\n")  # the line ends of the wire
        found.append(Arrival(text, mail["Message-ID"], {name.lower(): value for name, value in mail.items()}))
    return found


@asynccontextmanager
async def email_bench(outcome: str, limit_s: float = 5.0) -> AsyncIterator[Bench]:
    answers: dict[str, dict[str, str]] = {
        "permanent": {"RCPT": "550 5.1.1 no such user \x1b[31m" + PASSWORD},
        "retry": {"RCPT": "451 4.3.0 try later " + PASSWORD},
        "in_doubt": {"DATA": DROP},
        "hang": {"DATA": HANG},
    }
    async with mail_server(answers.get(outcome)) as server:
        port = closed_port() if outcome == "unreachable" else server.port
        values = {"url": f"smtp://127.0.0.1:{port}", "sender": "Tocsin <tocsin@acme.example>"}
        values |= {"user": "tocsin", "password": PASSWORD}
        channel = build("mail", {"kind": "email", **values, "limit_s": limit_s}, lambda: NOW)
        yield Bench(channel, lambda: mails(server), lambda: server.open)


def posts(server: HttpServer) -> list[Arrival]:
    found = []
    for request in server.requests:
        verify(SIGNING, request.headers, request.body, NOW)
        data = request.json["data"]
        text = "\n".join([data["subject"], data["text"], *(link["url"] for link in data["links"])])
        found.append(Arrival(text, request.headers["webhook-id"], request.headers))
    return found


@asynccontextmanager
async def webhook_bench(outcome: str, limit_s: float = 5.0) -> AsyncIterator[Bench]:
    status = {"permanent": 410, "retry": 503, "in_doubt": DROP, "hang": HANG, "busy": 429}.get(outcome, 204)
    headers = {"Retry-After": "7"} if outcome == "busy" else {}
    body = PATH_TOKEN.encode() if status != 204 else b""
    async with http_server(status, body=body, headers=headers) as server:
        port = closed_port() if outcome == "unreachable" else server.port
        values = {
            "url": f"http://127.0.0.1:{port}/in/{PATH_TOKEN}",
            "secret": SIGNING,
            "allow_loopback": True,
        }
        channel = build("hook", {"kind": "webhook", **values, "limit_s": limit_s}, lambda: NOW)
        yield Bench(channel, lambda: posts(server), lambda: server.open)


@asynccontextmanager
async def console_bench(outcome: str, limit_s: float = 5.0) -> AsyncIterator[Bench]:
    release = threading.Event()

    class Blocked(io.StringIO):
        def write(self, text: str) -> int:
            release.wait(10)
            return super().write(text)

    stream: Any = Blocked() if outcome == "hang" else io.StringIO()
    if outcome == "permanent":
        reader, writer = os.pipe()
        os.close(reader)
        stream = os.fdopen(writer, "w")
    channel = build("here", {"kind": "console", "stream": stream}, lambda: NOW)
    try:
        yield Bench(channel, lambda: [Arrival(line, None, {}) for line in stream.getvalue().splitlines()])
    finally:
        release.set()
        with contextlib.suppress(OSError):
            stream.close()


@asynccontextmanager
async def ntfy_bench(outcome: str, limit_s: float = 5.0) -> AsyncIterator[Bench]:
    does = {"retry": 503, "in_doubt": DROP, "hang": HANG, "busy": 429}.get(outcome)
    headers = {"Retry-After": "7"} if outcome == "busy" else {}
    users = {"somebody": "else"} if outcome == "permanent" else {"tocsin": PASSWORD}
    async with ntfy_server(does=does, users=users, headers=headers) as server:
        port = closed_port() if outcome == "unreachable" else server.port
        values = {"url": f"http://127.0.0.1:{port}", "topic": "{handle}", "user": "tocsin"}
        values |= {"password": PASSWORD, "allow_loopback": True}
        channel = build("push", {"kind": "ntfy", **values, "limit_s": limit_s}, lambda: NOW)

        def shown() -> list[Arrival]:
            found = []
            for m in server.messages:
                links = [a["url"] for a in m.get("actions", [])]
                text = "\n".join([m["title"], m["message"], m.get("click", ""), *links])
                found.append(Arrival(text, m["sequence_id"], server.requests[-1].headers))
            return found

        yield Bench(channel, shown, lambda: server.open)


@asynccontextmanager
async def apprise_bench(outcome: str, limit_s: float = 5.0) -> AsyncIterator[Bench]:
    status = {"retry": 503, "hang": HANG}.get(outcome, 200)
    async with http_server(status) as server:
        port = closed_port() if outcome == "unreachable" else server.port
        place = f"127.0.0.1:{port}/{PATH_TOKEN}"
        if outcome == "permanent":
            place = f"{{address}}/{PATH_TOKEN}"  # an e-mail address is no name of a machine
        values = {"url": f"json://tocsin:{PASSWORD}@{place}/{{handle}}", "limit_s": limit_s}
        channel = build("else", {"kind": "apprise", **values}, lambda: NOW)

        def shown() -> list[Arrival]:
            said = [r.json for r in server.requests]
            return [
                Arrival(f"{s['title']}\n{s['message']}", None, r.headers)
                for s, r in zip(said, server.requests, strict=True)
            ]

        yield Bench(channel, shown, lambda: server.open, lets_go_s=CONNECTION_LIMIT_S + 2)


BENCHES: dict[str, Any] = {
    "apprise": apprise_bench,
    "console": console_bench,
    "email": email_bench,
    "ntfy": ntfy_bench,
    "webhook": webhook_bench,
}
FAILURES = [
    (
        "console",
        "permanent",
        Failure.PERMANENT,
    ),  # a console is here or gone: nothing to repeat, nothing in doubt
    *(  # the library says only that it failed: never that it may have worked
        ("apprise", outcome, failure)
        for outcome, failure in (
            ("permanent", Failure.PERMANENT),
            ("retry", Failure.RETRY),
            ("unreachable", Failure.RETRY),
        )
    ),
    *(
        (kind, outcome, failure)
        for kind in ("email", "ntfy", "webhook")
        for outcome, failure in (
            ("permanent", Failure.PERMANENT),
            ("retry", Failure.RETRY),
            ("unreachable", Failure.RETRY),
            ("in_doubt", Failure.IN_DOUBT),
        )
    ),
]
every_kind = pytest.mark.parametrize("kind", sorted(BENCHES))
every_failure = pytest.mark.parametrize(("kind", "outcome", "failure"), FAILURES)


def run(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def hidden(text: str) -> list[str]:
    """Characters that end a line, drive a terminal or turn the direction of reading."""
    return [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


async def failure_of(channel: Channel, message: Message = MESSAGE) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        await channel.send(message)
    return caught.value


# --- the contract ----------------------------------------------------------------------------------------


def test_every_kind_has_a_bench_and_a_failure() -> None:
    assert BENCHES.keys() == KINDS.keys() == {kind for kind, _, _ in FAILURES}


@every_kind
def test_it_is_built_by_its_kind(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            assert bench.channel.kind == kind

    run(story())


@every_kind
def test_success_is_a_receipt_and_one_arrival(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            receipt = await bench.channel.send(MESSAGE)
            assert isinstance(receipt, Receipt)
            assert receipt.detail
            assert not hidden(receipt.detail)
            (arrival,) = bench.arrivals()
            for wanted in (MESSAGE.subject, "Answer within 5 minutes.", "https://tocsin.acme.example/a/x1"):
                assert wanted in arrival.text
            assert "javascript:" not in arrival.text

    run(story())


@every_failure
def test_a_failure_is_of_the_right_kind_and_says_why(kind: str, outcome: str, failure: Failure) -> None:
    async def story() -> None:
        async with BENCHES[kind](outcome) as bench:
            failed = await failure_of(bench.channel)
            assert failed.kind is failure
            assert 0 < len(failed.reason) <= 300
            assert not hidden(failed.reason)
            assert str(failed) == failed.reason

    run(story())


@every_failure
def test_no_secret_in_errors_and_reprs(kind: str, outcome: str, failure: Failure) -> None:
    async def story() -> None:
        async with BENCHES[kind](outcome) as bench:
            failed = await failure_of(bench.channel)
            shown = [repr(bench.channel), str(bench.channel), repr(failed), repr(failed.__cause__)]
            shown += traceback.format_exception(failed)
            for secret in (*SECRETS, "/a/x1", MESSAGE.to):
                assert secret not in "".join(shown)

    run(story())


@every_kind
def test_the_same_key_is_the_same_identity_on_every_try(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            for key in ("a/1/1/1", "a/1/1/1", "a/1/1/2"):
                await bench.channel.send(replace(MESSAGE, key=key))
            first, again, other = (arrival.identity for arrival in bench.arrivals())
            assert first == again
            assert first is None or first != other

    run(story())


@every_kind
def test_the_courier_can_give_up_and_nothing_stays_open(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("hang", limit_s=60.0) as bench:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(bench.channel.send(MESSAGE), 0.3)
            for _ in range(int(bench.lets_go_s / 0.02)):
                if bench.left_open() == 0:
                    break
                await asyncio.sleep(0.02)
            assert bench.left_open() == 0

    run(story())


@pytest.mark.parametrize("kind", ["apprise", "email", "ntfy", "webhook"])
def test_a_channel_gives_up_by_itself_and_is_in_doubt(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("hang", limit_s=0.3) as bench:
            failed = await failure_of(bench.channel)
            assert failed.kind is Failure.IN_DOUBT
            assert "no answer in time" in failed.reason

    run(story())


@pytest.mark.parametrize("kind", ["ntfy", "webhook"])
def test_the_time_that_the_other_side_asks_for_is_handed_on(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("busy") as bench:
            failed = await failure_of(bench.channel)
            assert (failed.kind, failed.after) == (Failure.RETRY, 7.0)

    run(story())


HOSTILE = (
    "SEV1\r\nBcc: all@acme.example\r\n\r\n\u202egnp.exe\u2066 \x1b]0;owned\x07 nul\x00 \x85\u2028 \ud800 ende"
)
HUGE = ("ünï\x00cödé \u202e\x1b[2J.\r\n.\r\n" * 7_000)[:100_000]


@every_kind
def test_hostile_text_stays_text(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            labels = (
                ("\r\nX-Evil: 1", "https://acme.example/\r\nX-Evil: 1"),
                (HOSTILE, "https://acme.example/ok"),
            )
            hostile = replace(MESSAGE, subject=HOSTILE, ref=HOSTILE, thread=HOSTILE, links=labels)
            await bench.channel.send(replace(hostile, key=HOSTILE, person=HOSTILE[:60]))
            (arrival,) = bench.arrivals()
            assert [c for c in hidden(arrival.text) if c != "\n"] == []
            assert "ende" in arrival.text
            assert not {"bcc", "x-evil"} & {name.lower() for name in arrival.headers}
            assert not any(hidden(value) for value in arrival.headers.values())

    run(story())


TAKEN = {"apprise": 1_000, "console": 10, "ntfy": 100}
"""How often the word of a huge text arrives at least, where a service takes only so much; all else takes the whole."""


@every_kind
def test_a_hundred_kilobytes_arrive_or_are_cut(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            await bench.channel.send(replace(MESSAGE, text=HUGE))
            (arrival,) = bench.arrivals()
            assert arrival.text.count("ünïcödé") > TAKEN.get(kind, 4_000)
            if kind in TAKEN and kind != "console":
                assert "[cut" in arrival.text
                assert "https://tocsin.acme.example/a/x1" in arrival.text
            assert "\x00" not in arrival.text

    run(story())


@every_kind
def test_four_at_once(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            keys = [f"e/{n}/1/1" for n in range(4)]
            await asyncio.gather(*(bench.channel.send(replace(MESSAGE, key=key)) for key in keys))
            assert len(bench.arrivals()) == 4

    run(story())


@every_kind
def test_closing_twice_is_no_error(kind: str) -> None:
    async def story() -> None:
        async with BENCHES[kind]("success") as bench:
            await bench.channel.send(MESSAGE)
            await bench.channel.aclose()
            await bench.channel.aclose()

    run(story())


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(LookupError, match="no channel of kind 'pigeon'; known are apprise, console, email"):
        build("x", {"kind": "pigeon"}, lambda: NOW)


def test_a_message_hides_address_text_and_links() -> None:
    for shown in (MESSAGE.to, "Überlast", "paged you", "/a/x1"):
        assert shown not in repr(MESSAGE)
    assert MESSAGE.thread_id == MESSAGE.ref
