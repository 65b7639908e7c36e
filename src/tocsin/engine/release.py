"""Going on after the engine was held: nobody is flooded, nobody is left out, nothing is doubled in silence.

Overdue pages stay and go out (their incidents still call people); overdue notices are dropped, and every person who
had anything waiting gets one summary that names the reason and the incidents (design rule 18).
"""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident
from tocsin.engine.desk import Busy
from tocsin.engine.sitting import Answer, Decision, P
from tocsin.store.contract import EffectRow, Store, StoreUnavailable

BACKLOG_LIMIT = 10_000


def overdue(store: Store, now: datetime) -> list[EffectRow]:
    """Sends that wait although their time has come, oldest first."""
    waiting = store.effects(None, state="waiting", limit=BACKLOG_LIMIT)
    return [e for e in reversed(waiting) if e.kind == "Send" and e.due_at <= now]


class Submits(Protocol):
    """What the desk is needed for here."""

    def submit(self, ref: str, decision: Decision[P], /, *args: P.args, **kwargs: P.kwargs) -> Future[Answer]:
        """Queue a decision."""
        ...


def tell_backlog(store: Store, desk: Submits, by: str, reason: str, now: datetime) -> list[str]:
    """Write the summaries; each person's stands on the newest of their incidents. Returns them as lines.

    An incident that takes none (a newer program's, a lost policy) is named and holds nobody else back.
    """
    waiting = overdue(store, now)
    hosts = {e.person: e.ref for e in waiting if e.person}
    lines = []
    for ref in dict.fromkeys(e.ref for e in waiting):
        for person in [person for person, host in hosts.items() if host == ref] or [""]:
            text = _summary([e for e in waiting if e.person == person], reason) if person else ""
            told = desk.submit(ref, released, by=by, reason=reason, person=person, summary=text)
            failed = told.exception()
            if isinstance(failed, StoreUnavailable | Busy):
                raise failed
            if failed is not None:
                lines.append(f"{ref} is left alone: {failed}")
            elif person:
                lines.append(f"{person}: {text}")
    return lines


def _summary(mine: list[EffectRow], reason: str) -> str:
    pages = list(dict.fromkeys(e.ref for e in mine if e.about == "page"))
    notices = list(dict.fromkeys(f"{e.about} of {e.ref}" for e in mine if e.about != "page"))
    parts = [f"tocsin was held ({reason}). You may get a page twice that you had before."]
    if pages:
        parts.append(f"Pages that go out now: {', '.join(pages)}.")
    if notices:
        parts.append(f"Notices that were dropped: {', '.join(notices)}.")
    return " ".join(parts)


def released(
    state: Incident, context: Context, now: datetime, *, by: str, reason: str, person: str, summary: str
) -> list[ev.Event]:
    """The fact, on the timeline of one incident that had something waiting."""
    return Draft(state, context).add(ev.Released(now, by, reason, person, Text(summary))).events
