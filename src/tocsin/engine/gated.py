"""Starting a task that may wait for a check, and going past it: what other incidents know of it is handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from tocsin.domain import gates, restricted, tasks
from tocsin.domain.gates import EarlierCheck
from tocsin.domain.incident import Incident
from tocsin.engine.sitting import Answer, Sitting, UnknownIncident
from tocsin.store.contract import CheckRow, UnknownEvent


def starting(ref: str, by: str, task: int) -> Callable[[Sitting, datetime], Answer]:
    """What is queued for a person who starts a task: decided with the checks of all incidents at hand."""

    def run(sitting: Sitting, at: datetime) -> Answer:
        earlier = _earlier_checks(sitting, ref, by, task)
        return sitting.decide(ref, at, tasks.start_task, by=by, task=task, earlier=earlier)

    return run


def overriding(ref: str, by: str, task: int, reason: str) -> Callable[[Sitting, datetime], Answer]:
    """What is queued for an IC who goes past a check: a failure elsewhere is something to go past, too."""

    def run(sitting: Sitting, at: datetime) -> Answer:
        earlier = _earlier_checks(sitting, ref, by, task)
        return sitting.decide(ref, at, gates.override, by=by, task=task, reason=reason, earlier=earlier)

    return run


def _earlier_checks(sitting: Sitting, ref: str, by: str, task: int) -> tuple[EarlierCheck, ...]:
    """The checks made elsewhere that concern the task, newest first, as far as `by` may see them."""
    here = sitting.state(ref)
    found = here.work.task(task)
    gate = found.gate if found and found.state == "open" else None
    return seen_from(here, by, sitting.batch.checks(gate=gate), partial(_there, sitting)) if gate else ()


def seen_from(
    here: Incident, by: str, rows: Sequence[CheckRow], look: Callable[[str], Incident | None]
) -> tuple[EarlierCheck, ...]:
    """The same from rows at hand; `look` gives the other incidents. Of a restricted one its readers alone hear."""
    found = []
    for row in rows:
        there = look(row.ref) if row.ref != here.ref else None
        # What was rehearsed in a drill says nothing about the database of today.
        if there is None or (there.drill and not here.drill) or not restricted.may_read(there, by):
            continue
        found.append(_earlier(row, there))
    return tuple(found)


def _there(sitting: Sitting, ref: str) -> Incident | None:
    """The other incident; one that cannot be read holds nobody up, and lets nothing start either."""
    try:
        return sitting.state(ref)
    except (UnknownIncident, UnknownEvent):
        return None


def _earlier(row: CheckRow, there: Incident) -> EarlierCheck:
    return EarlierCheck(
        ref=row.ref,
        gate=row.gate,
        check=row.number,
        by=row.by,
        at=row.at,
        passed=row.passed,
        confirmed=row.confirmed,
        valid_until=row.valid_until,
        restore_point=row.restore_point,
        used=row.used,
        answers=there.work.answers,
    )
