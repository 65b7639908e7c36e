"""What somebody who takes over has to know, told from the state alone: one line per subject."""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import clocks, comms, crew, gates, legal
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident
from tocsin.domain.spans import many
from tocsin.domain.work import Task


def brief(state: Incident, context: Context, now: datetime) -> str:
    """State, impact, seats, clocks, open tasks, decisions, next update, checks, legal deadlines, alerts.

    Every line is a sentence with its full stop: it is read in one line as well.
    """
    head = f"{state.level} {state.ref}".strip()
    lines = [f"{head} is {state.stage}, open for {_minutes(state.opened_at, now)}."]
    lines += _impact(state, now)
    seats = sorted(state.seats, key=lambda seat: seat[0] != crew.LEAD)
    lines += [f"{role}: {person}." for role, person in seats]
    lines += [f"{many(state.room.shadows)} only shadowing."] if state.room.shadows else []
    lines += _clocks(state, context, now)
    lines += [f"Task {task.number}, {_doing(task, now)}: {task.text}" for task in _open(state)]
    lines += ["No task is open."] if not _open(state) else []
    lines += _said(state, now)
    lines += _next_update(state, context, now)
    lines += _checks(state, context, now)
    lines += _outside(state)
    lines.append(f"{state.firing} alerts are firing.")
    return "\n".join(_sentence(line) for line in lines)


def _sentence(line: str) -> str:
    """Without line breaks, and ended: what people typed often is not."""
    text = " ".join(line.split())
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _minutes(since: datetime, now: datetime) -> str:
    return f"{int((now - since).total_seconds() // 60)} min"


def _at(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M:%S} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _impact(state: Incident, now: datetime) -> list[str]:
    spans = [
        f"since {_at(state.impact_start, now)}" if state.impact_start else "",
        f"ended {_at(state.impact_end, now)}" if state.impact_end else "",
    ]
    when = ", ".join(part for part in spans if part)
    return [f"Impact{f' ({when})' if when else ''}: {state.updates.impact or 'not said in an update yet'}"]


def _clocks(state: Incident, context: Context, now: datetime) -> list[str]:
    lines = []
    for clock in state.clocks:
        due = clocks.limit_of(clock, context)
        if clock.open and due is not None:
            lines.append(f"{clock.name} {'late since' if clock.breached else 'due'} {_at(due, now)}.")
    return lines


def _open(state: Incident) -> list[Task]:
    return [task for task in state.work.tasks if task.open]


def _doing(task: Task, now: datetime) -> str:
    """Who does it since when, or what it waits for."""
    who = task.owner or "nobody"
    if task.started_at is not None:
        box = f" of {task.minutes} min" if task.minutes else ""
        return f"{who}, {_minutes(task.started_at, now)}{box}"
    waits = [
        f"the {task.gate} check" if task.gate else "",
        "a second person" if task.second and task.approved_by is None else "",
        "an owner" if task.owner is None else "",
    ]
    left = " and ".join(part for part in waits if part)
    return f"{who}, waits for {left}" if left else f"{who}, not started"


def _said(state: Incident, now: datetime) -> list[str]:
    suspects = [f"Suspected: {s.what}{f' (by {s.author})' if s.author else ''}" for s in state.room.suspects]
    decided = [f"Decided {_at(spoken.at, now)}: {spoken.text}" for spoken in state.room.decisions]
    waiting = [f"To decide ({p.number}, by {p.by}): {p.text}" for p in state.room.proposals]
    return [*suspects, *decided, *waiting]


def _next_update(state: Incident, context: Context, now: datetime) -> list[str]:
    due = comms.overdue_due(state, context)
    if due is not None:
        return [f"Next update due {_at(due, now)}."]
    return ["The update is OVERDUE."] if state.updates.overdue and state.stage.declared else []


def _checks(state: Incident, context: Context, now: datetime) -> list[str]:
    lines = []
    for gate in context.policy.gates:
        passing = gates.passing(state, context, now, gate.key)
        counts = next((c for c in gates.all_checks(state, gate.key) if c.name == passing), None)
        if counts is not None and counts.valid_until is not None:
            lines.append(f"{gate.key} {passing} counts until {_at(counts.valid_until, now)}.")
        elif passing is not None:
            lines.append(f"{gate.key} {passing} lets one task start.")
        else:
            lines.append(f"No {gate.key} check made here counts: a database change waits for one.")
    if state.work.restore_point is not None:
        lines.append(f"Restore point {_at(state.work.restore_point, now)}.")
    return lines


def _outside(state: Incident) -> list[str]:
    """What is owed to people outside: legal deadlines and statements that wait."""
    running = [f"{x.regime} deadline {x.due:%Y-%m-%d %H:%M} UTC, {x.owner}." for x in legal.running(state)]
    texts = []
    for statement in state.duties.statements:
        left = tuple(p for p in statement.approvers if p not in statement.approved)
        if statement.state == "drafted":
            texts.append(f"Statement {statement.number} waits for {many(left)}.")
        elif statement.state == "approved":
            texts.append(f"Statement {statement.number} is approved and not sent.")
    return [*running, *texts]
