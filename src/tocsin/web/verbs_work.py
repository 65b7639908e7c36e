"""Verbs of the people at work: what is said and decided, tasks, checks, restores."""

from __future__ import annotations

from functools import partial
from typing import Final

from tocsin.domain import gates, response, tasks
from tocsin.engine.gated import overriding, starting
from tocsin.web import models_work as m
from tocsin.web.auth import Caller
from tocsin.web.verb import Asked, Decision, Run, Verb


def _note(caller: Caller, body: m.Note) -> Decision:
    """Keep a note; `at` back-dates it, `replaces` changes the one that was seen."""
    return partial(response.note, by=caller.handle, text=body.text, happened=body.at, replaces=body.replaces)


def _decide(caller: Caller, body: m.Decide) -> Decision:
    """Record a decision and its reason."""
    return partial(
        response.decide,
        by=caller.handle,
        decision=body.decision,
        why=body.why,
        objections=body.objections,
        proposal=body.proposal,
    )


def _task(asked: Asked) -> Run:
    """Work to do: open, give, approve, start, finish or drop a task."""
    if asked.body.do == "start":
        return starting(asked.ref, asked.caller.handle, asked.body.task)
    decision = _on_task(asked.caller.handle, asked.body)
    return lambda sitting, at: sitting.decide(asked.ref, at, decision)


def _on_task(by: str, body: m.Task) -> Decision:
    number = body.task or 0
    match body.do:
        case "assign":
            return partial(tasks.assign_task, by=by, task=number, owner=body.owner or "")
        case "approve":
            return partial(tasks.approve_task, by=by, task=number)
        case "done":
            return partial(tasks.finish_task, by=by, task=number, result=body.result or "")
        case "drop":
            return partial(tasks.drop_task, by=by, task=number, reason=body.reason or "")
        case _:
            return partial(
                tasks.open_task,
                by=by,
                text=body.text or "",
                owner=body.owner,
                minutes=body.minutes,
                db_change=body.db_change,
                second=body.second,
            )


def _gate(asked: Asked) -> Run:
    """The check before a database change: go through it, confirm it, go past it, note the point to return to."""
    by, body = asked.caller.handle, asked.body
    if body.do == "override":
        return overriding(asked.ref, by, body.task or 0, body.reason or "")
    decision = _on_check(by, body)
    return lambda sitting, at: sitting.decide(asked.ref, at, decision)


def _on_check(by: str, body: m.Gate) -> Decision:
    match body.do:
        case "confirm":
            return partial(gates.confirm, by=by, check=body.check or 0)
        case "point" if body.restore_point is not None:
            return partial(gates.note_restore_point, by=by, point=body.restore_point, note=body.note or "")
        case _:
            answers = tuple(gates.PointAnswer(a.answer, a.evidence) for a in body.answers or ())
            return partial(
                gates.go_through, by=by, gate=body.gate, answers=answers, restore_point=body.restore_point
            )


def _restored(caller: Caller, body: m.Restored) -> Decision:
    """Record a restore or a restore drill, with what validated it."""
    return partial(
        gates.record_restore,
        by=caller.handle,
        kind=body.kind,
        source=body.source,
        target=body.target,
        reason=body.reason,
        validation=body.validation,
        passed=body.passed,
        rpo_s=body.rpo_s,
        rto_s=body.rto_s,
    )


def _kept(caller: Caller, body: m.Evidence) -> Decision:
    """A file was kept: the fact that names it."""
    return partial(
        response.evidence,
        by=caller.handle,
        digest=body.digest,
        size=body.size,
        name=body.name,
        media_type=body.media_type,
        note=body.note,
    )


def _propose(caller: Caller, body: m.Propose) -> Decision:
    """Propose a decision: it waits until somebody decides."""
    return partial(response.propose, by=caller.handle, text=body.text)


def _report(caller: Caller, body: m.Report) -> Decision:
    """The same was reported again: it joins, and nobody is called."""
    return partial(response.report, by=caller.handle, text=body.text, source=body.source)


EVIDENCE: Final = Verb(m.Evidence, _kept)
WORK: Final = {
    "note": Verb(m.Note, _note),
    "decide": Verb(m.Decide, _decide),
    "propose": Verb(m.Propose, _propose),
    "report": Verb(m.Report, _report),
    "task": Verb(m.Task, run=_task),
    "gate": Verb(m.Gate, run=_gate),
    "restored": Verb(m.Restored, _restored),
}
