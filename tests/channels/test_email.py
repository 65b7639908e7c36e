"""Mail beyond the contract: where a refusal comes from, TLS and sign-in, what the headers say."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from channels.receivers import DROP, HANG, closed_port, mail_server
from channels.test_contract import MESSAGE, NOW, PASSWORD, failure_of, run
from tocsin.channels.email import EmailChannel
from tocsin.domain.delivery import Failure

if TYPE_CHECKING:
    from pathlib import Path


def mail_to(port: int, scheme: str = "smtp", query: str = "", **more: Any) -> EmailChannel:
    values: dict[str, Any] = {"sender": "tocsin@acme.example", "limit_s": 5.0, **more}
    return EmailChannel("mail", url=f"{scheme}://localhost:{port}{query}", **values)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, with its key in the same file."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(file), "-out", f"{file}.crt"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl command")
    file.write_text(file.read_text() + file.with_name("localhost.pem.crt").read_text())
    return file


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


# --- headers ---------------------------------------------------------------------------------------------


def test_the_headers_say_what_it_is() -> None:
    async def story() -> None:
        async with mail_server() as server:
            channel = mail_to(server.port, sender="Tocsin <tocsin@acme.example>")
            for key in ("e/INC-2026-0007/3/1", "e/INC-2026-0007/4/1"):
                await channel.send(replace(MESSAGE, key=key))
            first, second = server.mails
            assert first["From"] == "Tocsin <tocsin@acme.example>"
            assert first["To"] == MESSAGE.to
            assert first["Auto-Submitted"] == "auto-generated"
            assert first["X-Tocsin-Ref"] == "INC-2026-0007"
            assert first["Importance"] == "high"
            assert first["List-Unsubscribe"] is None
            assert parsedate_to_datetime(first["Date"]) == NOW
            assert first["Message-ID"] != second["Message-ID"]
            assert first["Message-ID"].endswith("@acme.example>")
            assert (
                first["References"] == first["In-Reply-To"] == second["References"] == second["In-Reply-To"]
            )
            assert first["References"] not in (first["Message-ID"], second["Message-ID"])

    run(story())


def test_another_incident_is_another_conversation_and_calm_mail_is_not_urgent() -> None:
    async def story() -> None:
        async with mail_server() as server:
            for ref in ("INC-2026-0007", "INC-2026-0008"):
                await mail_to(server.port).send(replace(MESSAGE, ref=ref, urgent=False))
            first, second = server.mails
            assert first["References"] != second["References"]
            assert first["Importance"] is None

    run(story())


def test_the_body_is_the_text_and_the_links_and_nothing_else() -> None:
    async def story() -> None:
        async with mail_server() as server:
            await mail_to(server.port).send(replace(MESSAGE, text="One.\n.\nFrom Übersee\n"))
            (mail,) = server.mails
            assert mail.get_content_type() == "text/plain"
            wanted = "One.\n.\nFrom Übersee\n\nAcknowledge: https://tocsin.acme.example/a/x1\n"
            assert mail.get_content().replace("\r\n", "\n") == wanted

    run(story())


# --- answers ---------------------------------------------------------------------------------------------

ANSWERS = [
    ({"MAIL": "421 4.3.2 closing"}, Failure.RETRY, "421"),
    ({"MAIL": "550 5.7.1 not you"}, Failure.PERMANENT, "550 5.7.1 not you"),
    ({"RCPT": "450 4.2.1 busy"}, Failure.RETRY, "450"),
    ({"RCPT": "553 5.1.3 bad address"}, Failure.PERMANENT, "553"),
    ({"DATA": "452 4.3.1 full"}, Failure.RETRY, "452"),
    ({"DATA": "554 5.6.0 spam"}, Failure.PERMANENT, "554"),
    ({"DATA": "299 what"}, Failure.IN_DOUBT, "299"),
    ({"MAIL": DROP}, Failure.RETRY, "connection failed or lost"),
    ({"RCPT": HANG}, Failure.RETRY, "no answer in time"),
    ({"DATA": DROP}, Failure.IN_DOUBT, "after the mail was handed over"),
]


@pytest.mark.parametrize(("answers", "kind", "reason"), ANSWERS)
def test_an_answer_is_judged_by_its_code_and_silence_by_its_place(
    answers: dict[str, str], kind: Failure, reason: str
) -> None:
    async def story() -> None:
        async with mail_server(answers) as server:
            failed = await failure_of(mail_to(server.port, limit_s=1.0))
            assert failed.kind is kind
            assert reason in failed.reason
            assert failed.after is None

    run(story())


@pytest.mark.parametrize(
    "reply", ["450 4.2.0 <{}>: greylisted", "550 5.1.1 {}... User unknown (alias jo@b.test)"]
)
def test_a_refusal_names_nobodys_address(reply: str) -> None:
    """Its words stand in timelines, and in alarms that need no sign-in."""

    async def story() -> None:
        async with mail_server({"RCPT": reply.format(MESSAGE.to)}) as server:
            failed = await failure_of(mail_to(server.port))
            assert "@" not in failed.reason
            assert failed.reason.startswith(reply[:9])

    run(story())


def test_a_taken_mail_stays_taken_when_the_farewell_is_not_answered() -> None:
    async def story() -> None:
        async with mail_server() as server:
            channel = mail_to(server.port)

            async def slow_quit(*_: Any) -> str:
                await asyncio.sleep(3600)
                return "221 bye"

            server.handle_QUIT = slow_quit  # type: ignore[attr-defined]
            assert (await channel.send(MESSAGE)).detail == "250 2.0.0 queued as 4711"

    run(story())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "priya",
        "priya@acme.example, all@acme.example",
        "priya@acme.example\r\nBcc: all@acme.example",
        "<priya@acme.example>",
        "priya@acme.example>\r\nRCPT TO:<all@acme.example",
        "prıya@acme.example",
        "priya@" + "a" * 64 + ".example",
        "x" * 65 + "@acme.example",
        "priya@acme..example",
        "priya@\u202eacme.example",
    ],
)
def test_what_is_not_one_address_is_never_sent_to(address: str) -> None:
    async def story() -> None:
        async with mail_server() as server:
            failed = await failure_of(mail_to(server.port), replace(MESSAGE, to=address))
            assert failed.kind is Failure.PERMANENT
            assert "\n" not in failed.reason
            assert server.mails == []

    run(story())


def test_a_domain_in_other_letters_is_sent_in_its_ascii_form() -> None:
    async def story() -> None:
        async with mail_server() as server:
            await mail_to(server.port).send(replace(MESSAGE, to="priya@bücher.example"))
            assert server.recipients == ["priya@xn--bcher-kva.example"]

    run(story())


@pytest.mark.parametrize(("at", "everybody"), [("MAIL", True), ("RCPT", False), ("DATA", False)])
def test_only_a_refused_sender_is_the_fault_of_the_channel(at: str, everybody: bool) -> None:
    async def story() -> None:
        async with mail_server({at: "550 5.7.1 no"}) as server:
            assert (await failure_of(mail_to(server.port))).channel is everybody

    run(story())


# --- sign-in and TLS -------------------------------------------------------------------------------------


def test_user_and_password_are_shown_to_the_server() -> None:
    async def story() -> None:
        async with mail_server() as server:
            await mail_to(server.port, user="tocsin", password=PASSWORD).send(MESSAGE)
            assert server.logins == [(b"tocsin", PASSWORD.encode())]

    run(story())


@pytest.mark.parametrize(
    ("reply", "kind"), [("535 5.7.8 no: " + PASSWORD, Failure.PERMANENT), ("454 4.7.0 later", Failure.RETRY)]
)
def test_a_refused_sign_in_repeats_nothing(reply: str, kind: Failure) -> None:
    async def story() -> None:
        async with mail_server({"AUTH": reply}) as server:
            failed = await failure_of(mail_to(server.port, user="tocsin", password=PASSWORD))
            assert failed.kind is kind
            assert failed.channel is (kind is Failure.PERMANENT), "no address has a share in it"
            assert failed.reason == f"{reply[:3]} the mail server refused user and password"

    run(story())


@pytest.mark.parametrize(("scheme", "query"), [("smtps", ""), ("smtp", "?tls=starttls")])
def test_tls_with_a_certificate_that_is_trusted(
    scheme: str, query: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def story() -> None:
        async with mail_server(tls=serving(certificate), starttls=bool(query)) as server:
            await mail_to(server.port, scheme, query, user="tocsin", password=PASSWORD).send(MESSAGE)
            assert len(server.mails) == 1

    run(story())


@pytest.mark.parametrize(("scheme", "query"), [("smtps", ""), ("smtp", "?tls=starttls")])
def test_an_unknown_certificate_gets_no_password(scheme: str, query: str, certificate: Path) -> None:
    async def story() -> None:
        async with mail_server(tls=serving(certificate), starttls=bool(query)) as server:
            failed = await failure_of(mail_to(server.port, scheme, query, user="tocsin", password=PASSWORD))
            assert failed.kind is Failure.RETRY
            assert server.logins == []

    run(story())


def test_starttls_is_demanded() -> None:
    async def story() -> None:
        async with mail_server() as server:
            failed = await failure_of(mail_to(server.port, query="?tls=starttls"))
            assert failed.kind is Failure.PERMANENT
            assert "STARTTLS" in failed.reason
            assert server.mails == []

    run(story())


# --- settings --------------------------------------------------------------------------------------------

WRONG = [
    ({"url": "http://mail"}, "smtp://host:port"),
    ({"url": "smtp://"}, "smtp://host:port"),
    ({"url": "smtp://mail/inbox"}, "smtp://host:port"),
    ({"url": f"smtp://tocsin:{PASSWORD}@mail"}, "do not belong into the url"),
    ({"url": "smtp://mail?tls=tls"}, "one option"),
    ({"url": "smtps://mail?tls=starttls"}, "one option"),
    ({"url": "smtp://mail?timeout=1"}, "one option"),
    ({"url": "smtp://mail:port"}, "."),
    ({"url": "smtp://mail", "sender": "nobody"}, "from is no e-mail address"),
    ({"url": "smtp://mail", "user": "tocsin"}, "give both or neither"),
    ({"url": "smtp://mail", "password": PASSWORD}, "give both or neither"),
    ({"url": "smtp://mail", "user": "tocsin", "password": PASSWORD}, "unencrypted"),
]


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_settings_that_do_not_fit_are_refused_without_the_password(
    values: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        EmailChannel("mail", **{"sender": "tocsin@acme.example", **values})
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("smtp://mail", "mail:25"),
        ("smtp://mail?tls=starttls", "mail:587"),
        ("smtps://mail/", "mail:465"),
        ("smtp://[::1]:1025", "::1:1025"),
    ],
)
def test_the_usual_ports(url: str, where: str) -> None:
    assert where in repr(EmailChannel("mail", url=url, sender="tocsin@acme.example"))


def test_nobody_listens() -> None:
    failed = run(failure_of(mail_to(closed_port())))
    assert failed.kind is Failure.RETRY
