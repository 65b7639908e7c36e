"""People, how they are reached, what they may do. Live data: read when a page is decided, never pinned.

Here: Person, methods, the permission table. Not here: who is on call (`oncall`), sessions and tokens (`web.auth`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
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

    def may_be(self, role: str) -> bool:
        """Whether the roster lets this person hold the role."""
        return role in self.can_act_as


@dataclass(frozen=True, slots=True)
class Method:
    """One way to reach a person: the configured channel's name and the address on it."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody, by handle, with the methods that the configured channels give them."""

    people: dict[str, Person] = field(default_factory=dict)
    methods: dict[str, tuple[Method, ...]] = field(default_factory=dict)

    def get(self, handle: str) -> Person | None:
        """The person of that handle (a leading @ is ignored)."""
        return self.people.get(handle.lstrip("@"))

    def who_may_be(self, role: str) -> tuple[str, ...]:
        """Handles of everyone in the roster who may hold the role, in roster order."""
        return tuple(p.handle for p in self.people.values() if p.in_roster and p.may_be(role))

    def admins(self) -> tuple[str, ...]:
        """Handles of the administrators, in order."""
        return tuple(p.handle for p in self.people.values() if p.standing == "admin")

    def methods_of(self, handle: str) -> tuple[Method, ...]:
        """The ways to reach a person, best first; empty when nobody can."""
        return self.methods.get(handle, ())
