"""What a person can do to an incident: each verb with its body and the plain function of the domain behind it.

API and pages share this table. A command under an Idempotency-Key is stored with two keys: one without and one with
the digest of what was asked, so that the same key with another body is noticed and refused.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from tocsin.domain import comms, lifecycle, response
from tocsin.domain.context import Context
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident
from tocsin.domain.people import Permission
from tocsin.engine.commands import Declaration, declaring
from tocsin.engine.desk import Desk, Job
from tocsin.engine.sitting import Answer, Sitting
from tocsin.web import models as m
from tocsin.web.auth import Caller
from tocsin.web.problems import KeyReused, Problem

ANSWER_WITHIN_S: Final = 30.0

Decision = Callable[[Incident, Context, datetime], list[Event]]
Run = Callable[[Sitting, datetime], Answer]


@dataclass(frozen=True, slots=True)
class Once:
    """The keys of a command that may be sent again."""

    key: str
    with_body: str


def once(caller: Caller, path: str, key: str | None, body: m.Body) -> Once | None:
    """The keys for what this person asked under this Idempotency-Key; None without one."""
    if key is None:
        return None
    if not key or len(key) > m.LINE_LIMIT or not key.isprintable():
        raise Problem(
            422, "Idempotency-Key: 1 to 300 printable characters", errors=[("Idempotency-Key", "unusable")]
        )
    base = hashlib.sha256(f"{caller.handle}|{path}|{key}".encode()).hexdigest()
    asked = hashlib.sha256(f"{base}|{body.model_dump_json()}".encode()).hexdigest()
    return Once(base, asked)


async def settle(future: Future[Answer]) -> Answer:
    """The answer of the desk. Raises what the desk raised, or Problem 503 when it does not come in time.

    Shielded: whoever asked may go away, the desk's future is never cancelled.
    """
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await asyncio.shield(asyncio.wrap_future(future))
    except TimeoutError:
        raise Problem(
            503,
            "No answer came in time; whether it was written is not known yet",
            possible="look at the incident, or send the same request again with the same Idempotency-Key",
            headers={"Retry-After": "5"},
        ) from None


async def submit(desk: Desk, run: Run, keys: Once | None, *refs: str) -> Answer:
    """Queue a command and wait for it. Raises Refused, UnknownIncident, StoreUnavailable, Busy, KeyReused."""
    if keys is None:
        return await settle(desk.put(Job(run, refs=refs)))
    answer = await settle(desk.put(Job(partial(_remembered, run, keys), refs=refs, key=keys.key)))
    if answer.replayed:
        await settle(desk.put(Job(_other_body, key=keys.with_body)))
    return answer


def _remembered(run: Run, keys: Once, sitting: Sitting, at: datetime) -> Answer:
    answer = run(sitting, at)
    sitting.answers.append((keys.with_body, f"{answer.ref} {answer.version}".encode()))
    return answer


def _other_body(_: Sitting, __: datetime) -> Answer:
    """Runs only when the key is known and the key with this body is not."""
    raise KeyReused("this Idempotency-Key was used for another request", "take a new key for a new command")


async def declare(desk: Desk, by: str, body: m.Declare, keys: Once | None) -> Answer:
    """Open and declare an incident."""
    declaration = Declaration(by, body.title, body.sev, body.service, body.detected, body.impact_start)
    return await submit(desk, declaring(declaration), keys)


async def carry_out(desk: Desk, ref: str, decision: Decision, keys: Once | None) -> Answer:
    """One decision on one incident."""
    return await submit(desk, lambda sitting, at: sitting.decide(ref, at, decision), keys, ref)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: the shape of its body, and how caller and body become a decision."""

    body: type[m.Body]
    decision: Callable[[Caller, Any], Decision]
    permission: Permission = Permission.RESPOND


def _ack(caller: Caller, _: m.Ack) -> Decision:
    """Acknowledge: you take it, and nobody further is called."""
    return partial(response.acknowledge, by=caller.handle, via=caller.via)


def _confirm(caller: Caller, body: m.Confirm) -> Decision:
    """Declare an incident that an alert opened."""
    return partial(lifecycle.declare, by=caller.handle, title=body.title, level=body.sev)


def _take(caller: Caller, body: m.Take) -> Decision:
    """Take an empty seat."""
    return partial(response.take_seat, by=caller.handle, role=body.role)


def _role(caller: Caller, body: m.Role) -> Decision:
    """Give a seat to somebody."""
    return partial(response.assign_seat, by=caller.handle, role=body.role, person=body.person)


def _handoff(caller: Caller, body: m.Handoff) -> Decision:
    """Offer a seat; it changes when the other accepts."""
    return partial(response.offer_handover, by=caller.handle, role=body.role, to=body.to)


def _accept(caller: Caller, body: m.Accept) -> Decision:
    """Accept a seat that is offered to you."""
    return partial(response.accept_handover, by=caller.handle, role=body.role)


def _severity(caller: Caller, body: m.Severity) -> Decision:
    """Change the severity: raising is open to all, lowering needs the IC and a reason."""
    return partial(lifecycle.change_severity, by=caller.handle, level=body.level, reason=body.reason)


def _note(caller: Caller, body: m.Note) -> Decision:
    """Keep a note; `at` back-dates it."""
    return partial(response.note, by=caller.handle, text=body.text, happened=body.at)


def _decide(caller: Caller, body: m.Decide) -> Decision:
    """Record a decision and its reason."""
    return partial(
        response.decide, by=caller.handle, decision=body.decision, why=body.why, objections=body.objections
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
    )


def _close(caller: Caller, _: m.Close) -> Decision:
    """Close it when nothing is owed any more."""
    return partial(lifecycle.close, by=caller.handle)


def _postmortem(caller: Caller, body: m.Postmortem) -> Decision:
    """Say where the postmortem is published."""
    return partial(lifecycle.publish_postmortem, by=caller.handle, where=body.where)


def _dismiss(caller: Caller, body: m.Dismiss) -> Decision:
    """It was none: ends a triage incident."""
    return partial(lifecycle.dismiss, by=caller.handle, reason=body.reason)


VERBS: Final = {
    "ack": Verb(m.Ack, _ack),
    "declare": Verb(m.Confirm, _confirm, Permission.DECLARE),
    "take": Verb(m.Take, _take),
    "role": Verb(m.Role, _role),
    "handoff": Verb(m.Handoff, _handoff),
    "accept": Verb(m.Accept, _accept),
    "severity": Verb(m.Severity, _severity),
    "note": Verb(m.Note, _note),
    "decide": Verb(m.Decide, _decide),
    "update": Verb(m.Update, _update),
    "mitigate": Verb(m.Mitigate, _mitigate),
    "resolve": Verb(m.Resolve, _resolve),
    "close": Verb(m.Close, _close),
    "postmortem": Verb(m.Postmortem, _postmortem),
    "dismiss": Verb(m.Dismiss, _dismiss),
}
