"""The mailbox of `make run`: what is kept, where it listens, and that odd mail does not break it."""

from __future__ import annotations

import smtplib
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from channels.test_contract import MESSAGE, run
from tocsin.channels.email import EmailChannel
from tocsin.channels.mailbox import KEPT, Mailbox, read_mail

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox(port=0)
    box.start()
    yield box
    box.stop()


def test_it_shows_what_the_mail_channel_sends(mailbox: Mailbox) -> None:
    channel = EmailChannel(
        "mail", url=f"smtp://127.0.0.1:{mailbox.port}", sender="Tocsin <tocsin@acme.example>"
    )
    run(channel.send(MESSAGE))
    (mail,) = mailbox.messages()
    assert mail.subject == MESSAGE.subject
    assert (mail.sender, mail.to) == ("Tocsin <tocsin@acme.example>", "priya@acme.example")
    assert mail.date == MESSAGE.sent_at
    assert mail.ref == "INC-2026-0007"
    assert mail.body == f"{MESSAGE.text}\n\nAcknowledge: https://tocsin.acme.example/a/x1\n"


def test_it_keeps_the_newest_and_shows_them_first() -> None:
    box = Mailbox()
    for number in range(KEPT + 3):
        box.keep(f"Subject: {number}\r\n\r\nx".encode())
    subjects = [mail.subject for mail in box.messages()]
    assert (len(subjects), subjects[0], subjects[-1]) == (KEPT, str(KEPT + 2), "3")


def test_the_next_free_port_is_taken(mailbox: Mailbox) -> None:
    other = Mailbox(port=mailbox.port)
    other.start()
    try:
        assert mailbox.port < other.port <= mailbox.port + 20
    finally:
        other.stop()


def test_no_free_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 65535))
        taken.listen()
        with pytest.raises(OSError, match="no free port"):
            Mailbox(port=65535).start()


def test_it_can_be_stopped_twice_and_stays_readable() -> None:
    box = Mailbox(port=0)
    box.start()
    with smtplib.SMTP("127.0.0.1", box.port) as smtp:
        smtp.sendmail("a@acme.example", ["b@acme.example"], "Subject: hello\r\n\r\nworld")
    box.stop()
    box.stop()
    assert [mail.subject for mail in box.messages()] == ["hello"]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", box.port), 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.1", "mail.acme.example"])
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        Mailbox(host)


@pytest.mark.parametrize(
    ("content", "subject", "body"),
    [
        (b"", "", ""),
        (b"\x00\xff\xfe", "", ""),
        (b"Subject: =?utf-8?q?=C3=9Cber?=\r\n\r\nx\r\ny\r\n", "Über", "x\ny\n"),
        (b"Content-Type: text/plain; charset=klingon\r\n\r\n\xc3\x9c", "", "Ü"),
        (b"Content-Type: text/plain; charset=ascii\r\n\r\n\xff", "", "\ufffd"),
        (b"Content-Type: text/html\r\n\r\n<b>x</b>", "", "<b>x</b>"),
        (b"Content-Type: image/png\r\n\r\nx", "", ""),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b", "", ""),
        (b"Date: never\r\nTo: \r\nFrom: <<>>\r\nSubject:\r\n\r\nx", "", "x"),
    ],
)
def test_odd_mail_is_read_as_far_as_it_goes(content: bytes, subject: str, body: str) -> None:
    mail = read_mail(content)
    assert mail.subject == subject
    assert body in mail.body


def test_a_date_is_read_with_its_zone() -> None:
    mail = read_mail(b"Date: Mon, 02 Mar 2026 10:15:00 +0100\r\n\r\nx")
    assert mail.date == datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
