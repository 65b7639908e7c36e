"""Signals and alerts: which stream a signal belongs to, and when joining must call people again.

Joining never silences: a higher severity, a first firing after mitigated, or a new alert later than the group window
after the ack (or after it was silenced by hand) pages again (design rule 8).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import escalation, lifecycle, promises, routing
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.signals import Signal

GROUP_WINDOW = timedelta(minutes=30)


def signalled(
    state: Incident, context: Context, now: datetime, *, signal: Signal, known: bool
) -> list[ev.Event]:
    """A further signal for a running incident; empty when it changes nothing (then it is only counted).

    `known`: this very alert fires already, as its row says.
    """
    draft = Draft(state, context)
    level = routing.decide(context.policy, signal, now).level
    if not signal.firing:
        if not known:
            return []
        draft.add(_signalled(signal, now, level, "recovered", known=True))
        if not draft.state.firing:
            _recovered(draft, now)
        return draft.events
    why = _why_again(state, context, now, level, known)
    if known and why is None:
        return []
    draft.add(_signalled(signal, now, level, why or "joined", known=known))
    if why == "severity":
        lifecycle.set_level(draft, now, None, level, "a worse alert joined")
    elif why is not None:
        escalation.start(draft, now, why="a new alert joined")
    return draft.events


def _signalled(signal: Signal, now: datetime, level: str, why: str, *, known: bool = False) -> ev.Signalled:
    title = Text(signal.title)
    return ev.Signalled(now, signal.integration, signal.dedup_key, signal.firing, title, level, why, known)


def _why_again(state: Incident, context: Context, now: datetime, level: str, known: bool) -> str | None:
    """The reason to call people again, or None. What people made of the worst alert so far stands."""
    worst_so_far = state.alert_level or state.level
    if _rank(level, context) < min(_rank(state.level, context), _rank(worst_so_far, context)):
        return "severity"
    return None if known else why_call_again(state, now)


def why_call_again(state: Incident, now: datetime) -> str | None:
    """Why something new that fires here calls people again, however bad it is; None while it need not."""
    if state.stage == Stage.MITIGATED and not _called_since_mitigated(state):
        return "firing after mitigated"
    since = {Paging.ACKED: state.acked_at, Paging.SNOOZED: state.watch.since}.get(state.paging)
    if since is not None and now - since > GROUP_WINDOW:
        return "new alert after the group window"
    return None


def _called_since_mitigated(state: Incident) -> bool:
    started, mitigated = state.ladder.started_at, state.mitigated_at
    return started is not None and mitigated is not None and started > mitigated


def _rank(level: str, context: Context) -> int:
    return context.severity(level).rank


def _recovered(draft: Draft, now: datetime) -> None:
    """The last alert recovered: triage ends by itself, unless people began to work on it; else it is a fact only."""
    draft.add(ev.Recovered(now))
    if draft.state.stage == Stage.TRIAGE and not lifecycle.under_way(draft.state):
        promises.end_clock(draft, "ack", now, void=True)
        escalation.stop(draft, now, None)
        draft.add(ev.Dismissed(now, None, Text("recovered")))


def open_for(
    signal: Signal, ref: str, policy: str, context: Context, now: datetime, *, follows: str | None = None
) -> list[ev.Event]:
    """Open a triage incident for the first firing of a claim, as it is routed; people are called in the same commit.

    `follows` is the incident that this alert belonged to before, while that could still be reopened.
    """
    routed = routing.decide(context.policy, signal, now)
    level, fact = routed.level, routed.fact(now)
    opening = lifecycle.Opening(
        ref=ref,
        policy=policy,
        title=(lifecycle.one_line(signal.title) or signal.identity)[: lifecycle.TITLE_LIMIT],
        level=level,
        origin="alert",
        service=routed.service,
        escalation=routed.escalation if routed.named else None,
        claim=signal.claim,
        follows=follows,
    )
    opened = lifecycle.open_triage(opening, context, now)
    first = _signalled(signal, now, level, "first")
    return [opened[0], *((fact,) if fact else ()), first, *opened[1:]]
