"""Where a policy block and the prose beside it say different things: a finding, never a silent winner.

Here: the seats of the rotation table against a schedule of the same name, their zones, the escalation sentence against
the escalation that would run instead of it. The message says which one runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tocsin.domain.oncall.rota import Rota
from tocsin.domain.policy import Escalation, Policy, RotationTable, Rung
from tocsin.domain.schedules import Interval, Member, Schedule
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import format_duration

LOOK_AHEAD = timedelta(weeks=8)
"""How far a schedule and the table are compared, from now."""
_RULE = "block-disagrees"


def compare_prose(policy: Policy, now: datetime | None, notes: Notebook) -> None:
    """Note where block and prose disagree; `now` (aware) begins the weeks that are compared."""
    for schedule in policy.schedules:
        tables = [table for table in policy.rotations if _has_seat(table, schedule.name)]
        for table in tables:
            _compare_zones(schedule, table, notes)
        if tables and now is not None:
            _compare_people(schedule, policy, now, notes)
    if policy.ladder:
        _compare_ladder(policy, notes)


def _has_seat(table: RotationTable, name: str) -> bool:
    return any(seat == name for row in table.rows for seat, _ in row.people)


def _compare_zones(schedule: Schedule, table: RotationTable, notes: Notebook) -> None:
    if schedule.tz != table.tz:
        message = (
            f"schedule.{schedule.name} is kept in {schedule.tz}, the table of {table.source.file} line "
            f"{table.source.line} in {table.tz}; the block runs"
        )
        notes.found(_RULE, schedule.source, message, "write the same zone, or remove the table")


def _compare_people(schedule: Schedule, policy: Policy, now: datetime, notes: Notebook) -> None:
    """The first minute of the next weeks for which block and table name different people."""
    start = now.astimezone(UTC).replace(second=0, microsecond=0)
    members = [Member(p.handle, p.tz or schedule.tz, p.active_from, p.inactive_from) for p in policy.people]
    block = Rota((schedule,), (), members).final(schedule.name, start, start + LOOK_AHEAD)
    table = Rota((), policy.rotations, members).final(schedule.name, start, start + LOOK_AHEAD)
    for moment in sorted({i.start for i in block} | {i.start for i in table}):
        said, written = _people(block, moment), _people(table, moment)
        if sorted(said) != sorted(written):
            at = policy.rotations[0].source
            message = (
                f"at {moment:%Y-%m-%dT%H:%MZ} schedule.{schedule.name} has {_named(said)} on call, the table of "
                f"{at.file} line {at.line} {_named(written)}; the block runs"
            )
            notes.found(_RULE, schedule.source, message, "let both say the same, or remove the table")
            return


def _people(intervals: tuple[Interval, ...], moment: datetime) -> tuple[str, ...]:
    return next((i.people for i in intervals if i.start <= moment < i.end), ())


def _named(people: tuple[str, ...]) -> str:
    return " and ".join(people) or "nobody"


def _compare_ladder(policy: Policy, notes: Notebook) -> None:
    """The sentence against the escalation called default, else the only one."""
    escalation = policy.escalation("default")
    runs = "the block runs"
    if escalation is None and len(policy.escalations) == 1:
        escalation = policy.escalations[0]
        runs = "the block runs for whatever names it, the sentence for everything else"
    if escalation is None:
        return
    written, said = _prose_steps(policy), _block_steps(escalation, policy)
    if written == said:
        return
    at = policy.ladder[0].source
    message = (
        f"escalation.{escalation.name} says {_told(said)}; the sentence of {at.file} line {at.line} says "
        f"{_told(written)}; {runs}"
    )
    notes.found(_RULE, escalation.source, message, "let both say the same, or remove the sentence")


_Steps = list[tuple[int, tuple[str, ...]]]
"""Seconds after the first page, and who is called."""


def _prose_steps(policy: Policy) -> _Steps:
    return [(rung.after_s, _plain(rung, policy)) for rung in policy.ladder]


def _block_steps(escalation: Escalation, policy: Policy) -> _Steps:
    steps, at = [], 0
    for rung in escalation.steps:
        steps.append((at, _plain(rung, policy)))
        at += rung.delay_s or 0
    return steps


def _plain(rung: Rung, policy: Policy) -> tuple[str, ...]:
    """Targets in one spelling: a schedule by its name, however it is asked for."""
    names = {schedule.name for schedule in policy.schedules}
    names |= {seat for table in policy.rotations for row in table.rows for seat, _ in row.people}
    found = []
    for target in rung.targets:
        kind, _, name = target.partition(":")
        if target == "oncall:primary" and name not in names and policy.schedules:
            name = policy.schedules[0].name
        found.append(f"schedule:{name}" if kind == "oncall" else target)
    return tuple(sorted(found))


def _told(steps: _Steps) -> str:
    return "; ".join(
        f"{', '.join(targets)} {f'after {format_duration(at)}' if at else 'at once'}" for at, targets in steps
    )
