"""The verb `postmortem`: its sections are looked at before it counts as published.

Whoever asks reads the text and judges it before the command is queued: no file is read on the desk and no text gone
through, and the engine knows no Markdown. Hints at blame (`domain.blame`) are asked for the same text and stop nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tocsin.domain import postmortem
from tocsin.domain.context import Context, Refused
from tocsin.domain.events import Event
from tocsin.domain.incident import Incident
from tocsin.engine.sitting import Answer, Sitting


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found at the place: the sections that are not written yet; None where nobody can look (the web).

    `unread` says why a file of the repository, which could be looked at, was not.
    """

    missing: tuple[str, ...] | None
    unread: str = ""


def publishing(ref: str, by: str, where: str, found: Looked) -> Callable[[Sitting, datetime], Answer]:
    """Publish the postmortem at `where`.

    What it gives raises Refused with the sections that are missing, or where the file could not be read. What stands
    elsewhere is taken as published and recorded as not checked.
    """

    def publish(state: Incident, context: Context, now: datetime) -> list[Event]:
        missing = () if found.unread else found.missing
        published = postmortem.publish_postmortem(state, context, now, by=by, where=where, incomplete=missing)
        if found.unread:
            raise Refused(
                f"{where} cannot be looked at: {found.unread}",
                "say the path of the file from the root of the repository, or the web address where it stands",
            )
        return published

    return lambda sitting, at: sitting.decide(ref, at, publish)
