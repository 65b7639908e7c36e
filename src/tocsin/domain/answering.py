"""What people do about being called: acknowledge, take that back, silence, escalate, pass on, ask others to help.

Rules: docs/reference/oncall.md E8, E9 (acknowledge), E10, E13 (renew, take back, reassign), E11 (snooze), E12
(escalate, pass on), E14 (ask others), L6 (a shadow's ack stops nothing). Not here: what falls due by itself
(`escalation`, `watch`, `paging`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import crew, escalation, lifecycle, paging, taking, targets, watch
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import ASKED, Incident, Page, Paging

SNOOZE_LIMIT = timedelta(days=7)


def _refuse_idle(state: Incident) -> None:
    """Raises Refused where nobody is called, or only to try it out."""
    if not state.stage.running:
        goes_on = f"it goes on in {state.merged_into}" if state.merged_into else ""
        raise Refused(f"{state.ref} is {state.stage}: nobody is being called", goes_on)
    if state.kind != "incident":
        raise Refused(f"{state.ref} is a {state.kind} page", "it can only be acknowledged")


def _reason(reason: str, what: str) -> Text:
    if not reason.strip():
        raise Refused(f"{what} needs a reason", "one line: why?")
    return Text(" ".join(reason.split()))


# --- acknowledge ----------------------------------------------------------------------------------------------------


def acknowledge(state: Incident, context: Context, now: datetime, *, by: str, via: str) -> list[ev.Event]:
    """A named person takes it: paging stops, an empty IC seat is filled if she may be IC.

    A second ack is recorded and changes nothing; whoever was asked to help has joined, which ends no silence (E14). On
    a step that everybody has to acknowledge the last one decides, whoever presses twice (E9). Who is only called along
    as a shadow stops nothing (L6). A stranger to the roster is accepted, marked as such. Raises Refused once the
    incident is over (E8).
    """
    if state.kind == "test":
        return _answer_test(state, context, now, by)
    _refuse_idle(state)
    draft = Draft(state, context)
    mine = [page for page in state.open_pages() if page.person == by]
    if mine and all(page.shadow for page in mine):
        _end(draft, mine, now)
        return draft.add(ev.ShadowAcknowledged(now, by, via)).events
    asked = any(page.rung == ASKED for page in mine)
    if state.paging is Paging.ACKED or (asked and state.paging is Paging.SNOOZED):
        _end(draft, mine, now)
        draft.add(
            ev.ResponderJoined(now, by, via)
            if asked
            else ev.AlsoAcknowledged(now, by, via, state.acked_by or "")
        )
        crew.warn(draft, now)
        return draft.events
    rung, waiting = taking.waited_for(state, context, now, by)
    if not waiting:
        _take(draft, now, by, via, mine, asked=asked)
    elif by in state.ladder.partial:
        _end(draft, mine, now)
        draft.add(ev.AlsoAcknowledged(now, by, via, state.ladder.partial[0]))
    else:
        _end(draft, mine, now)
        draft.add(ev.AckPartial(now, by, rung, waiting, via))
        lifecycle.seat_by_arrival(draft, now, by, "acked")
    crew.warn(draft, now)
    return draft.events


def _take(draft: Draft, now: datetime, by: str, via: str, mine: list[Page], *, asked: bool) -> None:
    after = max((int((now - page.at).total_seconds()) for page in mine), default=None)
    taking.stop(draft, now, by, asked=False)
    if asked:
        draft.add(ev.ResponderJoined(now, by, via))
    taking.take(draft, now, by, via, after)
    lifecycle.seat_by_arrival(draft, now, by, "acked")


def _end(draft: Draft, pages: list[Page], now: datetime) -> None:
    draft.add(*(ev.PageEnded(now, page.number, page.person, "acked") for page in pages))


def _answer_test(state: Incident, context: Context, now: datetime, by: str) -> list[ev.Event]:
    """Only whoever is tested can show that her page arrived."""
    pages = state.open_pages()
    if not state.stage.running or not pages:
        raise Refused(f"{state.ref} is over", "send another test page")
    if by != pages[0].person:
        raise Refused(f"{state.ref} is a test page to {pages[0].person}", "only she can answer it")
    draft = Draft(state, context)
    _end(draft, list(pages), now)
    paging.end_test(draft, now, by, "answered", by)
    return draft.events


# --- still on it, or not --------------------------------------------------------------------------------------------


def renew_ack(state: Incident, context: Context, now: datetime, *, by: str) -> list[ev.Event]:
    """Still on it: the ack timeout runs anew. Raises Refused when nothing would come back, or for a bystander (E10)."""
    _refuse_idle(state)
    if watch.comes_back(state, context) is None:
        raise Refused(f"{state.ref} does not come back by itself", "nothing needs to be renewed")
    if by not in (state.acked_by, *state.room.joined, *dict(state.seats).values()):
        raise Refused(f"{by} does not work on {state.ref}", f"acknowledge it, or ask {state.acked_by}")
    return Draft(state, context).add(ev.AckRenewed(now, by)).events


def unack(state: Incident, context: Context, now: datetime, *, by: str, reason: str) -> list[ev.Event]:
    """Take an ack back: people are called from the first step. Raises Refused when nobody has acknowledged (E13)."""
    _refuse_idle(state)
    if state.paging is not Paging.ACKED:
        raise Refused(f"nobody has acknowledged {state.ref}", "")
    draft = Draft(state, context)
    leads = state.holder("ic") == by and state.offer("ic") is None
    draft.add(ev.Unacknowledged(now, by, _reason(reason, "taking an ack back"), leads))
    escalation.start(draft, now)
    return draft.events


def reassign(
    state: Incident, context: Context, now: datetime, *, by: str, people: tuple[str, ...], reason: str
) -> list[ev.Event]:
    """Nobody has it but `people` are called now; the steps begin if they do not acknowledge in time (E13).

    `people` are handles or targets. Raises Refused when they mean nobody who can be called.
    """
    _refuse_idle(state)
    said = _reason(reason, "reassigning")
    found = _people(people, context, now)
    if not any(targets.reachable(p, context) for p in found):
        raise Refused(f"there is no way to reach {', '.join(found)}", "name somebody else")
    draft = Draft(state, context)
    until = state.watch.snoozed_until
    if state.paging is Paging.SNOOZED and until is not None:
        draft.add(ev.SnoozeEnded(now, until, "reassigned"))
    for page in state.open_pages():
        if page.rung != ASKED:
            draft.add(ev.PageEnded(now, page.number, page.person, "superseded"))
    draft.add(ev.Unacknowledged(now, by, said))
    run = state.ladder.run + 1
    draft.add(ev.RungFired(now, ASKED, run, found, now, 0, f"reassigned by {by}"))
    paging.call(draft, found, len(escalation.rungs_of(state, context)), run, now)
    escalation.go_on(draft, now)
    return draft.events


def snooze(
    state: Incident, context: Context, now: datetime, *, by: str, until: datetime, reason: str
) -> list[ev.Event]:
    """Call nobody until then; afterwards as if it were new. A new snooze replaces the one before (E11).

    Raises Refused for an end that has passed or is more than seven days away.
    """
    _refuse_idle(state)
    said = _reason(reason, "silencing")
    if until <= now:
        raise Refused("the end of the silence has passed", "give a time that is to come")
    if until - now > SNOOZE_LIMIT:
        raise Refused("the silence lasts more than 7 days", "seven days at most; it can be renewed")
    draft = Draft(state, context)
    taking.stop(draft, now, None)
    return draft.add(ev.Snoozed(now, by, until, said)).events


# --- call others ----------------------------------------------------------------------------------------------------


def escalate(state: Incident, context: Context, now: datetime, *, by: str, reason: str) -> list[ev.Event]:
    """Call the next step now, also of what was acknowledged or silenced; behind the last step the first (E12)."""
    _refuse_idle(state)
    draft = Draft(state, context)
    said = _reason(reason, "escalating")
    _escalate(draft, now, by, said, escalation.next_by_hand(state, context))
    return draft.events


def _escalate(
    draft: Draft, now: datetime, by: str, reason: Text, index: int, *, without: tuple[str, ...] = ()
) -> None:
    until = draft.state.watch.snoozed_until
    if draft.state.paging is Paging.SNOOZED and until is not None:
        draft.add(ev.SnoozeEnded(now, until, f"escalated by {by}"))
    draft.add(ev.Escalated(now, by, index, reason))
    escalation.fire_by_hand(draft, index, now, without=without)


def pass_on(
    state: Incident, context: Context, now: datetime, *, by: str, page: int | None = None, reason: str
) -> list[ev.Event]:
    """Whoever is called passes it on: her page ends, the next step is called now (E12).

    Steps that mean nobody else are passed over; behind the last one the fallback is called, without her. `page` is the
    number of her page; without it the open one. Raises Refused when she is not being called, or nobody else can be.
    """
    _refuse_idle(state)
    mine = [p for p in state.open_pages() if p.person == by and p.number == (page or p.number)]
    if not mine:
        raise Refused(f"{by} is not being called", "escalate it instead")
    draft = Draft(state, context)
    said = _reason(reason, "passing it on")
    draft.add(*(ev.PageEnded(now, p.number, by, "superseded") for p in mine))
    if any(p.counts for p in mine):
        following = escalation.next_without(state, context, now, by)
        if following is None:
            raise Refused("nobody else can be called", "acknowledge it, or ask somebody by name to help")
        _escalate(draft, now, by, said, following, without=(by,))
    return draft.events


def ask_responders(
    state: Incident, context: Context, now: datetime, *, by: str, people: tuple[str, ...], reason: str
) -> list[ev.Event]:
    """Call others to help, now and with high urgency, whatever the steps do (E14).

    `people` are handles or targets. Whoever has answered already, or is being called, is not called again. Raises
    Refused when that leaves nobody, or for a name that means nobody.
    """
    _refuse_idle(state)
    said = _reason(reason, "asking for help")
    found = _people(people, context, now)
    rings = {p.person for p in state.open_pages() if p.urgent and p.until is None and not p.shadow}
    there = {*state.room.joined, state.acked_by, by}
    called = tuple(p for p in found if p not in rings and p not in there)
    if not called:
        raise Refused(f"{', '.join(found)}: there already, or being called", "name somebody else")
    draft = Draft(state, context)
    draft.add(ev.RespondersAsked(now, by, called, said))
    paging.call(draft, called, ASKED, state.ladder.run, now)
    return draft.events


def _people(people: tuple[str, ...], context: Context, now: datetime) -> tuple[str, ...]:
    """Who is meant now. Raises Refused for unknown names, and when nobody is meant."""
    named = targets.targets_of(people)
    targets.refuse_unknown(named, context)
    found = targets.people_of(named, context, now)
    if not found:
        raise Refused(f"{', '.join(people) or 'nobody'} means nobody now", "name somebody who is active")
    return found
