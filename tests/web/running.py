"""A whole program behind a real socket: a copy of the example, its engine running, uvicorn on a loopback port."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import uvicorn

from tocsin.config import load
from tocsin.engine.clock import Clock
from tocsin.web.app import create_app
from tocsin.web.auth import digest
from tocsin.web.live import Feed
from tocsin.web.signin import issue_signin_link
from tocsin.wiring.program import Program, open_program

ROOT = Path(__file__).resolve().parents[2]
LOCAL = "local-operator-of-the-tests"


class MovedClock:
    """Runs with the wall, and can be moved ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Served:
    """A running server and clients of it."""

    program: Program
    url: str
    clock: MovedClock
    feed: Feed
    mails: list[Any] = field(default_factory=list)

    def local(self, person: str | None = "mei") -> httpx2.Client:
        """The local operator, in the name of somebody."""
        headers = {"Authorization": f"Bearer {LOCAL}", **({"Tocsin-As": person} if person else {})}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=10)

    def anonymous(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=10)

    def bearer(self, token: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def link(self, person: str) -> str:
        """The path of a new sign-in link."""
        return "/signin/" + issue_signin_link(self.program, person).rsplit("/", 1)[-1]

    def session(self, person: str = "mei") -> httpx2.Client:
        """A browser session of somebody, signed in over the wire."""
        with self.anonymous() as client:
            answer = client.post(self.link(person))
            assert answer.status_code == 303, answer.text
            cookies = dict(client.cookies)
        return httpx2.Client(base_url=self.url, cookies=cookies, headers={"Origin": self.url}, timeout=10)

    def declare(self, title: str = "Sign-in loops for all users", sev: str = "SEV1", by: str = "mei") -> str:
        with self.local(by) as client:
            answer = client.post("/api/v1/incidents", json={"title": title, "sev": sev})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ref"])


def acme(folder: Path, port: int) -> Path:
    """A copy of the example that pages to the screen: no test needs a mail server."""
    target = folder / "acme"
    shutil.copytree(ROOT / "examples" / "acme", target)
    (target / "var").mkdir(exist_ok=True)
    toml = (target / "tocsin.toml").read_text("utf-8")
    before = toml.split("[channel.mail]", maxsplit=1)[0].replace(":8080", f":{port}")
    (target / "tocsin.toml").write_text(f'{before}[channel.screen]\nkind = "console"\n', "utf-8")
    return target


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LiveServer(uvicorn.Server):
    """Ends live streams before it waits for connections, as `tocsin serve` does."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.feed.close()
        await super().shutdown(sockets)


@contextmanager
def serving(app: Any, port: int) -> Iterator[LiveServer]:
    server = LiveServer(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def served(
    folder: Path,
    clock: Callable[[datetime | None], Clock] | None = None,
    prepare: Callable[[Path], None] = lambda _: None,
) -> Iterator[Served]:
    """`prepare` changes the copy of the example before it is read."""
    port, moved = free_port(), MovedClock()
    home = acme(folder, port)
    prepare(home)
    settings = load(home, {})
    program = open_program(settings, clock=clock or (lambda _: moved))
    program.engine.start()
    mails: list[Any] = []
    app = create_app(
        program,
        mailbox=SimpleNamespace(messages=lambda: tuple(mails)),
        local_token_hash=digest(LOCAL),
    )
    try:
        with serving(app, port):
            yield Served(program, f"http://127.0.0.1:{port}", moved, app.state.feed, mails)
    finally:
        program.engine.stop()
        program.close()
