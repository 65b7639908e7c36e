"""Verbs that move an incident on: from acknowledging to closing it, its times, what it merges with."""

from __future__ import annotations

from functools import partial
from typing import Final

from tocsin.domain import comms, lifecycle, response, times
from tocsin.domain.people import Permission
from tocsin.engine.commands import merging, reopening
from tocsin.web import models as m
from tocsin.web.auth import Caller
from tocsin.web.verb import Asked, Decision, Run, Verb


def _ack(caller: Caller, _: m.Ack) -> Decision:
    """Acknowledge: you take it, and nobody further is called."""
    return partial(response.acknowledge, by=caller.handle, via=caller.via)


def _confirm(caller: Caller, body: m.Confirm) -> Decision:
    """Declare an incident that an alert opened."""
    return partial(lifecycle.declare, by=caller.handle, title=body.title, level=body.sev)


def _severity(caller: Caller, body: m.Severity) -> Decision:
    """Change the severity: raising is open to all, lowering needs the IC and a reason."""
    return partial(lifecycle.change_severity, by=caller.handle, level=body.level, reason=body.reason)


def _time(caller: Caller, body: m.Time) -> Decision:
    """Correct one of the seven timestamps, with the reason; clocks are judged anew."""
    return partial(
        times.correct, by=caller.handle, name=body.name, at=body.at, reason=body.because, was=body.was
    )


def _update(caller: Caller, body: m.Update) -> Decision:
    """Post a stakeholder update."""
    return partial(
        comms.post_update, by=caller.handle, impact=body.impact, eta=body.eta, next_steps=body.next_steps
    )


def _mitigate(caller: Caller, body: m.Mitigate) -> Decision:
    """No further harm, with the evidence."""
    return partial(lifecycle.mitigate, by=caller.handle, evidence=body.evidence)


def _resolve(caller: Caller, body: m.Resolve) -> Decision:
    """Over, with the three close points."""
    return partial(
        lifecycle.resolve,
        by=caller.handle,
        confirmed=body.confirmed,
        impact_ended=body.impact_ended,
        errors_normal=body.errors_normal,
        impact_end=body.impact_end,
    )


def _close(caller: Caller, _: m.Close) -> Decision:
    """Close it when nothing is owed any more."""
    return partial(lifecycle.close, by=caller.handle)


def _dismiss(caller: Caller, body: m.Dismiss) -> Decision:
    """It was none: ends a triage incident."""
    return partial(lifecycle.dismiss, by=caller.handle, reason=body.reason)


def _reopen(asked: Asked) -> Run:
    """It is not over: people are called anew, and its clocks run on."""
    return reopening(asked.ref, asked.caller.handle, asked.body.reason)


def _merge(asked: Asked) -> Run:
    """It is the same as another incident and goes on there."""
    return merging(asked.ref, asked.body.into, asked.caller.handle, asked.body.reason)


def _both(body: m.Merge) -> tuple[str, ...]:
    return (body.into,)


PROCESS: Final = {
    "ack": Verb(m.Ack, _ack, shadows_may=True),
    "declare": Verb(m.Confirm, _confirm, permission=Permission.DECLARE),
    "severity": Verb(m.Severity, _severity),
    "time": Verb(m.Time, _time),
    "update": Verb(m.Update, _update),
    "mitigate": Verb(m.Mitigate, _mitigate),
    "resolve": Verb(m.Resolve, _resolve),
    "close": Verb(m.Close, _close),
    "dismiss": Verb(m.Dismiss, _dismiss),
    "reopen": Verb(m.Reopen, run=_reopen),
    "merge": Verb(m.Merge, run=_merge, also=_both),
}
