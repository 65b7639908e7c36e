"""What a handbook promises, as validated frozen values; each carries the file and line it came from.

Here: severities and their targets, cadence, ladder, roles, steps, templates, runbooks. A `Policy` is pinned
when an incident opens (design rule 15). Not here: how Markdown is read (`handbook.read`), who is on call at an
instant (`oncall`), who people are (`people`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.domain.people import Quiet, Rule
from tocsin.domain.schedules import Restriction, Schedule
from tocsin.domain.source import BUILT_IN, Source

DEFAULT_SEAT_EMPTY_S = 5 * 60
"""The IC seat may stay empty for this long after a declare before it alarms, unless the handbook differs."""


DEFAULT_REOPEN_S = 24 * 60 * 60
"""A resolved incident can be reopened for this long, unless the handbook differs; later it is a new one."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours in which a target counts, as written: `15m (09:00-17:00 CET)`; outside, `otherwise` holds."""

    start: str
    end: str
    tz: str | None
    otherwise: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """One promised time.

    `seconds` is absent where the document gives no plain duration; then `calendar` holds the phrase as written.
    `inclusive` is how the document compares: `<` is breached at the limit, `within` and `<=` just after it.
    """

    text: str
    source: Source
    seconds: int | None = None
    inclusive: bool = False
    calendar: str | None = None
    business_days: int | None = None
    window: Window | None = None

    def due(self, start: datetime) -> datetime | None:
        """The instant of the limit, or None where the target is no plain duration."""
        return None if self.seconds is None else start + timedelta(seconds=self.seconds)

    def met(self, start: datetime, at: datetime) -> bool:
        """Whether an answer at `at` kept the promise; the comparison is the document's own."""
        due = self.due(start)
        if due is None:
            return True
        return at <= due if self.inclusive else at < due


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often stakeholders hear: remind after `remind_s` (may be absent), overdue after `overdue_s`."""

    remind_s: int | None
    overdue_s: int
    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Severity:
    """A level. `level` is the label as normalised (`SEV1`), `name` the extra word, `rank` 1 = worst."""

    level: str
    rank: int
    source: Source
    name: str | None = None
    criteria: tuple[str, ...] = ()
    ack: Target | None = None
    mitigate: Target | None = None
    resolve: Target | None = None
    update: Cadence | None = None
    postmortem: Target | None = None
    calendar: str | None = None
    other: tuple[tuple[str, str], ...] = ()
    """Columns and clocks without a meaning of their own, kept as text: (heading, text)."""

    @property
    def urgent(self) -> bool:
        """Ranks 1 and 2 page with high urgency, the others low (design, What is what)."""
        return self.rank <= 2


@dataclass(frozen=True, slots=True)
class Role:
    """A seat. `key` is what commands use: `ic`, `comms`, `ops`, `scribe`, else a slug of the name."""

    key: str
    name: str
    duties: str
    source: Source
    abbreviation: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A numbered step of the process; the text stays whole, links are repository paths named in it."""

    number: int
    name: str
    text: str
    source: Source
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel the document names, e.g. `Primary` with its text; `placeholder` when still undecided."""

    name: str
    text: str
    source: Source
    placeholder: str | None = None
    handles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of an escalation: `targets` in order.

    When it fires: in a prose ladder `after_s` seconds from the first page. In a policy block `after_s` is not used: the
    next step fires `delay_s` seconds after this one really fired (docs/reference/oncall.md E2).

    Targets: `schedule:<name>`, `oncall:primary` and `oncall:secondary` (the columns of the handbook's table), `role:ic`
    (everyone in the roster who may act as it), `person:<handle>`. `via` are the methods that a sentence asks for
    (`call`, `sms`, `email`, `page`, `push`), in order. `mode`: `all` or `round_robin` (E15). `ack`: `any`, or `all`
    (E9). `skip_if_empty`: whether a step that means nobody lets the next one fire at once (E4).
    """

    after_s: int
    targets: tuple[str, ...]
    source: Source
    via: tuple[str, ...] = ()
    delay_s: int | None = None
    mode: str = "all"
    ack: str = "any"
    skip_if_empty: bool = True


DEFAULT_ACK_TIMEOUT_S = 60 * 60
"""An acknowledged page of high urgency comes back after this long without a sign of life (E10)."""
DEFAULT_REMIND_S = 30 * 60
"""How often the last audience is called again once the ladder is exhausted (E6)."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """An escalation policy: steps, then `repeat` more passes, then `fallback` and reminders without end (E5, E6).

    `ack_timeout_s`: None is off. `stop_earlier`: whether a step ends the pages of the steps before it (E7).
    """

    name: str
    steps: tuple[Rung, ...]
    source: Source
    repeat: int = 0
    fallback: tuple[str, ...] = ()
    ack_timeout_s: int | None = DEFAULT_ACK_TIMEOUT_S
    remind_every_s: int = DEFAULT_REMIND_S
    stop_earlier: bool = False


@dataclass(frozen=True, slots=True)
class MonitoredService:
    """A service of the team: the escalation that its incidents use, and its health address, if any."""

    name: str
    source: Source
    escalation: str | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a signal goes: the first whose `match` (label, value) all hold, within `hours` if given, wins.

    `match` names labels of the signal; `integration`, `service`, `severity` and `title` are its own fields.
    """

    match: tuple[tuple[str, str], ...]
    source: Source
    service: str | None = None
    sev: str | None = None
    escalation: str | None = None
    hours: tuple[Restriction, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonRules:
    """What the policy block says of a person beyond the roster's row. None: nothing said."""

    handle: str
    source: Source
    tz: str | None = None
    active_from: datetime | None = None
    inactive_from: datetime | None = None
    high: tuple[Rule, ...] = ()
    low: tuple[Rule, ...] = ()
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A message with `{fields}`; `name` as the document introduces it."""

    name: str
    text: str
    fields: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook the document points at; `links` are repository paths."""

    name: str
    links: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Note:
    """A line that is kept as text: an open item, a checklist point, a related document."""

    text: str
    source: Source
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A person as the roster writes them; `can_act_as` are role keys."""

    handle: str
    name: str
    source: Source
    can_act_as: tuple[str, ...] = ()
    phone: str | None = None
    chat: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class RotationRow:
    """One row of a rotation table: `starts` is an ISO date, `people` maps column (`primary`) to a handle."""

    starts: str
    people: tuple[tuple[str, str], ...]
    source: Source
    label: str | None = None


@dataclass(frozen=True, slots=True)
class RotationTable:
    """A rotation table with its hand-over rule: weekday 0 = Monday, `clock` local `HH:MM` in `tz`."""

    rows: tuple[RotationRow, ...]
    source: Source
    weekday: int
    clock: str
    tz: str
    repeats: bool = False
    length_days: int = 7


@dataclass(frozen=True, slots=True)
class GatePoint:
    """One point of a check. `exceptions` are the ways out that the point itself names (`or nothing was written`)."""

    text: str
    source: Source
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """A check that has to pass before a database change. `valid_s` None: it lets one change start, then it is spent.

    `done_by` and `confirmed_by` are role keys, as far as the handbook names them.
    """

    key: str
    name: str
    points: tuple[GatePoint, ...]
    source: Source
    valid_s: int | None = None
    done_by: str | None = None
    confirmed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Sprint:
    """One sprint of the handbook's calendar: ISO dates, the end is its last day."""

    starts: str
    ends: str
    source: Source


@dataclass(frozen=True, slots=True)
class Metadata:
    """Front lines of the document (`Status`, `Owner`, `Last validated`), verbatim."""

    key: str
    value: str
    source: Source


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that was understood. Severities are sorted by rank; what is absent is empty or None."""

    severities: tuple[Severity, ...]
    roles: tuple[Role, ...] = ()
    steps: tuple[Step, ...] = ()
    channels: tuple[Channel, ...] = ()
    ladder: tuple[Rung, ...] = ()
    roster: tuple[RosterEntry, ...] = ()
    rotations: tuple[RotationTable, ...] = ()
    templates: tuple[Template, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    postmortem_sections: tuple[Note, ...] = ()
    related: tuple[Note, ...] = ()
    open_items: tuple[Note, ...] = ()
    checklist: tuple[Note, ...] = ()
    metadata: tuple[Metadata, ...] = ()
    log_path: str | None = None
    default_level: str | None = None
    seat_empty_s: int = DEFAULT_SEAT_EMPTY_S
    seat_promised: bool = False
    """Whether the handbook itself names that time; else it is tocsin's own and no promise."""
    gates: tuple[Gate, ...] = ()
    sprints: tuple[Sprint, ...] = ()
    reopen_s: int = DEFAULT_REOPEN_S
    schedules: tuple[Schedule, ...] = ()
    """Of the policy blocks; the prose tables are `rotations`. Both are read live, never pinned (design rule 15)."""
    escalations: tuple[Escalation, ...] = ()
    services: tuple[MonitoredService, ...] = ()
    routes: tuple[Route, ...] = ()
    people: tuple[PersonRules, ...] = ()

    def escalation(self, name: str | None) -> Escalation | None:
        """The escalation policy of that name."""
        return next((e for e in self.escalations if e.name == name), None)

    def service(self, name: str | None) -> MonitoredService | None:
        """The service of that name, compared without case."""
        wanted = (name or "").casefold()
        return next((s for s in self.services if s.name.casefold() == wanted), None)

    def severity(self, level: str) -> Severity | None:
        """The severity of that label, compared without case, blanks and hyphens."""
        for severity in self.severities:
            if severity.level == level:  # what the program itself asks with, many times per decision
                return severity
        wanted = _squash(level)
        return next((s for s in self.severities if _squash(s.level) == wanted), None)

    def role(self, key: str) -> Role | None:
        """The role of that key, name or abbreviation, compared without case."""
        wanted = key.casefold()
        for role in self.roles:
            if wanted and wanted in {role.key, role.name.casefold(), (role.abbreviation or "").casefold()}:
                return role
        return None

    def gate(self, key: str) -> Gate | None:
        """The check of that key."""
        return next((gate for gate in self.gates if gate.key == key), None)

    def fallback_level(self) -> str:
        """The level when nothing says which: the handbook's default, else the second highest."""
        if self.default_level is not None and self.severity(self.default_level):
            return self.default_level
        return self.severities[min(1, len(self.severities) - 1)].level


def _squash(label: str) -> str:
    return label.casefold().replace("-", "").replace(" ", "")


def built_in_policy() -> Policy:
    """SEV1-4 without any clock: holds when no handbook was ever usable (design rule 15)."""
    criteria = ("outage or data loss", "major function degraded", "minor degradation", "cosmetic")
    return Policy(
        severities=tuple(
            Severity(level=f"SEV{n}", rank=n, source=BUILT_IN, criteria=(text,))
            for n, text in enumerate(criteria, start=1)
        ),
        roles=(Role("ic", "Incident Commander", "Coordinates.", BUILT_IN, "IC"),),
    )
