"""Test pages: opened like everything else, on the desk; their number counts with all others, as `TEST-2026-0007`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Final

from tocsin.domain import trial
from tocsin.domain.context import Refused
from tocsin.domain.events import Event, Opened
from tocsin.domain.incident import Stage
from tocsin.engine.commands import UNNUMBERED, Run
from tocsin.engine.desk import Desk, Job
from tocsin.engine.numbers import new_reference
from tocsin.engine.sitting import Answer, Sitting

ONE_PER: Final = timedelta(minutes=1)
"""A person gets one test page in so long, whoever asks, unless she answered the one before."""


class TooSoon(Refused):
    """She has just got one; `wait_s`: whole seconds until another may go out."""

    def __init__(self, person: str, wait_s: int) -> None:
        super().__init__(
            f"a test page went to {person} a moment ago and is not answered yet",
            f"let {person} acknowledge it, or try again in {wait_s} s",
        )
        self.wait_s = wait_s


def page_test(desk: Desk, *, person: str, by: str, key: str | None = None) -> Future[Answer]:
    """Page one person by all her ways, to see that it arrives. `key` makes a repeat harmless.

    The answer's exception is Refused for somebody unknown, not active, or without any way.
    """
    return desk.put(Job(testing(person, by, limited=False), key=key))


def testing(person: str, by: str, *, limited: bool) -> Run:
    """What `page_test` queues, for whoever queues it with something around it.

    `limited`: raises TooSoon where she has got one within `ONE_PER` and it is not answered.
    """

    def run(sitting: Sitting, at: datetime) -> Answer:
        policy, context = sitting.active()
        # Refused before a number is spent.
        events = trial.open_test(context, at, ref=UNNUMBERED, policy=policy, by=by, person=person)
        if limited:
            _refuse_flood(sitting, events, at)
        ref = new_reference(sitting, at, trial.KIND)
        opened = trial.open_test(context, at, ref=ref, policy=policy, by=by, person=person)
        return sitting.open(ref, context, opened)

    return run


def _refuse_flood(sitting: Sitting, events: Sequence[Event], at: datetime) -> None:
    """Raise TooSoon. One that was answered, or given up, is dismissed."""
    opened = next(event for event in events if isinstance(event, Opened))
    for earlier in sitting.opened_since(trial.KIND, at - ONE_PER):
        if earlier.stage is Stage.TRIAGE and earlier.audience == opened.audience:
            person = opened.audience[0].removeprefix("person:")
            raise TooSoon(person, max(1, -((at - earlier.opened_at - ONE_PER) // timedelta(seconds=1))))
