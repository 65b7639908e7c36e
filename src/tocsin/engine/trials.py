"""Test pages: opened like everything else, on the desk; their number counts with all others, as `TEST-2026-0007`."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime

from tocsin.domain import trial
from tocsin.engine.commands import UNNUMBERED, Run
from tocsin.engine.desk import Desk, Job
from tocsin.engine.numbers import new_reference
from tocsin.engine.sitting import Answer, Sitting


def page_test(desk: Desk, *, person: str, by: str, key: str | None = None) -> Future[Answer]:
    """Page one person by all her ways, to see that it arrives. `key` makes a repeat harmless.

    The answer's exception is Refused for somebody unknown, not active, or without any way.
    """
    return desk.put(Job(testing(person, by), key=key))


def testing(person: str, by: str) -> Run:
    """What `page_test` queues, for whoever queues it with something around it."""

    def run(sitting: Sitting, at: datetime) -> Answer:
        policy, context = sitting.active()
        # Refused before a number is spent.
        trial.open_test(context, at, ref=UNNUMBERED, policy=policy, by=by, person=person)
        ref = new_reference(sitting, at, trial.KIND)
        opened = trial.open_test(context, at, ref=ref, policy=policy, by=by, person=person)
        return sitting.open(ref, context, opened)

    return run
