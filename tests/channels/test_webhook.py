"""Webhooks beyond the contract: signatures, which answers may pass, and where a request may never go."""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from channels.receivers import http_server
from channels.test_contract import MESSAGE, NOW, SIGNING, failure_of, run
from channels.test_email import certificate, serving  # noqa: F401  (a fixture)
from tocsin.channels.egress import forbidden
from tocsin.channels.signature import SignatureRefused, read_secret, sign, verify
from tocsin.channels.webhook import WebhookChannel
from tocsin.domain.delivery import Failure, Undelivered

if TYPE_CHECKING:
    from pathlib import Path


def hook(url: str, **more: Any) -> WebhookChannel:
    values: dict[str, Any] = {
        "secret": SIGNING,
        "now": lambda: NOW,
        "allow_loopback": True,
        "limit_s": 5.0,
        **more,
    }
    return WebhookChannel("hook", url=url, **values)


def resolving_to(*addresses: str) -> Any:
    """A stand-in for the system's resolver that counts how often it is asked."""

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        getaddrinfo.asked += 1  # type: ignore[attr-defined]
        return [(0, 1, 6, "", (address, port)) for address in addresses]

    getaddrinfo.asked = 0  # type: ignore[attr-defined]
    return getaddrinfo


# --- what is sent ----------------------------------------------------------------------------------------


def test_the_request_is_a_standard_webhook() -> None:
    async def story() -> None:
        async with http_server() as server:
            await hook(f"http://127.0.0.1:{server.port}/in?key=1").send(MESSAGE)
            (request,) = server.requests
            assert request.line == "POST /in?key=1 HTTP/1.1"
            assert request.headers["host"] == f"127.0.0.1:{server.port}"
            assert request.headers["content-type"] == "application/json"
            assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
            assert request.headers["webhook-id"].startswith("msg_")
            assert request.json == {
                "type": "incident.page",
                "timestamp": "2026-03-02T09:15:00Z",
                "data": {
                    "ref": "INC-2026-0007",
                    "thread": "INC-2026-0007",
                    "about": "page",
                    "person": "priya",
                    "to": "priya@acme.example",
                    "urgent": True,
                    "subject": MESSAGE.subject,
                    "text": MESSAGE.text,
                    "links": [{"label": "Acknowledge", "url": "https://tocsin.acme.example/a/x1"}],
                },
            }

    run(story())


def test_every_try_has_a_connection_of_its_own() -> None:
    async def story() -> None:
        async with http_server(204, body=b"") as server:  # nothing unread that would close it
            channel = hook(f"http://127.0.0.1:{server.port}/")
            for _ in range(3):
                await channel.send(MESSAGE)
            assert server.connections == 3

    run(story())


def test_no_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        async with http_server() as server:
            await hook(f"http://127.0.0.1:{server.port}/in/hidden").send(MESSAGE)

    run(story())
    assert "hidden" not in caplog.text


# --- answers ---------------------------------------------------------------------------------------------

LATER = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
ANSWERS = [
    (301, {"Location": "http://127.0.0.1/"}, Failure.PERMANENT, None),
    (400, {}, Failure.PERMANENT, None),
    (404, {"Retry-After": "5"}, Failure.PERMANENT, None),
    (408, {}, Failure.RETRY, None),
    (410, {}, Failure.PERMANENT, None),
    (425, {}, Failure.RETRY, None),
    (429, {"Retry-After": "7"}, Failure.RETRY, 7.0),
    (429, {"Retry-After": LATER}, Failure.RETRY, 90.0),
    (429, {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}, Failure.RETRY, 0.0),
    (429, {"Retry-After": "99999999999999999999"}, Failure.RETRY, 3600.0),
    (429, {"Retry-After": "-1"}, Failure.RETRY, None),
    (429, {"Retry-After": "soon"}, Failure.RETRY, None),
    (500, {}, Failure.RETRY, None),
    (503, {"Retry-After": "120"}, Failure.RETRY, 120.0),
]


@pytest.mark.parametrize(("status", "headers", "kind", "after"), ANSWERS)
def test_a_status_decides(status: int, headers: dict[str, str], kind: Failure, after: float | None) -> None:
    async def story() -> None:
        async with http_server(status, headers=headers) as server:
            failed = await failure_of(hook(f"http://127.0.0.1:{server.port}/"))
            assert (failed.kind, failed.after) == (kind, after)
            assert failed.channel is (kind is Failure.PERMANENT), "one address for everybody"
            assert str(status) in failed.reason
            assert server.connections == 1

    run(story())


def test_a_redirect_is_not_followed() -> None:
    async def story() -> None:
        async with http_server() as target:
            where = {"Location": f"http://127.0.0.1:{target.port}/"}
            async with http_server(307, headers=where) as server:
                failed = await failure_of(hook(f"http://127.0.0.1:{server.port}/"))
                assert "redirects are not followed" in failed.reason
            assert target.requests == []

    run(story())


def test_an_endless_answer_is_not_read() -> None:
    async def story() -> None:
        async with http_server(200, endless=True) as server:
            receipt = await asyncio.wait_for(hook(f"http://127.0.0.1:{server.port}/").send(MESSAGE), 2)
            assert receipt.detail.startswith("200 from 127.0.0.1")
            for _ in range(100):
                if server.open:
                    await asyncio.sleep(0.02)
            assert server.open == 0

    run(story())


def test_what_is_no_http_is_in_doubt() -> None:
    async def story() -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"220 mail.acme.example ESMTP\r\n" * 10)
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert (await failure_of(hook(f"http://127.0.0.1:{port}/"))).kind is Failure.IN_DOUBT
        server.close()

    run(story())


# --- where it may go -------------------------------------------------------------------------------------

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
ALLOWED = ["10.1.2.3", "192.168.1.1", "172.16.0.1", "93.184.216.34", "2606:2800:220:1::1", "fd12:3456::1"]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    assert forbidden(ip_address(address), allow_loopback=True)


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_only_where_it_is_allowed(address: str) -> None:
    assert "allow_loopback" in forbidden(ip_address(address), allow_loopback=False)
    assert forbidden(ip_address(address), allow_loopback=True) == ""


@pytest.mark.parametrize("address", ALLOWED)
def test_other_addresses_may_be_called(address: str) -> None:
    assert forbidden(ip_address(address), allow_loopback=False) == ""


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"]
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    async def story() -> None:
        async with http_server() as server:
            failed = await failure_of(hook(f"http://{host}:{server.port}/", allow_loopback=False))
            assert failed.kind in (
                Failure.PERMANENT,
                Failure.RETRY,
            )  # a resolver may not know the odd spellings
            assert server.connections == 0

    run(story())


def test_one_forbidden_address_among_several_refuses_the_name() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.getaddrinfo = resolving_to("93.184.216.34", "169.254.169.254")  # type: ignore[method-assign]
        failed = await failure_of(hook("http://rebind.acme.example/"))
        assert failed.kind is Failure.PERMANENT
        assert "169.254.169.254" in failed.reason

    run(story())


def test_the_name_is_resolved_once_and_that_address_is_called() -> None:
    async def story() -> None:
        async with http_server() as server:
            loop = asyncio.get_running_loop()
            once = resolving_to("127.0.0.1")
            loop.getaddrinfo = once  # type: ignore[method-assign]
            await hook(f"http://hooks.acme.example:{server.port}/").send(MESSAGE)
            assert once.asked == 1
            assert server.requests[0].headers["host"] == f"hooks.acme.example:{server.port}"

    run(story())


def test_the_next_address_is_called_when_the_first_takes_no_connection() -> None:
    async def story() -> None:
        async with http_server() as server:
            asyncio.get_running_loop().getaddrinfo = resolving_to("::1", "127.0.0.1")  # type: ignore[method-assign]
            await hook(f"http://hooks.acme.example:{server.port}/").send(MESSAGE)
            assert len(server.requests) == 1

    run(story())


def test_a_name_that_is_not_known_is_tried_again() -> None:
    async def nothing(*_: Any, **__: Any) -> Any:
        raise OSError("no such name")

    async def story() -> None:
        asyncio.get_running_loop().getaddrinfo = nothing  # type: ignore[method-assign]
        failed = await failure_of(hook("http://gone.acme.example/"))
        assert failed.kind is Failure.RETRY
        assert "gone.acme.example cannot be resolved" in failed.reason

    run(story())


def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with http_server() as proxy, http_server() as server:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            await hook(f"http://127.0.0.1:{server.port}/").send(MESSAGE)
            assert (proxy.connections, server.connections) == (0, 1)

    run(story())


def test_tls_is_checked_against_the_name_though_an_address_is_called(certificate: Path) -> None:  # noqa: F811
    async def story() -> None:
        names: list[str | None] = []
        context = serving(certificate)
        context.sni_callback = lambda _, name, __: names.append(name)
        async with http_server(tls=context) as server:
            trusting = ssl.create_default_context(cafile=str(certificate))
            for host, fits in (("localhost", True), ("hooks.acme.example", False)):
                asyncio.get_running_loop().getaddrinfo = resolving_to("127.0.0.1")  # type: ignore[method-assign]
                channel = hook(f"https://{host}:{server.port}/", tls=trusting)
                if fits:
                    await channel.send(MESSAGE)
                else:
                    failed = await failure_of(channel)
                    assert failed.kind is Failure.RETRY
                    assert "certificate" in failed.reason
            assert names == ["localhost", "hooks.acme.example"]
            assert len(server.requests) == 1

    run(story())


# --- signatures ------------------------------------------------------------------------------------------


def signed(body: bytes = b"{}", at: datetime = NOW) -> dict[str, str]:
    stamp = int(at.timestamp())
    signature = sign(read_secret(SIGNING), "msg_1", stamp, body)
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(stamp), "Webhook-Signature": signature}


def test_the_example_of_the_standard() -> None:
    """The vector that the standard's own libraries are tested with."""
    body = b'{"test": 2432232314}'
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(read_secret(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == signature
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v1a,other {signature}",
    }
    verify(secret, headers, body, datetime.fromtimestamp(1614265330, UTC))


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Id": "msg_2"},
        {"Webhook-Id": ""},
        {"Webhook-Timestamp": "abc"},
        {"Webhook-Timestamp": "²"},
        {"Webhook-Timestamp": "9" * 40},
        {"Webhook-Timestamp": str(int(NOW.timestamp()) + 1)},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1,é\udcff"},
    ],
)
def test_a_changed_request_is_refused(change: dict[str, str]) -> None:
    verify(SIGNING, signed(), b"{}", NOW)
    with pytest.raises(SignatureRefused) as caught:
        verify(SIGNING, signed() | change, b"{}", NOW)
    assert SIGNING[6:] not in str(caught.value)


@pytest.mark.parametrize(
    ("minutes", "fits"), [(0, True), (4.9, True), (-4.9, True), (5.1, False), (-5.1, False)]
)
def test_an_old_request_is_refused(minutes: float, fits: bool) -> None:
    now = NOW + timedelta(minutes=minutes)
    if fits:
        verify(SIGNING, signed(), b"{}", now)
    else:
        with pytest.raises(SignatureRefused, match="five minutes"):
            verify(SIGNING, signed(), b"{}", now)


def test_another_body_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="no signature fits"):
        verify(SIGNING, signed(), b"{ }", NOW)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_short",
        "whsec_" + "A" * 31,
        "whsec_" + "A" * 88,
        "A" * 32,
        "whsec_" + "!" * 32,
        "whsec_é",
    ],
)
def test_what_is_no_signing_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as caught:
        hook("http://127.0.0.1/", secret=secret)
    assert len(secret) < 7 or secret not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "https://", "https://a:hidden@x/", "http://x:99999999/hidden", "hidden"]
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="url of a webhook") as caught:
        hook(url)
    assert "hidden" not in str(caught.value)


def test_the_error_type_is_the_ports() -> None:
    assert issubclass(Undelivered, Exception)
