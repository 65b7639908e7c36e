"""How the calling stands: who is called by which ways, what waits for quiet hours, whom it still waits for.

Plain values out of state and policy, for the room, the API and the phone page. Not here: what comes by itself next, and
in which words the steps are told (`show_incident`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.domain import escalation, targets, watch
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.incident import ASKED, Incident, Page, Paging
from tocsin.store.contract import Recorded
from tocsin.web.show_clocks import named
from tocsin.web.templating import near


@dataclass(frozen=True, slots=True)
class WayShow:
    """One way of an open page. `st`: `waits` until `at`, `under way` or `taken` since, `failed`."""

    channel: str
    st: str
    at: datetime | None = None


def ways_of(page: Page) -> tuple[WayShow, ...]:
    """Every way of an open page, in the order of her rules; of one that ended nothing is kept."""
    if page.outcome is not None:
        return ()
    waits = page.waits or (0,) * len(page.channels)
    return tuple(_way(channel, wait, page) for channel, wait in zip(page.channels, waits, strict=False))


def _way(channel: str, wait: int, page: Page) -> WayShow:
    since = dict(page.tried).get(channel)
    if channel in page.failed:
        return WayShow(channel, "failed", since)
    if channel in page.took:
        return WayShow(channel, "taken", since)
    if since is not None:
        return WayShow(channel, "under way", since)
    return WayShow(channel, "waits", page.at + timedelta(seconds=wait))


def awaited(state: Incident, context: Context, now: datetime) -> tuple[str, ...]:
    """Who still has to acknowledge a step that everybody has to, once one of them has (E9)."""
    ladder, steps = state.ladder, escalation.rungs_of(state, context)
    if state.paging is not Paging.TRIGGERED or not ladder.partial:
        return ()
    wanted = {index for index, rung in enumerate(steps) if rung.ack == "all"}
    newest = {
        p.person: p.outcome
        for p in state.pages
        if p.run == ladder.run and p.counts and p.rung in wanted and p.person not in ladder.partial
    }
    return tuple(
        p for p, outcome in newest.items() if outcome != "unreachable" and targets.active(p, context, now)
    )


@dataclass(frozen=True, slots=True)
class Helper:
    """Somebody who was asked to help: `called`, `joined`, or `unreachable` since."""

    person: str
    st: str
    at: datetime


def helpers_of(state: Incident) -> tuple[Helper, ...]:
    """Who was called in beside the steps, by the newest page of each (E14)."""
    newest = {page.person: page for page in state.pages if page.rung == ASKED}
    return tuple(
        Helper(p.person, {None: "called", "acked": "joined"}.get(p.outcome, str(p.outcome)), p.at)
        for p in newest.values()
        if p.outcome != "superseded"
    )


@dataclass(frozen=True, slots=True)
class Snooze:
    """Nobody is called before `until`; `by` and `reason` as its entry says."""

    until: datetime
    by: str = ""
    reason: str = ""


def snooze_of(state: Incident, records: Iterable[Recorded]) -> Snooze | None:
    """The snooze that holds, out of the state and its newest entry on the timeline."""
    until = state.watch.snoozed_until
    if state.paging is not Paging.SNOOZED or until is None:
        return None
    said = [r.event for r in records if isinstance(r.event, ev.Snoozed)]
    return Snooze(until, said[-1].by, said[-1].reason) if said else Snooze(until)


def may_renew(state: Incident, context: Context, handle: str) -> bool:
    """Whether a tap of hers lets the acknowledgement hold for its whole time again (E10)."""
    takes_part = handle in (state.acked_by, *state.room.joined, *dict(state.seats).values())
    return takes_part and watch.comes_back(state, context) is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the calling stands, in words. `st` chooses the look.

    `renews`: she may say that she is still on it; `asked`: and is asked to.
    """

    st: str
    icon: str
    say: str
    more: str = ""
    renews: bool = False
    asked: bool = False


def standing_of(
    state: Incident, context: Context, now: datetime, handle: str, records: Iterable[Recorded]
) -> Standing | None:
    """What is not seen from the list of calls: a snooze, an acknowledgement that runs out, whom it still waits for."""
    snooze, waiting = snooze_of(state, records), awaited(state, context, now)
    if snooze is not None:
        by = f"{named(context, snooze.by)}: {snooze.reason}" if snooze.by else ""
        end = "A higher severity ends it."
        return Standing(
            "", "sand", f"Snoozed until {near(snooze.until, now)}", f"{by.rstrip('.')}. {end}" if by else end
        )
    if waiting:
        answered, missing = (_names(who, context) for who in (state.ladder.partial, waiting))
        return Standing(
            "risk",
            "user",
            "Everybody of this step has to acknowledge",
            f"{answered} did. Missing: {missing}.",
        )
    due = watch.comes_back(state, context)
    return _held(state, context, now, due, may_renew(state, context, handle)) if due is not None else None


def _held(state: Incident, context: Context, now: datetime, due: datetime, renews: bool) -> Standing:
    who, asked = named(context, state.acked_by or ""), state.watch.reminded_at
    more = "Without a sign of life people are called anew then."
    if asked is not None:
        more = f"Asked at {near(asked, now)}, no answer yet. {more}"
    st, say = "risk" if asked else "", f"{who} has it until {near(due, now)}"
    return Standing(st, "sand", say, more, renews, renews and asked is not None)


def _names(people: Iterable[str], context: Context) -> str:
    return ", ".join(named(context, handle) for handle in people)
