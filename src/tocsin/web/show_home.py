"""What the home page and the list show: which of the open incidents come first, and how each stands.

The worst that is real comes first, and nothing is left out without saying so. Who may read what is not looked at here:
rows and cards go by the name that everybody may know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tocsin.domain.context import Context
from tocsin.domain.incident import Incident, Paging
from tocsin.domain.oncall.rota import Rota
from tocsin.store.contract import IncidentRow
from tocsin.web import show_incident as show
from tocsin.web.show_clocks import ClockShow, clocks_of, named
from tocsin.wiring.program import Program

BURNING: Final = 50
RECENT: Final = 8
CLOCKS: Final = 3
AT_ONCE: Final = 500
OVER: Final = ("resolved", "closed", "dismissed", "merged")


def open_rows(program: Program) -> list[IncidentRow]:
    """Every open incident: real ones before drills, by severity, whoever is still called first, then the newest."""
    found: list[IncidentRow] = []
    while True:
        before = found[-1].ref if found else None
        more = program.store.incidents(
            stage="open", level=None, q=None, before=before, limit=AT_ONCE, tests=False
        )
        found += more
        if len(more) < AT_ONCE:
            break
    ranks = {row.level: _rank(program, row) for row in found}
    # The sort is stable: within one severity the newest stay first.
    found.sort(key=lambda row: (row.drill, ranks[row.level], row.paging != Paging.TRIGGERED.value))
    return found


def _rank(program: Program, row: IncidentRow) -> int:
    """The rank of its level; where the handbook does not know it any more, that of the one it was opened under."""
    _, context = program.engine.contexts.active()
    severity = context.policy.severity(row.level)
    if severity is None:
        state = program.store.incident(row.ref)
        severity = program.engine.contexts.pinned(state.policy).policy.severity(row.level) if state else None
    return severity.rank if severity else 0


@dataclass(frozen=True, slots=True)
class Burning:
    """An open incident as its card shows it."""

    state: Incident
    badge: show.Badge
    clocks: list[ClockShow]
    crew: list[tuple[str, str]]
    no_ic: bool
    called: bool
    next: list[show.NextStep]


def cards_of(program: Program, rows: list[IncidentRow], now: datetime) -> list[Burning]:
    """The cards of these incidents, in their order."""
    return [_card(program, state, now) for row in rows if (state := program.store.incident(row.ref))]


def _card(program: Program, state: Incident, now: datetime) -> Burning:
    context = program.engine.contexts.pinned(state.policy)
    return Burning(
        state,
        show.badge_of(state, context),
        [clock for clock in clocks_of(state, context, now) if clock.ticks][:CLOCKS],
        [(show.role_name(context, key), named(context, handle)) for key, handle in state.seats],
        state.stage.declared and state.holder("ic") is None,
        show.is_called(state),
        show.next_steps(state, context)[:1],
    )


def lately(program: Program) -> list[IncidentRow]:
    """The newest that are over, however many are open."""
    found = [
        row
        for stage in OVER
        for row in program.store.incidents(
            stage=stage, level=None, q=None, before=None, limit=RECENT, tests=False
        )
        if row.kind == "incident"
    ]
    return sorted(found, key=lambda row: (row.opened_at, row.ref), reverse=True)[:RECENT]


def recorded(program: Program) -> list[IncidentRow]:
    """The newest near misses and planned changes."""
    return program.store.incidents(stage="recorded", level=None, q=None, before=None, limit=RECENT)


def with_badges(rows: list[IncidentRow], context: Context) -> list[tuple[IncidentRow, show.Badge]]:
    """Each row with its badge: a level, or the kind of what has none."""
    return [
        (row, show.badge(row.level, context) if row.kind == "incident" else show.kind_badge(row.kind))
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class OnCall:
    """A schedule as it stands: who, until when, who then. `ended`: why nobody is."""

    schedule: str
    people: tuple[tuple[str, str], ...]
    until: datetime | None
    following: tuple[str, ...] = ()
    shadows: tuple[str, ...] = ()
    ended: str = ""


def turns_of(program: Program, context: Context, now: datetime) -> list[OnCall]:
    """Every schedule: who is on call now until when, and who is next."""
    rota = program.engine.contexts.live.rota
    return [_turn(rota, name, context, now) for name in rota.names()]


def _turn(rota: Rota, name: str, context: Context, now: datetime) -> OnCall:
    people, until = rota.who(name, now), rota.until(name, now)
    reason = rota.invalid.get(name)
    return OnCall(
        name,
        tuple((named(context, who), who) for who in people),
        until,
        tuple(named(context, who) for who in rota.who(name, until)) if until else (),
        tuple(named(context, who) for who in rota.shadows(name, now)),
        f"It cannot be computed: {reason}" if reason else "" if people else _why_nobody(until),
    )


def _why_nobody(until: datetime | None) -> str:
    return "Nobody is on call" if until else "Nobody is on call, and nobody is to come"
