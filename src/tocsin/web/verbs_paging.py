"""Verbs about who is called: escalate, snooze, pass on, still on it, take an acknowledgement back, call people in."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from tocsin.domain import answering
from tocsin.domain.context import Context, Refused
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident
from tocsin.web import models_paging as mp
from tocsin.web.auth import Caller
from tocsin.web.verb import Decision, Verb


def _escalate(caller: Caller, body: mp.Escalate) -> Decision:
    """Call the next step now, also of what was acknowledged or snoozed."""
    return partial(answering.escalate, by=caller.handle, reason=body.reason)


def _pass_on(caller: Caller, body: mp.PassOn) -> Decision:
    """Pass on the page that calls you: the next step is called at once."""
    return partial(answering.pass_on, by=caller.handle, reason=body.reason)


def _snooze(caller: Caller, body: mp.Snooze) -> Decision:
    """Call nobody until then; afterwards as if it were new."""

    def decide(state: Incident, context: Context, now: datetime) -> list[Event]:
        if (body.until is None) == (body.for_s is None):
            raise Refused("how long it is silent must be said once", "give either until or for_s")
        until = body.until or now + timedelta(seconds=body.for_s or 0)
        return answering.snooze(state, context, now, by=caller.handle, until=until, reason=body.reason)

    return decide


def _renew(caller: Caller, _: mp.Renew) -> Decision:
    """Still on it: the acknowledgement holds for its whole time again."""
    return partial(answering.renew_ack, by=caller.handle)


def _unack(caller: Caller, body: mp.Unack) -> Decision:
    """Take the acknowledgement back: people are called from the first step."""
    return partial(answering.unack, by=caller.handle, reason=body.reason)


def _call(caller: Caller, body: mp.Call) -> Decision:
    """Call further people in, now and with high urgency; the steps go on as they are."""
    return partial(answering.ask_responders, by=caller.handle, people=tuple(body.people), reason=body.reason)


def _reassign(caller: Caller, body: mp.Reassign) -> Decision:
    """Nobody has it but these people are called now; the steps begin if they do not answer."""
    return partial(answering.reassign, by=caller.handle, people=tuple(body.people), reason=body.reason)


PAGING: Final = {
    "escalate": Verb(mp.Escalate, _escalate),
    "pass": Verb(mp.PassOn, _pass_on),
    "snooze": Verb(mp.Snooze, _snooze),
    "renew": Verb(mp.Renew, _renew),
    "unack": Verb(mp.Unack, _unack),
    "call": Verb(mp.Call, _call),
    "reassign": Verb(mp.Reassign, _reassign),
}
