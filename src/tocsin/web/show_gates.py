"""The check before a database change as API and pages show it: what was last said to its points, what counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from tocsin.domain import gates
from tocsin.domain.context import Context
from tocsin.domain.gates import EarlierCheck
from tocsin.domain.incident import Incident
from tocsin.domain.policy import Gate
from tocsin.domain.spans import span
from tocsin.domain.work import Check
from tocsin.engine.gated import seen_from
from tocsin.wiring.program import Program


@dataclass(frozen=True, slots=True)
class PointShow:
    """A point with what was last said to it; `age_s` is how old that is."""

    number: int
    text: str
    exceptions: tuple[str, ...]
    answer: str = ""
    evidence: str = ""
    at: datetime | None = None
    age_s: int = 0
    stale: bool = False


@dataclass(frozen=True, slots=True)
class GateShow:
    """A check. `passing` is what lets a change start now; `st` and `word` say it in short, `why` in a sentence."""

    gate: Gate
    points: tuple[PointShow, ...]
    passing: str | None
    until: datetime | None
    st: str
    word: str
    why: str
    waiting: tuple[Check, ...] = ()
    confirmer: str = ""
    confirms: bool = False
    """Whether whoever looks may confirm what waits."""

    @property
    def valid(self) -> str:
        """How long it counts, in words."""
        return span(self.gate.valid_s) if self.gate.valid_s is not None else "one change"


def earlier_seen(program: Program, state: Incident, by: str) -> tuple[EarlierCheck, ...]:
    """The newest checks of other incidents, as far as whoever looks may see them."""
    look = cache(program.store.incident)
    return seen_from(state, by, program.store.checks(), look)


def gates_of(
    state: Incident, context: Context, now: datetime, by: str, earlier: tuple[EarlierCheck, ...]
) -> list[GateShow]:
    """Every check that the pinned handbook names."""
    return [_gate(gate, state, context, now, by, earlier) for gate in context.policy.gates]


def _gate(
    gate: Gate, state: Incident, context: Context, now: datetime, by: str, earlier: tuple[EarlierCheck, ...]
) -> GateShow:
    passing = gates.passing(state, context, now, gate.key, earlier)
    known = gates.all_checks(state, gate.key, earlier)
    counts = next((check for check in known if check.name == passing), None)
    st, word, why = _said(counts or next(iter(known), None), counts is not None, now)
    waiting = tuple(
        c
        for c in state.work.checks
        if c.gate == gate.key
        and c.passed
        and not c.confirmed
        and not (c.valid_until and c.valid_until <= now)
    )
    seat = (gates.confirmer(state, gate, waiting[-1].by) if waiting else None) or gate.confirmed_by
    return GateShow(
        gate=gate,
        points=_points(gate, state, now, earlier),
        passing=passing,
        until=counts.valid_until if counts else None,
        st=st,
        word=word,
        why=why,
        waiting=waiting[-1:],
        confirmer=seat or "",
        confirms=seat is not None and state.holder(seat) == by,
    )


def _said(check: EarlierCheck | None, counts: bool, now: datetime) -> tuple[str, str, str]:
    if check is None:
        return "unk", "not done yet", "No check was gone through yet."
    name = f"{check.name[:1].upper()}{check.name[1:]}"
    if counts:
        left = (
            f" for another {span(int((check.valid_until - now).total_seconds()))}"
            if check.valid_until
            else ""
        )
        return "met", "valid", f"{name} lets a change start{left}."
    if not check.passed:
        return "late", "failed", f"{name} failed {_ago(check.at, now)} ago: nothing may start."
    if check.valid_until is not None and check.valid_until <= now:
        return "late", "ran out", f"{name} ran out {_ago(check.valid_until, now)} ago."
    if check.ref:
        return "unk", "not done here", f"{name} counts there only: what it said is filled in below."
    if not check.confirmed:
        return "risk", "not confirmed", f"{name} passed and waits to be confirmed."
    return "late", "spent", f"{name} let a change start already: it counts once."


def _ago(at: datetime, now: datetime) -> str:
    return span(max(0, int((now - at).total_seconds())))


def _points(
    gate: Gate, state: Incident, now: datetime, earlier: tuple[EarlierCheck, ...]
) -> tuple[PointShow, ...]:
    found = []
    last = gates.last_answers(state, gate, earlier)
    for number, (point, answered) in enumerate(zip(gate.points, last, strict=True), start=1):
        if answered is None:
            found.append(PointShow(number, point.text, point.exceptions))
            continue
        age = max(0, int((now - answered.at).total_seconds()))
        stale = gate.valid_s is not None and age >= gate.valid_s
        said = (answered.answer, answered.evidence, answered.at, age, stale)
        found.append(PointShow(number, point.text, point.exceptions, *said))
    return tuple(found)


def point_known(state: Incident, earlier: tuple[EarlierCheck, ...]) -> datetime | None:
    """The moment to return to, as far as one was written down."""
    return gates.restore_point(state, earlier)
