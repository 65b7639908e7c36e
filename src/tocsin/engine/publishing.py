"""The verb `postmortem`: its sections are looked at before it counts as published.

Whoever asks reads the text and hands it in with the function that judges it: no file is read on the desk, and the
engine knows no Markdown. Hints at blame (`domain.blame`) are asked for the same text and stop nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tocsin.domain import postmortem
from tocsin.domain.context import Context
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident
from tocsin.engine.sitting import Answer, Sitting

Incomplete = Callable[[str, tuple[str, ...]], tuple[str, ...]]
"""The text and the sections of the pinned handbook; gives the names of those that are not written yet."""


def publishing(
    ref: str, by: str, where: str, text: str | None, incomplete: Incomplete
) -> Callable[[Sitting, datetime], Answer]:
    """Publish the postmortem at `where`; `text` is what stands there, None when tocsin cannot look.

    What it gives raises Refused with the sections that are missing; a text that nobody could read is taken as
    published and recorded as not checked.
    """

    def publish(state: Incident, context: Context, now: datetime) -> list[Event]:
        sections = tuple(note.text for note in context.policy.postmortem_sections)
        missing = None if text is None else incomplete(text, sections)
        return postmortem.publish_postmortem(state, context, now, by=by, where=where, incomplete=missing)

    return lambda sitting, at: sitting.decide(ref, at, publish)
