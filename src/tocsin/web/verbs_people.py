"""Verbs about who does what: seats, hand-over, shadows, and who made a change."""

from __future__ import annotations

from functools import partial
from typing import Final

from tocsin.domain import response
from tocsin.web import models as m
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


PEOPLE: Final = {
    "take": Verb(m.Take, _take),
    "role": Verb(m.Role, _role),
    "handoff": Verb(m.Handoff, _handoff),
    "accept": Verb(m.Accept, _accept),
}
