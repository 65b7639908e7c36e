"""Verbs of the people at work: what is said and decided, tasks, checks, restores."""

from __future__ import annotations

from functools import partial
from typing import Final

from tocsin.domain import response
from tocsin.web import models_work as m
from tocsin.web.auth import Caller
from tocsin.web.verb import Decision, Verb


def _note(caller: Caller, body: m.Note) -> Decision:
    """Keep a note; `at` back-dates it."""
    return partial(response.note, by=caller.handle, text=body.text, happened=body.at)


def _decide(caller: Caller, body: m.Decide) -> Decision:
    """Record a decision and its reason."""
    return partial(
        response.decide, by=caller.handle, decision=body.decision, why=body.why, objections=body.objections
    )


WORK: Final = {
    "note": Verb(m.Note, _note),
    "decide": Verb(m.Decide, _decide),
}
