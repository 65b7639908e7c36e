"""People, how they are reached, what they may do. Live data: read when a page is decided, never pinned.

Here: Person, methods, the permission table. Not here: who is on call (`oncall`), sessions and tokens (`web.auth`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """What a route or a command may ask for. Deny by default: a person holds only what `ROLES` gives."""

    READ = "incident:read"
    DECLARE = "incident:declare"
    RESPOND = "incident:respond"
    ADMIN = "admin"
    METRICS = "metrics:read"
    ALERTS_WRITE = "alerts:write"
    ACT_AS = "act:any"


RESPONDER = frozenset({Permission.READ, Permission.DECLARE, Permission.RESPOND})
RIGHTS: dict[str, frozenset[Permission]] = {
    "observer": frozenset({Permission.READ}),
    "responder": RESPONDER,
    "admin": RESPONDER | {Permission.ADMIN, Permission.METRICS},
}
"""What each standing of a person allows. `act:any` is no standing: only the local operator's token holds it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A personal notification rule: `method` is a channel's name or kind, `after_s` seconds after the page (N1)."""

    method: str
    after_s: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet hours in the person's zone, `HH:MM` to `HH:MM`; `days` of the start, 0 = Monday, empty: every day (N4)."""

    start: str
    end: str
    days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody tocsin knows: `handle` is the stable id, `can_act_as` role keys, `in_roster` from the handbook."""

    handle: str
    name: str
    email: str | None = None
    phone: str | None = None
    chat: str | None = None
    can_act_as: tuple[str, ...] = ()
    in_roster: bool = True
    standing: str = "responder"
    tz: str = "UTC"
    """Her zone: what is shown to her, quiet hours, windows of `member`. Never hand-offs."""
    active_from: datetime | None = None
    inactive_from: datetime | None = None
    """From then on she is in no schedule and is not called (R13, L5)."""
    high: tuple[Rule, ...] = ()
    low: tuple[Rule, ...] = ()
    quiet: Quiet | None = None

    def active(self, at: datetime) -> bool:
        """Whether she can be called at `at`."""
        began = self.active_from is None or self.active_from <= at
        return began and (self.inactive_from is None or at < self.inactive_from)

    def may_be(self, role: str) -> bool:
        """Whether the roster lets this person hold the role."""
        return role in self.can_act_as


@dataclass(frozen=True, slots=True)
class Method:
    """One way to reach a person: the configured channel's name and the address on it.

    `kind` is the channel's kind (`email`, `webhook`, `ntfy` ...). `proven_at`: when a page last arrived there.
    """

    channel: str
    address: str
    kind: str = ""
    proven_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How a page uses a method: the channel, and how many seconds after the page (N1)."""

    channel: str
    after_s: int = 0


UNRULED_AFTER_S = {"sms": 60, "voice": 180}
"""How long a method waits for somebody without rules of her own; all others are used at once (N2)."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody, by handle, with the methods that the configured channels give them.

    `disabled`: those that were switched off after failures and are not used, except by a test page (N10).
    """

    people: dict[str, Person] = field(default_factory=dict)
    methods: dict[str, tuple[Method, ...]] = field(default_factory=dict)
    disabled: dict[str, tuple[Method, ...]] = field(default_factory=dict)

    def get(self, handle: str) -> Person | None:
        """The person of that handle (a leading @ is ignored)."""
        return self.people.get(handle.lstrip("@"))

    def who_may_be(self, role: str) -> tuple[str, ...]:
        """Handles of everyone in the roster who may hold the role, in roster order."""
        return tuple(p.handle for p in self.people.values() if p.in_roster and p.may_be(role))

    def admins(self) -> tuple[str, ...]:
        """Handles of the administrators, in order."""
        return tuple(p.handle for p in self.people.values() if p.standing == "admin")

    def ways(self, handle: str, *, urgent: bool) -> tuple[Way, ...]:
        """How a page reaches a person, in order: by her rules for that urgency, else by every usable method (N1, N2).

        A rule whose method she does not have (any more) counts as failed: the next one takes its time (N7). If that
        leaves none, every usable method is used.
        """
        person, methods = self.people.get(handle), self.methods_of(handle)
        rules = (person.high if urgent else person.low) if person else ()
        found: dict[str, int] = {}
        vacant: int | None = None
        for rule in sorted(rules, key=lambda rule: rule.after_s):
            fit = [m.channel for m in methods if rule.method in (m.channel, m.kind)]
            after, vacant = rule.after_s if vacant is None else vacant, None
            for channel in fit:
                found.setdefault(channel, after)
            vacant = None if fit else after
        if not found:
            found = {m.channel: UNRULED_AFTER_S.get(m.kind, 0) for m in methods}
            first = min(found.values(), default=0)
            found = {channel: after - first for channel, after in found.items()}
        return tuple(sorted((Way(c, after) for c, after in found.items()), key=lambda way: way.after_s))

    def methods_of(self, handle: str) -> tuple[Method, ...]:
        """The ways to reach a person, best first; empty when nobody can."""
        return self.methods.get(handle, ())

    def to_try(self, handle: str) -> tuple[Method, ...]:
        """What a test page uses: every method, and of a channel with an address that was switched off that one."""
        found = {m.channel: m for m in (*self.methods_of(handle), *self.disabled.get(handle, ()))}
        return tuple(found.values())
