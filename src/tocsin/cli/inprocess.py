"""The program inside the command, when no server runs: takes the lock, decides, and carries the first page itself.

Afterwards it says that nobody further will be called: there is no engine that would climb the escalation
(design rule 30).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

import httpx2

from tocsin.cli.client import content_of
from tocsin.cli.failure import Failure
from tocsin.cli.output import STDERR, plain
from tocsin.cli.serverfile import fresh_token
from tocsin.config import ConfigError, Settings
from tocsin.engine.courier import Courier
from tocsin.engine.desk import Busy
from tocsin.engine.ports import Lane
from tocsin.store.contract import StoreUnavailable
from tocsin.web.app import create_app
from tocsin.wiring.program import Program, configure_logging, open_program

CARRY_S: Final = 15.0
"""How long the first page may take."""
NO_ENGINE: Final = (
    "no engine is running: nobody further will be called, and no clock is watched. Start: tocsin serve"
)


class InProcess:
    """The API without a socket. The engine decides, but neither ticks nor carries by itself."""

    def __init__(self, program: Program) -> None:
        self._program = program
        program.engine.start()
        token, token_hash = fresh_token()
        app = create_app(program, local_token_hash=token_hash)
        self._runner = asyncio.Runner()
        self._http = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url=program.settings.server.base_url,
            headers={"authorization": f"Bearer {token}"},
        )

    def send(
        self, method: str, path: str, headers: dict[str, str], body: Any, params: dict[str, Any]
    ) -> httpx2.Response:
        """One request to the application."""
        asked = self._http.request(method, path, headers=headers, params=params, **content_of(body))
        return self._runner.run(asked)

    def finish(self) -> None:
        """Carry what the command caused, then say that this was all."""
        held = self._program.engine.held()
        if held:
            STDERR.line(f"tocsin: nothing was sent: {plain(held)}")
        else:
            self._runner.run(_carry(self._program, time.monotonic() + CARRY_S))
            self._say_unsent()
        STDERR.line(f"tocsin: {NO_ENGINE}")

    def _say_unsent(self) -> None:
        """Name the pages that did not get out: somebody has to be called by other means."""
        for effect in self._program.store.effects(None, state="waiting"):
            if effect.about == "page" and effect.attempts:
                reason = plain(effect.detail or "no answer")
                STDERR.line(
                    f"tocsin: NOT SENT: page to {plain(effect.person)} by {plain(effect.lane)}: {reason}"
                )

    def close(self) -> None:
        """Stop the engine and let go of the database."""
        self._runner.run(self._http.aclose())
        self._runner.close()
        self._program.engine.stop()
        self._program.close()


def open_here(settings: Settings) -> InProcess:
    """Open the local database. Raises Failure when another process holds it."""
    configure_logging(logging.ERROR)
    try:
        return InProcess(open_program(settings, role="web"))
    except StoreUnavailable as locked:
        raise Failure(
            f"the database cannot be opened: {locked}", possible="is a server starting or stopping? ask again"
        ) from None
    except ConfigError as wrong:
        raise Failure(str(wrong), 2) from None


async def _carry(program: Program, until: float) -> None:
    """Lanes and due steps in turn, until nothing is left that is due now, or the time is up."""
    engine = program.engine
    while time.monotonic() < until:
        carried = await asyncio.gather(
            *(_carry_lane(engine.courier, lane) for lane in engine.courier.lanes.values())
        )
        try:
            fired = await asyncio.wrap_future(engine.desk.put(engine.ticker.tick()))
        except (Busy, StoreUnavailable):
            return
        if not any(carried) and not fired.version:
            return
    STDERR.line("tocsin: not everything was sent in time; the next engine that runs goes on")


async def _carry_lane(courier: Courier, lane: Lane) -> int:
    """Carry what is due on one lane; how much that was."""
    taken = await asyncio.to_thread(courier.take, lane, lane.slots)
    outcomes = await asyncio.gather(*(courier.attempt(lane, one) for one in taken))
    for one, outcome in zip(taken, outcomes, strict=True):
        await asyncio.wrap_future(courier.settle(lane, one, outcome))
    return len(taken)
