"""What each fact reads as: one plain line, for the timeline, the CLI, the postmortem.

Pure text, names are handles, times UTC. Whoever shows it makes it inert for the medium.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain import narrate_paging, narrate_work
from tocsin.domain.spans import many, span


def sentence(event: ev.Event) -> str:
    """One line that says what happened; line breaks in what people and senders wrote become blanks."""
    return " ".join(_SENTENCES[type(event)](event).split())


def actor(event: ev.Event) -> str:
    """The handle of who did it, or `tocsin` when nobody did."""
    return getattr(event, "by", None) or "tocsin"


def kind_of(event: ev.Event) -> str:
    """How a timeline shows it: `person`, `decision`, `update`, `alert`, `page`, `breach`, `met`, `override` or
    `machine`.
    """
    if isinstance(event, ev.ClockEnded | ev.ClockRejudged):
        return {"met": "met", "missed": "breach"}.get(event.verdict, "machine")
    return _KINDS.get(type(event), "person" if getattr(event, "by", None) else "machine")


_KINDS: dict[type[ev.Event], str] = {
    ev.Decided: "decision",
    ev.UpdatePosted: "update",
    ev.Signalled: "alert",
    ev.AlertsJoined: "alert",
    ev.Recovered: "alert",
    ev.RungFired: "page",
    ev.RungEmpty: "breach",
    ev.NobodyReachable: "breach",
    ev.ClockBreached: "breach",
    ev.UpdateOverdue: "breach",
    ev.SeatEmptyAlarmed: "breach",
    ev.PostmortemOverdue: "breach",
    ev.DocumentRefused: "breach",
    ev.NoticeFailed: "breach",
    **narrate_paging.KINDS,
    **narrate_work.KINDS,
}


def _late(seconds: int) -> str:
    return f" ({span(seconds)} late)" if seconds else ""


def _rung(e: ev.RungFired) -> str:
    why = "" if e.why == "ladder" else f": {e.why}"
    which = f"Step {e.rung + 1}" if e.rung >= 0 else "By hand"
    return f"{which}: {many(e.people)} called{_late(e.late_s)}{why}"


def _opened(e: ev.Opened) -> str:
    how = "an alert" if e.origin == "alert" else e.by or "somebody"
    after = f", after {e.follows}" if e.follows else ""
    if e.kind != "incident":
        return f"Recorded by {how} as a {e.kind.replace('-', ' ')}{after}: {e.title}"
    return f"Opened by {how}{' as a drill' if e.drill else ''}{after}, provisionally {e.level}: {e.title}"


def _declared(e: ev.Declared) -> str:
    left_open = f" The handbook leaves open: {'; '.join(e.warnings)}." if e.warnings else ""
    return f"{e.by} declared {e.level} ({e.why}): {e.title}.{left_open}"


def _clock_ended(e: ev.ClockEnded) -> str:
    if e.verdict == "void":
        return f"The {e.clock} clock stopped after {span(e.took_s)}, not judged ({e.level} then)"
    limit = f", due {e.due:%H:%M:%S}" if e.due else ""
    return f"{e.clock} after {span(e.took_s)}{limit}: {e.verdict} ({e.level} then)"


def _severity(e: ev.SeverityChanged) -> str:
    because = f": {e.reason}" if e.reason else ""
    return f"{e.by or 'An alert'} changed {e.old} to {e.new}{because}"


def _seat(e: ev.SeatTaken) -> str:
    before = f", after {e.before}" if e.before else ""
    given = f" by {e.by}" if e.how == "assigned" and e.by else ""
    return f"{e.person} is {e.role} ({e.how}{given}{before})"


def _reminded(e: ev.UpdateReminded) -> str:
    missed = f"; {e.missed} earlier reminders were missed" if e.missed else ""
    return f"Update due: {many(e.people)} reminded{missed}"


_SENTENCES: dict[type[ev.Event], Callable[[Any], str]] = {
    ev.Opened: _opened,
    ev.Signalled: lambda e: (
        f"{'Alert' if e.firing else 'Recovered'} from {e.integration}: {e.title} ({e.why})"
    ),
    ev.AlertsJoined: lambda e: f"{e.count} more alerts joined",
    ev.Recovered: lambda e: "The last alert recovered",
    ev.Declared: _declared,
    ev.SeverityChanged: _severity,
    ev.RungFired: _rung,
    ev.RungEmpty: lambda e: f"Step {e.rung + 1} is empty: {e.why}",
    ev.NobodyReachable: lambda e: f"NOBODY REACHABLE: {e.why}; last resort: {many(e.people)}",
    ev.SeatTaken: _seat,
    ev.HandoverOffered: lambda e: f"{e.by} offers {e.role} to {e.to}. Brief: {e.brief}",
    ev.HandoverReminded: lambda e: f"{e.to} has not accepted {e.role} yet: reminded",
    ev.HandoverWithdrawn: lambda e: f"The offer of {e.role} to {e.to} lapsed; the seat stays",
    ev.SeatEmptyAlarmed: lambda e: f"No {e.role}: telling {many(e.people)}",
    ev.Noted: lambda e: f"{e.by}: {e.text}",
    ev.Decided: lambda e: (
        f"{e.by} decided: {e.decision}{f' (because {e.why})' if e.why else ''}"
        f"{', with objections' if e.objections else ''}"
    ),
    ev.UpdatePosted: lambda e: f"Update by {e.by}. Impact: {e.impact}. ETA: {e.eta}. Next: {e.next_steps}",
    ev.UpdateReminded: _reminded,
    ev.UpdateOverdue: lambda e: f"Update overdue since {e.due:%H:%M:%S}: telling {many(e.people)}",
    ev.UpdateAsked: lambda e: f"Update wanted from {many(e.people)} ({e.why})",
    ev.ClockBreached: lambda e: f"{e.clock} missed its limit of {e.due:%H:%M:%S} ({e.level})",
    ev.ClockEnded: _clock_ended,
    ev.TimeLeft: lambda e: f"{e.minutes} min left to {e.clock}; telling {e.person or 'nobody (too late)'}",
    ev.NoticeFailed: lambda e: f"{e.person} could not be told ({e.about}): {e.reason}",
    ev.Mitigated: lambda e: f"{e.by}: mitigated. {e.evidence}",
    ev.Resolved: lambda e: (
        f"{e.by}: resolved. Confirmed: {e.confirmed}. Impact ended: {e.impact_ended}. "
        f"Errors: {e.errors_normal}"
    ),
    ev.Closed: lambda e: f"{e.by} closed it",
    ev.Dismissed: lambda e: f"{'Dismissed' if e.by is None else e.by + ' dismissed it'}: {e.reason}",
    ev.PostmortemOverdue: lambda e: (
        f"Postmortem overdue since {e.due:%Y-%m-%d %H:%M}: telling {many(e.people)}"
    ),
    ev.PostmortemPublished: lambda e: f"{e.by} published the postmortem: {e.where}",
    ev.DocumentWritten: lambda e: f"{e.document} written: {e.path}",
    ev.DocumentRefused: lambda e: f"{e.document} not written: {e.reason}",
    ev.Released: lambda e: (
        f"{e.by} released what was held ({e.reason}){': ' + e.summary if e.summary else ''}"
    ),
    ev.Repaired: lambda e: f"Repaired: {e.what}",
    **narrate_paging.SENTENCES,
    **narrate_work.SENTENCES,
}
