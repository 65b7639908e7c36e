"""What facts about steps, pages and answers read as; used by `narrate` alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain.spans import many, span


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _requested(e: ev.PageRequested) -> str:
    waits = e.waits or (0,) * len(e.channels)
    ways = (f"{c} after {span(w)}" if w else c for c, w in zip(e.channels, waits, strict=False))
    how = "SHADOW page" if e.shadow else "Page"
    return f"{how} {e.page} to {e.person} by {many(tuple(ways))}"


def _acknowledged(e: ev.Acknowledged) -> str:
    after = f", {span(e.after_s)} after being called" if e.after_s is not None else ""
    return f"{e.by} acknowledged by {e.via}{after}{' (not in the roster)' if e.stranger else ''}"


def _partial(e: ev.AckPartial) -> str:
    by = f" by {e.via}" if e.via else ""
    return f"{e.by} acknowledged{by}; step {e.rung + 1} waits for {many(e.waiting)}"


def _escalated(e: ev.Escalated) -> str:
    what = f"step {e.rung + 1}" if e.rung >= 0 else "the fallback"
    return f"{e.by} had {what} called now{_because(e.reason)}"


def _snooze_ended(e: ev.SnoozeEnded) -> str:
    why = f" early{_because(e.why)}" if e.why else ""
    return f"The silence ended{why}: people are called as if it were new"


def _routed(e: ev.Routed) -> str:
    to = f" for {e.service}" if e.service else ""
    by = f" by {e.rule}" if e.rule else ""
    return f"Routed{by}{to}: {e.level}, escalation {e.escalation or 'by default'}. {'; '.join(e.why)}"


SENTENCES: dict[type[ev.Event], Callable[[Any], str]] = {
    ev.PageRequested: _requested,
    ev.PageSent: lambda e: f"Page {e.page} to {e.person}: {e.channel} took it",
    ev.PageDelayed: lambda e: f"Page {e.page} to {e.person}: {e.channel} did not take it yet: {e.reason}",
    ev.PageFailed: lambda e: f"Page {e.page} to {e.person} failed on {e.channel}: {e.reason}",
    ev.PageEnded: lambda e: f"Page {e.page} to {e.person}: {e.outcome}",
    ev.WayTried: lambda e: f"Page {e.page} to {e.person} by {e.channel} too{_because(e.why)}",
    ev.PageDeferred: lambda e: f"Page {e.page} to {e.person} waits until {_time(e.until)}{_because(e.why)}",
    ev.RoundRobinChosen: lambda e: f"Step {e.rung + 1} of {e.escalation}: the turn is with {e.target}",
    ev.PassRepeated: lambda e: f"Nobody answered on any step: once more from the first (repeat {e.number})",
    ev.LadderExhausted: lambda e: (
        "Nobody answered on any step: "
        + (f"{many(e.people)} called again from now on" if e.people else "nobody of them can be reached")
    ),
    ev.FallbackCalled: lambda e: f"Fallback: {many(e.people)} called{_because(e.why)}",
    ev.Acknowledged: _acknowledged,
    ev.AlsoAcknowledged: lambda e: f"{e.by} also acknowledged by {e.via}; {e.first} was first",
    ev.ShadowAcknowledged: lambda e: f"{e.by} has seen it by {e.via}, as a shadow: nothing stops",
    ev.AckPartial: _partial,
    ev.AckReminded: lambda e: f"{e.person} is asked: still on it? Otherwise it comes back at {_time(e.due)}",
    ev.AckRenewed: lambda e: f"{e.by} is still on it",
    ev.AckExpired: lambda e: f"Nothing was heard of {e.person}: people are called anew",
    ev.Unacknowledged: lambda e: (
        f"{e.by} took the ack back{' and leads no more' * e.leaves_seat}{_because(e.reason)}"
    ),
    ev.Snoozed: lambda e: f"{e.by} silenced it until {_time(e.until)}{_because(e.reason)}",
    ev.SnoozeEnded: _snooze_ended,
    ev.Escalated: _escalated,
    ev.RespondersAsked: lambda e: f"{e.by} asked {many(e.people)} to help{_because(e.reason)}",
    ev.ResponderJoined: lambda e: f"{e.person} came to help, by {e.via}",
    ev.Routed: _routed,
    ev.Tested: lambda e: f"Test page to {e.person}: {e.outcome}",
}

KINDS: dict[type[ev.Event], str] = {
    **dict.fromkeys((ev.PageRequested, ev.PageSent, ev.PageFailed, ev.PageEnded, ev.WayTried), "page"),
    **dict.fromkeys((ev.FallbackCalled, ev.PassRepeated, ev.PageDeferred, ev.ShadowAcknowledged), "page"),
    ev.PageDelayed: "breach",
    ev.LadderExhausted: "breach",
    ev.AckExpired: "breach",
}
