"""The lines of a score while it runs: clocks, IC seat, log row, updates, close points.

One function per promise, each pure in state, pinned policy, timeline and now. What is owed afterwards and the sum of
it all stand in `score`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.domain import events as ev
from tocsin.domain import verdicts
from tocsin.domain.clocks import target_of
from tocsin.domain.context import Context
from tocsin.domain.incident import Clock, Incident
from tocsin.domain.policy import Cadence
from tocsin.domain.spans import span

CLOCKS = ("ack", "mitigate", "resolve")
UPDATES = "updates"
"""The line that sums the updates up; each missed one has a line of its own as well."""
AT_DECLARE = timedelta(minutes=5)
"""A log row written so soon after the declare, or a ticket linked, counts as written at the declare."""

Timeline = Sequence[ev.Event]


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One promise: what was promised, until when, when it was answered. `verdict`: `met`, `missed`, `open`, `void`."""

    promise: str
    promised: str
    due: datetime | None
    at: datetime | None
    verdict: str
    note: str = ""

    @property
    def words(self) -> str:
        """The line as one would say it: `resolve missed by 9m`."""
        return f"{self.promise} {self.note or self.verdict}"


def length(seconds: int) -> str:
    """A length of time without empty parts: `2m40s`, `25m`, `1h06m`, `2h`."""
    text = span(seconds)
    for full, short in (("m00s", "m"), ("h00m", "h"), ("d00h", "d")):
        if text.endswith(full):
            return text.removesuffix(full) + short
    return text


def took(start: datetime, end: datetime) -> str:
    """How long it took from start to end."""
    return length(max(0, int((end - start).total_seconds())))


def lateness(due: datetime, at: datetime) -> str:
    """`missed by 9m`; `< 5m` is missed at its very limit already."""
    by = took(due, at)
    return "missed at the limit" if by == "0s" else f"missed by {by}"


def clocks(state: Incident, context: Context, now: datetime) -> list[ScoreLine]:
    """Each clock against the target of the level that judges it; levels without a number have no line."""
    lines = [
        clock_line(clock, state, context, now)
        for name in CLOCKS
        for clock in state.clocks
        if clock.name == name
    ]
    return [line for line in lines if line is not None]


def clock_line(clock: Clock, state: Incident, context: Context, now: datetime) -> ScoreLine | None:
    """One clock against the target of the level that judges it; None where that level gives no number."""
    found = verdicts.judged(clock, state, context, now)
    target = target_of(context.severity(found.level), clock.name)
    if target is None or found.due is None:
        return None
    end = clock.ended_at
    answered = end if clock.fact or found.verdict == "met" else None
    verdict = {"running": "open", "breached": "missed", "merged": "void"}.get(found.verdict, found.verdict)
    match found.verdict:
        case "met":
            note = f"took {took(clock.start, end)}" if end else ""
        case "missed":
            note = lateness(found.due, answered) if answered else "missed, nobody answered"
        case "breached":
            note = "missed, still open"
        case "merged":
            note = f"went on in {state.merged_into}"
        case "void":
            note = "nobody had to answer any more"
        case _:
            note = ""
    return ScoreLine(clock.name, f"{target.text} ({found.level})", found.due, answered, verdict, note)


def seat(state: Incident, context: Context, timeline: Timeline, now: datetime) -> list[ScoreLine]:
    """Somebody is IC soon after the declare; whoever took the seat at the very limit was in time.

    Where the handbook names no limit nothing was promised: tocsin's own alarm is no verdict.
    """
    if state.declared_at is None:
        return []
    limit = timedelta(seconds=context.policy.seat_empty_s)
    due = state.declared_at + limit
    taken = next((e for e in timeline if isinstance(e, ev.SeatTaken) and e.role == "ic"), None)
    if not context.policy.seat_promised:
        who, at = (taken.person, taken.at) if taken else ("nobody", None)
        return [ScoreLine("IC", "", None, at, "void", f"{who}; the handbook names no limit")]
    promised = f"within {took(due - limit, due)} of the declare"
    if taken is not None:
        verdict = "met" if taken.at <= due else "missed"
        note = taken.person if verdict == "met" else lateness(due, taken.at)
        return [ScoreLine("IC", promised, due, taken.at, verdict, note)]
    end = state.resolved_at or now
    if end > due:
        return [ScoreLine("IC", promised, due, None, "missed", "missed, nobody took the seat")]
    verdict, note = ("void", "over before that") if state.resolved_at else ("open", "")
    return [ScoreLine("IC", promised, due, None, verdict, note)]


def log_row(timeline: Timeline, now: datetime) -> list[ScoreLine]:
    """An entry in the log, or a ticket instead, when it was declared."""
    declared = next((e.at for e in timeline if isinstance(e, ev.Declared)), None)
    if declared is None:
        return []
    due = declared + AT_DECLARE
    written = next((e for e in timeline if _entry(e) and e.at >= declared), None)
    if written is None:
        verdict, note = ("open", "") if now <= due else ("missed", "missed, not written yet")
        return [ScoreLine("log row", "at the declare", due, None, verdict, note)]
    note = "a ticket" if isinstance(written, ev.TicketLinked) else ""
    if written.at > due:
        return [ScoreLine("log row", "at the declare", due, written.at, "missed", lateness(due, written.at))]
    return [ScoreLine("log row", "at the declare", due, written.at, "met", note)]


def _entry(event: ev.Event) -> bool:
    return isinstance(event, ev.TicketLinked) or (
        isinstance(event, ev.DocumentWritten) and event.document == "log"
    )


def close_points(state: Incident, timeline: Timeline) -> list[ScoreLine]:
    """The three points of closing, each with its evidence: nothing resolves without them."""
    resolved = next((e for e in reversed(timeline) if isinstance(e, ev.Resolved)), None)
    promised = "confirmed, impact ended, errors normal"
    if state.resolved_at is not None and resolved is not None:
        given = sum(
            bool(text.strip()) for text in (resolved.confirmed, resolved.impact_ended, resolved.errors_normal)
        )
        verdict = "met" if given == 3 else "missed"
        return [
            ScoreLine("close points", promised, None, resolved.at, verdict, f"{given} of 3 with evidence")
        ]
    return [ScoreLine("close points", promised, None, None, "open")] if state.stage.declared else []


# --- updates --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Interval:
    """From one update (or the declare) to the next, or to the end of it. `cadence` is the one in force at its end."""

    since: datetime
    end: datetime | None
    posted: bool
    cadence: Cadence | None
    overdue: ev.UpdateOverdue | None


def _intervals(context: Context, timeline: Timeline) -> Iterator[_Interval]:
    declared, level = False, ""
    since: datetime | None = None
    overdue: ev.UpdateOverdue | None = None
    for e in timeline:
        match e:
            case ev.Declared():
                declared, level, since = True, e.level, e.at
            case ev.SeverityChanged():
                level = e.new
            case ev.Reopened() if declared:
                since, overdue = e.at, None
            case ev.UpdateOverdue():
                overdue = e
            case ev.UpdatePosted() | ev.StatementSent() | ev.Resolved() | ev.Merged() if since is not None:
                posted = isinstance(e, ev.UpdatePosted | ev.StatementSent)
                yield _Interval(since, e.at, posted, context.severity(level).update, overdue)
                since, overdue = e.at if posted else None, None
            case _:
                continue
    if since is not None:
        yield _Interval(since, None, False, context.severity(level).update, overdue)


def updates(context: Context, timeline: Timeline) -> list[ScoreLine]:
    """One line for all updates, one for each that was missed."""
    intervals = list(_intervals(context, timeline))
    missed = [i for i in intervals if i.overdue is not None]
    in_time = sum(i.posted and i.overdue is None and i.cadence is not None for i in intervals)
    cadence = next((i.cadence for i in reversed(intervals) if i.cadence is not None), None)
    if cadence is None and not missed:
        return []
    promised = cadence.text if cadence else ""
    lines = [_summary(promised, in_time, len(missed), intervals[-1])]
    return lines + [_late(i, context) for i in missed if i.overdue is not None]


def _summary(promised: str, in_time: int, missed: int, last: _Interval) -> ScoreLine:
    total = in_time + missed
    due = None
    if missed:
        verdict = "missed"
    elif last.end is None and last.cadence is not None:
        verdict, due = "open", last.since + timedelta(seconds=last.cadence.overdue_s)
    else:
        verdict = "met" if total else "void"
    note = f"{in_time} of {total} in time" if total else "" if due else "over before one was due"
    return ScoreLine(UPDATES, promised, due, None, verdict, note)


def _late(interval: _Interval, context: Context) -> ScoreLine:
    overdue = interval.overdue
    if overdue is None:
        raise ValueError("an update that was in time has no line of its own")
    cadence = context.severity(overdue.level).update
    if interval.posted and interval.end is not None:
        note = lateness(overdue.due, interval.end)
    else:
        note = "missed, none came" if interval.end else "missed, still open"
    at = interval.end if interval.posted else None
    promised = f"{cadence.text} ({overdue.level})" if cadence else overdue.level
    return ScoreLine("update", promised, overdue.due, at, "missed", note)
