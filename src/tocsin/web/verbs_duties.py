"""Verbs about what is owed: postmortem, actions, legal deadlines, statements, ticket."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from tocsin.domain import actions, legal, statements, tickets
from tocsin.domain.context import Context
from tocsin.engine.publishing import Looked, publishing
from tocsin.handbook.sections import incomplete
from tocsin.web import models_work as m
from tocsin.web.auth import Caller
from tocsin.web.stored import state_of
from tocsin.web.verb import Asked, Decision, Run, Verb
from tocsin.wiring.program import Program

READ_LIMIT: Final = 1024 * 1024
"""A postmortem in the repository that is longer is not looked at."""


def _postmortem(asked: Asked) -> Run:
    """Say where the postmortem is published; one in the repository must be complete."""
    where, state = asked.body.where, state_of(asked.program, asked.ref)
    sections = sections_of(asked.program.engine.contexts.pinned(state.policy))
    return publishing(asked.ref, asked.caller.handle, where, _looked(asked.program, where, sections))


def _looked(program: Program, where: str, sections: tuple[str, ...]) -> Looked:
    """Here and not on the desk: a text takes its time."""
    if not m.is_inside(where):
        return Looked(None)
    text = text_in_repository(program, where)
    if text is None:
        what = "no file of that name can be read in the handbook's repository"
        return Looked(None, f"{what} (at most {READ_LIMIT // 1024} KB)")
    return Looked(incomplete(text, sections))


def sections_of(context: Context) -> tuple[str, ...]:
    """The sections that the pinned handbook wants of a postmortem."""
    return tuple(note.text for note in context.policy.postmortem_sections)


def text_in_repository(program: Program, where: str, most: int = READ_LIMIT) -> str | None:
    """What stands at a path of the handbook's repository; None where tocsin cannot look, or it is longer."""
    reading = program.reading
    if reading is None or not m.is_inside(where):
        return None
    root = Path(reading.root).resolve()
    try:
        found = (root / where.strip()).resolve()
        if not found.is_relative_to(root) or not found.is_file():
            return None
        with found.open("rb") as file:
            body = file.read(most + 1)
    except (OSError, ValueError):
        return None
    return body.decode("utf-8", "replace") if len(body) <= most else None


def _ticket(caller: Caller, body: m.Ticket) -> Decision:
    """A ticket stands for the log row: its address."""
    return partial(tickets.link, by=caller.handle, where=body.where)


def _action(caller: Caller, body: m.Action) -> Decision:
    """What is done afterwards: add, change, prove or drop an action."""
    by, number = caller.handle, body.action or 0
    match body.do:
        case "add":
            kind = body.kind or "prevent"
            return partial(
                actions.add, by=by, text=body.text or "", kind=kind, owner=body.owner, due=body.due
            )
        case "change":
            return partial(
                actions.change, by=by, action=number, owner=body.owner, due=body.due, kind=body.kind
            )
        case "prove":
            return partial(actions.prove, by=by, action=number, proof=body.proof or "")
        case "drop":
            return partial(actions.drop, by=by, action=number, reason=body.reason or "")


def _legal(caller: Caller, body: m.Legal) -> Decision:
    """A legal deadline: start it from when it was known, or end it by a decision."""
    by, reason = caller.handle, body.reason or ""
    if body.do == "start" and body.aware is not None:
        return partial(
            legal.start,
            by=by,
            regime=body.regime,
            aware=body.aware,
            limit_s=body.limit_s,
            owner=body.owner,
            reason=reason,
        )
    return partial(legal.decide, by=by, regime=body.regime, decision=body.decision or "", reason=reason)


def _statement(caller: Caller, body: m.Statement) -> Decision:
    """A text for people outside: draft it, approve it, say where a person sent it."""
    by, number = caller.handle, body.statement or 0
    match body.do:
        case "approve":
            return partial(statements.approve, by=by, statement=number)
        case "sent":
            return partial(statements.sent, by=by, statement=number, where=body.where or "")
        case "draft":
            return partial(
                statements.draft,
                by=by,
                audience=body.audience or "",
                text=body.text or "",
                data=body.data or "",
            )


DUTIES: Final = {
    "postmortem": Verb(m.Postmortem, run=_postmortem),
    "ticket": Verb(m.Ticket, _ticket),
    "action": Verb(m.Action, _action),
    "legal": Verb(m.Legal, _legal),
    "statement": Verb(m.Statement, _statement),
}
