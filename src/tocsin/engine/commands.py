"""Commands that are more than one decision on one stream: opening an incident by a person's hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from tocsin.domain import lifecycle
from tocsin.engine.desk import Desk, Job
from tocsin.engine.numbers import new_reference
from tocsin.engine.sitting import Answer, Sitting

UNNUMBERED = "INC-0000-0000"
"""Stands in for the reference while the decision is tried out."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody declares. Without `level` the handbook's criteria decide, in doubt the higher."""

    by: str
    title: str
    level: str | None = None
    service: str | None = None
    detected: datetime | None = None
    impact_start: datetime | None = None


def declare(desk: Desk, declaration: Declaration, *, key: str | None = None) -> Future[Answer]:
    """Open and declare in one commit; the first pages go out with it. `key` makes a repeat harmless."""
    return desk.put(Job(declaring(declaration), key=key))


def declaring(declaration: Declaration) -> Callable[[Sitting, datetime], Answer]:
    """What `declare` queues, for whoever queues it with something around it."""
    return lambda sitting, at: _declare(sitting, declaration, at)


def _declare(sitting: Sitting, declaration: Declaration, at: datetime) -> Answer:
    policy, context = sitting.contexts.active()
    if declaration.level is None:
        level, why = lifecycle.choose_level(declaration.title, context)
    else:
        level, why = declaration.level, f"chosen by {declaration.by}"
    opening = lifecycle.Opening(
        ref=UNNUMBERED,
        policy=policy,
        title=declaration.title,
        level=level,
        origin="person",
        by=declaration.by,
        service=declaration.service,
        detected=declaration.detected,
        impact_start=declaration.impact_start,
    )
    lifecycle.open_declared(opening, context, at, why=why)  # refused before a number is spent
    opening = replace(opening, ref=new_reference(sitting, at))
    return sitting.open(opening.ref, context, lifecycle.open_declared(opening, context, at, why=why))
