"""Restricted incidents: readers by name, a codename for everybody else, switchable at any time and from then on.

Here: who may read, what is said instead of the title. That every read is written down is the edge's duty (`web`).
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident

CODENAME_LIMIT = 60
READERS_LIMIT = 50


def restrict(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    codename: str,
    readers: tuple[str, ...] = (),
    reason: str = "",
) -> list[ev.Event]:
    """From now on only these people and those at work may read it. Again: another codename, more readers.

    Whoever was called may read on: nobody is locked out of what she is woken for. Raises Refused.
    """
    word = " ".join(codename.split())
    if not word or len(word) > CODENAME_LIMIT:
        raise Refused(f"a codename has 1 to {CODENAME_LIMIT} characters", "a word that gives nothing away")
    if word.casefold() in state.title.casefold() or state.title.casefold() in word.casefold():
        raise Refused("the codename stands in the title", "choose a word that gives nothing away")
    unknown = [handle for handle in readers if context.directory.get(handle) is None]
    if unknown:
        raise Refused(f"nobody is known as {unknown[0]!r}", "see tocsin oncall")
    if len(readers) > READERS_LIMIT:
        raise Refused(f"more than {READERS_LIMIT} readers", "what so many may read is not restricted")
    if not may_read(state, by):
        raise Refused(f"{by} may not read {state.ref}", "ask whoever leads it")
    earlier = state.room.restriction.readers if state.room.restriction else ()
    named = tuple(dict.fromkeys((*earlier, by, *(handle.lstrip("@") for handle in readers))))
    return Draft(state, context).add(ev.Restricted(now, by, word, named, Text(reason))).events


def lift(state: Incident, context: Context, now: datetime, *, by: str, reason: str) -> list[ev.Event]:
    """Everybody may read it again. Raises Refused without a reason, or for somebody who may not read it."""
    if state.room.restriction is None:
        raise Refused(f"{state.ref} is not restricted", "")
    if not may_read(state, by):
        raise Refused(f"{by} may not read {state.ref}", "ask whoever leads it")
    if not reason.strip():
        raise Refused("lifting a restriction needs a reason", "say why everybody may read it now")
    return Draft(state, context).add(ev.Unrestricted(now, by, Text(reason))).events


def may_read(state: Incident, person: str) -> bool:
    """Whether somebody may see more than the codename: named readers, and everybody who works on it or is called."""
    restriction = state.room.restriction
    if restriction is None:
        return True
    at_work = {
        *restriction.readers,
        *state.room.joined,
        *state.room.shadows,
        *(holder for _, holder in state.seats),
        *(page.person for page in state.pages),
        *(offer.to for offer in state.offers),
        *(task.owner for task in state.work.tasks if task.open and task.owner),
        *(legal.owner for legal in state.duties.legal),
        *(action.owner for action in state.duties.actions if action.state == "open" and action.owner),
        *(
            p
            for statement in state.duties.statements
            if statement.state != "sent"
            for p in statement.approvers
        ),
        *filter(None, (state.declared_by, state.acked_by)),
    }
    return person in at_work
