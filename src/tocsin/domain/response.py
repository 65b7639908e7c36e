"""Decisions of the people in the room: seats and hand-over, what is said and kept, what became of it outside.

Not here: what people do about being called (`answering`), who may lead and who only shadows (`crew`), what somebody
who takes over is told (`briefing`).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tocsin.domain import answering, briefing, crew, lifecycle, paging, targets
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.people import Person

BACK_DATING_LIMIT = timedelta(days=7)
PROPOSAL_LIMIT = 1000
PROPOSALS_WAITING = 50
EVIDENCE_LIMIT = 20 * 1024 * 1024
"""The largest file that is kept, in bytes."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OVER = {Stage.CLOSED, Stage.DISMISSED, Stage.MERGED}
"""Nothing is decided here any more."""

brief = briefing.brief
"""What the next person must know: goes with every hand-over."""
acknowledge = answering.acknowledge
page_sent = paging.page_sent
page_delayed = paging.page_delayed
page_failed = paging.page_failed
"""Their rules stand with those of paging."""


def take_seat(state: Incident, context: Context, now: datetime, *, by: str, role: str) -> list[ev.Event]:
    """Take an empty seat, or that of somebody who has left.

    Raises Refused when somebody holds it (the first one wins) or the roster says no.
    """
    key = _role_key(role, context)
    person = _seated(state, context, by, key)
    holder = state.holder(key)
    if holder == person.handle:
        raise Refused(f"{holder} already holds {key}", "")
    if holder is not None and targets.active(holder, context, now):
        raise Refused(f"{holder} holds {key}", f"ask for a hand-over: tocsin handoff {state.ref} {key} ...")
    return _seat(state, context, ev.SeatTaken(now, key, person.handle, "taken", by, holder))


def _seat(state: Incident, context: Context, taken: ev.SeatTaken) -> list[ev.Event]:
    draft = Draft(state, context).add(taken)
    crew.warn(draft, taken.at)
    return draft.events


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
    return _seat(state, context, ev.SeatTaken(now, key, chosen.handle, "assigned", by, holder))


def _role_key(role: str, context: Context) -> str:
    found = context.policy.role(role)
    if found is None:
        known = ", ".join(r.key for r in context.policy.roles)
        raise Refused(f"the handbook has no role {role!r}", f"known roles: {known}")
    return found.key


def _seated(state: Incident, context: Context, handle: str, role: str) -> Person:
    if not state.stage.running:
        raise Refused(f"{state.ref} is {state.stage}: its seats stand", "")
    lifecycle.refuse_test(state)
    person = context.directory.get(handle)
    if person is None:
        raise Refused(f"nobody is known as {handle!r}", "see tocsin oncall")
    crew.refuse_shadow(state, person.handle)
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
    return _seat(state, context, ev.SeatTaken(now, key, by, "accepted", by, state.holder(key)))


# --- what is said and kept ------------------------------------------------------------------------------------------


def note(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    text: str,
    happened: datetime | None,
    replaces: int | None = None,
) -> list[ev.Event]:
    """Keep a note, back-dated within a week if asked; or change one: `replaces` is the entry that was seen.

    Raises Refused when empty, dated in the future, or when that entry is no note or was changed meanwhile.
    """
    if not text.strip():
        raise Refused("the note is empty", "write what is worth keeping; one line is enough")
    if replaces is not None:
        return _edited(state, context, now, by, text, happened, replaces)
    at = happened or now
    if at > now:
        raise Refused("the note is dated in the future", "give a time that has passed, or none")
    if now - at > BACK_DATING_LIMIT:
        raise Refused("the note is dated more than a week back", "say in the note when it was")
    return Draft(state, context).add(ev.Noted(at, by, Text(text))).events


def _edited(
    state: Incident,
    context: Context,
    now: datetime,
    by: str,
    text: str,
    happened: datetime | None,
    replaces: int,
) -> list[ev.Event]:
    """The newest words of a note are changed; what stood there stays readable."""
    if happened is not None:
        raise Refused("a note is changed now", "leave the time out, or write a new note with it")
    if replaces in state.notes.replaced:
        newest = next((new for first, new in state.notes.standing if first == replaces), None)
        where = f" (entry {newest} says what holds)" if newest else ""
        raise Refused(
            f"entry {replaces} was changed meanwhile{where}", "look at what it says now, then change that one"
        )
    if replaces not in {new for _, new in state.notes.standing}:
        raise Refused(f"entry {replaces} is no note that can be changed", "write a new note instead")
    return Draft(state, context).add(ev.NoteEdited(now, by, replaces, Text(text))).events


def propose(state: Incident, context: Context, now: datetime, *, by: str, text: str) -> list[ev.Event]:
    """Something waits for a decision. Raises Refused when it says nothing or nothing is decided here any more."""
    _refuse_over(state)
    if not text.strip():
        raise Refused("the proposal is empty", "one sentence: what should be done?")
    if len(text) > PROPOSAL_LIMIT:
        raise Refused(f"a proposal has at most {PROPOSAL_LIMIT} characters", "put the rest into a note")
    if len(state.room.proposals) >= PROPOSALS_WAITING:
        raise Refused(f"{PROPOSALS_WAITING} proposals wait for a decision", "decide on some first")
    number = state.room.proposal_count + 1
    return Draft(state, context).add(ev.Proposed(now, by, number, Text(text.strip()))).events


def decide(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    decision: str,
    why: str,
    objections: bool,
    proposal: int | None = None,
) -> list[ev.Event]:
    """Record a decision with its reason, on a proposal if it answers one.

    Raises Refused when it says nothing, the proposal does not wait any more, or nothing is decided here any more.
    """
    _refuse_over(state)
    if not decision.strip():
        raise Refused("the decision is empty", "one sentence: what is done?")
    if proposal is not None and proposal not in {p.number for p in state.room.proposals}:
        waiting = ", ".join(str(p.number) for p in state.room.proposals)
        gone = 1 <= proposal <= state.room.proposal_count
        raise Refused(
            f"proposal {proposal} {'was decided already' if gone else 'is not known'}",
            f"waiting for a decision: {waiting or 'none'}",
        )
    decided = ev.Decided(now, by, Text(decision), Text(why), objections, proposal)
    return Draft(state, context).add(decided).events


def _refuse_over(state: Incident) -> None:
    if state.stage in _OVER:
        instead = f"decide in {state.merged_into}" if state.merged_into else "keep a note, or reopen it"
        raise Refused(f"{state.ref} is {state.stage}: nothing is decided here", instead)


def report(
    state: Incident, context: Context, now: datetime, *, by: str, text: str, source: str = ""
) -> list[ev.Event]:
    """Somebody else reports the same trouble: it joins, nobody is called. Raises Refused once it is over."""
    if not state.stage.running:
        goes_on = state.merged_into
        instead = f"it goes on in {goes_on}" if goes_on else "reopen it when it came back; else keep a note"
        raise Refused(f"{state.ref} is {state.stage}: no report joins it", instead)
    if not text.strip():
        raise Refused("the report is empty", "one sentence: what do they see?")
    reported = ev.Reported(now, by, Text(text.strip()), Text(" ".join(source.split())))
    return Draft(state, context).add(reported).events


def evidence(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    digest: str,
    size: int,
    name: str,
    media_type: str,
    note: str = "",
) -> list[ev.Event]:
    """A file was kept under its SHA-256: who, when, what it shows. Raises Refused when it is empty or too large."""
    if state.merged_into is not None:
        raise Refused(f"{state.ref} was merged", f"keep it in {state.merged_into}")
    if not _DIGEST.fullmatch(digest):
        raise Refused("that is no SHA-256", "64 digits and letters a to f")
    if not 0 < size <= EVIDENCE_LIMIT:
        what = "is empty" if size <= 0 else f"is larger than {EVIDENCE_LIMIT // (1024 * 1024)} MB"
        raise Refused(f"the file {what}", "keep a smaller part of it, or say in a note where it lies")
    line = " ".join(name.split())
    if not line:
        raise Refused("the file has no name", "say what it is called")
    kept = ev.EvidenceAdded(now, by, digest, size, Text(line), media_type, Text(note.strip()))
    return Draft(state, context).add(kept).events


# --- what became of it outside --------------------------------------------------------------------------------------


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
