"""A ticket in a tracker that stands for the row in the log: its address, given by a person or by what opened it."""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage

WHERE_LIMIT = 300


def link(state: Incident, context: Context, now: datetime, *, by: str, where: str) -> list[ev.Event]:
    """The ticket at `where` stands for the log row from now on; a later one takes its place.

    Raises Refused for what has no row (not declared, merged), without an address, and for the one that is linked.
    """
    address = " ".join(where.split())
    if state.stage == Stage.MERGED:
        raise Refused(f"{state.ref} was merged into {state.merged_into}", f"link it to {state.merged_into}")
    if state.declared_at is None:
        raise Refused(f"{state.ref} was not declared: it has no row in the log", "declare it first")
    if not address:
        raise Refused("say where the ticket is", "its address")
    if len(address) > WHERE_LIMIT:
        raise Refused(f"the address is longer than {WHERE_LIMIT} characters", "take a shorter one")
    if address == state.duties.ticket:
        raise Refused("this ticket is linked already", "")
    return Draft(state, context).add(ev.TicketLinked(now, by, Text(address))).events
