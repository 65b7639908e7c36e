"""The words of a page or a notice: what, since when, what is asked, what happens next and when.

Pure: from the effect, the state and the context at the moment of sending. Titles are untrusted; every channel makes
them inert for its own medium. Times are UTC, said so. A drill says so first; a restricted incident goes by its
codename. Notices about the room, the work and duties have their words in `words_work`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.domain import clocks, comms, escalation, postmortem, watch
from tocsin.domain.context import Context
from tocsin.domain.effects import Send
from tocsin.domain.incident import ASKED, Incident, Paging
from tocsin.engine import words_work

DRILL = "DRILL"
SHADOW = "SHADOW"


@dataclass(frozen=True, slots=True)
class Words:
    """Subject of one line, text of a few short lines."""

    subject: str
    text: str


def words_for(send: Send, state: Incident, context: Context, now: datetime) -> Words:
    """What to say. The reference stands in the subject, so that a double is recognised as one."""
    head = f"{state.level} {state.ref}".strip()
    asked = _ASKED.get(send.about, _plain)(send, state, context, now)
    title = " ".join(state.known_as.split())
    lines = [asked, f"{head}: {title}", _since(state, now), *_details(send, state, context)]
    subject = f"[{head}] {_SUBJECTS.get(send.about, send.about)}: {title}"
    if _for_shadow(send, state):
        subject = f"{SHADOW} {subject}"
    if state.drill:
        subject = f"{DRILL} {subject}"
        lines.insert(0, f"{DRILL}: this is an exercise.")
    return Words(subject, "\n".join(line for line in lines if line))


def _for_shadow(send: Send, state: Incident) -> bool:
    page = state.page(send.page) if send.page is not None else None
    return page is not None and page.shadow


_SUBJECTS = {
    "page": "You are called",
    "ack-reminder": "Still on it?",
    "role": "You have a role",
    "update-reminder": "Update due",
    "update-overdue": "Update OVERDUE",
    "update-ask": "Please post an update",
    "seat-empty": "No incident commander",
    "handover": "Hand-over offered to you",
    "handover-withdrawn": "Hand-over withdrawn",
    "breach": "Promise missed",
    "time-left": "Time is running out",
    "postmortem-overdue": "Postmortem overdue",
    "summary": "What waited for you",
    "nobody-reachable": "NOBODY CAN BE REACHED",
    **words_work.SUBJECTS,
}


def _plain(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return _SUBJECTS.get(send.about, send.about)


def _page(send: Send, state: Incident, context: Context, now: datetime) -> str:
    page = state.page(send.page or 0)
    if state.kind == "test":
        return "This is a test of how you are called. Acknowledge to show that it arrived."
    if page is not None and page.shadow:
        return f"{SHADOW}: you learn along. Somebody else is called; your ack stops nothing."
    if page is not None and page.rung == ASKED:
        return "You are asked to help. Acknowledge to say that you come."
    return "You are called. Acknowledge to stop the escalation: you take it."


def _ack_reminder(send: Send, state: Incident, context: Context, now: datetime) -> str:
    """To whoever acknowledged: how to say that she is still on it. To others: that nobody has said so for long."""
    due = watch.comes_back(state, context)
    if send.person != state.acked_by:
        return f"{state.acked_by or 'Somebody'} acknowledged it long ago, and it still runs. See that it is ended."
    back = (
        f" Otherwise people are called anew at {due:%H:%M:%S} UTC." if due is not None and due > now else ""
    )
    return (
        "You acknowledged it. Still on it? Press Still on it behind the link, post a note or an update, "
        f"or type: tocsin renew {state.ref}.{back}"
    )


def _role(send: Send, state: Incident, context: Context, now: datetime) -> str:
    role = context.policy.role(send.note)
    duties = f" {role.duties}" if role else ""
    return f"You are {role.name if role else send.note}.{duties}"


def _breach(send: Send, state: Incident, context: Context, now: datetime) -> str:
    clock = state.clock(send.note)
    target = clocks.target_of(context.severity(clock.level), clock.name) if clock else None
    return f"{send.note} was promised ({target.text if target else 'no target'}) and is late."


def _time_left(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return f"{send.note} minutes are left to resolve."


def _summary(send: Send, state: Incident, context: Context, now: datetime) -> str:
    return send.note


_ASKED: dict[str, words_work.Asked] = {
    "summary": _summary,
    "page": _page,
    "ack-reminder": _ack_reminder,
    "role": _role,
    "breach": _breach,
    "time-left": _time_left,
    **words_work.ASKED,
}


def _since(state: Incident, now: datetime) -> str:
    minutes = int((now - state.detected_at).total_seconds() // 60)
    return f"Since {state.detected_at:%Y-%m-%d %H:%M:%S} UTC ({minutes} min ago), {state.stage}."


def _details(send: Send, state: Incident, context: Context) -> list[str]:
    if send.about.startswith("postmortem"):
        due = postmortem.due_at(state, context)
        return [_postmortem_due(due)] if due else []
    if send.about.startswith("update"):
        due = comms.overdue_due(state, context)
        return [f"Overdue at {due:%H:%M:%S} UTC. Impact, ETA (may be unknown), next steps."] if due else []
    if send.page is None or state.paging != Paging.TRIGGERED:
        return []
    return [_ack_due(state, context), _also_called(send, state), _what_next(send, state, context)]


def _postmortem_due(due: datetime) -> str:
    """A weekend is pointed out, never moved."""
    weekend = f", a {due:%A}: the day stands" if postmortem.weekend(due) else ""
    return f"It was due {due:%Y-%m-%d %H:%M} UTC{weekend}."


def _ack_due(state: Incident, context: Context) -> str:
    clock = state.clock("ack")
    due = clocks.limit_of(clock, context) if clock else None
    return f"Acknowledge by {due:%H:%M:%S} UTC." if due else ""


def _also_called(send: Send, state: Incident) -> str:
    rings = (p for p in state.open_pages() if p.until is None and not p.shadow)
    others = dict.fromkeys(p.person for p in rings if p.person != send.person)
    return f"Also called: {', '.join(others)}." if others else ""


def _what_next(send: Send, state: Incident, context: Context) -> str:
    """Who is called when nobody answers; nothing where that is only whoever reads it."""
    coming = escalation.coming(state, context)
    if coming is None or coming.again:
        return ""
    others = [person for person in coming.people if person != send.person]
    if coming.people and not others:
        return ""
    who = ", ".join(others) or "the next in line"
    return f"If nobody acknowledges, {who} will be called at {coming.at:%H:%M:%S} UTC."
