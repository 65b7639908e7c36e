"""Runs the program behind a socket until it is told to end: start, readiness, signals, a clean end.

The port is taken before the database is opened and the engine ticks before the port answers, so that whoever gets an
answer gets one from a program that works.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI

from tocsin.cli.failure import Failure, misused
from tocsin.cli.logs import log_as_json
from tocsin.cli.rereading import HandbookWatch
from tocsin.cli.serverfile import RunningServer, fresh_token, remove_server_file, write_server_file
from tocsin.config import ConfigError, Settings
from tocsin.store.contract import StoreUnavailable
from tocsin.web.app import create_app
from tocsin.wiring.program import Program, open_program

log = structlog.get_logger("tocsin.serve")

LOCK_WAIT_S: Final = 5.0
"""A command that works in process, or a server that is just ending, lets go of the database within this time."""
PAUSE_S: Final = 0.1
FINISH_S: Final = 2
"""How long requests under way may go on once the end was asked for."""
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run: where it listens, in which role, what else the application gets."""

    settings: Settings
    host: str
    port: int
    role: str = "all"
    another_port: str = "choose another with --port"
    app_options: Mapping[str, Any] = field(default_factory=dict)
    ends_with_terminal: bool = False
    """Whether SIGHUP, which a closed terminal sends, ends it instead of reading the handbook again."""

    @property
    def local_url(self) -> str:
        """How a command on this machine reaches it."""
        host = _ANY.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def plan_for(settings: Settings, host: str | None, port: int | None, role: str = "all") -> Plan:
    """Where to listen; links follow, unless tocsin.toml names the address that people use."""
    server = replace(settings.server, host=host or settings.server.host, port=port or settings.server.port)
    plan = Plan(settings, server.host, server.port, role)
    server = replace(server, url=server.url or plan.local_url)
    return replace(plan, settings=replace(settings, server=server))


def run(plan: Plan, on_ready: Callable[[Program], None]) -> None:
    """Run until SIGTERM or SIGINT. Raises Failure when it cannot start."""
    log_as_json(logging.INFO)
    with take_port(plan) as listener:
        program = open_patiently(plan.settings, plan.role)
        try:
            _serve(plan, program, listener, on_ready)
        finally:
            program.close()


def take_port(plan: Plan) -> socket.socket:
    """The bound socket; nobody is listened to yet. Raises Failure when the port is not free."""
    family = socket.AF_INET6 if ":" in plan.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((plan.host, plan.port))
        # Two processes may bind with SO_REUSEADDR as long as none listens: the second one is told here.
        listener.listen(1)
    except OSError as taken:
        listener.close()
        reason = f"{plan.host}:{plan.port} cannot be used: {taken.strerror}"
        raise Failure(reason, possible=plan.another_port) from None
    return listener


def open_patiently(settings: Settings, role: str) -> Program:
    """The program; waits a little for another process to let go of the database. Raises Failure."""
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return open_program(settings, role=role)
        except StoreUnavailable as down:
            if time.monotonic() >= until:
                raise Failure(
                    f"the database cannot be opened: {down}",
                    possible="stop the other process, or configure another" if "in use" in str(down) else "",
                ) from None
        except (ConfigError, ValueError) as wrong:
            raise misused(str(wrong)) from None
        time.sleep(PAUSE_S)


def _serve(
    plan: Plan, program: Program, listener: socket.socket, on_ready: Callable[[Program], None]
) -> None:
    token, token_hash = fresh_token()
    app = create_app(program, local_token_hash=token_hash, **plan.app_options)
    settings = str(plan.settings.file or plan.settings.root)
    here = RunningServer(plan.local_url, token, os.getpid(), program.engine.boot, settings)
    written: list[Path] = []

    def ready() -> None:
        try:
            written.append(write_server_file(plan.settings.var, here))
        except OSError as error:
            raise Failure(f"{plan.settings.var} cannot be written into: {error.strerror}") from None
        on_ready(program)
        log.info("ready", url=plan.local_url, role=plan.role)

    watch = HandbookWatch(program)
    server = LiveServer(app, ready)
    _heed_signals(server, watch, ends_with_terminal=plan.ends_with_terminal)
    program.engine.start()
    try:
        watch.start()
        server.run(sockets=[listener])
    finally:
        for path in written:
            remove_server_file(path, here.boot)
        watch.stop()
        program.engine.stop()
        log.info("stopped")


class LiveServer(uvicorn.Server):
    """Says when it answers, and ends live streams before it waits for connections."""

    def __init__(self, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=FINISH_S,
            )
        )
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, finish what is under way."""
        self._app.state.feed.close()
        await super().shutdown(sockets)


def _heed_signals(server: uvicorn.Server, watch: HandbookWatch, *, ends_with_terminal: bool) -> None:
    """SIGTERM and SIGINT end it, while it starts too; SIGHUP reads the handbook again."""

    def end(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    def again(_number: int, _frame: FrameType | None) -> None:
        watch.ask()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, end if ends_with_terminal else again)
