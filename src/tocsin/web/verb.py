"""What a verb is: the shape of its body, and how caller and body become a decision or a whole run.

A person who shadows acts in nothing, and whoever may not read an incident does not act in it: that is looked at here,
once for all verbs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tocsin.domain import crew
from tocsin.domain.context import Context, Refused
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident
from tocsin.domain.people import Permission
from tocsin.domain.restricted import may_read
from tocsin.engine.sitting import Answer, Sitting
from tocsin.web.auth import Caller
from tocsin.web.models import Body
from tocsin.web.models_work import misfits
from tocsin.web.problems import Problem
from tocsin.wiring.program import Program

Decision = Callable[[Incident, Context, datetime], list[Event]]
Run = Callable[[Sitting, datetime], Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb being asked for: by whom, of which incident, with what."""

    program: Program
    caller: Caller
    ref: str
    body: Any


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: most are one `decision`; `run` is for those that touch two streams or read something first.

    `also` names further incidents that it loads; `shadows_may`: open to whoever only shadows.
    """

    body: type[Body]
    decision: Callable[[Caller, Any], Decision] | None = None
    run: Callable[[Asked], Run] | None = None
    permission: Permission = Permission.RESPOND
    also: Callable[[Any], tuple[str, ...]] | None = None
    shadows_may: bool = False

    @property
    def words(self) -> str:
        """What it does, in a sentence."""
        return (self.decision or self.run).__doc__ or ""

    def refs(self, asked: Asked) -> tuple[str, ...]:
        """Every incident that it touches."""
        return (asked.ref, *(self.also(asked.body) if self.also else ()))


def run_of(verb: Verb, asked: Asked) -> Run:
    """What the desk is to run. Raises Problem 422 naming fields that do not belong together."""
    found = misfits(asked.body)
    if found:
        raise Problem(422, f"{found[0][0]}: {found[0][1]}", errors=found)
    run, by = _made(verb, asked), asked.caller.handle

    def guarded(sitting: Sitting, at: datetime) -> Answer:
        for ref in verb.refs(asked):
            refuse_stranger(sitting.state(ref), by)
        if not verb.shadows_may:
            crew.refuse_shadow(sitting.state(asked.ref), by)
        return run(sitting, at)

    return guarded


def refuse_stranger(state: Incident, by: str) -> None:
    """Whoever may not read it does not act in it either: acting would open it. Raises Refused."""
    if not may_read(state, by):
        raise Refused(f"{state.ref} is restricted", "ask whoever leads it to name you as a reader")


def _made(verb: Verb, asked: Asked) -> Run:
    if verb.run is not None:
        return verb.run(asked)
    if verb.decision is None:
        raise TypeError("a verb needs a decision or a run")
    decision = verb.decision(asked.caller, asked.body)
    return lambda sitting, at: sitting.decide(asked.ref, at, decision)
