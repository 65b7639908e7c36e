"""Lanes made of channels, documents and tickets: renders words, and hands them over.

Words and documents are made when they are carried, from the state as it is then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from tocsin.channels.port import Channel, Message
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.effects import DOCUMENTS_LANE, NOWHERE_LANE, SIREN_LANE, TICKETS_LANE, Send
from tocsin.domain.incident import ASKED, Incident
from tocsin.engine.ports import Carried, Lane
from tocsin.engine.words import words_for
from tocsin.store.contract import Taken
from tocsin.wiring.phone_links import answer_link
from tocsin.wiring.surroundings import Surroundings
from tocsin.wiring.ticketing import tickets_carry
from tocsin.wiring.writing import documents_carry

log = structlog.get_logger("tocsin.siren")

Carry = Callable[[Taken], Awaitable[Carried]]

DOCUMENT_WAITS_S = (1.0, 5.0, 15.0, 30.0, 60.0)
TICKET_WAITS_S = (5.0, 30.0, 120.0, 600.0, *[1800.0] * 47)
"""A tracker may be down for a day."""
TICKET_LIMIT_S, TICKET_LEASE_S = 25.0, 40.0
"""Looking, opening and closing are up to four requests."""


def lanes(around: Surroundings, channels: Mapping[str, Channel]) -> list[Lane]:
    """One lane per channel, documents one at a time, the siren, and the lane of people nobody can reach."""
    own = [
        Lane(DOCUMENTS_LANE, documents_carry(around), slots=1, waits_s=DOCUMENT_WAITS_S, for_ever=True),
        Lane(
            TICKETS_LANE,
            tickets_carry(around),
            slots=1,
            timeout_s=TICKET_LIMIT_S,
            lease_s=TICKET_LEASE_S,
            waits_s=TICKET_WAITS_S,
        ),
        Lane(SIREN_LANE, _siren_carry(around)),
        Lane(NOWHERE_LANE, _nowhere_carry),
    ]
    return [Lane(name, _channel_carry(name, channel, around)) for name, channel in channels.items()] + own


def _channel_carry(name: str, channel: Channel, around: Surroundings) -> Carry:
    async def carry(taken: Taken) -> Carried:
        send = taken.effect
        if not isinstance(send, Send):
            raise Undelivered(Failure.PERMANENT, f"a channel carries no {type(send).__name__}")
        message = await asyncio.to_thread(_message, name, send, taken, around)
        return Carried((await channel.send(message)).detail)

    return carry


def _message(name: str, send: Send, taken: Taken, around: Surroundings) -> Message:
    state, context = around.subject_of(taken)
    people = context.directory
    methods = people.to_try(send.person) if state.kind == "test" else people.methods_of(send.person)
    address = next((m.address for m in methods if m.channel == name), None)
    if address is None:
        raise Undelivered(Failure.PERMANENT, f"{send.person} has no address on {name} any more")
    now = around.now()
    words = words_for(send, state, context, now)
    answer = answer_link(around.store, around.base_url, name, send, taken, now, _answered(send, state))
    return Message(
        key=taken.key,
        to=address,
        person=send.person,
        subject=words.subject,
        text=words.text,
        ref=taken.ref,
        about=send.about,
        sent_at=now,
        urgent=send.urgent,
        links=(
            *(((_asks(send, state), answer),) if answer else ()),
            ("Open the incident", f"{around.base_url}/i/{taken.ref}"),
        ),
    )


def _asks(send: Send, state: Incident) -> str:
    """What the link is for, in the words of the page behind it."""
    if send.about == "ack-reminder":
        return "Say that you are still on it"
    page = state.page(send.page or 0)
    if state.kind == "test":
        return "Acknowledge: it arrived"
    if page is not None and page.shadow:
        return "Say that you have seen it; others are called"
    if page is not None and page.rung == ASKED:
        return "Acknowledge: you come"
    return "Acknowledge or pass on"


def _answered(send: Send, state: Incident) -> int | None:
    """The page that the message asks to answer; whoever acknowledged is asked by the newest page to her."""
    if send.about != "ack-reminder" or send.person != state.acked_by:
        return send.page
    return next((page.number for page in reversed(state.pages) if page.person == send.person), None)


async def _nowhere_carry(taken: Taken) -> Carried:
    person = taken.effect.person if isinstance(taken.effect, Send) else "nobody"
    raise Undelivered(Failure.PERMANENT, f"{person} has no contact method")


def _siren_carry(around: Surroundings) -> Carry:
    async def carry(taken: Taken) -> Carried:
        """The path that needs no channel: the log at CRITICAL, and `alarmz` red until somebody answers."""
        note = taken.effect.note if isinstance(taken.effect, Send) else ""
        log.critical("nobody can be reached", ref=taken.ref, reason=note)
        reason = f"{taken.ref}: nobody can be reached"
        await asyncio.to_thread(around.store.raise_alarm, f"dead-end:{taken.ref}", reason, around.now())
        return Carried("alarm raised")

    return carry
