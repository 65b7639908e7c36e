"""Clocks as a page shows them: what is left, how the bar stands, whose promise it is, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.domain import clocks, comms
from tocsin.domain.context import Context
from tocsin.domain.incident import Clock, Incident
from tocsin.web.templating import clock_time, countdown, near

NAMES = {"ack": "Acknowledge", "mitigate": "Mitigate", "resolve": "Resolve"}
ORDER = ("mitigate", "resolve", "ack")
RISK_SHARE = 0.2
"""With less than this share left, time is running out."""


@dataclass(frozen=True, slots=True)
class ClockShow:
    """One clock. `state`: empty while all is well, `risk`, `late` (past, still open), `met`, `breach`, `void`."""

    name: str
    digits: str
    unit: str
    state: str = ""
    word: str = ""
    due: datetime | None = None
    seconds: int = 0
    whole: int = 0
    width: float = 0.0
    left_note: str = ""
    right_note: str = ""
    big: bool = False

    @property
    def ticks(self) -> bool:
        """Whether it counts down."""
        return self.due is not None


def clocks_of(state: Incident, context: Context, now: datetime) -> list[ClockShow]:
    """The newest clock of each name, running ones first, with the next update among them."""
    newest = [clock for name in ORDER if (clock := state.clock(name)) is not None]
    running = [_running(c, context, now) for c in newest if c.open and state.stage.running]
    ended = [_ended(c, context) for c in newest if not c.open]
    update = _update(state, context, now)
    running.sort(key=lambda clock: not clock.ticks)
    return [*running, *([update] if update else []), *ended]


def _running(clock: Clock, context: Context, now: datetime) -> ClockShow:
    target = clocks.target_of(context.severity(clock.level), clock.name)
    due = clocks.limit_of(clock, context)
    name = NAMES.get(clock.name, clock.name)
    if due is None:
        words = target.calendar or target.text if target else "no target in the handbook"
        return ClockShow(name, "", "", left_note=words, right_note=f"since {clock_time(clock.start)}")
    big = clock.name in {"mitigate", "resolve"}
    note = f"target {target.text}" if target else ""
    return _counting(name, clock.start, due, now, f"due {near(due, now)}", note, big=big, late=clock.breached)


def _counting(
    name: str,
    start: datetime,
    due: datetime,
    now: datetime,
    left_note: str,
    right_note: str,
    *,
    big: bool,
    late: bool,
) -> ClockShow:
    left = (due - now).total_seconds()
    whole = max((due - start).total_seconds(), 1.0)
    is_late = late or left < 0
    is_risk = left < whole * RISK_SHARE
    return ClockShow(
        name,
        countdown(left),
        "over" if left < 0 else "left",
        "late" if is_late else "risk" if is_risk else "",
        "overdue" if is_late else "at risk" if is_risk else "",
        due,
        int(left),
        int(whole),
        round(max(0.0, min(100.0, 100 * left / whole)), 1) if left > 0 else 100.0,
        left_note,
        right_note,
        big,
    )


def _ended(clock: Clock, context: Context) -> ClockShow:
    name = NAMES.get(clock.name, clock.name)
    took = ((clock.ended_at or clock.start) - clock.start).total_seconds()
    due = clocks.limit_of(clock, context)
    whole = (due - clock.start).total_seconds() if due else 0.0
    state, word = {"met": ("met", "met"), "missed": ("breach", "missed")}.get(
        clock.verdict or "", ("void", "not judged")
    )
    share = min(100.0, 100 * took / whole) if whole else 0.0
    unit = f"of {countdown(whole)}" if whole else ""
    return ClockShow(name, countdown(took), unit, state, word, width=round(share, 1))


def _update(state: Incident, context: Context, now: datetime) -> ClockShow | None:
    cadence, base = comms.cadence_of(state, context), state.updates.base
    if cadence is None or base is None:
        return None
    due = comms.overdue_due(state, context)
    who = ", ".join(named(context, handle) for handle in comms.audience(state))
    if due is None:
        return ClockShow(
            "Next update",
            "overdue",
            "",
            "late",
            "overdue",
            left_note=who,
            right_note=cadence.text,
            width=100.0,
        )
    reminder = comms.reminder_due(state, context)
    told = f", reminder {clock_time(reminder)}" if reminder and reminder < due else ""
    return _counting(
        "Next update", base, due, now, f"{who}{told}", f"due {near(due, now)}", big=False, late=False
    )


def named(context: Context, handle: str | None) -> str:
    """The person's name, or the handle of somebody who is in no roster."""
    person = context.directory.get(handle) if handle else None
    return person.name if person else handle or "nobody"
