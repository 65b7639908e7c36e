"""Verbs about what is owed: postmortem, actions, legal deadlines, statements, ticket."""

from __future__ import annotations

from functools import partial
from typing import Final

from tocsin.domain import lifecycle
from tocsin.web import models_work as m
from tocsin.web.auth import Caller
from tocsin.web.verb import Decision, Verb


def _postmortem(caller: Caller, body: m.Postmortem) -> Decision:
    """Say where the postmortem is published."""
    return partial(lifecycle.publish_postmortem, by=caller.handle, where=body.where)


DUTIES: Final = {
    "postmortem": Verb(m.Postmortem, _postmortem),
}
