"""Verbs about who does what: seats, hand-over, shadows, and who made a change."""

from __future__ import annotations

from functools import partial
from typing import Final

from tocsin.domain import crew, response, restricted
from tocsin.web import models as m
from tocsin.web import models_work as mw
from tocsin.web.auth import Caller
from tocsin.web.verb import Decision, Verb


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


def _shadow(caller: Caller, body: mw.Shadow) -> Decision:
    """Shadow the IC, or stop it: a shadow sees everything and does not act."""
    decision = crew.leave_shadow if body.leave else crew.shadow
    return partial(decision, by=caller.handle, person=body.person)


def _suspect(caller: Caller, body: mw.Suspect) -> Decision:
    """A change may have caused it: whoever made it is not proposed as IC."""
    return partial(crew.suspect, by=caller.handle, what=body.what, author=body.author, happened=body.happened)


def _restrict(caller: Caller, body: mw.Restrict) -> Decision:
    """Let only named readers and those at work see it, under a codename; or lift that again."""
    if body.lift:
        return partial(restricted.lift, by=caller.handle, reason=body.reason)
    return partial(
        restricted.restrict,
        by=caller.handle,
        codename=body.codename or "",
        readers=tuple(body.readers),
        reason=body.reason,
    )


PEOPLE: Final = {
    "take": Verb(m.Take, _take),
    "role": Verb(m.Role, _role),
    "handoff": Verb(m.Handoff, _handoff),
    "accept": Verb(m.Accept, _accept),
    "shadow": Verb(mw.Shadow, _shadow, shadows_may=True),
    "suspect": Verb(mw.Suspect, _suspect),
    "restrict": Verb(mw.Restrict, _restrict),
}
