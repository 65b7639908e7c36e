"""A whole program in this process, with its threads, its files, a mail server and its HTTP interface, to be broken."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from cli.conftest import acme, eventually, free_port, served, shell, start
from tocsin.channels.mailbox import Mail, read_mail
from tocsin.config import load
from tocsin.domain import events as ev
from tocsin.engine import courier
from tocsin.engine.engine import Engine
from tocsin.web.app import create_app
from tocsin.web.auth import digest
from tocsin.wiring.program import Program, open_program

HANDBOOK = Path(__file__).resolve().parents[1] / "processes" / "quick_handbook.md"
OPERATOR = "the-local-operator"
QUICK_WAITS_S = (0.05,) * 60
QUICK_LEASE_S = 3.0
LOG = "docs/ops/incidents.md"


@dataclass
class PostOffice:
    """A mail server: takes mail, refuses addresses for good, and can be down."""

    port: int = field(default_factory=free_port)
    refused: set[str] = field(default_factory=set)
    kept: list[bytes] = field(default_factory=list)
    _running: Controller | None = None

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, to: str, options: Any
    ) -> str:
        if to in self.refused or "*" in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.kept.append(envelope.content)
        return "250 kept"

    @property
    def mails(self) -> list[Mail]:
        return [read_mail(content) for content in self.kept]

    def pages(self, ref: str) -> Counter[str]:
        return Counter(m.to for m in self.mails if m.ref == ref and "called" in m.subject)

    def open(self) -> None:
        self._running = Controller(self, hostname="127.0.0.1", port=self.port)
        self._running.start()

    def shut(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None


@dataclass
class House:
    """One node: its folder, its program, and what people ask of it."""

    folder: Path
    post: PostOffice
    program: Program
    app: Any = None

    def __post_init__(self) -> None:
        self.app = create_app(self.program, local_token_hash=digest(OPERATOR))
        lanes = self.program.engine.courier.lanes
        for name, lane in lanes.items():
            lanes[name] = replace(lane, waits_s=QUICK_WAITS_S, lease_s=QUICK_LEASE_S)

    @property
    def engine(self) -> Engine:
        return self.program.engine

    @property
    def log(self) -> Path:
        return self.folder / LOG

    @property
    def handbook(self) -> Path:
        return self.folder / "docs" / "ops" / "incident_response.md"

    def ask(self, method: str, path: str, by: str = "ann", **body: Any) -> httpx2.Response:
        """One request over the HTTP interface, as the local operator in somebody's name."""
        known = self.program.engine.contexts.live.directory.get(by)
        name = by if known else "operator"
        headers = {
            "Authorization": f"Bearer {OPERATOR}",
            "Tocsin-As": name,
            "Content-Type": "application/json",
        }
        content = json.dumps(body) if body else None

        async def one() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app)
            async with httpx2.AsyncClient(
                transport=transport, base_url=self.program.settings.server.base_url, headers=headers
            ) as client:
                return await client.request(method, path, content=content, timeout=60)

        return asyncio.run(one())

    def declare(self, title: str = "Everything is down", sev: str = "SEV1") -> str:
        answer = self.ask("POST", "/api/v1/incidents", title=title, sev=sev)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ref"])

    def do(self, ref: str, verb: str, by: str = "ann", **body: Any) -> None:
        answer = self.ask("POST", f"/api/v1/incidents/{ref}/{verb}", by, **body)
        assert answer.status_code == 200, answer.text

    def alarms(self) -> str:
        """Every reason of `alarmz`; its status says the same."""
        answer = self.ask("GET", "/alarmz")
        reasons = answer.json()["reasons"]
        assert (answer.status_code == 503) is bool(reasons)
        return "\n".join(reasons)

    def ready(self) -> bool:
        return self.ask("GET", "/readyz").status_code == 200

    def events(self, ref: str, kind: type[ev.Event]) -> list[Any]:
        return [r.event for r in self.program.store.timeline(ref) if isinstance(r.event, kind)]

    def has(self, ref: str, kind: type[ev.Event], times: int = 1) -> Callable[[], bool]:
        return lambda: len(self.events(ref, kind)) >= times

    def row(self, ref: str) -> str:
        """The incident's row of the log; empty when there is none."""
        if not self.log.is_file():
            return ""
        return next((line for line in self.log.read_text("utf-8").splitlines() if ref in line), "")

    def tries(self, ref: str, kind: str) -> int:
        return max(e.attempts for e in self.program.store.effects(ref) if e.kind == kind)

    def quiet(self, ref: str) -> bool:
        """Whether nothing waits to be carried out for this incident."""
        return not [e for e in self.program.store.effects(ref) if e.state in {"waiting", "leased"}]


@dataclass
class Builder:
    """Makes houses and tears them down."""

    folder: Path
    post: PostOffice
    houses: list[House] = field(default_factory=list)

    def __call__(
        self, *, database: str | None = None, handbook: bool = True, start: bool = True, toml: str = ""
    ) -> House:
        ops = self.folder / "docs" / "ops"
        if handbook:
            ops.mkdir(parents=True, exist_ok=True)
            shutil.copy(HANDBOOK, ops / "incident_response.md")
        url = database or f"sqlite:///{self.folder / 'tocsin.db'}"
        (self.folder / "tocsin.toml").write_text(
            f'[database]\nurl = "{url}"\n[channel.mail]\nkind = "email"\n'
            f'url = "smtp://127.0.0.1:{self.post.port}"\nfrom = "tocsin@test.example"\n{toml}',
            "utf-8",
        )
        house = House(self.folder, self.post, open_program(load(self.folder, {})))
        self.houses.append(house)
        if start:
            house.engine.start()
        return house

    def end(self) -> None:
        for house in self.houses:
            house.engine.stop()
            house.program.close()


@pytest.fixture
def post() -> Iterator[PostOffice]:
    office = PostOffice()
    office.open()
    yield office
    office.shut()


@pytest.fixture
def build(tmp_path: Path, post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    monkeypatch.setattr(courier, "POLL_SECONDS", 0.1)
    folder = tmp_path / "node"
    folder.mkdir()
    builder = Builder(folder, post)
    yield builder
    builder.end()


@pytest.fixture
def house(build: Builder) -> House:
    return build()


def for_a_while(check: Callable[[], bool], seconds: float, what: str) -> None:
    """`check` holds all the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert check(), what
        time.sleep(0.02)


__all__ = [
    "Builder",
    "House",
    "PostOffice",
    "acme",
    "eventually",
    "for_a_while",
    "served",
    "shell",
    "start",
]
