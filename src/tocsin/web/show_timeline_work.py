"""How facts about times, people, work and duties look on the timeline; used by `show_timeline` alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.spans import span
from tocsin.web.show_clocks import named
from tocsin.web.show_line import Line
from tocsin.web.show_work import TIME_NAMES, bytes_in_words

Tell = Callable[[Line, Any, Context], None]


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "not known"


# --- process --------------------------------------------------------------------------------------------------------


def _corrected(line: Line, e: ev.TimeCorrected, _: Context) -> None:
    verb = "corrected" if e.old else "set"
    line.word = f"{verb} the time: {TIME_NAMES.get(e.name, e.name).lower()}"
    line.details = [("Now", _at(e.new)), *([("Before", _at(e.old))] if e.old else []), ("Because", e.reason)]


def _rejudged(line: Line, e: ev.ClockRejudged, _: Context) -> None:
    line.who = ""
    line.say = f"The {e.clock} clock is judged anew: {e.verdict} after {span(e.took_s)}, before {e.old}"
    line.k, line.icon = {"met": ("met", "check"), "missed": ("breach", "x"), "breached": ("breach", "x")}.get(
        e.verdict, ("machine", "gear")
    )
    line.meta = f"limit {_at(e.due)}, {e.level} then" if e.due else ""


def _reopened(line: Line, e: ev.Reopened, _: Context) -> None:
    line.word, line.say = "Reopened", e.reason


def _merged(line: Line, e: ev.Merged, _: Context) -> None:
    line.word, line.meta, line.link = f"Merged into {e.into}", e.reason, f"/i/{e.into}"


def _absorbed(line: Line, e: ev.Absorbed, _: Context) -> None:
    line.word, line.say, line.link = f"Merged {e.child} into this one", e.title, f"/i/{e.child}"


def _reported(line: Line, e: ev.Reported, _: Context) -> None:
    line.k, line.icon, line.word, line.say = "alert", "say", "Another report", e.text
    line.meta = f"from {e.source}" if e.source else ""


# --- people ---------------------------------------------------------------------------------------------------------


def _edited(line: Line, e: ev.NoteEdited, _: Context) -> None:
    line.word, line.say, line.meta = "changed a note", e.text, "the earlier words stand where they were"


def _proposed(line: Line, e: ev.Proposed, _: Context) -> None:
    line.k, line.word, line.say = "proposal", f"Proposal {e.proposal}", e.text


def _evidence(line: Line, e: ev.EvidenceAdded, _: Context) -> None:
    line.word, line.say = "kept a file", e.name
    line.meta = f"{bytes_in_words(e.size)}, SHA-256 {e.digest[:12]}…{', ' + e.note if e.note else ''}"
    line.file = e.digest


def _suspected(line: Line, e: ev.ChangeSuspected, context: Context) -> None:
    line.word, line.say = "suspects a change", e.what
    made = [f"by {named(context, e.author)}" if e.author else "", _at(e.happened) if e.happened else ""]
    line.meta = ", ".join(part for part in made if part)


def _shadows(line: Line, e: ev.ShadowJoined, context: Context) -> None:
    line.who, line.word = named(context, e.person), "shadows the IC: sees everything, does not act"


def _no_shadow(line: Line, e: ev.ShadowLeft, context: Context) -> None:
    line.who, line.word = named(context, e.person), "no longer shadows the IC"


def _conflict(line: Line, e: ev.SeatConflict, context: Context) -> None:
    line.who = ""
    line.say = f"{named(context, e.person)} holds {' and '.join(e.roles)} with {e.responders} at work"
    line.meta = "give one of the seats away"


def _restricted(line: Line, e: ev.Restricted, context: Context) -> None:
    line.icon, line.k = "lock", "machine"
    line.word, line.meta = f"restricted it, as {e.codename}", e.reason
    line.details = [("Readers", ", ".join(named(context, reader) for reader in e.readers))]


def _lifted(line: Line, e: ev.Unrestricted, _: Context) -> None:
    line.icon, line.k, line.word, line.meta = "lock", "machine", "lifted the restriction", e.reason


# --- work -----------------------------------------------------------------------------------------------------------


def _task(line: Line, e: ev.TaskOpened, context: Context) -> None:
    line.word, line.say = f"Task {e.task}", e.text
    parts = [
        f"for {named(context, e.owner)}" if e.owner else "",
        f"{e.minutes} min" if e.minutes else "",
        "a database change" if e.gate or e.db_change else "",
        "needs a second person" if e.second else "",
    ]
    line.meta = ", ".join(part for part in parts if part)


def _assigned(line: Line, e: ev.TaskAssigned, context: Context) -> None:
    line.word = f"gave task {e.task} to {named(context, e.owner)}"


def _approved(line: Line, e: ev.TaskApproved, _: Context) -> None:
    line.word = f"approved task {e.task} as the second person"


def _started(line: Line, e: ev.TaskStarted, _: Context) -> None:
    line.word, line.meta = f"started task {e.task}", f"let by {e.passed}" if e.passed else ""


def _done(line: Line, e: ev.TaskDone, _: Context) -> None:
    line.word, line.say = f"finished task {e.task}", e.result


def _dropped(line: Line, e: ev.TaskDropped, _: Context) -> None:
    line.word, line.meta = f"dropped task {e.task}", e.reason


def _checked(line: Line, e: ev.GateChecked, context: Context) -> None:
    gate = context.policy.gate(e.gate)
    line.word = f"{gate.name if gate else e.gate}, check {e.check}"
    line.mark = ("met", "passed") if e.passed else ("breach", "failed")
    parts = [
        f"valid until {e.valid_until:%H:%M:%S} UTC" if e.valid_until else "",
        f"restore point {_at(e.restore_point)}" if e.restore_point else "",
        "" if e.confirmed or not e.passed else "waits to be confirmed",
    ]
    line.meta = ", ".join(part for part in parts if part)
    for number, answer, evidence in line.points:
        how = {"ok": "", "failed": "FAILED: ", "exception": "by its exception: "}.get(answer, "")
        line.details.append((f"Point {number}", f"{how}{evidence}"))


def _confirmed(line: Line, e: ev.GateConfirmed, _: Context) -> None:
    line.word = f"confirmed check {e.check}"


def _overridden(line: Line, e: ev.GateOverridden, _: Context) -> None:
    line.k, line.icon = "override", "warn"
    line.word, line.say = f"WENT PAST the {e.gate} check for task {e.task}", e.reason


def _point(line: Line, e: ev.RestorePointNoted, _: Context) -> None:
    line.word, line.say, line.meta = "noted the restore point", _at(e.point), e.note


def _restored(line: Line, e: ev.RestoreRecorded, _: Context) -> None:
    line.word, line.say = f"recorded a {e.kind}", f"{e.source} to {e.target}"
    line.mark = ("met", "passed") if e.passed else ("breach", "failed")
    line.details = [("Because", e.reason), ("Validation", e.validation)]
    line.details += [("RPO", span(e.rpo_s))] if e.rpo_s is not None else []
    line.details += [("RTO", span(e.rto_s))] if e.rto_s is not None else []


# --- duties ---------------------------------------------------------------------------------------------------------


def _drafted(line: Line, e: ev.StatementDrafted, context: Context) -> None:
    line.word, line.say = f"drafted statement {e.statement} for {e.audience}", e.text
    line.details = [("Their data", e.data)]
    line.meta = f"to be approved by {', '.join(named(context, p) for p in e.approvers)}"


def _statement_approved(line: Line, e: ev.StatementApproved, _: Context) -> None:
    line.word = f"approved statement {e.statement}"


def _sent(line: Line, e: ev.StatementSent, _: Context) -> None:
    line.k, line.icon, line.aud = "update", "globe", "public"
    line.word, line.say = f"sent statement {e.statement}", e.where


def _legal(line: Line, e: ev.LegalStarted, context: Context) -> None:
    line.word, line.say = f"started the {e.regime} deadline", e.reason
    owner = named(context, e.owner)
    line.details = [("Aware", _at(e.aware)), ("Due", f"{_at(e.due)} ({span(e.limit_s)})"), ("Owner", owner)]


def _legal_decided(line: Line, e: ev.LegalDecided, _: Context) -> None:
    line.k, line.icon = "decision", "fork"
    line.word, line.say, line.meta = f"{e.regime} deadline decided", e.decision, f"Because {e.reason}"


def _action(line: Line, e: ev.ActionAdded, context: Context) -> None:
    line.word, line.say = f"Action {e.action}", e.text
    due = f"due {e.due}" if e.due else e.calendar or "no day yet"
    line.meta = f"{e.kind}, {named(context, e.owner) if e.owner else 'no owner yet'}, {due}"


def _action_changed(line: Line, e: ev.ActionChanged, context: Context) -> None:
    line.word = f"changed action {e.action}"
    due = f"due {e.due}" if e.due else "no day yet"
    line.meta = f"{e.kind}, {named(context, e.owner) if e.owner else 'no owner yet'}, {due}"


def _proven(line: Line, e: ev.ActionProven, _: Context) -> None:
    line.word, line.say = f"proved action {e.action}", e.proof


def _action_dropped(line: Line, e: ev.ActionDropped, _: Context) -> None:
    line.word, line.meta = f"dropped action {e.action}", e.reason


def _ticket(line: Line, e: ev.TicketLinked, _: Context) -> None:
    line.word, line.say = "linked a ticket instead of the log row", e.where


TELL: Final[dict[type[ev.Event], Tell]] = {
    ev.TimeCorrected: _corrected,
    ev.ClockRejudged: _rejudged,
    ev.Reopened: _reopened,
    ev.Merged: _merged,
    ev.Absorbed: _absorbed,
    ev.Reported: _reported,
    ev.NoteEdited: _edited,
    ev.Proposed: _proposed,
    ev.EvidenceAdded: _evidence,
    ev.ChangeSuspected: _suspected,
    ev.ShadowJoined: _shadows,
    ev.ShadowLeft: _no_shadow,
    ev.SeatConflict: _conflict,
    ev.Restricted: _restricted,
    ev.Unrestricted: _lifted,
    ev.TaskOpened: _task,
    ev.TaskAssigned: _assigned,
    ev.TaskApproved: _approved,
    ev.TaskStarted: _started,
    ev.TaskDone: _done,
    ev.TaskDropped: _dropped,
    ev.GateChecked: _checked,
    ev.GateConfirmed: _confirmed,
    ev.GateOverridden: _overridden,
    ev.RestorePointNoted: _point,
    ev.RestoreRecorded: _restored,
    ev.StatementDrafted: _drafted,
    ev.StatementApproved: _statement_approved,
    ev.StatementSent: _sent,
    ev.LegalStarted: _legal,
    ev.LegalDecided: _legal_decided,
    ev.ActionAdded: _action,
    ev.ActionChanged: _action_changed,
    ev.ActionProven: _proven,
    ev.ActionDropped: _action_dropped,
    ev.TicketLinked: _ticket,
}
