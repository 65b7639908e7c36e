"""Tickets carried out: one for each declared incident, where a tracker is configured. None for a drill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tocsin.channels.tickets import Kept, StillTold, Ticket
from tocsin.domain.delivery import Failure, Undelivered
from tocsin.domain.incident import Incident, Stage
from tocsin.engine.ports import Carried
from tocsin.store.contract import DocumentMemory, Taken
from tocsin.wiring.records import log_row, ticket_text
from tocsin.wiring.surroundings import Surroundings

ALARM = "ticket"
ALARM_AFTER_TRIES = 2


def tickets_carry(around: Surroundings) -> Callable[[Taken], Awaitable[Carried]]:
    """Without a tracker nothing is owed."""

    async def carry(taken: Taken) -> Carried:
        tracker = around.tracker
        if tracker is None:
            return Carried("no ticket: none is configured")
        state, _ = await asyncio.to_thread(around.subject_of, taken)
        kept = await asyncio.to_thread(_kept, taken, around)
        if state.drill or (kept is None and state.duties.ticket):
            return Carried("no ticket: it is a drill" if state.drill else "no ticket: people have linked one")
        try:
            done = await tracker.write(await asyncio.to_thread(_ticket, taken, around), kept)
        except Undelivered as failed:
            await asyncio.to_thread(_alarm, failed, taken, around)
            raise Undelivered(failed.kind, failed.reason, failed.after, path=tracker.repository) from None
        await asyncio.to_thread(_settled, taken, around)
        content = f"{done.number}\n{done.digest}"
        memory = DocumentMemory(taken.ref, "ticket", done.address, content)
        return Carried(done.address, memory, f"#{done.number}")

    return carry


def _kept(taken: Taken, around: Surroundings) -> Kept | None:
    memory = around.store.document(taken.ref, "ticket")
    if memory is None:
        return None
    number, _, digest = memory.content.partition("\n")
    return Kept(int(number), memory.path, digest)


def _ticket(taken: Taken, around: Surroundings) -> Ticket:
    state, context = around.subject_of(taken)
    row = log_row(state, context, around.timeline_of(taken), None)
    return Ticket(
        mark="/".join(taken.key.split("/")[:2]),  # epoch and reference: never that of another database
        title=f"{state.ref} {state.level}: {state.known_as}",
        text=ticket_text(row, f"{around.base_url}/i/{state.ref}"),
        closed=_over(state),
        reason="not_planned" if state.stage in {Stage.MERGED, Stage.DISMISSED} else "completed",
        since=state.opened_at,
        restricted=state.room.restriction is not None,
    )


def _over(state: Incident) -> bool:
    return state.stage in {Stage.CLOSED, Stage.MERGED, Stage.DISMISSED}


def _alarm(failed: Undelivered, taken: Taken, around: Surroundings) -> None:
    """At once when trying again cannot help or a restriction is at stake, else when it does not work a second time."""
    if isinstance(failed, StillTold):
        reason = f"{taken.ref} is restricted, its ticket may still tell: {failed.reason}"
        around.store.raise_alarm(_told_alarm(taken), reason, around.now())
    elif failed.kind == Failure.PERMANENT or taken.attempts >= ALARM_AFTER_TRIES:
        reason = f"{taken.ref}: the ticket cannot be written: {failed.reason}"
        around.store.raise_alarm(ALARM, reason, around.now())


def _settled(taken: Taken, around: Surroundings) -> None:
    around.store.clear_alarm(ALARM)
    around.store.clear_alarm(_told_alarm(taken))


def _told_alarm(taken: Taken) -> str:
    """One for each incident: another one's ticket does not settle it."""
    return f"{ALARM}:{taken.ref}"
