"""The timeline as a page shows it: each fact with its mark, who, and the words. All text is untrusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.narrate import actor, kind_of, sentence
from tocsin.domain.spans import span
from tocsin.store.contract import Recorded
from tocsin.web.show_clocks import named
from tocsin.web.show_line import Line
from tocsin.web.show_timeline_work import TELL as TELL_WORK
from tocsin.web.templating import countdown

_ICONS = {
    "person": "user",
    "decision": "fork",
    "update": "say",
    "alert": "bell",
    "page": "phone",
    "breach": "x",
    "met": "check",
    "override": "warn",
    "machine": "gear",
}


def lines_of(
    records: list[Recorded], detected: datetime, context: Context, notes: Iterable[int] = ()
) -> list[Line]:
    """Newest first, without what another entry or the list of calls says already.

    `notes`: the versions of the notes that stand, each of which can be changed.
    """
    points: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for record in records:
        if isinstance(record.event, ev.GateAnswered):
            e = record.event
            points[e.check].append((e.point, e.answer, e.evidence))
    standing, first = frozenset(notes), _first_writings(records)
    lines = []
    for record in reversed(records):
        again = isinstance(record.event, ev.DocumentWritten) and record.seq not in first
        if not again and not _is_said_elsewhere(record.event):
            line = _line(record, detected, context, points)
            line.edits = record.version if record.version in standing else 0
            lines.append(line)
    return lines


def _first_writings(records: list[Recorded]) -> set[int]:
    """A document is written anew with every fact that it tells: only the first time is worth an entry."""
    first: dict[str, int] = {}
    for record in records:
        if isinstance(record.event, ev.DocumentWritten):
            first.setdefault(record.event.document, record.seq)
    return set(first.values())


def _is_said_elsewhere(event: ev.Event) -> bool:
    match event:
        case ev.PageRequested() | ev.GateAnswered():
            return True
        case ev.PageEnded():
            return event.outcome != "unreachable"
        case ev.Opened():
            return event.by is not None and event.kind == "incident"
        case _:
            return False


def _line(
    record: Recorded, detected: datetime, context: Context, points: dict[int, list[tuple[int, str, str]]]
) -> Line:
    event = record.event
    kind = kind_of(event)
    away = (event.at - detected).total_seconds()
    offset = f"−{countdown(-away)}" if away < 0 else f"+{countdown(away)}"
    line = Line(record.seq, event.at, offset, kind, _ICONS.get(kind, "gear"))
    if isinstance(event, ev.GateChecked):
        line.points = tuple(points[event.check])
    tell = _TELL.get(type(event))
    if tell is not None:
        line.who = named(context, actor(event))
        tell(line, event, context)
    else:
        _plain(line, event)
    return line


def _plain(line: Line, event: ev.Event) -> None:
    """What has no look of its own: a sentence, small when nobody did it."""
    line.say = sentence(event)
    if isinstance(event, ev.PageEnded):
        line.st = "met" if event.outcome == "acked" else "late" if event.outcome == "unreachable" else ""
    if isinstance(event, ev.PageFailed | ev.PageDelayed):
        line.st = "late"
    if line.k == "person":
        line.k = "machine"


def _opened(line: Line, event: ev.Opened, _: Context) -> None:
    line.word = _BEGAN.get(event.kind, "Opened")
    line.say, line.level = event.title, event.level
    if event.by is None:
        line.k, line.icon, line.who = "alert", "bell", "An alert"


_BEGAN = {
    "near-miss": "Recorded a near miss",
    "change": "Planned a change",
    "test": "Sent a test page",
}


def _declared(line: Line, event: ev.Declared, _: Context) -> None:
    line.word, line.say, line.level, line.meta = "Declared", event.title, event.level, event.why
    line.details = [("Left open", text) for text in event.warnings]


def _severity(line: Line, event: ev.SeverityChanged, _: Context) -> None:
    line.word, line.level, line.meta = f"Changed {event.old} to {event.new}", event.new, event.reason
    if event.by is None:
        line.who = "An alert"


def _acknowledged(line: Line, event: ev.Acknowledged, _: Context) -> None:
    line.word = "Acknowledged"
    line.meta = f"by {event.via}{', not in the roster' if event.stranger else ''}"


def _also(line: Line, event: ev.AlsoAcknowledged, context: Context) -> None:
    line.word, line.meta = "Also acknowledged", f"{named(context, event.first)} was first"


def _seat(line: Line, event: ev.SeatTaken, context: Context) -> None:
    role = context.policy.role(event.role)
    line.who = named(context, event.person)
    line.word = f"is {role.name if role else event.role}"
    before = f", after {named(context, event.before)}" if event.before else ""
    given = f" by {named(context, event.by)}" if event.how == "assigned" and event.by else ""
    line.meta = f"{_HOW.get(event.how, event.how)}{given}{before}"


_HOW = {
    "acked": "by acknowledging",
    "declared": "by declaring",
    "taken": "took the seat",
    "assigned": "asked",
    "accepted": "accepted the hand-over",
}


def _offered(line: Line, event: ev.HandoverOffered, context: Context) -> None:
    role = context.policy.role(event.role)
    line.word = f"offers {role.name if role else event.role} to {named(context, event.to)}"
    line.meta = event.brief


def _noted(line: Line, event: ev.Noted, _: Context) -> None:
    line.say = event.text


def _decided(line: Line, event: ev.Decided, _: Context) -> None:
    answered = f" on proposal {event.proposal}" if event.proposal else ""
    line.word, line.say = f"Decision{answered}", event.decision
    line.meta = f"Because {event.why}" if event.why else ""
    if event.objections:
        line.details = [("Objections", "were raised")]


def _update(line: Line, event: ev.UpdatePosted, _: Context) -> None:
    line.word = "Update"
    line.details = [("Impact", event.impact), ("ETA", event.eta), ("Next steps", event.next_steps)]


def _mitigated(line: Line, event: ev.Mitigated, _: Context) -> None:
    line.k, line.icon, line.word, line.say = "met", "check", "Mitigated", event.evidence


def _resolved(line: Line, event: ev.Resolved, _: Context) -> None:
    line.k, line.icon, line.word = "met", "check", "Resolved"
    line.details = [
        ("Confirmed", event.confirmed),
        ("Impact ended", event.impact_ended),
        ("Errors normal", event.errors_normal),
    ]
    if event.impact_end is not None:
        line.details.append(("Impact until", f"{event.impact_end:%Y-%m-%d %H:%M:%S} UTC"))


def _rung(line: Line, event: ev.RungFired, context: Context) -> None:
    line.who = ""
    line.say = f"Called {', '.join(named(context, person) for person in event.people)}"
    line.meta = event.why if event.why != "ladder" else f"step {event.rung + 1} of the escalation"


def _sent(line: Line, event: ev.PageSent, context: Context) -> None:
    line.who, line.say = "", f"{event.channel} took the page to {named(context, event.person)}"


def _clock_ended(line: Line, event: ev.ClockEnded, _: Context) -> None:
    line.who = ""
    line.say = f"{_ENDED.get(event.clock, event.clock)} after {span(event.took_s)}"
    # It may have ended without an answer: when the severity was raised, it was dismissed, or merged.
    if event.verdict in {"void", "merged"}:
        how = "went on elsewhere" if event.verdict == "merged" else "stopped"
        line.say = f"The {event.clock} clock {how} after {span(event.took_s)}, not judged"
    if event.due is not None:
        line.meta = f"limit {event.due:%H:%M:%S} UTC, {event.level} then"
    line.mark = {"met": ("met", "met"), "missed": ("breach", "missed")}.get(event.verdict)


_ENDED = {"ack": "Acknowledged", "mitigate": "Mitigated", "resolve": "Resolved"}


def _closed(line: Line, _: ev.Closed, __: Context) -> None:
    line.word = "Closed"


def _dismissed(line: Line, event: ev.Dismissed, _: Context) -> None:
    line.word, line.say = "Dismissed", event.reason


def _postmortem(line: Line, event: ev.PostmortemPublished, _: Context) -> None:
    line.word, line.say = "Postmortem published", event.where


_TELL: dict[type[ev.Event], Callable[[Line, Any, Context], None]] = {
    ev.Opened: _opened,
    ev.Declared: _declared,
    ev.SeverityChanged: _severity,
    ev.Acknowledged: _acknowledged,
    ev.AlsoAcknowledged: _also,
    ev.SeatTaken: _seat,
    ev.HandoverOffered: _offered,
    ev.Noted: _noted,
    ev.Decided: _decided,
    ev.UpdatePosted: _update,
    ev.Mitigated: _mitigated,
    ev.Resolved: _resolved,
    ev.RungFired: _rung,
    ev.PageSent: _sent,
    ev.ClockEnded: _clock_ended,
    ev.Closed: _closed,
    ev.Dismissed: _dismissed,
    ev.PostmortemPublished: _postmortem,
    **TELL_WORK,
}
