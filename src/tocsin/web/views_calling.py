"""How the calling stands, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tocsin.domain import escalation, watch
from tocsin.domain.context import Context
from tocsin.domain.incident import ASKED, Incident, Page
from tocsin.store.contract import Recorded
from tocsin.web import show_calling as calling
from tocsin.web.views_work import fields

Json = dict[str, Any]


def calling_view(state: Incident, context: Context, now: datetime, records: Iterable[Recorded] = ()) -> Json:
    """Who is called by which ways, who is next, until when it is silent or an acknowledgement holds.

    `records`: the timeline, which alone says who snoozed it and why.
    """
    pinned = escalation.escalation_of(state, context)
    coming, snooze = escalation.coming(state, context), calling.snooze_of(state, records)
    return {
        "escalation": pinned.name,
        "steps": len(pinned.steps),
        "pages": [_page(page, len(pinned.steps)) for page in state.open_pages()],
        "next": fields(coming) if coming is not None else None,
        "snoozed": fields(snooze) if snooze is not None else None,
        "holds_until": watch.comes_back(state, context),
        "answered": list(state.ladder.partial),
        "awaited": list(calling.awaited(state, context, now)),
        "helpers": [fields(helper) for helper in calling.helpers_of(state)],
    }


def _page(page: Page, steps: int) -> Json:
    return {
        "number": page.number,
        "person": page.person,
        "at": page.at,
        "step": page.rung + 1 if 0 <= page.rung < steps else None,
        "asked": page.rung == ASKED,
        "learns": page.shadow,
        "urgent": page.urgent,
        "deferred_until": page.until,
        "ways": [fields(way) for way in calling.ways_of(page)],
    }
