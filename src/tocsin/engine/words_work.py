"""The words of notices about the room, the work and what is owed; used by `words` alone.

While an incident is restricted nothing that people wrote leaves it: `_said` gives way to the bare number.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tocsin.domain import briefing, crew, legal
from tocsin.domain.context import Context
from tocsin.domain.effects import Send
from tocsin.domain.incident import Incident
from tocsin.domain.spans import full, many
from tocsin.domain.work import ActionItem, Legal, Task

Asked = Callable[[Send, Incident, Context, datetime], str]

SUBJECTS = {
    "task": "You have a task",
    "task-asked": "The time for your task is over",
    "gate-lapsing": "The check runs out",
    "gate-confirm": "A check waits for you",
    "seat-conflict": "Too much on one person",
    "span": "More people than one can lead",
    "handover-proposed": "Time to hand over",
    "shadow": "You shadow the IC",
    "statement": "A statement waits for your approval",
    "legal-started": "Legal deadline: you own it",
    "legal-reminder": "Legal deadline comes near",
    "legal-overdue": "Legal deadline PASSED",
    "action": "You have an action",
    "action-due": "Your action is due today",
    "action-overdue": "Action overdue",
    "reopened": "Reopened",
    "absorbed": "Another incident was merged into yours",
    "merged": "It goes on elsewhere",
    "link-used": "Acknowledged with your link",
}


def _number(send: Send) -> int:
    return int(send.note) if send.note.isdecimal() else 0


def _said(text: str, state: Incident) -> str:
    """What a person wrote, as the end of a sentence; only its end while it is restricted."""
    line = " ".join(text.split())
    if not line or state.room.restriction is not None:
        return "."
    return f": {line}" if line.endswith((".", "!", "?")) else f": {line}."


# --- work -----------------------------------------------------------------------------------------------------------


def _task_of(send: Send, state: Incident) -> Task | None:
    return state.work.task(_number(send))


def _task(send: Send, state: Incident, context: Context, now: datetime) -> str:
    task = _task_of(send, state)
    if task is None:
        return "You have a task."
    waits = [f"the {task.gate} check" if task.gate else "", "a second person" if task.second else ""]
    left = " and ".join(part for part in waits if part) if task.state == "open" else ""
    more = [
        f"Time for it: {task.minutes} min." if task.minutes else "",
        f"It waits for {left}." if left else "",
    ]
    return " ".join(part for part in (f"Task {task.number} is yours{_said(task.text, state)}", *more) if part)


def _task_asked(send: Send, state: Incident, context: Context, now: datetime) -> str:
    task = _task_of(send, state)
    said = f"Task {task.number}{_said(task.text, state)} " if task else ""
    return f"{said}Its time is over: is it done, does it need more time, or help?"


def _gate_lapsing(send: Send, state: Incident, context: Context, now: datetime) -> str:
    check = state.work.check(_number(send))
    if check is None or check.valid_until is None:
        return "A check that a task still needs runs out."
    until = f"{check.valid_until:%H:%M:%S} UTC"
    return f"{check.gate} check {check.number} runs out at {until}, and a task still waits for it: start, or renew it."


def _gate_confirm(send: Send, state: Incident, context: Context, now: datetime) -> str:
    check = state.work.check(_number(send))
    if check is None:
        return "A check waits for you to confirm it."
    until = f", until {check.valid_until:%H:%M:%S} UTC" if check.valid_until else ""
    return f"{check.by} went through {check.gate} check {check.number}. It counts once you confirm it{until}."


# --- the room -------------------------------------------------------------------------------------------------------


def _conflict(send: Send, state: Incident, context: Context, now: datetime) -> str:
    who = state.holder("ic") or "Somebody"
    return f"{who} is {send.note} with {len(crew.responders(state))} people at work: give one seat away."


def _span(send: Send, state: Incident, context: Context, now: datetime) -> str:
    others = sum(person != state.holder("ic") for person in crew.responders(state))
    return f"{others} people answer to you. Name a lead for a part of them, and speak with the leads alone."


def _handover_proposed(send: Send, state: Incident, context: Context, now: datetime) -> str:
    others = crew.candidates(state, context)[: crew.SPAN]
    to = f" Who could take it: {', '.join(others)}." if others else " Nobody else may be IC by the roster."
    return f"It has lasted {send.note} hours. Hand over, and eat something.{to}"


def _shadow(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return f"You shadow the IC ({state.holder('ic') or 'nobody yet'}): you see everything and do not act."


def handover(send: Send, state: Incident, context: Context, now: datetime) -> str:
    """Who offers what, and the brief."""
    who = state.holder(send.note) or "Somebody"
    said = f"{who} hands {send.note} over to you. It counts when you accept."
    return f"{said}\n{briefing.brief(state, context, now)}" if state.room.restriction is None else said


def _reopened(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return "It came back: people are called again, and the clocks run on."


def _absorbed(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return f"{send.note} was merged into it: its alerts and reports come here now. {state.firing} alerts are firing."


def _merged(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return f"It was merged and goes on in {send.note}: work on there. Seats, tasks and offers of this one have ended."


def _link_used(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return (
        f"The link to your page in {send.note} was used to acknowledge in your name. If that was you, all is well. "
        f"If it was not, call the next people now: tocsin escalate {state.ref}"
    )


# --- what is owed ---------------------------------------------------------------------------------------------------


def _statement(send: Send, state: Incident, context: Context, now: datetime) -> str:
    found = state.duties.statement(_number(send))
    if found is None:
        return "A text for people outside waits for your approval."
    left = tuple(p for p in found.approvers if p not in found.approved)
    text = (
        f"Statement {found.number} by {found.by} waits for {many(left)}. It is sent once all have approved."
    )
    if state.room.restriction is not None:
        return text
    return "\n".join([text, f"For {found.audience}: {found.text}", f"Their data: {found.data}"])


def _deadline(send: Send, state: Incident) -> Legal | None:
    return next((x for x in legal.running(state) if x.regime == send.note), None)


def _legal(send: Send, state: Incident, context: Context, now: datetime) -> str:
    found = _deadline(send, state)
    if found is None:
        return f"The {send.note} deadline has its decision." if send.note else "A legal deadline."
    when = f"since {full(found.aware)}, due {full(found.due)}"
    first = {
        "legal-started": f"You own the {found.regime} deadline, {when}.",
        "legal-overdue": f"The {found.regime} deadline has passed without a decision, {when}.",
    }.get(send.about, f"The {found.regime} deadline comes near, {when}.")
    return f"{first} A recorded decision ends it, also when nobody has to be told. This is no legal advice."


def _action_of(send: Send, state: Incident) -> ActionItem | None:
    return state.duties.action(_number(send))


def _action(send: Send, state: Incident, context: Context, now: datetime) -> str:
    action = _action_of(send, state)
    if action is None:
        return f"{SUBJECTS[send.about]}."
    due = f"{action.due:%Y-%m-%d}" if action.due else action.calendar or ""
    first = {
        "action": f"Action {action.number} is yours",
        "action-due": f"Action {action.number} is due today",
    }.get(send.about, f"Action {action.number} of {action.owner or 'nobody'} is overdue")
    until = f" Due {due}." if due else ""
    return f"{first}{_said(action.text, state)}{until} It ends with the proof that it holds in production."


ASKED: dict[str, Asked] = {
    "task": _task,
    "task-asked": _task_asked,
    "gate-lapsing": _gate_lapsing,
    "gate-confirm": _gate_confirm,
    "seat-conflict": _conflict,
    "span": _span,
    "handover-proposed": _handover_proposed,
    "shadow": _shadow,
    "handover": handover,
    "statement": _statement,
    "legal-started": _legal,
    "legal-reminder": _legal,
    "legal-overdue": _legal,
    "action": _action,
    "action-due": _action,
    "action-overdue": _action,
    "reopened": _reopened,
    "absorbed": _absorbed,
    "merged": _merged,
    "link-used": _link_used,
}
