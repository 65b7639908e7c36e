"""A test page: one page to one person, over all her ways, to see that it arrives (docs/reference/oncall.md N2, N10).

A stream of its own, of kind `test`: no level, no clocks, no steps, no reminders. Her ack ends it; so do ten minutes.
All her methods are used at once, also those that were switched off: one that takes the page is used again.
"""

from __future__ import annotations

from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain import paging, targets
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text

KIND = "test"
TITLE = "Test page: please acknowledge"


def open_test(
    context: Context, now: datetime, *, ref: str, policy: str, by: str, person: str
) -> list[ev.Event]:
    """Begin the stream and call her. Raises Refused for somebody who is unknown, not active, or without any way."""
    known = context.directory.get(person)
    if known is None:
        raise Refused(f"nobody is known as {person!r}", "see tocsin oncall")
    if not known.active(now):
        raise Refused(f"{known.handle} is not active", "")
    if not targets.reachable(known.handle, context):
        raise Refused(f"there is no way to reach {known.handle}", "add a contact method first")
    draft = Draft(None, context)
    audience = (f"person:{known.handle}",)
    opened = ev.Opened(now, ref, Text(TITLE), policy, "person", "", by, kind=KIND, audience=audience)
    draft.add(opened)
    paging.call(draft, (known.handle,), 0, 1, now)
    return draft.events
