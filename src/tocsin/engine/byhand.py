"""Pages by hand: a call to named people or schedules, without an alert; it opens in triage and waits for an answer."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from tocsin.domain import lifecycle
from tocsin.domain.context import Context, Refused
from tocsin.domain.policy import Policy
from tocsin.domain.targets import targets_of
from tocsin.engine.commands import UNNUMBERED, Run
from tocsin.engine.desk import Desk, Job
from tocsin.engine.numbers import new_reference
from tocsin.engine.sitting import Answer, Sitting


def page(
    desk: Desk, *, by: str, to: tuple[str, ...], text: str, level: str | None = None, key: str | None = None
) -> Future[Answer]:
    """Page people until one of them answers. `key` makes a repeat harmless.

    The answer's exception is Refused for a target that means nobody, an unknown level, or no words.
    """
    return desk.put(Job(paging(by, to, text, level), key=key))


def paging(by: str, to: tuple[str, ...], text: str, level: str | None = None) -> Run:
    """What `page` queues. `to`: handles, or targets such as `schedule:portal`; `level`: as for a declare."""

    def run(sitting: Sitting, at: datetime) -> Answer:
        policy, context = sitting.active()
        title = lifecycle.one_line(text)[: lifecycle.TITLE_LIMIT]
        if not title or not to:
            raise Refused("the page says nothing, or to nobody", "name somebody, and one line of text")
        chosen = context.severity(level).level if level else _urgent(context.policy)
        opening = lifecycle.Opening(
            ref=UNNUMBERED,
            policy=policy,
            title=title,
            level=chosen,
            origin="person",
            by=by,
            audience=_audience(to, context),
        )
        lifecycle.open_triage(opening, context, at)  # refused before a number is spent
        opening = replace(opening, ref=new_reference(sitting, at))
        return sitting.open(opening.ref, context, lifecycle.open_triage(opening, context, at))

    return run


def _urgent(policy: Policy) -> str:
    """The level in doubt, unless that would let people sleep: who pages by hand wants an answer."""
    usual = policy.severity(policy.fallback_level())
    if usual is not None and usual.urgent:
        return usual.level
    return next((s.level for s in reversed(policy.severities) if s.urgent), policy.severities[0].level)


def _audience(to: tuple[str, ...], context: Context) -> tuple[str, ...]:
    """A bare word is a person, or else a schedule of that name."""
    known, schedules = context.directory, context.rota.names()
    named = (f"schedule:{t}" if t in schedules and known.get(t) is None else t for t in to)
    return targets_of(dict.fromkeys(named))
