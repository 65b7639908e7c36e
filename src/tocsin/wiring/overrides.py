"""Changes of a schedule by people at run time: judged, previewed, kept, ended (docs/reference/oncall.md A1 to A11, V5).

Whoever asks is known and allowed already. What does not fit is `Unfit` and names its field with the rule; what is
possible only once somebody confirms it is `Unconfirmed` and names the gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tocsin.domain.context import Refused
from tocsin.domain.oncall.fixes import SCOPED
from tocsin.domain.oncall.rota import Rota
from tocsin.domain.people import Directory
from tocsin.domain.preview import SPAN, Preview, preview
from tocsin.domain.schedules import Adjustment, Interval, Schedule
from tocsin.store.contract import ADJUSTMENTS_FROM
from tocsin.wiring.program import Program

MINUTE: Final = timedelta(minutes=1)
AHEAD: Final = timedelta(days=400)
"""How far ahead an override may reach: as far as a schedule is looked at."""
A_MOMENT_AGO: Final = timedelta(minutes=5)
"""A begin that is no older is now: so long somebody may have read the preview, or her clock may be behind."""
AT_ONCE: Final = 500
"""Overrides of one schedule that are not over."""
NEW: Final = 2**62
"""The `seq` of one that has none yet: later than all."""


class Unfit(ValueError):
    """Input that cannot be used: which field, and why, with the rule."""

    def __init__(self, field: str, message: str, possible: str = "") -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.possible = possible


class Unconfirmed(Exception):
    """It would leave gaps soon: they must be confirmed (F5)."""

    def __init__(self, gaps: Sequence[Interval]) -> None:
        super().__init__(f"{len(gaps)} new gaps")
        self.gaps = tuple(gaps)


@dataclass(frozen=True, slots=True)
class Planned:
    """An override that was judged, with what it changes; `version`: the newest of the schedule when it was judged."""

    schedule: str
    adjustment: Adjustment
    preview: Preview
    version: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """One that stands: `state` is `waiting`, `running` or `over`; `where` names its place in the handbook, if any."""

    adjustment: Adjustment
    state: str
    where: str = ""


def floored(at: datetime) -> datetime:
    """The minute that has begun: schedules know no seconds (T8)."""
    return at.replace(second=0, microsecond=0)


def version_of(program: Program, schedule: str) -> int:
    """The newest override that was made at run time; 0 when there was none (V3)."""
    return max((made.seq for _, made in program.store.adjustments(schedule)), default=0)


def plan_override(program: Program, name: str, wanted: Adjustment, now: datetime) -> Planned:
    """Judge and preview. Raises LookupError for an unknown schedule, Unfit, Refused when there are too many."""
    live = program.engine.contexts.live
    schedule, version = live.rota.schedule(name), version_of(program, name)
    if floored(now) - A_MOMENT_AGO <= wanted.start < floored(now) < wanted.end:
        wanted = replace(wanted, start=floored(now))
    judge(wanted, schedule, live.directory, now)
    if sum(one.state != "over" for one in listed(program, name, now)) >= AT_ONCE:
        raise Refused(
            f"{name} has {AT_ONCE} overrides that are not over", "remove some, or change the rotation"
        )
    made = replace(wanted, seq=NEW)
    found = _compared(live.rota, live.rota.with_adjustments(name, [made]), name, made.end, now)
    return Planned(name, wanted, found, version, tuple(_warnings(wanted, found, live.directory)))


def _compared(before: Rota, after: Rota, name: str, until: datetime, now: datetime) -> Preview:
    start = floored(now)
    return preview(before, after, name, start, min(max(until, start + SPAN), start + AHEAD))


def judge(wanted: Adjustment, schedule: Schedule, people: Directory, now: datetime) -> None:
    """Raises Unfit naming the field and the rule."""
    _judge_span(wanted, now)
    _judge_people(wanted, people)
    if wanted.layer is None:
        return
    if wanted.kind not in SCOPED:
        raise Unfit(
            "layer",
            f"{wanted.kind} is about the whole schedule, only {', '.join(sorted(SCOPED))} name a layer (A9)",
        )
    known = [layer.name for layer in schedule.layers]
    if wanted.layer not in known:
        raise Unfit(
            "layer", f"{schedule.name} has no layer {wanted.layer!r} (A9)", f"one of {', '.join(known)}"
        )


def _judge_span(wanted: Adjustment, now: datetime) -> None:
    if wanted.end <= wanted.start:
        raise Unfit("end", "it has to end after it starts, by a minute at least (T7)")
    if wanted.start < floored(now):
        raise Unfit(
            "start", "it begins in the past, and what was is never changed (R12)", "begin now, or later"
        )
    if wanted.end > floored(now) + AHEAD:
        raise Unfit("end", f"it ends more than {AHEAD.days} days ahead", "change the rotation instead")


_NEEDS: Final = {"set": (), "replace": ("remove", "add"), "add": ("add",), "remove": ("remove",)}
_RULES: Final = {"set": "A1", "replace": "A2", "add": "A3", "remove": "A3"}


def _judge_people(wanted: Adjustment, known: Directory) -> None:
    needs, rule = _NEEDS[wanted.kind], _RULES[wanted.kind]
    for field in ("remove", "add"):
        given = getattr(wanted, field)
        if bool(given) != (field in needs):
            raise Unfit(
                field, f"{wanted.kind} {'needs' if field in needs else 'takes no'} {field!r} ({rule})"
            )
    if wanted.users and wanted.kind != "set":
        raise Unfit("users", f"{wanted.kind} takes no 'users' ({rule})")
    if wanted.kind == "set" and not wanted.users and not wanted.reason.strip():
        raise Unfit("reason", "nobody on call is a deliberate gap, which needs a reason (L3)")
    if wanted.kind == "replace" and wanted.remove == wanted.add:
        raise Unfit("add", f"{wanted.add} cannot stand in for herself (A2)", "name somebody else")
    for field, people in (("users", wanted.users), ("remove", (wanted.remove,)), ("add", (wanted.add,))):
        for person in filter(None, people):
            if known.get(person) is None:
                raise Unfit(field, f"nobody is known as {person!r} (A8)", "see tocsin user list")


def _warnings(wanted: Adjustment, found: Preview, people: Directory) -> list[str]:
    """What is done all the same, and should be known."""
    said = []
    for person in filter(None, (*wanted.users, wanted.add)):
        known = people.get(person)
        if known and not (known.active(wanted.start) and known.active(wanted.end - MINUTE)):
            said.append(f"{person} is not active all of that time, and is left out then (A8)")
        if known and not people.methods_of(person):
            said.append(f"{person} has no way to be reached")
    if not found.differences:
        said.append("it changes nobody's time on call")
    return said


def take_span(
    program: Program, name: str, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """From now until `until`, else until the running turn ends, and for a minute at least (A11).

    Raises LookupError, and Unfit when no end is in sight.
    """
    rota, start = program.engine.contexts.live.rota, floored(now)
    if until is not None and until < now:
        raise Unfit("until", "that is past (T7)", "say until when, or leave it out: until this turn ends")
    if until is not None:
        return start, max(floored(until), start + MINUTE)
    duties = rota.duties(name, start, start + SPAN)
    end = duties[0].end if duties and duties[0].end < start + SPAN else rota.until(name, start)
    if end is None:
        raise Unfit("until", "this turn has no end in sight", "say until when")
    return start, max(end, start + MINUTE)


def keep(
    program: Program, planned: Planned, *, confirmed: bool, expect: int | None, now: datetime
) -> Adjustment:
    """Keep it: the journal says who and why, every part of tocsin asks the new rota from then on.

    Raises Unconfirmed, AdjustmentConflict when somebody else was quicker (V3).
    """
    gaps = planned.preview.gaps_soon(now)
    if gaps and not confirmed:
        raise Unconfirmed(gaps)
    seen = planned.version if expect is None else expect
    made = program.store.add_adjustment(
        planned.schedule, planned.adjustment, seen if seen >= ADJUSTMENTS_FROM else None
    )
    program.refresh_people()
    return made


def plan_end(program: Program, name: str, seq: int, now: datetime) -> Planned:
    """What ending it changes. Raises LookupError, Refused for what cannot be ended here."""
    live = program.engine.contexts.live
    found = next((one for one in listed(program, name, now) if one.adjustment.seq == seq), None)
    if found is None:
        raise LookupError(f"{name} has no override {seq}")
    if found.where:
        raise Refused(f"override {seq} stands in the handbook: {found.where}", "change it there")
    if found.state == "over":
        raise Refused(f"override {seq} is over: what was is never changed (R12)", "")
    made = found.adjustment
    ended = replace(made, revoked_at=max(made.start, floored(now)))
    compared = _compared(live.rota, live.rota.with_adjustments(name, [ended]), name, made.end, now)
    return Planned(name, made, compared, version_of(program, name))


def end(program: Program, planned: Planned, *, by: str, confirmed: bool, now: datetime) -> None:
    """End it: one that has begun now, one that has not before it begins (A10). Raises Unconfirmed, Refused."""
    gaps = planned.preview.gaps_soon(now)
    if gaps and not confirmed:
        raise Unconfirmed(gaps)
    if not program.store.end_adjustment(planned.schedule, planned.adjustment.seq, now, by):
        raise Refused(f"override {planned.adjustment.seq} is over already", "")
    program.refresh_people()


def listed(program: Program, name: str, now: datetime) -> list[Override]:
    """Every override of the schedule, of the handbook and of people, as they count (A6). Raises LookupError."""
    schedule = program.engine.contexts.live.rota.schedule(name)
    theirs = [made for _, made in program.store.adjustments(name)]
    own = [a for a in schedule.adjustments if a.seq < ADJUSTMENTS_FROM]
    return [
        Override(a, _state(a, now), f"{a.source.file}:{a.source.line}" if a.seq < ADJUSTMENTS_FROM else "")
        for a in (*own, *theirs)
    ]


def _state(made: Adjustment, now: datetime) -> str:
    ends = min(made.end, made.revoked_at or made.end)
    if ends <= now or ends <= made.start:
        return "over"
    return "running" if made.start <= now else "waiting"
