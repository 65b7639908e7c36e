"""How an incident did against its pinned handbook: each promise met or missed, with times. Nothing is averaged.

Here: the sum, and the lines of what is owed beside and after the fix (checks, postmortem, actions, legal deadlines).
The lines while it runs stand in `score_lines`. A score judges promises, never people: it ranks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from tocsin.domain import actions, postmortem, score_lines
from tocsin.domain import events as ev
from tocsin.domain.context import Context
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.score_lines import ScoreLine, Timeline, lateness, length
from tocsin.domain.work import ActionItem

__all__ = ["Score", "ScoreLine", "score"]


@dataclass(frozen=True, slots=True)
class Score:
    """The lines in the order of the process, and how many were kept, missed, are open.

    The sum of the updates is not counted beside the missed ones that have lines of their own.
    """

    lines: tuple[ScoreLine, ...]
    kept: int
    missed: int
    open: int

    def shortfalls(self, *, clocks: bool = True) -> tuple[str, ...]:
        """What was missed, in words (`resolve missed by 9m`); without the clocks where they are told elsewhere."""
        return tuple(
            line.words
            for line in _counted(self.lines)
            if line.verdict == "missed" and (clocks or line.promise not in score_lines.CLOCKS)
        )


def score(state: Incident, context: Context, timeline: Timeline, now: datetime) -> Score:
    """Judge every promise as of `now`; `timeline` is the whole of it, in the order in which it was recorded.

    What was merged is not scored: its clocks went on elsewhere.
    """
    lines: list[ScoreLine] = []
    if state.level:
        lines += score_lines.clocks(state, context, now)
    if state.declared_at is not None and state.stage != Stage.MERGED:
        lines[_acks(lines) : _acks(lines)] = [
            *score_lines.seat(state, context, timeline, now),
            *score_lines.log_row(timeline, now),
        ]
        lines += score_lines.updates(context, timeline)
    lines += _checks(state, context, timeline)
    if state.stage != Stage.MERGED:
        lines += score_lines.close_points(state, timeline)
        lines += _postmortem(state, context, timeline, now)
    lines += [*_actions(state, timeline, now), *_legal(timeline, now)]
    verdicts = [line.verdict for line in _counted(tuple(lines))]
    return Score(tuple(lines), *(verdicts.count(v) for v in ("met", "missed", "open")))


def _acks(lines: list[ScoreLine]) -> int:
    return sum(line.promise == "ack" for line in lines)


def _counted(lines: tuple[ScoreLine, ...]) -> list[ScoreLine]:
    return [x for x in lines if not (x.promise == score_lines.UPDATES and x.verdict == "missed")]


# --- checks ---------------------------------------------------------------------------------------------------------


def _checks(state: Incident, context: Context, timeline: Timeline) -> Iterator[ScoreLine]:
    """Before every task that needed a check one had passed; going past it is a miss, in words, for ever."""
    dropped = {e.task for e in timeline if isinstance(e, ev.TaskDropped)}
    started = {e.task: e for e in timeline if isinstance(e, ev.TaskStarted)}
    for opened in timeline:
        if not isinstance(opened, ev.TaskOpened) or opened.gate is None:
            continue
        gate = context.policy.gate(opened.gate)
        valid = f", valid {length(gate.valid_s)}" if gate is not None and gate.valid_s is not None else ""
        promise, promised = f"{opened.gate} check before task {opened.task}", f"passed and confirmed{valid}"
        begun = started.get(opened.task)
        if begun is not None:
            verdict, note = _let_through(opened, begun, timeline)
            yield ScoreLine(promise, promised, None, begun.at, verdict, note)
        elif opened.task not in dropped and state.stage != Stage.CLOSED:
            yield ScoreLine(promise, promised, None, None, "open", "not started")


def _let_through(opened: ev.TaskOpened, begun: ev.TaskStarted, timeline: Timeline) -> tuple[str, str]:
    if begun.passed.startswith("check "):
        return "met", begun.passed + _exceptions(begun.passed, timeline)
    overridden = [e for e in timeline if isinstance(e, ev.GateOverridden) and e.task == opened.task]
    why = (
        f", {overridden[-1].by} went past it: {overridden[-1].reason}"
        if overridden
        else ", started without one"
    )
    return "missed", f"missed{why}"


def _exceptions(passed: str, timeline: Timeline) -> str:
    number = passed.removeprefix("check ")
    checks = (e for e in timeline if isinstance(e, ev.GateChecked) and str(e.check) == number)
    points = [str(n) for check in checks for n in check.exceptions]
    return f", point {' and '.join(points)} by its exception" if points else ""


# --- afterwards -----------------------------------------------------------------------------------------------------


def _postmortem(state: Incident, context: Context, timeline: Timeline, now: datetime) -> Iterator[ScoreLine]:
    """Published in time, counted from resolved; after a reopening it is owed anew."""
    target = postmortem.target_of(state, context)
    if target is None or state.declared_at is None:
        return
    due = postmortem.due_at(state, context)
    published = _published(timeline) if state.postmortem_published else None
    note = "due on a weekend" if due is not None and postmortem.weekend(due) else ""
    if published is not None and state.resolved_at is not None:
        met = target.met(state.resolved_at, published.at)
        seen = "every section written" if published.checked else "its sections were not looked at"
        said = seen if met or due is None else lateness(due, published.at)
        yield ScoreLine("postmortem", target.text, due, published.at, "met" if met else "missed", said)
    elif due is not None and now > due:
        yield ScoreLine("postmortem", target.text, due, None, "missed", "missed, not published yet")
    else:
        yield ScoreLine("postmortem", target.text, due, None, "open", note)


def _published(timeline: Timeline) -> ev.PostmortemPublished | None:
    found = None
    for event in timeline:
        if isinstance(event, ev.Reopened):
            found = None
        elif isinstance(event, ev.PostmortemPublished) and found is None:
            found = event
    return found


def _actions(state: Incident, timeline: Timeline, now: datetime) -> Iterator[ScoreLine]:
    items = [item for item in state.duties.actions if item.state != "dropped"]
    if items:
        lacking = actions.missing(state)
        note = "; ".join(lacking) or f"{len(items)} of {len(items)}"
        verdict = "open" if lacking else "met"
        yield ScoreLine("actions", "an owner and a due day each", None, None, verdict, note)
    for item in state.duties.actions:
        yield _action(item, timeline, now)


def _action(item: ActionItem, timeline: Timeline, now: datetime) -> ScoreLine:
    """Proven by the end of its day. A day that had passed before it was moved is missed all the same."""
    promise = f"action {item.number}"
    proven = next(
        (e.at for e in timeline if isinstance(e, ev.ActionProven) and e.action == item.number), None
    )
    passed = _passed_day(item.number, timeline)
    day = passed or item.due
    promised = f"proven by {day}" if day else f"proven, {item.calendar}" if item.calendar else "proven"
    due = actions.end_of(day) if day else None
    if item.state == "dropped":
        return ScoreLine(promise, promised, due, None, "void", "dropped")
    if due is not None and (passed or (proven or now) >= due):
        note = lateness(due, proven) if proven else "missed, not proven yet"
        return ScoreLine(promise, promised, due, proven, "missed", note)
    return ScoreLine(promise, promised, due, proven, "met" if proven else "open", item.kind)


def _passed_day(number: int, timeline: Timeline) -> date | None:
    """The first due day that was over before somebody gave it another one."""
    day: date | None = None
    for event in timeline:
        match event:
            case ev.ActionAdded() if event.action == number:
                day = event.due
            case ev.ActionChanged() if event.action == number:
                if day is not None and event.due != day and event.at >= actions.end_of(day):
                    return day
                day = event.due
            case _:
                continue
    return None


def _legal(timeline: Timeline, now: datetime) -> Iterator[ScoreLine]:
    """A decision was recorded in time; whether it was the right one is not for tocsin to say."""
    decided = [e for e in timeline if isinstance(e, ev.LegalDecided)]
    for started in (e for e in timeline if isinstance(e, ev.LegalStarted)):
        answer = next((e for e in decided if e.regime == started.regime), None)
        promise, promised = f"{started.regime} decision", f"{started.limit_s // 3600}h from aware"
        if answer is None:
            verdict, note = ("missed", "missed, not decided yet") if now > started.due else ("open", "")
            yield ScoreLine(promise, promised, started.due, None, verdict, note)
            continue
        decided.remove(answer)
        late = answer.at > started.due
        note = lateness(started.due, answer.at) if late else answer.decision
        yield ScoreLine(promise, promised, started.due, answer.at, "missed" if late else "met", note)
