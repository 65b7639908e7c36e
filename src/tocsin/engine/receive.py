"""Signals in: find the claim, join or open, in the accepting commit.

Every accepted signal leaves a row (the alert with its counter); whether it is also an event is `grouping`'s decision.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta

from tocsin.domain import grouping
from tocsin.domain.signals import Signal
from tocsin.engine.desk import Desk, Job, Rank
from tocsin.engine.numbers import new_reference
from tocsin.engine.sitting import Answer, Sitting
from tocsin.store.contract import AlertRow, VersionConflict


def receive(desk: Desk, signal: Signal) -> Future[Answer]:
    """Queue a signal. The future is done when it is stored, and with it the pages it asks for."""
    job = Job(
        run=lambda sitting, at: _signal(sitting, signal, at),
        rank=Rank.INTAKE,
        claims=(signal.claim,),
        alerts=((signal.integration, signal.dedup_key),),
    )
    return desk.put(job)


def _signal(sitting: Sitting, signal: Signal, at: datetime) -> Answer:
    ref = sitting.claimed_by(signal.claim)
    if ref is not None and signal.claim not in sitting.state(ref).claims:
        # Another node ended it between our look at the claim and at the incident: decided anew, with a new look.
        raise VersionConflict([ref])
    if ref is None and not signal.firing:
        return _recovery_of_nothing(sitting, signal, at)
    answer = (
        _open(sitting, signal, at)
        if ref is None
        else sitting.decide(ref, at, grouping.signalled, signal=signal, known=_fires(sitting, signal, ref))
    )
    _count(sitting, signal, answer.ref, at)
    return answer


def _fires(sitting: Sitting, signal: Signal, ref: str) -> bool:
    """Whether this very alert fires on that incident already."""
    row = sitting.alert(signal.integration, signal.dedup_key)
    return row is not None and row.ref == ref and row.firing


def _open(sitting: Sitting, signal: Signal, at: datetime) -> Answer:
    ref = new_reference(sitting, at)
    policy, context = sitting.active()
    known = sitting.alert(signal.integration, signal.dedup_key)
    recent = known is not None and at - known.last_at <= timedelta(seconds=context.policy.reopen_s)
    follows = known.ref if known and recent else None
    return sitting.open(ref, context, grouping.open_for(signal, ref, policy, context, at, follows=follows))


def _recovery_of_nothing(sitting: Sitting, signal: Signal, at: datetime) -> Answer:
    """A recovery whose incident is over: the alert row learns it, no stream changes."""
    known = sitting.alert(signal.integration, signal.dedup_key)
    if known is not None:
        sitting.put_alert(replace(known, firing=False, last_at=at))
        return Answer(known.ref, 0)
    return Answer("", 0)


def _count(sitting: Sitting, signal: Signal, ref: str, at: datetime) -> None:
    known = sitting.alert(signal.integration, signal.dedup_key)
    fresh = known is None or known.ref != ref
    sitting.put_alert(
        AlertRow(
            integration=signal.integration,
            dedup_key=signal.dedup_key,
            ref=ref,
            firing=signal.firing,
            severity=signal.severity,
            count=1 if known is None or fresh else known.count + int(signal.firing),
            first_at=at if known is None or fresh else known.first_at,
            last_at=at,
        )
    )
