"""Decisions of the people in the room: acknowledge, seats and hand-over, notes, decisions, receipts of pages."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.domain import clocks, escalation, lifecycle
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.people import Person

BACK_DATING_LIMIT = timedelta(days=7)


def acknowledge(state: Incident, context: Context, now: datetime, *, by: str, via: str) -> list[ev.Event]:
    """A named person takes it: paging stops, an empty IC seat is filled if she may be IC.

    A second ack is recorded and changes nothing. A stranger to the roster is accepted, marked as such.
    Raises Refused once the incident is over (docs/reference/oncall.md E8).
    """
    if not state.stage.running:
        raise Refused(f"{state.ref} is {state.stage}: nobody is being called", "")
    draft = Draft(state, context)
    person = context.directory.get(by)
    if state.paging == Paging.ACKED:
        return draft.add(ev.AlsoAcknowledged(now, by, via, state.acked_by or "")).events
    stranger = person is None or not person.in_roster
    escalation.stop(draft, now, by)
    draft.add(ev.Acknowledged(now, by, via, stranger))
    lifecycle.end_clock(draft, "ack", now)
    lifecycle.seat_by_arrival(draft, now, by, "acked")
    return draft.events


def take_seat(state: Incident, context: Context, now: datetime, *, by: str, role: str) -> list[ev.Event]:
    """Take an empty seat. Raises Refused when somebody holds it (the first one wins) or the roster says no."""
    key = _role_key(role, context)
    person = _seated(state, context, by, key)
    holder = state.holder(key)
    if holder == person.handle:
        raise Refused(f"{holder} already holds {key}", "")
    if holder is not None:
        raise Refused(f"{holder} holds {key}", f"ask for a hand-over: tocsin handoff {state.ref} {key} ...")
    return Draft(state, context).add(ev.SeatTaken(now, key, person.handle, "taken", by)).events


def assign_seat(
    state: Incident, context: Context, now: datetime, *, by: str, role: str, person: str
) -> list[ev.Event]:
    """Give an empty seat (or, except for the IC's, an occupied one) to somebody; they are told."""
    key = _role_key(role, context)
    chosen = _seated(state, context, person, key)
    holder = state.holder(key)
    if key == "ic" and holder is not None and holder != chosen.handle:
        raise Refused(f"{holder} is IC", "the IC hands over: it counts when the other accepts")
    if holder == chosen.handle:
        raise Refused(f"{holder} already holds {key}", "")
    return Draft(state, context).add(ev.SeatTaken(now, key, chosen.handle, "assigned", by, holder)).events


def _role_key(role: str, context: Context) -> str:
    found = context.policy.role(role)
    if found is None:
        known = ", ".join(r.key for r in context.policy.roles)
        raise Refused(f"the handbook has no role {role!r}", f"known roles: {known}")
    return found.key


def _seated(state: Incident, context: Context, handle: str, role: str) -> Person:
    if not state.stage.running:
        raise Refused(f"{state.ref} is {state.stage}: its seats stand", "")
    person = context.directory.get(handle)
    if person is None:
        raise Refused(f"nobody is known as {handle!r}", "see tocsin oncall")
    if person.can_act_as and not person.may_be(role):
        raise Refused(f"the roster does not let {person.handle} act as {role}", "")
    return person


def offer_handover(
    state: Incident, context: Context, now: datetime, *, by: str, role: str, to: str
) -> list[ev.Event]:
    """Offer the seat with a generated brief; it stays with the holder until the other accepts."""
    key = _role_key(role, context)
    person = _seated(state, context, to, key)
    holder = state.holder(key)
    if holder is None:
        raise Refused(f"nobody holds {key}", "assign it instead")
    if person.handle == holder:
        raise Refused(f"{holder} already holds {key}", "")
    if by not in (holder, state.holder("ic")):
        raise Refused(f"only {holder} or the IC can hand {key} over", "")
    offered = ev.HandoverOffered(now, key, holder, person.handle, Text(brief(state, context, now)))
    return Draft(state, context).add(offered).events


def accept_handover(
    state: Incident, context: Context, now: datetime, *, by: str, role: str
) -> list[ev.Event]:
    """Accept what was offered; only now the seat changes. Raises Refused when nothing is on offer to her."""
    key = _role_key(role, context)
    offer = state.offer(key)
    if offer is None or offer.to != by:
        raise Refused(f"no hand-over of {key} is offered to {by}", "")
    return Draft(state, context).add(ev.SeatTaken(now, key, by, "accepted", by, state.holder(key))).events


def brief(state: Incident, context: Context, now: datetime) -> str:
    """What the next person must know, from state: stage, seats, clocks, next update."""
    lines = [f"{state.level} {state.ref} is {state.stage} since {_minutes(now - state.opened_at)}."]
    lines += [f"{role}: {person}." for role, person in state.seats]
    for clock in state.clocks:
        due = clocks.limit_of(clock, context)
        if clock.open and due is not None:
            late = "late since" if clock.breached else "due"
            lines.append(f"{clock.name} {late} {due:%H:%M:%S} UTC.")
    upcoming = sorted(clocks.deadlines(state, context), key=lambda d: d.due)
    lines += [f"Next update due {d.due:%H:%M:%S} UTC." for d in upcoming if d.kind == "update-overdue"]
    lines.append(f"{state.firing} alerts are firing.")
    return " ".join(lines)


def _minutes(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 60)} min"


def note(
    state: Incident, context: Context, now: datetime, *, by: str, text: str, happened: datetime | None
) -> list[ev.Event]:
    """Keep a note, back-dated within a week if asked. Raises Refused when empty or dated in the future."""
    if not text.strip():
        raise Refused("the note is empty", "")
    at = happened or now
    if at > now:
        raise Refused("the note is dated in the future", "")
    if now - at > BACK_DATING_LIMIT:
        raise Refused("the note is dated more than a week back", "")
    return Draft(state, context).add(ev.Noted(at, by, Text(text))).events


def decide(
    state: Incident, context: Context, now: datetime, *, by: str, decision: str, why: str, objections: bool
) -> list[ev.Event]:
    """Record a decision with its reason. Raises Refused when it says nothing or the incident is closed."""
    if not decision.strip():
        raise Refused("the decision is empty", "")
    if state.stage in {Stage.CLOSED, Stage.DISMISSED}:
        raise Refused(f"{state.ref} is {state.stage}", "")
    return Draft(state, context).add(ev.Decided(now, by, Text(decision), Text(why), objections)).events


def page_sent(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    page: int,
    person: str,
    channel: str,
    receipt: str | None,
) -> list[ev.Event]:
    """A provider took the page: kept on the timeline even when the page has ended meanwhile."""
    return Draft(state, context).add(ev.PageSent(now, page, person, channel, receipt)).events


def page_delayed(
    state: Incident, context: Context, now: datetime, *, page: int, person: str, channel: str, reason: str
) -> list[ev.Event]:
    """The first try did not work: said in the room at once, while the tries go on."""
    return Draft(state, context).add(ev.PageDelayed(now, page, person, channel, reason)).events


def page_failed(
    state: Incident, context: Context, now: datetime, *, page: int, person: str, channel: str, reason: str
) -> list[ev.Event]:
    """One way failed for good; when no way is left the page ends as unreachable, and the ladder hurries."""
    draft = Draft(state, context)
    draft.add(ev.PageFailed(now, page, person, channel, reason))
    current = draft.state.page(page)
    if current is not None and current.outcome is None and not set(current.channels) - set(current.failed):
        draft.add(ev.PageEnded(now, page, person, "unreachable"))
    return draft.events


def notice_failed(
    state: Incident, context: Context, now: datetime, *, person: str, about: str, reason: str
) -> list[ev.Event]:
    """A notice reached nobody on this channel: said on the timeline."""
    return Draft(state, context).add(ev.NoticeFailed(now, person, about, reason)).events


def document_written(
    state: Incident, context: Context, now: datetime, *, document: str, path: str, digest: str
) -> list[ev.Event]:
    """The repository holds the document now; the digest tells later whether a person edited it."""
    return Draft(state, context).add(ev.DocumentWritten(now, document, path, digest)).events


def document_refused(
    state: Incident, context: Context, now: datetime, *, document: str, path: str, reason: str
) -> list[ev.Event]:
    """The document could not be written and stays owed; the same reason is not repeated."""
    if (document, reason) in state.documents_owed:
        return []
    return Draft(state, context).add(ev.DocumentRefused(now, document, path, reason)).events
