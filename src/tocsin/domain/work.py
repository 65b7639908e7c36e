"""The parts of an incident's state that hold people, work and duties; frozen values without rules.

Here: `Room` (who is there, what was said), `Work` (tasks, checks, restores), `Duties` (actions, legal deadlines,
statements, ticket). The rules stand with their decisions (`seats`, `tasks`, `gates`, `actions`, `legal`, `statements`).
Every list is capped by the decision that adds to it (`MOST`), so that a state stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

MOST = 200
"""The most tasks, actions, statements, notes and checks that one incident can hold."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something that waits for a decision."""

    number: int
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A decision, for the brief."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """A change that may have caused it."""

    what: str
    author: str | None
    happened: datetime | None


@dataclass(frozen=True, slots=True)
class Restriction:
    """Who may read it beside those who work on it, and what everybody else hears instead of the title."""

    codename: str
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes by their entries: `standing` as (first entry, newest one), `replaced` those that a newer one replaced:
    whoever changes one of these has not seen the newer one.
    """

    standing: tuple[tuple[int, int], ...] = ()
    replaced: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """Who takes part and what was said. `joined`: who acknowledged, in order."""

    joined: tuple[str, ...] = ()
    shadows: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    proposal_count: int = 0
    decisions: tuple[Spoken, ...] = ()
    """The newest few."""
    warned: tuple[str, ...] = ()
    """Warnings that were said once."""
    led_since: datetime | None = None
    """When the IC took the seat."""
    handovers_proposed: int = 0
    """How many times two hours have passed when a hand-over was last proposed."""
    reports: int = 0
    evidence: int = 0
    restriction: Restriction | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Work to do. `state`: `open`, `started`, `done`, `dropped`."""

    number: int
    text: str
    owner: str | None = None
    minutes: int | None = None
    gate: str | None = None
    second: bool = False
    approved_by: str | None = None
    state: str = "open"
    started_at: datetime | None = None
    asked: bool = False

    @property
    def open(self) -> bool:
        """Neither done nor dropped."""
        return self.state in {"open", "started"}


@dataclass(frozen=True, slots=True)
class Check:
    """A backup check that was gone through here. `used`: it has let a task start."""

    number: int
    gate: str
    by: str
    at: datetime
    passed: bool
    confirmed: bool
    valid_until: datetime | None = None
    exceptions: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    restore_point: datetime | None = None
    lapse_told: bool = False
    lapsed: bool = False
    used: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What was last said to one point of a check, for whoever goes through it again; `point` counts from 1."""

    gate: str
    point: int
    answer: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """Tasks, checks with the last answer to each point, overrides (gate, task) and restores."""

    tasks: tuple[Task, ...] = ()
    task_count: int = 0
    checks: tuple[Check, ...] = ()
    check_count: int = 0
    answers: tuple[Answered, ...] = ()
    overrides: tuple[tuple[str, int], ...] = ()
    restore_point: datetime | None = None
    restores: int = 0

    def task(self, number: int) -> Task | None:
        """The task of that number."""
        return next((t for t in self.tasks if t.number == number), None)

    def check(self, number: int) -> Check | None:
        """The check of that number."""
        return next((c for c in self.checks if c.number == number), None)


@dataclass(frozen=True, slots=True)
class ActionItem:
    """Something to do after the incident. `state`: `open`, `proven`, `dropped`."""

    number: int
    text: str
    kind: str
    owner: str | None = None
    due: date | None = None
    calendar: str | None = None
    state: str = "open"
    reminded: bool = False
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Legal:
    """A legal deadline. `decision` is None while it runs; `remind_at` None: it had passed when it was entered."""

    regime: str
    aware: datetime
    due: datetime
    owner: str
    remind_at: datetime | None = None
    reminded: bool = False
    overdue: int = 0
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A text for people outside. `state`: `drafted`, `approved`, `sent`."""

    number: int
    audience: str
    text: str
    data: str
    by: str
    approvers: tuple[str, ...]
    approved: tuple[str, ...] = ()
    state: str = "drafted"


@dataclass(frozen=True, slots=True)
class Duties:
    """What is owed beyond the fix itself."""

    actions: tuple[ActionItem, ...] = ()
    action_count: int = 0
    legal: tuple[Legal, ...] = ()
    statements: tuple[Statement, ...] = ()
    statement_count: int = 0
    ticket: str | None = None

    def action(self, number: int) -> ActionItem | None:
        """The action of that number."""
        return next((a for a in self.actions if a.number == number), None)

    def statement(self, number: int) -> Statement | None:
        """The statement of that number."""
        return next((s for s in self.statements if s.number == number), None)

    def running(self, regime: str) -> Legal | None:
        """The legal deadline of that regime that still runs."""
        return next((x for x in self.legal if x.regime == regime and x.decision is None), None)
