"""Tasks: who does what, for how long, and the one question when the time is over.

Here: opening, giving, approving, starting, finishing and dropping. Not here: what a database change needs before it
may start (`gates`), and what is done after the incident (`actions`). Reading and restoring beside the running
database are plain tasks: only what changes the database waits for a check.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import crew, gates
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.events import Text
from tocsin.domain.gates import EarlierCheck
from tocsin.domain.incident import Incident
from tocsin.domain.work import MOST, Task

TEXT_LIMIT = 500
LONGEST = 24 * 60
"""The longest time box, in minutes."""


def open_task(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    text: str,
    owner: str | None = None,
    minutes: int | None = None,
    db_change: bool = False,
    second: bool = False,
) -> list[ev.Event]:
    """Work to do. With an owner it starts at once, unless it waits for a check or for a second person.

    `db_change`: it waits for the handbook's check; where the handbook names none, the entry says so. Raises Refused
    when the text is empty, the owner is unknown, the minutes make no sense, or nothing is worked on any more.
    """
    gates.refuse_unless_worked_on(state)
    line = _one_line(text)
    if minutes is not None and not 1 <= minutes <= LONGEST:
        raise Refused(f"{minutes} minutes is no time for a task", f"1 to {LONGEST}, or none")
    if sum(t.open for t in state.work.tasks) >= MOST:
        raise Refused(f"{MOST} tasks are open", "finish or drop some first")
    checks = context.policy.gates
    draft = Draft(state, context)
    opened = ev.TaskOpened(
        at=now,
        by=by,
        task=state.work.task_count + 1,
        text=line,
        owner=_worker(state, context, owner) if owner is not None else None,
        minutes=minutes,
        gate=checks[0].key if db_change and checks else None,
        second=second,
        db_change=db_change,
    )
    draft.add(opened)
    _begin(draft, now, by, opened.task)
    crew.warn(draft, now)
    return draft.events


def _one_line(text: str) -> Text:
    line = " ".join(text.split())
    if not line:
        raise Refused("the task is empty", "one line: what is to be done?")
    if len(line) > TEXT_LIMIT:
        raise Refused(f"the task is longer than {TEXT_LIMIT} characters", "put the rest into a note")
    return Text(line)


def _worker(state: Incident, context: Context, handle: str) -> str:
    person = context.directory.get(handle)
    if person is None:
        raise Refused(f"nobody is known as {handle!r}", "see tocsin oncall")
    if person.handle in state.room.shadows:
        raise Refused(
            f"{person.handle} shadows the IC and does not act",
            "give it to somebody who acts, or let them stop shadowing first",
        )
    return person.handle


def _begin(draft: Draft, now: datetime, by: str, number: int) -> None:
    """What has an owner and waits for nothing is under way."""
    task = draft.state.work.task(number)
    if task and task.owner and task.state == "open" and task.gate is None and not task.second:
        draft.add(ev.TaskStarted(now, by, number))


def assign_task(
    state: Incident, context: Context, now: datetime, *, by: str, task: int, owner: str
) -> list[ev.Event]:
    """Another owner, who is told; what waits for nothing starts with it. Raises Refused when it is over."""
    found = _open(state, task)
    person = _worker(state, context, owner)
    if found.owner == person:
        raise Refused(f"task {task} is {person}'s already", "")
    draft = Draft(state, context).add(ev.TaskAssigned(now, by, task, person))
    _begin(draft, now, by, task)
    crew.warn(draft, now)
    return draft.events


def approve_task(state: Incident, context: Context, now: datetime, *, by: str, task: int) -> list[ev.Event]:
    """A second person agrees that it may start. Raises Refused for its owner, for nobody known, and without need."""
    found = _waiting(state, task)
    crew.refuse_unknown(context, by)
    if not found.second:
        raise Refused(f"task {task} needs no second person", "start it")
    if by == found.owner:
        raise Refused(f"task {task} is {by}'s own: a second person has to approve it", "ask somebody else")
    if by == found.approved_by:
        raise Refused(f"{by} has approved task {task} already", "start it")
    return Draft(state, context).add(ev.TaskApproved(now, by, task)).events


def start_task(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    task: int,
    earlier: tuple[EarlierCheck, ...] = (),
) -> list[ev.Event]:
    """Work begins; whoever starts what is nobody's becomes its owner. `earlier`: checks made in other incidents.

    Raises Refused when a second person is missing, or the check: then with every point, what was last said to it,
    and the restore point known.
    """
    found = _waiting(state, task)
    _refuse_alone(found, by)
    passed = gates.refuse_without_check(state, context, now, found, earlier)
    draft = Draft(state, context)
    if found.owner is None:
        draft.add(ev.TaskAssigned(now, by, task, by))
    draft.add(ev.TaskStarted(now, by, task, passed))
    crew.warn(draft, now)
    return draft.events


def _refuse_alone(task: Task, by: str) -> None:
    if not task.second:
        return
    if task.approved_by is None:
        raise Refused(
            f"task {task.number} needs a second person", "somebody else than who does it approves it"
        )
    if task.approved_by in {by, task.owner}:
        raise Refused(
            f"{task.approved_by} approved task {task.number} and cannot do it too",
            "another person approves it, or does it",
        )


def finish_task(
    state: Incident, context: Context, now: datetime, *, by: str, task: int, result: str = ""
) -> list[ev.Event]:
    """It is done, with what came of it. Raises Refused when it is over, or had to wait and never started."""
    found = _open(state, task)
    if found.state == "open" and (found.gate or found.second):
        raise Refused(
            f"task {task} was not started: it waits for {_waits_for(found)}",
            "start it first; drop it when it is not needed",
        )
    return Draft(state, context).add(ev.TaskDone(now, by, task, Text(result.strip()))).events


def _waits_for(task: Task) -> str:
    parts = [f"the {task.gate} check" if task.gate else "", "a second person" if task.second else ""]
    return " and ".join(part for part in parts if part)


def drop_task(
    state: Incident, context: Context, now: datetime, *, by: str, task: int, reason: str
) -> list[ev.Event]:
    """It will not be done, and why. Raises Refused when it is over already, or without a reason."""
    _open(state, task)
    if not reason.strip():
        raise Refused(f"dropping task {task} needs a reason", "say why it is not needed")
    return Draft(state, context).add(ev.TaskDropped(now, by, task, Text(reason.strip()))).events


def _open(state: Incident, number: int) -> Task:
    gates.refuse_unless_worked_on(state)
    found = state.work.task(number)
    if found is None:
        known = ", ".join(str(t.number) for t in state.work.tasks if t.open)
        raise Refused(f"{state.ref} has no task {number}", f"open tasks: {known or 'none'}")
    if not found.open:
        raise Refused(f"task {number} is {found.state} already", "open another one")
    return found


def _waiting(state: Incident, number: int) -> Task:
    found = _open(state, number)
    if found.state == "started":
        raise Refused(f"task {number} was started already", "finish or drop it")
    return found


# --- the one question -----------------------------------------------------------------------------------------------


def deadlines(state: Incident, _: Context) -> list[Deadline]:
    """The end of each time box that runs."""
    if not gates.is_worked_on(state):
        return []
    return [
        Deadline(t.started_at + timedelta(minutes=t.minutes), "task", str(t.number))
        for t in state.work.tasks
        if t.state == "started" and t.minutes and t.started_at and t.owner and not t.asked
    ]


def _ask(draft: Draft, deadline: Deadline, at: datetime) -> None:
    task = draft.state.work.task(int(deadline.key))
    if task is not None and task.owner is not None:
        draft.add(ev.TaskAsked(at, task.number, task.owner, deadline.due))


FIRE: dict[str, Fire] = {"task": _ask}
