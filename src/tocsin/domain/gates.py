"""The backup check before a database change: its points, how long it counts, who may go past it.

Here: going through a check, confirming it, going past it, what lets a task start, restore points and restores. Not
here: the tasks themselves (`tasks`), how the points are read from the handbook (`handbook.gates`).

Only a check made in the very incident lets its tasks start: its points speak of one beginning and of one moment to
return to. One made elsewhere (a planned change, another incident; `EarlierCheck`) is shown to whoever goes through it
again. The newest word decides: once a check failed, here or elsewhere, an older one lets nothing start any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.domain import crew
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.policy import Gate, GatePoint
from tocsin.domain.spans import full, span
from tocsin.domain.work import Answered, Check, Task

ANSWERS = ("ok", "failed", "exception")
EVIDENCE_LIMIT = 1000
RESTORE_KINDS = ("restore", "drill")
REMIND_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PointAnswer:
    """What somebody found out about one point: `ok`, `failed` or `exception`, and what shows it."""

    answer: str
    evidence: str


@dataclass(frozen=True, slots=True)
class EarlierCheck:
    """A check as the rows of all incidents know it; `ref` is empty for one of this very incident.

    `answers` are the last ones given there, as far as whoever reads this incident may see them.
    """

    ref: str
    gate: str
    check: int
    by: str
    at: datetime
    passed: bool
    confirmed: bool
    valid_until: datetime | None
    restore_point: datetime | None
    used: bool
    answers: tuple[Answered, ...] = ()

    @property
    def name(self) -> str:
        """`check 2`, which is what `TaskStarted.passed` says, or `check 1 of CHG-2026-0003`."""
        return f"check {self.check} of {self.ref}" if self.ref else f"check {self.check}"


# --- going through it -----------------------------------------------------------------------------------------------


def go_through(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    gate: str | None = None,
    answers: tuple[PointAnswer, ...],
    restore_point: datetime | None = None,
) -> list[ev.Event]:
    """Answer every point of a check (by default the handbook's first one), each with evidence.

    It passes when no point failed, and counts once it is confirmed (`confirmer`); at once where nobody has to. Raises
    Refused naming everything that is wrong with the answers.
    """
    refuse_unless_worked_on(state)
    asked = _gate(context, gate)
    _refuse_answers(asked, answers)
    _refuse_future(restore_point, now)
    number = state.work.check_count + 1
    failed = _said(answers, "failed")
    passed = not failed
    second = confirmer(state, asked, by) if passed else None
    draft = Draft(state, context)
    for n, given in enumerate(answers, start=1):
        draft.add(ev.GateAnswered(now, by, asked.key, number, n, given.answer, Text(given.evidence.strip())))
    checked = ev.GateChecked(
        at=now,
        by=by,
        gate=asked.key,
        check=number,
        passed=passed,
        confirmed=passed and second is None,
        exceptions=_said(answers, "exception"),
        failed=failed,
        restore_point=restore_point,
        valid_until=now + timedelta(seconds=asked.valid_s) if passed and asked.valid_s is not None else None,
        waits_for=second,
    )
    return draft.add(checked).events


def _said(answers: tuple[PointAnswer, ...], answer: str) -> tuple[int, ...]:
    """The numbers of the points that were answered so."""
    return tuple(n for n, given in enumerate(answers, start=1) if given.answer == answer)


def _gate(context: Context, key: str | None) -> Gate:
    """The check of that key, or the handbook's first. Raises Refused when there is none."""
    gates = context.policy.gates
    if not gates:
        raise Refused(
            "the handbook names no check before a database change", "such a task starts without one here"
        )
    found = gates[0] if key is None else context.policy.gate(key)
    if found is None:
        raise Refused(
            f"the handbook names no check {key!r}", f"known checks: {', '.join(g.key for g in gates)}"
        )
    return found


def confirmer(state: Incident, gate: Gate, by: str) -> str | None:
    """The seat that has to confirm what `by` went through, as long as that is somebody else; else None.

    Four eyes: what the one who confirms went through herself waits for whoever the handbook wants to do it. Where she
    is alone, and outside an incident, it counts at once.
    """
    seat = gate.confirmed_by
    if seat is None or state.kind != "incident":
        return None
    if state.holder(seat) != by:
        return seat
    doing = state.holder(gate.done_by) if gate.done_by else None
    return gate.done_by if doing not in (None, by) else None


def _refuse_answers(gate: Gate, answers: tuple[PointAnswer, ...]) -> None:
    if len(answers) != len(gate.points):
        points = "; ".join(f"{n}. {point.text}" for n, point in enumerate(gate.points, start=1))
        raise Refused(
            f"the {gate.key} check has {len(gate.points)} points, {len(answers)} were answered",
            f"answer each, in this order: {points}",
        )
    wrong = [
        f"point {n}: {problem}"
        for n, (point, given) in enumerate(zip(gate.points, answers, strict=True), start=1)
        if (problem := _problem(point, given))
    ]
    if wrong:
        raise Refused("; ".join(wrong), "answer each with ok or failed and what shows it")


def _problem(point: GatePoint, given: PointAnswer) -> str:
    if given.answer not in ANSWERS:
        return f"{given.answer!r} is no answer: {', '.join(ANSWERS)}"
    if given.answer == "exception" and not point.exceptions:
        return "it names no exception"
    if not given.evidence.strip():
        return "it needs evidence: what was looked at, and what did it show?"
    if len(given.evidence) > EVIDENCE_LIMIT:
        return f"the evidence is longer than {EVIDENCE_LIMIT} characters: put the rest into a note"
    return ""


def confirm(state: Incident, context: Context, now: datetime, *, by: str, check: int) -> list[ev.Event]:
    """Whoever has to (`confirmer`) says that the check counts; from when it was done, not from now.

    Raises Refused for anybody else, and for a check that failed, ran out, or is confirmed already.
    """
    refuse_unless_worked_on(state)
    found = state.work.check(check)
    if found is None:
        raise Refused(f"{state.ref} has no check {check}", _known_checks(state))
    if found.confirmed:
        raise Refused(f"check {check} counts already", "")
    if not found.passed:
        raise Refused(f"check {check} failed ({_points(found.failed)})", "mend it, then go through it again")
    if found.valid_until is not None and found.valid_until <= now:
        raise Refused(f"check {check} ran out at {_at(found.valid_until, now)}", "go through it again")
    crew.refuse_unknown(context, by)
    gate = _gate(context, found.gate)
    seat = confirmer(state, gate, found.by) or gate.confirmed_by
    if seat is not None and state.holder(seat) != by:
        whose = f"a {gate.key} check" if seat == gate.confirmed_by else f"a {gate.key} check of {found.by}'s"
        raise Refused(f"only {_seat(state, seat)} confirms {whose}", _who_instead(state, seat))
    return Draft(state, context).add(ev.GateConfirmed(now, by, found.gate, check)).events


def _known_checks(state: Incident) -> str:
    numbers = ", ".join(str(c.number) for c in state.work.checks)
    return f"checks here: {numbers}" if numbers else "none was gone through yet"


def _points(numbers: tuple[int, ...]) -> str:
    return f"point{'s' if len(numbers) > 1 else ''} {', '.join(str(n) for n in numbers)}"


def _seat(state: Incident, seat: str) -> str:
    """`the ic (mei)`, or that nobody is."""
    return f"the {seat} ({state.holder(seat) or 'nobody yet'})"


def _who_instead(state: Incident, seat: str) -> str:
    return "ask for it" if state.holder(seat) else f"take the seat of {seat} first, or give it to somebody"


def override(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    task: int,
    reason: str,
    earlier: tuple[EarlierCheck, ...] = (),
) -> list[ev.Event]:
    """The IC lets a task start without a passing check; the reason stays to be seen for ever.

    Raises Refused for anybody else, without a reason, and where nothing has to be gone past.
    """
    refuse_unless_worked_on(state)
    found = state.work.task(task)
    if found is None:
        raise Refused(f"{state.ref} has no task {task}", "")
    if found.gate is None or found.state != "open":
        said = "waits for no check" if found.gate is None else f"is {found.state}"
        raise Refused(f"task {task} {said}", "there is nothing to go past")
    leader = state.holder("ic")
    if leader is None:
        raise Refused("nobody is IC, and only the IC may go past a check", "go through it, or take the seat")
    if leader != by:
        raise Refused(f"only the IC ({leader}) may go past a check", f"ask {leader}, or go through it")
    if not reason.strip():
        raise Refused("going past a check needs a reason", "say why it cannot wait: it stays in the record")
    passed = passing(state, context, now, found.gate, earlier, task=task)
    if passed is not None:
        raise Refused(f"{passed} lets task {task} start already", "start it")
    return Draft(state, context).add(ev.GateOverridden(now, by, found.gate, task, Text(reason))).events


# --- what lets a task start -----------------------------------------------------------------------------------------


def passing(
    state: Incident,
    _: Context,
    now: datetime,
    gate: str,
    earlier: tuple[EarlierCheck, ...] = (),
    *,
    task: int | None = None,
) -> str | None:
    """What lets a task start now: `check 2`, made here; `override` (of that task); or nothing.

    A check made elsewhere lets nothing start here; one that failed there later than those made here ends them.
    """
    for check in all_checks(state, gate, earlier):
        if not check.passed:
            break
        if not _why_not(check, now):
            return check.name
    return "override" if task is not None and (gate, task) in state.work.overrides else None


def all_checks(
    state: Incident, gate: str, earlier: tuple[EarlierCheck, ...] = ()
) -> tuple[EarlierCheck, ...]:
    """The checks of that gate, made here and elsewhere, newest first."""
    own = [_as_earlier(c) for c in state.work.checks if c.gate == gate]
    others = [c for c in earlier if c.gate == gate and c.ref != state.ref]
    return tuple(sorted((*own, *others), key=lambda c: (c.at, not c.ref, c.check), reverse=True))


def _as_earlier(check: Check) -> EarlierCheck:
    return EarlierCheck(
        ref="",
        gate=check.gate,
        check=check.number,
        by=check.by,
        at=check.at,
        passed=check.passed,
        confirmed=check.confirmed,
        valid_until=check.valid_until,
        restore_point=check.restore_point,
        used=check.used,
    )


def _why_not(check: EarlierCheck, now: datetime) -> str:
    """Why a check lets nothing start; empty when it does."""
    until = check.valid_until
    if not check.passed:
        return f"failed {_ago(check.at, now)}"
    if until is not None and until <= now:
        return f"ran out at {_at(until, now)} ({_ago(until, now)})"
    if check.ref:
        return "counts there only"
    if not check.confirmed:
        return "passed, but waits to be confirmed"
    return "let a task start already and is spent" if until is None and check.used else ""


def last_answers(
    state: Incident, gate: Gate, earlier: tuple[EarlierCheck, ...] = ()
) -> tuple[Answered | None, ...]:
    """For each point of the check, in order, what was said last, here or elsewhere: prefilled next time."""
    given = [a for a in state.work.answers if a.gate == gate.key]
    given += [a for check in earlier for a in check.answers if a.gate == gate.key]
    newest: dict[int, Answered] = {}
    for answered in sorted(given, key=lambda a: a.at):
        newest[answered.point] = answered
    return tuple(newest.get(n) for n in range(1, len(gate.points) + 1))


def restore_point(state: Incident, earlier: tuple[EarlierCheck, ...] = ()) -> datetime | None:
    """The moment to return to, as far as one was written down: here, else with the newest check elsewhere."""
    return _restore_point(state, earlier)[0]


def _restore_point(state: Incident, earlier: tuple[EarlierCheck, ...]) -> tuple[datetime | None, str]:
    """The same, and the incident where it was written down when that is another one."""
    if state.work.restore_point is not None:
        return state.work.restore_point, ""
    newest = sorted(earlier, key=lambda c: c.at, reverse=True)
    return next(((c.restore_point, c.ref) for c in newest if c.restore_point is not None), (None, ""))


def refuse_without_check(
    state: Incident, context: Context, now: datetime, task: Task, earlier: tuple[EarlierCheck, ...]
) -> str:
    """What lets the task start. Raises Refused with every point, its last answer, and the restore point known."""
    if task.gate is None:
        return ""
    passed = passing(state, context, now, task.gate, earlier, task=task.number)
    if passed is not None:
        return passed
    known = all_checks(state, task.gate, earlier)
    ruling = next((c for c in known if not c.ref or not c.passed), next(iter(known), None))
    why = f"{ruling.name} {_why_not(ruling, now)}" if ruling else "none was gone through yet"
    gate = context.policy.gate(task.gate)
    lines = _asked(state, gate, earlier, now) if gate else []
    point, ref = _restore_point(state, earlier)
    noted = f" (of {ref})" if ref else ""
    lines.append(f"restore point {full(point)}{noted}" if point else "no restore point is written down yet")
    leader = state.holder("ic")
    lines.append(f"or the IC{f' ({leader})' if leader else ''} goes past it with a reason")
    raise Refused(
        f"task {task.number} needs a passing {task.gate} check: {why}", "go through it: " + "; ".join(lines)
    )


def _asked(state: Incident, gate: Gate, earlier: tuple[EarlierCheck, ...], now: datetime) -> list[str]:
    """Every point with what was last said to it and how long ago."""
    lines = []
    for n, (point, last) in enumerate(
        zip(gate.points, last_answers(state, gate, earlier), strict=True), start=1
    ):
        said = f"last {last.answer}, {_ago(last.at, now)}: {last.evidence}" if last else "not answered yet"
        lines.append(f"{n}. {point.text} ({said})")
    return lines


def _at(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.date() == now.date() else full(at)


def _ago(at: datetime, now: datetime) -> str:
    return f"{span(max(0, int((now - at).total_seconds())))} ago"


# --- restore points and restores ------------------------------------------------------------------------------------


def note_restore_point(
    state: Incident, context: Context, now: datetime, *, by: str, point: datetime, note: str = ""
) -> list[ev.Event]:
    """Write down the moment to return to, to the second. Raises Refused when it lies in the future."""
    refuse_unless_worked_on(state)
    _refuse_future(point, now)
    return Draft(state, context).add(ev.RestorePointNoted(now, by, point, Text(note.strip()))).events


def record_restore(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    kind: str,
    source: str,
    target: str,
    reason: str,
    validation: str,
    passed: bool,
    rpo_s: int | None = None,
    rto_s: int | None = None,
) -> list[ev.Event]:
    """A restore, or a restore drill, with what its validation showed: it becomes a row of the restore log.

    Raises Refused naming everything that is missing.
    """
    refuse_unless_worked_on(state)
    if kind not in RESTORE_KINDS:
        raise Refused(f"{kind!r} is no kind of restore", f"known: {', '.join(RESTORE_KINDS)}")
    _refuse_empty(source=source, target=target, reason=reason, validation=validation)
    if min(rpo_s or 0, rto_s or 0) < 0:
        raise Refused("what was lost and how long it took cannot be less than nothing", "give seconds from 0")
    recorded = ev.RestoreRecorded(
        at=now,
        by=by,
        number=state.work.restores + 1,
        kind=kind,
        source=Text(source.strip()),
        target=Text(target.strip()),
        reason=Text(reason.strip()),
        validation=Text(validation.strip()),
        passed=passed,
        rpo_s=rpo_s,
        rto_s=rto_s,
    )
    return Draft(state, context).add(recorded).events


def _refuse_empty(**said: str) -> None:
    empty = [name for name, text in said.items() if not text.strip()]
    if empty:
        raise Refused(f"a restore needs {', '.join(empty)}", "one line each")


def _refuse_future(point: datetime | None, now: datetime) -> None:
    if point is not None and point > now:
        raise Refused("the restore point lies in the future", "give a moment that has passed, to the second")


_WORKED_ON = {Stage.TRIAGE, Stage.DECLARED, Stage.MITIGATED, Stage.RESOLVED, Stage.RECORDED}


def is_worked_on(state: Incident) -> bool:
    """Whether tasks and checks still belong here: while it runs, after resolve until closed, in a planned change."""
    return state.stage in _WORKED_ON


def refuse_unless_worked_on(state: Incident) -> None:
    """Raises Refused when nothing is worked on here any more, with where to go on."""
    if is_worked_on(state):
        return
    anew = "reopen it, or declare a new one" if state.kind == "incident" else f"record another {state.kind}"
    instead = f"go on in {state.merged_into}" if state.merged_into else anew
    raise Refused(f"{state.ref} is {state.stage}: nothing is worked on here", instead)


# --- running out ----------------------------------------------------------------------------------------------------


def deadlines(state: Incident, _: Context) -> list[Deadline]:
    """The reminder before the newest counting check of each gate runs out, and its end.

    Both while a task waits for it, the end also while the incident runs; a task that has started needs it no more.
    """
    if not is_worked_on(state):
        return []
    found = []
    for gate in dict.fromkeys(c.gate for c in state.work.checks):
        check = _counting(state, gate)
        if check is None or check.valid_until is None or check.lapsed:
            continue
        waits = _waits(state, gate)
        early = check.valid_until - REMIND_BEFORE
        if waits and not check.lapse_told and early > check.at:
            found.append(Deadline(early, "gate-lapsing", str(check.number)))
        if waits or state.stage.running:
            found.append(Deadline(check.valid_until, "gate-lapsed", str(check.number)))
    return found


def _counting(state: Incident, gate: str) -> Check | None:
    """The newest check made here on which nobody has to say anything more; one that failed has no end."""
    decided = (c for c in reversed(state.work.checks) if c.confirmed or not c.passed)
    return next((c for c in decided if c.gate == gate), None)


def _waits(state: Incident, gate: str) -> bool:
    """Whether a task that has not started needs the check."""
    return any(
        t.gate == gate and t.state == "open" and (gate, t.number) not in state.work.overrides
        for t in state.work.tasks
    )


def _lapsing(draft: Draft, deadline: Deadline, at: datetime) -> None:
    """Told once; when nobody looked until it had run out, that it runs out would not be true any more."""
    check = draft.state.work.check(int(deadline.key))
    if check is None or check.valid_until is None:
        return
    if at >= check.valid_until:
        _lapsed(draft, deadline, at)
    else:
        draft.add(ev.GateLapsing(at, check.gate, check.number, check.valid_until, (check.by,)))


def _lapsed(draft: Draft, deadline: Deadline, at: datetime) -> None:
    check = draft.state.work.check(int(deadline.key))
    if check is not None and check.valid_until is not None:
        draft.add(ev.GateLapsed(at, check.gate, check.number, check.valid_until))


FIRE: dict[str, Fire] = {"gate-lapsing": _lapsing, "gate-lapsed": _lapsed}
