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

TICKETS_LANE = "tickets"
"""Tickets at another system: as slow as it is, and in nobody's way."""

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

BY_LINK = "a link in "
"""How an answer by a phone link names its way: these words, and the channel that carried the link."""

_NOTICES: dict[type[ev.Event], str] = {
    ev.UpdateReminded: "update-reminder",
    ev.UpdateOverdue: "update-overdue",
    ev.UpdateAsked: "update-ask",
    ev.SeatEmptyAlarmed: "seat-empty",
    ev.ClockBreached: "breach",
    ev.PostmortemOverdue: "postmortem-overdue",
    ev.GateLapsing: "gate-lapsing",
    ev.SpanWarned: "span",
    ev.LegalReminded: "legal-reminder",
    ev.LegalOverdue: "legal-overdue",
    ev.ActionReminded: "action-due",
    ev.ActionOverdue: "action-overdue",
}
"""Notices to everybody in the event's `people`."""
_LOGGED = (
    *(ev.Declared, ev.SeverityChanged, ev.Mitigated, ev.Resolved, ev.Closed, ev.PostmortemPublished),
    *(ev.TimeCorrected, ev.Reopened, ev.Merged, ev.Absorbed),
    *(ev.ActionAdded, ev.ActionChanged, ev.ActionProven, ev.ActionDropped),
    *(ev.Restricted, ev.Unrestricted),
)
"""Facts that the log row shows."""
_REDRAFTED = (
    *(ev.Resolved, ev.TimeCorrected, ev.LegalDecided, ev.Unrestricted),
    *(ev.ActionAdded, ev.ActionChanged, ev.ActionProven, ev.ActionDropped),
)
"""Facts that change the postmortem draft, once there is one."""
_TICKETED = (ev.Declared, ev.Resolved, ev.Closed, ev.Merged, ev.Reopened, ev.Restricted, ev.Unrestricted)


def derive(event: ev.Event, state: Incident, directory: Directory) -> list[Effect]:
    """The effects of one event, in the order in which they are applied."""
    found: list[Effect] = []
    match event:
        case ev.PageRequested():
            found += _page(event)
        case ev.WayTried():
            page = state.page(event.page)
            found.append(_way(event.page, event.person, event.channel, page is None or page.urgent))
        case ev.NobodyReachable():
            found.append(Send("", SIREN_LANE, "nobody-reachable", "siren", note=event.why))
        case ev.PageEnded():
            found.append(Drop(f"page/{event.page}/"))
        case ev.AckReminded():
            found += _notice(event.person, "ack-reminder", "notice/ack", directory)
        case ev.Acknowledged() | ev.AckRenewed() | ev.AckExpired() | ev.Unacknowledged() | ev.Snoozed():
            found.append(Drop("notice/ack"))
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
        case ev.Merged():
            found.append(Drop("notice/"))
            for person in event.people:
                found += _notice(person, "merged", "notice/merged", directory, event.into)
        case ev.Released():
            found.append(Drop("notice/"))
            if event.person:
                found += _notice(event.person, "summary", "summary", directory, event.summary)
        case ev.TimeLeft() if event.person:
            found += _notice(event.person, "time-left", "notice/time-left", directory, str(event.minutes))
        case _:
            found += _to_many(event, directory) + _to_one(event, state, directory)
    return found + _by_link(event, directory) + _documents(event, state)


def _documents(event: ev.Event, state: Incident) -> list[Effect]:
    """What the repository (or a ticket) must say now."""
    found: list[Effect] = []
    if state.declared_at is not None:
        if isinstance(event, _LOGGED):
            found.append(Write("log", "write/log"))
        if isinstance(event, _REDRAFTED) and state.resolved_at is not None:
            found.append(Write("postmortem", "write/postmortem"))
        if isinstance(event, _TICKETED):
            found.append(Write("ticket", "write/ticket", TICKETS_LANE))
    match event:
        case ev.GateChecked() if event.confirmed or not event.passed:
            found.append(_row("check", event.check))
        case ev.GateConfirmed():
            found.append(_row("check", event.check))
        case ev.RestoreRecorded():
            found.append(_row("restore", event.number))
        case ev.Restricted() | ev.Unrestricted():
            # Every row says what anybody may read: each is written again, with less or with more.
            written = [check.number for check in state.work.checks if check.confirmed or not check.passed]
            found += [_row("check", number) for number in written]
            found += [_row("restore", number + 1) for number in range(state.work.restores)]
        case _:
            pass
    return found


def _row(kind: str, number: int) -> Write:
    """A row of the restore log, by itself: `check-2`, `restore-1`."""
    return Write(f"{kind}-{number}", f"write/{kind}-{number}/")


def _to_one(event: ev.Event, state: Incident, directory: Directory) -> list[Effect]:
    """Notices to whoever a fact concerns, and the end of what it makes needless."""
    return (
        _about_work(event, state, directory)
        or _about_people(event, state, directory)
        or _about_duties(event, directory)
    )


def _about_work(event: ev.Event, state: Incident, directory: Directory) -> list[Effect]:
    """Tasks and checks."""
    match event:
        case ev.TaskOpened() | ev.TaskAssigned() if event.owner and event.owner != event.by:
            return _about_task(event.owner, "task", event.task, directory)
        case ev.TaskAsked():
            return _about_task(event.owner, "task-asked", event.task, directory)
        case ev.TaskDone() | ev.TaskDropped():
            return [Drop(f"notice/task/{event.task}/")]
        case ev.GateChecked() if event.passed and not event.confirmed:
            asked = state.holder(event.waits_for or "ic")
            note = str(event.check)
            return _notice(asked, "gate-confirm", "notice/gate/", directory, note) if asked else []
        case ev.GateConfirmed():
            return [Drop("notice/gate/")]
        case _:
            return []


def _about_people(event: ev.Event, state: Incident, directory: Directory) -> list[Effect]:
    """Who leads, who shadows, and that it came back or grew."""
    match event:
        case ev.HandoverProposed():
            return _notice(event.holder, "handover-proposed", "notice/long", directory, str(event.hours))
        case ev.SeatConflict():
            told = dict.fromkeys(filter(None, (event.person, state.holder("ic"))))
            seats = " and ".join(event.roles)
            return [e for p in told for e in _notice(p, "seat-conflict", "notice/seat", directory, seats)]
        case ev.ShadowJoined() if event.person != event.by:
            return _notice(event.person, "shadow", "notice/seat", directory)
        case ev.Reopened():
            seated = dict.fromkeys(person for _, person in state.seats)
            return [e for p in seated for e in _notice(p, "reopened", "notice/seat", directory)]
        case ev.Absorbed():
            leader = state.holder("ic") or state.acked_by
            return _notice(leader, "absorbed", "notice/seat", directory, event.child) if leader else []
        case _:
            return []


def _by_link(event: ev.Event, directory: Directory) -> list[Effect]:
    """Whoever holds a link can press its button: the person is told where else she is reached (design rule 23)."""
    match event:
        case (
            ev.Acknowledged(by=person)
            | ev.AlsoAcknowledged(by=person)
            | ev.AckPartial(by=person)
            | ev.ResponderJoined(person=person)
        ):
            if event.via.startswith(BY_LINK):
                return _by_another_way(person, event.via.removeprefix(BY_LINK), directory)
    return []


def _by_another_way(person: str, link_came_by: str, directory: Directory) -> list[Effect]:
    lanes = [method.channel for method in directory.methods_of(person)]
    lane = next((name for name in lanes if name != link_came_by), next(iter(lanes), NOWHERE_LANE))
    return [Send(person, lane, "link-used", "notice/link", note=link_came_by)]


def _about_duties(event: ev.Event, directory: Directory) -> list[Effect]:
    """Statements, legal deadlines, actions."""
    match event:
        case ev.StatementDrafted():
            note, topic = str(event.statement), f"notice/statement/{event.statement}/"
            return [e for p in event.approvers for e in _notice(p, "statement", topic, directory, note)]
        case ev.StatementSent():
            return [Drop(f"notice/statement/{event.statement}/"), Drop("notice/update")]
        case ev.LegalStarted():
            topic = f"notice/legal/{event.regime}/"
            return _notice(event.owner, "legal-started", topic, directory, event.regime)
        case ev.LegalDecided():
            return [Drop(f"notice/legal/{event.regime}/")]
        case ev.ActionAdded() | ev.ActionChanged() if event.owner and event.owner != event.by:
            topic = f"notice/action/{event.action}/"
            return _notice(event.owner, "action", topic, directory, str(event.action))
        case ev.ActionProven() | ev.ActionDropped():
            return [Drop(f"notice/action/{event.action}/")]
        case _:
            return []


def _about_task(person: str, about: str, task: int, directory: Directory) -> list[Effect]:
    return _notice(person, about, f"notice/task/{task}/", directory, str(task))


def _page(event: ev.PageRequested) -> list[Effect]:
    """What goes out at once; later ways have facts of their own."""
    waits = event.waits or (0,) * len(event.channels)
    return [
        _way(event.page, event.person, channel, event.urgent)
        for channel, wait in zip(event.channels, waits, strict=False)
        if not wait
    ]


def _way(page: int, person: str, channel: str, urgent: bool) -> Send:
    return Send(person, channel, "page", f"page/{page}/{channel}", page, urgent)


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
    note, topic = "", "notice/update" if about.startswith("update") else f"notice/{about}"
    match event:
        case ev.ClockBreached():
            note = event.clock
        case ev.GateLapsing():
            note, topic = str(event.check), "notice/gate/"
        case ev.LegalReminded() | ev.LegalOverdue():
            note, topic = event.regime, f"notice/legal/{event.regime}/"
        case ev.ActionReminded() | ev.ActionOverdue():
            note, topic = str(event.action), f"notice/action/{event.action}/"
        case _:
            pass
    return [e for person in people for e in _notice(person, about, topic, directory, note)]


def _notice(person: str, about: str, topic: str, directory: Directory, note: str = "") -> list[Effect]:
    lanes = [method.channel for method in directory.methods_of(person)] or [NOWHERE_LANE]
    return [Send(person, lane, about, topic, note=note) for lane in lanes]
