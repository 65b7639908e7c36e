"""Starting a task that may wait for a check: what other incidents know of that check is looked up and handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from tocsin.domain import restricted, tasks
from tocsin.domain.gates import EarlierCheck
from tocsin.domain.incident import Incident
from tocsin.engine.sitting import Answer, Sitting, UnknownIncident
from tocsin.store.contract import CheckRow, UnknownEvent


def starting(ref: str, by: str, task: int) -> Callable[[Sitting, datetime], Answer]:
    """What is queued for a person who starts a task: decided with the checks of all incidents at hand."""

    def run(sitting: Sitting, at: datetime) -> Answer:
        state = sitting.state(ref)
        found = state.work.task(task)
        gate = found.gate if found and found.state == "open" else None
        earlier = earlier_checks(sitting, state, by, gate) if gate else ()
        return sitting.decide(ref, at, tasks.start_task, by=by, task=task, earlier=earlier)

    return run


def earlier_checks(sitting: Sitting, here: Incident, by: str, gate: str) -> tuple[EarlierCheck, ...]:
    """The checks of that gate made elsewhere, newest first, as far as they count here and `by` may see them."""
    return seen_from(here, by, sitting.batch.checks(gate=gate), partial(_there, sitting))


def seen_from(
    here: Incident, by: str, rows: Sequence[CheckRow], look: Callable[[str], Incident | None]
) -> tuple[EarlierCheck, ...]:
    """The same from rows at hand; `look` gives the other incidents."""
    found = []
    for row in rows:
        there = look(row.ref) if row.ref != here.ref else None
        # What was rehearsed in a drill says nothing about the database of today.
        if there is not None and (here.drill or not there.drill):
            found.append(_earlier(row, there, by))
    return tuple(found)


def _there(sitting: Sitting, ref: str) -> Incident | None:
    """The other incident; one that cannot be read holds nobody up, and lets nothing start either."""
    try:
        return sitting.state(ref)
    except (UnknownIncident, UnknownEvent):
        return None


def _earlier(row: CheckRow, there: Incident, by: str) -> EarlierCheck:
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
        answers=there.work.answers if restricted.may_read(there, by) else (),
    )
