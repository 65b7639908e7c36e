"""How a command of a person gets to the desk and its answer back; API and pages share this. The verbs stand in `verbs`.

A command under an Idempotency-Key is stored with two keys: one without and one with
the digest of what was asked, so that the same key with another body is noticed and refused.
"""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from tocsin.engine.commands import Declaration, declaring
from tocsin.engine.desk import Desk, Job
from tocsin.engine.sitting import Answer, Sitting
from tocsin.web import models as m
from tocsin.web.auth import Caller
from tocsin.web.problems import KeyReused, Problem
from tocsin.web.verb import Asked, Run, Verb, run_of

ANSWER_WITHIN_S: Final = 30.0


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
        raise not_in_time() from None


def not_in_time() -> Problem:
    """It may still be done: nobody knows yet."""
    return Problem(
        503,
        "No answer came in time; whether it was written is not known yet",
        possible="look whether it was, or send the same request again with the same Idempotency-Key",
        headers={"Retry-After": "5"},
    )


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
    """Open and declare an incident, or record a near miss or a planned change."""
    declaration = Declaration(
        by=by,
        title=body.title,
        level=body.sev,
        service=body.service,
        detected=body.detected,
        impact_start=body.impact_start,
        kind=body.kind,
        drill=body.drill,
        follows=body.follows,
    )
    return await submit(desk, declaring(declaration), keys)


async def carry_out(verb: Verb, asked: Asked, key: str | None, path: str) -> Answer:
    """Do it. Raises what `submit` raises, and Problem 422 for fields that do not belong together."""
    keys = once(asked.caller, path, key, asked.body)
    run = await run_in_threadpool(run_of, verb, asked)
    return await submit(asked.program.engine.desk, run, keys, *verb.refs(asked))
