"""What must happen outside because of an event: Send, Write, Drop; derived, never decided.

`derive` is a pure function of the event and the state after it. The desk adds identity (epoch/ref/version/n) and
stores the rows with the events; the courier carries them. `topic` says what a later Drop or a newer Write replaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.domain import events as ev
from tocsin.domain.incident import Incident
from tocsin.domain.people import Directory

DOCUMENTS_LANE = "documents"
NOWHERE_LANE = "nowhere"
"""The lane of a notice to somebody without any method: it fails at once and is recorded, never skipped."""

SIREN_LANE = "siren"
"""The other path when nobody can be reached: log, `alarmz` and a hook, never the channel that failed."""


@dataclass(frozen=True, slots=True)
class Send:
    """Carry words to a person. `about` names the wording; `page` is set when an answer is awaited."""

    person: str
    lane: str
    about: str
    topic: str
    page: int | None = None
    urgent: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """Bring a document of the repository up to date; rendered when carried, coalesced by topic."""

    document: str
    topic: str
    lane: str = DOCUMENTS_LANE


@dataclass(frozen=True, slots=True)
class Drop:
    """Whatever waits under this topic prefix is no longer wanted."""

    topic: str


Effect = Send | Write | Drop

_NOTICES: dict[type[ev.Event], str] = {
    ev.UpdateReminded: "update-reminder",
    ev.UpdateOverdue: "update-overdue",
    ev.UpdateAsked: "update-ask",
    ev.SeatEmptyAlarmed: "seat-empty",
    ev.ClockBreached: "breach",
    ev.PostmortemOverdue: "postmortem-overdue",
}
_LOGGED = (ev.Declared, ev.SeverityChanged, ev.Mitigated, ev.Resolved, ev.Closed, ev.PostmortemPublished)


def derive(event: ev.Event, state: Incident, directory: Directory) -> list[Effect]:
    """The effects of one event, in the order in which they are applied."""
    found: list[Effect] = []
    match event:
        case ev.PageRequested():
            found += _page(event)
        case ev.NobodyReachable():
            found.append(Send("", SIREN_LANE, "nobody-reachable", "siren", note=event.why))
        case ev.PageEnded():
            found.append(Drop(f"page/{event.page}/"))
        case ev.UpdatePosted() | ev.Resolved():
            found.append(Drop("notice/update"))
        case ev.HandoverOffered() | ev.HandoverReminded():
            found += _notice(event.to, "handover", f"notice/handover/{event.role}", directory, event.role)
        case ev.HandoverWithdrawn():
            found.append(Drop(f"notice/handover/{event.role}"))
            for person in dict.fromkeys(filter(None, (event.to, state.holder(event.role)))):
                found += _notice(person, "handover-withdrawn", "notice/seat", directory, event.role)
        case ev.SeatTaken():
            found += _seat(event, directory)
        case ev.Released():
            found.append(Drop("notice/"))
            if event.person:
                found += _notice(event.person, "summary", "summary", directory, event.summary)
        case ev.TimeLeft() if event.person:
            found += _notice(event.person, "time-left", "notice/time-left", directory, str(event.minutes))
        case _:
            found += _to_many(event, directory)
    if isinstance(event, _LOGGED) and state.declared_at is not None:
        found.append(Write("log", "write/log"))
    if isinstance(event, ev.Resolved):
        found.append(Write("postmortem", "write/postmortem"))
    return found


def _page(event: ev.PageRequested) -> list[Effect]:
    return [
        Send(event.person, channel, "page", f"page/{event.page}/{channel}", event.page, event.urgent)
        for channel in event.channels
    ]


def _seat(event: ev.SeatTaken, directory: Directory) -> list[Effect]:
    found: list[Effect] = [Drop(f"notice/handover/{event.role}")]
    if event.how == "assigned" and event.person != event.by:
        found += _notice(event.person, "role", "notice/seat", directory, event.role)
    return found


def _to_many(event: ev.Event, directory: Directory) -> list[Effect]:
    about = _NOTICES.get(type(event))
    if about is None:
        return []
    people: tuple[str, ...] = getattr(event, "people", ())
    note = event.clock if isinstance(event, ev.ClockBreached) else ""
    topic = "notice/update" if about.startswith("update") else f"notice/{about}"
    return [e for person in people for e in _notice(person, about, topic, directory, note)]


def _notice(person: str, about: str, topic: str, directory: Directory, note: str = "") -> list[Effect]:
    lanes = [method.channel for method in directory.methods_of(person)] or [NOWHERE_LANE]
    return [Send(person, lane, about, topic, note=note) for lane in lanes]
