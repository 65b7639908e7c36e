"""Work and people as the room shows them: tasks, proposals, suspected changes, what was gone past, files, times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.incident import TIMES, Incident
from tocsin.domain.work import Task
from tocsin.store.contract import Recorded
from tocsin.web.show_clocks import named

OVER_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class TaskShow:
    """A task. `st` and `word` say where it stands; `waits` what it needs before it may start."""

    number: int
    text: str
    owner: str
    handle: str
    st: str
    word: str
    open: bool
    starts: bool = False
    approves: bool = False
    passes: bool = False
    """Whether whoever looks could let it start without the check."""
    waits: tuple[str, ...] = ()
    due: datetime | None = None
    minutes: int | None = None
    gated: bool = False
    over_check: str = ""
    """Why the check was gone past."""


def tasks_of(
    state: Incident, context: Context, now: datetime, me: str, records: list[Recorded]
) -> list[TaskShow]:
    """Open ones first, then the newest of those that are over."""
    reasons = {
        record.event.task: record.event.reason
        for record in records
        if isinstance(record.event, ev.GateOverridden)
    }
    shown = [_task(task, state, context, now, me, reasons.get(task.number, "")) for task in state.work.tasks]
    still = [task for task in shown if task.open]
    over = [task for task in shown if not task.open]
    return [*still, *over[::-1][:OVER_SHOWN]]


def _task(task: Task, state: Incident, context: Context, now: datetime, me: str, gone_past: str) -> TaskShow:
    gate = context.policy.gate(task.gate) if task.gate else None
    ready = task.state == "open"
    waits = []
    if ready and gate is not None and not gone_past:
        waits.append(f"needs {gate.name[:1].lower()}{gate.name[1:]}")
    if ready and task.second and task.approved_by is None:
        waits.append("needs a second person")
    due = task.started_at + timedelta(minutes=task.minutes) if task.started_at and task.minutes else None
    st, word = _where(task, due, now, waits)
    return TaskShow(
        number=task.number,
        text=task.text,
        owner=named(context, task.owner) if task.owner else "",
        handle=task.owner or "",
        st=st,
        word=word,
        open=task.open,
        starts=ready,
        approves=ready and task.second and me not in (task.owner, task.approved_by),
        passes=ready and gate is not None and not gone_past and state.holder("ic") == me,
        waits=tuple(waits),
        due=due if task.state == "started" else None,
        minutes=task.minutes,
        gated=task.gate is not None,
        over_check=gone_past,
    )


def _where(task: Task, due: datetime | None, now: datetime, waits: list[str]) -> tuple[str, str]:
    if task.state == "started":
        return ("risk", "time is over") if due is not None and due <= now else ("now", "under way")
    if task.state == "open":
        return ("risk", "waits") if waits else ("unk", "to do")
    return ("met", "done") if task.state == "done" else ("unk", "dropped")


@dataclass(frozen=True, slots=True)
class GonePast:
    """A check that the IC went past: shown in red for ever."""

    task: int
    text: str
    who: str
    reason: str
    at: datetime


def gone_past(context: Context, records: list[Recorded]) -> list[GonePast]:
    """Every override, oldest first."""
    texts = {
        record.event.task: record.event.text for record in records if isinstance(record.event, ev.TaskOpened)
    }
    return [
        GonePast(e.task, texts.get(e.task, ""), named(context, e.by), e.reason, e.at)
        for e in (record.event for record in records)
        if isinstance(e, ev.GateOverridden)
    ]


@dataclass(frozen=True, slots=True)
class Before:
    """A value that a correction replaced."""

    old: datetime | None
    who: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TimeShow:
    """One of the seven timestamps, with every value it had before. `settable`: it can be set or corrected now."""

    key: str
    name: str
    at: datetime | None
    settable: bool
    before: tuple[Before, ...] = ()


TIME_NAMES: Final = {
    "impact_start": "Impact began",
    "detected": "Detected",
    "declared": "Declared",
    "acked": "Acknowledged",
    "mitigated": "Mitigated",
    "impact_end": "Impact ended",
    "resolved": "Resolved",
}
_GIVEN: Final = frozenset({"impact_start", "detected", "impact_end"})


def times_of(state: Incident, context: Context, records: list[Recorded]) -> list[TimeShow]:
    """All seven, in their order."""
    before: dict[str, list[Before]] = {}
    for record in records:
        e = record.event
        if isinstance(e, ev.TimeCorrected):
            before.setdefault(e.name, []).append(Before(e.old, named(context, e.by), e.reason, e.at))
    return [
        TimeShow(
            name,
            TIME_NAMES[name],
            state.time(name),
            name in _GIVEN or state.time(name) is not None,
            tuple(before.get(name, ())),
        )
        for name in TIMES
    ]


@dataclass(frozen=True, slots=True)
class FileShow:
    """A file kept as evidence."""

    digest: str
    name: str
    size: str
    who: str
    at: datetime
    note: str = ""


def files_of(context: Context, records: list[Recorded]) -> list[FileShow]:
    """Every kept file, newest first."""
    found = [record.event for record in records if isinstance(record.event, ev.EvidenceAdded)]
    return [
        FileShow(e.digest, e.name, bytes_in_words(e.size), named(context, e.by), e.at, e.note)
        for e in reversed(found)
    ]


def bytes_in_words(size: int) -> str:
    """`512 B`, `14 KB`, `3.2 MB`."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} KB" if size < 1024**2 else f"{size / 1024**2:.1f} MB"


@dataclass(frozen=True, slots=True)
class Editing:
    """A note that is being replaced: the version of the entry, and what it says."""

    version: int
    text: str


def editing(state: Incident, records: list[Recorded], wanted: str) -> Editing | None:
    """The newest words of the note that somebody asked to change."""
    newest = {new for _, new in state.notes.standing}
    for record in records:
        if wanted == str(record.version) and record.version in newest:
            e = record.event
            if isinstance(e, ev.Noted | ev.NoteEdited):
                return Editing(record.version, e.text)
    return None


@dataclass(frozen=True, slots=True)
class SuspectShow:
    """A change that may have caused it."""

    what: str
    author: str
    happened: datetime | None


@dataclass(slots=True)
class Crowd:
    """Who is there beside the seats."""

    shadows: list[tuple[str, str]] = field(default_factory=list)
    suspects: list[SuspectShow] = field(default_factory=list)


def crowd_of(state: Incident, context: Context) -> Crowd:
    """Shadows by handle and name, and suspected changes."""
    return Crowd(
        [(handle, named(context, handle)) for handle in state.room.shadows],
        [
            SuspectShow(s.what, named(context, s.author) if s.author else "", s.happened)
            for s in state.room.suspects
        ],
    )
