"""What facts about people, work and duties read as; used by `narrate` alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tocsin.domain import events as ev
from tocsin.domain.spans import full, many, span


def _time(at: datetime | None) -> str:
    return full(at) if at else "unknown"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _rejudged(e: ev.ClockRejudged) -> str:
    due = f", due {e.due:%H:%M:%S}" if e.due else ""
    return f"{e.clock} judged anew: {e.verdict}, before {e.old} ({span(e.took_s)}{due}; {e.level} then)"


def _task_opened(e: ev.TaskOpened) -> str:
    parts = [f"for {e.owner}" if e.owner else "", f"{e.minutes} min" if e.minutes else ""]
    if e.gate:
        parts.append("a database change: needs the check")
    elif e.db_change:
        parts.append("a database change: the handbook names no check before it")
    parts.append("needs a second person" if e.second else "")
    said = ", ".join(part for part in parts if part)
    return f"{e.by} opened task {e.task}{f' ({said})' if said else ''}: {e.text}"


def _started(e: ev.TaskStarted) -> str:
    return f"{e.by} started task {e.task}{f' ({e.passed})' if e.passed else ''}"


def _answered(e: ev.GateAnswered) -> str:
    return f"{e.gate} check {e.check}, point {e.point}: {e.answer}. {e.evidence}"


def _checked(e: ev.GateChecked) -> str:
    named = [f"point {n} by its exception" for n in e.exceptions] + [f"point {n} failed" for n in e.failed]
    valid = f", valid until {e.valid_until:%H:%M:%S}" if e.passed and e.valid_until else ""
    point = f"; restore point {_time(e.restore_point)}" if e.restore_point else ""
    waits = "" if e.confirmed or not e.passed else "; waits to be confirmed"
    how = f" ({', '.join(named)})" if named else ""
    return (
        f"{e.gate} check {e.check} by {e.by}: {'passed' if e.passed else 'FAILED'}{how}{valid}{point}{waits}"
    )


def _restored(e: ev.RestoreRecorded) -> str:
    times = [
        f"RPO {span(e.rpo_s)}" if e.rpo_s is not None else "",
        f"RTO {span(e.rto_s)}" if e.rto_s is not None else "",
    ]
    took = "".join(f", {part}" for part in times if part)
    verdict = "passed" if e.passed else "FAILED"
    return f"{e.by} recorded a {e.kind} from {e.source} to {e.target}: {verdict}{took}. {e.validation}"


def _drafted(e: ev.StatementDrafted) -> str:
    return (
        f"{e.by} drafted statement {e.statement} for {e.audience}: {e.text} Data: {e.data}"
        f" (to be approved by {many(e.approvers)})"
    )


def _legal(e: ev.LegalStarted) -> str:
    return (
        f"{e.by} started the {e.regime} deadline: aware {_time(e.aware)}, due {_time(e.due)}, owner {e.owner}"
        f"{_because(e.reason)}"
    )


def _action_added(e: ev.ActionAdded) -> str:
    due = f", due {e.due:%Y-%m-%d}" if e.due else f", {e.calendar}" if e.calendar else ""
    return f"{e.by} added action {e.action} ({e.kind}, {e.owner or 'no owner'}{due}): {e.text}"


def _action_changed(e: ev.ActionChanged) -> str:
    due = f"{e.due:%Y-%m-%d}" if e.due else "no day"
    return f"{e.by} changed action {e.action}: {e.kind}, {e.owner or 'no owner'}, {due}"


def _suspected(e: ev.ChangeSuspected) -> str:
    author = f" by {e.author}" if e.author else ""
    when = f" at {_time(e.happened)}" if e.happened else ""
    return f"{e.by} suspects a change{author}{when}: {e.what}"


def _handover_proposed(e: ev.HandoverProposed) -> str:
    to = f" to {' or '.join(e.candidates)}" if e.candidates else ", but nobody else may take it"
    return f"{e.hours} hours: {e.holder} should eat something and hand {e.role} over{to}"


def _times(count: int) -> str:
    return f" (said {count} times)" if count > 1 else ""


SENTENCES: dict[type[ev.Event], Callable[[Any], str]] = {
    ev.TimeCorrected: lambda e: (
        f"{e.by} set {e.name} to {_time(e.new)}, before {_time(e.old)}{_because(e.reason)}"
    ),
    ev.ClockRejudged: _rejudged,
    ev.Reopened: lambda e: f"{e.by} reopened it{_because(e.reason)}",
    ev.Merged: lambda e: f"{e.by} merged it into {e.into}{_because(e.reason)}",
    ev.Absorbed: lambda e: f"{e.by} merged {e.child} into it ({e.firing} firing): {e.title}",
    ev.Reported: lambda e: f"{e.by} took a further report{f' from {e.source}' if e.source else ''}: {e.text}",
    ev.NoteEdited: lambda e: f"{e.by} changed entry {e.note}: {e.text}",
    ev.Proposed: lambda e: f"{e.by} proposes ({e.proposal}): {e.text}",
    ev.EvidenceAdded: lambda e: f"{e.by} kept {e.name} ({e.size} bytes, sha256 {e.digest}){_because(e.note)}",
    ev.ChangeSuspected: _suspected,
    ev.SeatConflict: lambda e: (
        f"{e.person} holds {' and '.join(e.roles)} with {e.responders} people at work: give one away"
    ),
    ev.SpanWarned: lambda e: f"{e.responders} people answer to the IC: name a lead for a part of them",
    ev.HandoverProposed: _handover_proposed,
    ev.ShadowJoined: lambda e: f"{e.person} shadows the IC",
    ev.ShadowLeft: lambda e: f"{e.person} no longer shadows the IC",
    ev.TaskOpened: _task_opened,
    ev.TaskAssigned: lambda e: f"{e.by} gave task {e.task} to {e.owner}",
    ev.TaskApproved: lambda e: f"{e.by} approved task {e.task} as the second person",
    ev.TaskStarted: _started,
    ev.TaskAsked: lambda e: f"The time for task {e.task} is over: {e.owner} is asked",
    ev.TaskDone: lambda e: f"{e.by} finished task {e.task}{_because(e.result)}",
    ev.TaskDropped: lambda e: f"{e.by} dropped task {e.task}{_because(e.reason)}",
    ev.GateAnswered: _answered,
    ev.GateChecked: _checked,
    ev.GateConfirmed: lambda e: f"{e.by} confirmed {e.gate} check {e.check}",
    ev.GateLapsing: lambda e: (
        f"{e.gate} check {e.check} runs out at {e.due:%H:%M:%S}: {many(e.people)} reminded"
    ),
    ev.GateLapsed: lambda e: f"{e.gate} check {e.check} ran out at {e.due:%H:%M:%S}",
    ev.GateOverridden: lambda e: f"{e.by} OVERRODE the {e.gate} check for task {e.task}{_because(e.reason)}",
    ev.RestorePointNoted: lambda e: f"{e.by} noted the restore point {_time(e.point)}{_because(e.note)}",
    ev.RestoreRecorded: _restored,
    ev.StatementDrafted: _drafted,
    ev.StatementApproved: lambda e: f"{e.by} approved statement {e.statement}",
    ev.StatementSent: lambda e: f"{e.by} sent statement {e.statement}: {e.where}",
    ev.LegalStarted: _legal,
    ev.LegalReminded: lambda e: f"The {e.regime} deadline is {_time(e.due)}: {many(e.people)} reminded",
    ev.LegalOverdue: lambda e: (
        f"The {e.regime} deadline passed at {_time(e.due)} without a decision: telling {many(e.people)}"
        f"{_times(e.times)}"
    ),
    ev.LegalDecided: lambda e: f"{e.by} decided on the {e.regime} deadline: {e.decision}{_because(e.reason)}",
    ev.ActionAdded: _action_added,
    ev.ActionChanged: _action_changed,
    ev.ActionProven: lambda e: f"{e.by} proved action {e.action}{_because(e.proof)}",
    ev.ActionDropped: lambda e: f"{e.by} dropped action {e.action}{_because(e.reason)}",
    ev.ActionReminded: lambda e: f"Action {e.action} is due today: {many(e.people)} reminded",
    ev.ActionOverdue: lambda e: f"Action {e.action} is overdue: telling {many(e.people)}{_times(e.times)}",
    ev.Restricted: lambda e: (
        f"{e.by} restricted it to {many(e.readers)} and those at work, as {e.codename}{_because(e.reason)}"
    ),
    ev.Unrestricted: lambda e: f"{e.by} lifted the restriction{_because(e.reason)}",
    ev.TicketLinked: lambda e: f"{e.by} linked a ticket instead of the log row: {e.where}",
}

KINDS: dict[type[ev.Event], str] = {
    ev.Proposed: "decision",
    ev.Reported: "alert",
    ev.ClockRejudged: "breach",
    ev.SeatConflict: "breach",
    ev.SpanWarned: "breach",
    ev.GateOverridden: "override",
    ev.GateLapsed: "breach",
    ev.LegalOverdue: "breach",
    ev.ActionOverdue: "breach",
    ev.StatementSent: "update",
}
