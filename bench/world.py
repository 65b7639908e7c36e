"""The team and the incidents of the benchmark: the example handbook, somebody on call, openings by real decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bench.places import ROOT
from tocsin.config import EmailSettings
from tocsin.domain import clocks, grouping
from tocsin.domain.context import Context
from tocsin.domain.effects import derive
from tocsin.domain.fold import evolve
from tocsin.domain.grouping import Signal
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import RotationRow, RotationTable
from tocsin.domain.source import BUILT_IN
from tocsin.engine.live import Live
from tocsin.handbook.read import read_handbook
from tocsin.store.contract import Store, StreamWrite
from tocsin.wiring.people import directory

PINNED = "bench"


def team() -> Live:
    """The example handbook; Mei is on call first, Priya second, both by mail."""
    policy = read_handbook(None, ROOT / "examples" / "acme" / "docs" / "ops").policy
    assert policy is not None
    week = RotationRow("2026-01-19", (("primary", "mei"), ("secondary", "priya")), BUILT_IN)
    rotation = RotationTable((week,), BUILT_IN, 0, "09:00", "Europe/Stockholm", repeats=True)
    mail = EmailSettings(name="mail", url="smtp://127.0.0.1:1025", sender="tocsin@acme.example")
    people = directory(policy, [], {"mail": mail}, ["henrik"])
    return Live(PINNED, replace(policy, rotations=(rotation,)), people, Rota(tables=(rotation,)))


def context_of(live: Live) -> Context:
    return Context(live.policy, live.directory, live.rota, live.warnings)


def know_policy(store: Store, live: Live, now: datetime) -> None:
    store.activate_policy(live.policy_hash, live.policy, None, now)


def opening(ref: str, context: Context, at: datetime) -> StreamWrite:
    """A critical alert has opened it at `at` and Mei is called; unless she answers, Priya is called at its wake-up."""
    signal = Signal("bench", ref, "Sign-in on production failed", "critical")
    events = grouping.open_for(signal, ref, PINNED, context, at)
    effects = []
    state = None
    for event in events:
        state = evolve(state, event)
        effects += [(state.version, effect) for effect in derive(event, state, context.directory)]
    assert state is not None
    return StreamWrite(state, 0, tuple(events), tuple(effects), clocks.next_due(state, context))
