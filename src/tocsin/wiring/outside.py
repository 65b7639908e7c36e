"""What tocsin does about itself beside the engine, by its settings: self-alarm, heartbeat, watch, daily test page."""

from __future__ import annotations

from typing import Final

from tocsin.config import Settings
from tocsin.engine.engine import Engine
from tocsin.engine.ports import Companion
from tocsin.wiring.loop import Loop
from tocsin.wiring.pulse import LOOK_EVERY_S, OtherTocsin, Pulse
from tocsin.wiring.self_alarm import EVERY_S as CHECK_EVERY_S
from tocsin.wiring.self_alarm import SelfCheck, reasons_of
from tocsin.wiring.synthetic import ALARM, DailyPage
from tocsin.wiring.synthetic import EVERY_S as PAGE_EVERY_S
from tocsin.wiring.telling import Ways

CHECK_S: Final = 30.0
WATCH_S: Final = 60.0
PAGE_S: Final = 120.0
"""Seconds that a round may take, besides telling: several times what its own limits add up to."""


def outside(settings: Settings, engine: Engine) -> list[Companion]:
    """Those that are configured. Raises ValueError where a value does not fit, without a secret in it."""
    loops: list[Loop] = []
    now = engine.clock.now

    def stopping() -> bool:
        return engine.stopping

    if settings.self_alarm:
        ways = Ways(settings.self_alarm, now)
        check = SelfCheck(ways, reasons_of(engine), stopping, settings.server.base_url)
        loops.append(Loop("self-alarm", CHECK_EVERY_S, check.once, CHECK_S + ways.longest_s))
        if settings.watch:
            # Ways of its own: those of the other loop may be in use.
            other = OtherTocsin(settings.watch, Ways(settings.self_alarm, now), stopping)
            loops.append(Loop("watch", LOOK_EVERY_S, other.once, WATCH_S + 2 * ways.longest_s))
    if settings.synthetic:
        page = DailyPage(settings.synthetic, engine, now)
        loops.append(Loop("daily-page", PAGE_EVERY_S, page.once, PAGE_S))
    else:
        engine.store.clear_alarm(ALARM)
    if settings.heartbeat:
        others = tuple(loops)
        pulse = Pulse(settings.heartbeat, engine, lambda: all(loop.alive() for loop in others))
        loops.append(Loop("pulse", settings.heartbeat.every.total_seconds(), pulse.once))
    return list(loops)
