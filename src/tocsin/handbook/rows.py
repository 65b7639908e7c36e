"""What the cells of a log row say, in a person's words and length; and the rows of checks and restores.

Pure: facts in, text out. A cell holds what somebody looks for a year later; the rest is in the postmortem. Not here:
the table (`log`), when a row is written (the engine).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from tocsin.domain import events as ev
from tocsin.domain.incident import Incident
from tocsin.domain.work import ActionItem
from tocsin.handbook.document import Item, Paragraph, Section, parse_document
from tocsin.handbook.grammar import format_duration
from tocsin.handbook.log import RestoreRow
from tocsin.handbook.postmortem import SUSPECTED
from tocsin.handbook.retold import Names, happened

ACTIONS_IN_CELL = 6
"""So many decisions and database changes a row holds, and small steps as long as it holds no more in all."""
FOLLOW_UPS_IN_CELL = 6
LONG, SHORT, EVIDENCE = 140, 70, 45
"""Characters of a phrase in a cell."""
EXACT_BELOW_S = 600
SMALL, WEIGHTY, ALWAYS = 1, 2, 9
"""How much a step weighs; what weighs `ALWAYS` is never left out."""
TASKS_NAMED = 3

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_CLAUSE = re.compile(r"\s*(?:;|,| - | – | — |: )\s*")


def brief(text: str, limit: int = SHORT) -> str:
    """A text in few words: whole when it is short, else its first sentence, else as many clauses as fit."""
    said = " ".join(text.split())
    if len(said) > limit:
        said = _SENTENCE.split(said)[0]
    if len(said) > limit:
        ends = [match.start() for match in _CLAUSE.finditer(said) if limit // 3 <= match.start() <= limit]
        said = said[: ends[-1]] if ends else f"{said[: limit - 1].rsplit(' ', 1)[0].rstrip(' ,;:')}…"
    return said.rstrip(". ")


def impact_cell(state: Incident, events: Sequence[ev.Event]) -> str | None:
    """Who felt it and for how long: what the updates said of the harm, and the time once it is over."""
    end = state.impact_end or state.resolved_at
    start = state.impact_start or state.detected_at
    return (
        "; ".join(part for part in (harm(state, events), lasted(start, end) if end else "") if part) or None
    )


def harm(state: Incident, events: Sequence[ev.Event]) -> str:
    """The newest words on the impact from while it was felt; what is said after the mitigation is how it got better."""
    updates = [e for e in events if isinstance(e, ev.UpdatePosted)]
    felt = [e for e in updates if state.mitigated_at is None or e.at <= state.mitigated_at] or updates[:1]
    return brief(felt[-1].impact, LONG) if felt else ""


def lasted(start: datetime, end: datetime) -> str:
    """A length of time as a log says it: seconds only when it was short."""
    seconds = max(1, int((end - start).total_seconds()))
    return format_duration(seconds if seconds < EXACT_BELOW_S else seconds // 60 * 60)


def actions_cell(events: Sequence[ev.Event], missed: Sequence[str] = ()) -> str | None:
    """What was done and when, as it is known now, then what was missed.

    What ended or endangered it stays, and so do the newest decisions; small steps make room, and the row says that.
    """
    tasks = {e.task: e for e in events if isinstance(e, ev.TaskOpened)}
    marks = []
    for event, at in sorted(zip(events, happened(events), strict=True), key=lambda fact: fact[1]):
        mark = _mark(event, f"{at:%H:%M}", tasks)
        if mark is not None:
            marks.append(mark)
    kept = _kept([weight for weight, _ in marks])
    gone = len(marks) - len(kept)
    left_out = [f"{gone} more step{'s' if gone > 1 else ''} in the timeline"] if gone else []
    return "; ".join([*(marks[at][1] for at in kept), *left_out, *missed]) or None


def _kept(weights: Sequence[int]) -> list[int]:
    """Which of the steps stand in the row, in their order."""
    ranked = sorted(range(len(weights)), key=lambda at: (-weights[at], -at))
    always = weights.count(ALWAYS)
    weighty = always + min(weights.count(WEIGHTY), ACTIONS_IN_CELL)
    return sorted(ranked[: max(weighty, ACTIONS_IN_CELL)])


def times_cell(events: Sequence[ev.Event]) -> str | None:
    """When it was acknowledged, mitigated, resolved and reopened, without a word that somebody wrote."""
    words: dict[type[ev.Event], str] = {
        ev.Acknowledged: "Ack",
        ev.Mitigated: "mitigated",
        ev.Resolved: "resolved",
        ev.Reopened: "reopened",
    }
    facts = sorted(zip(events, happened(events), strict=True), key=lambda fact: fact[1])
    return "; ".join(f"{words[type(e)]} {at:%H:%M}" for e, at in facts if type(e) in words) or None


def _mark(event: ev.Event, at: str, tasks: Mapping[int, ev.TaskOpened]) -> tuple[int, str] | None:
    """The words for one fact that happened `at`, and how much it weighs."""
    match event:
        case ev.Acknowledged():
            return ALWAYS, f"Ack {at}"
        case ev.Decided():
            return WEIGHTY, f"{brief(event.decision)} {at}"
        case ev.TaskDone() if event.result:
            task = tasks.get(event.task)
            said = f"{task.text.rstrip('. ')}: {event.result}" if task else event.result
            return WEIGHTY if task and task.gate else SMALL, f"{brief(said)} {at}"
        case ev.GateChecked() if not event.passed:
            return WEIGHTY, f"{event.gate} check failed {at}"
        case ev.GateOverridden():
            return ALWAYS, f"{event.gate} check OVERRIDDEN {at} ({brief(event.reason)})"
        case ev.RestoreRecorded():
            verdict = "passed" if event.passed else "failed"
            return ALWAYS, f"{brief(event.kind)} to {brief(event.target)} {verdict} {at}"
        case ev.Mitigated():
            return ALWAYS, f"mitigated {at} ({brief(event.evidence, EVIDENCE)})"
        case ev.Resolved():
            return ALWAYS, f"resolved {at} ({brief(event.confirmed, EVIDENCE)})"
        case ev.Reopened():
            return ALWAYS, f"reopened {at} ({brief(event.reason, EVIDENCE)})"
        case _:
            return None


def cause_cell(state: Incident, postmortem: str | None) -> str | None:
    """The first sentence of the postmortem's root cause, else what was suspected on the day."""
    written = written_cause(postmortem) if postmortem else None
    if written:
        return brief(written, LONG)
    suspects = [brief(suspect.what) for suspect in state.room.suspects]
    return f"suspected: {'; '.join(suspects[-2:])}" if suspects else None


def written_cause(postmortem: str) -> str | None:
    """What a person wrote below the root cause heading first; the draft's question and its list are no answer."""
    for section in parse_document("postmortem", postmortem).sections:
        if "root cause" in section.title.casefold():
            return _answer(section)
    return None


def _answer(section: Section) -> str | None:
    listed = False
    for block in section.blocks:
        if not isinstance(block, Paragraph | Item):
            continue
        text = block.inline.flat
        listed = text == SUSPECTED or (listed and isinstance(block, Item))
        if text and not listed and not text.endswith("?"):
            return text
    return None


def follow_ups_cell(
    state: Incident, events: Sequence[ev.Event], names: Names, postmortem_due: datetime | None
) -> str | None:
    """Action items with owner and day, open ones first when they are many; then when the postmortem is due."""
    done = {e.action: e.at for e in events if isinstance(e, ev.ActionProven)}
    items = [item for item in state.duties.actions if item.state != "dropped"]
    if len(items) > FOLLOW_UPS_IN_CELL:
        items = sorted(items, key=lambda item: item.state == "proven")
    said = [_follow_up(item, done.get(item.number), names) for item in items[:FOLLOW_UPS_IN_CELL]]
    if len(items) > FOLLOW_UPS_IN_CELL:
        said.append(f"and {len(items) - FOLLOW_UPS_IN_CELL} more")
    if postmortem_due is not None and not state.postmortem_published:
        said.append(f"Postmortem due {postmortem_due:%Y-%m-%d %H:%M}")
    return "; ".join(said) or None


def _follow_up(item: ActionItem, done: datetime | None, names: Names) -> str:
    when = f"done {done:%Y-%m-%d}" if done else item.due.isoformat() if item.due else item.calendar or ""
    owner = names.who(item.owner) if item.owner else "nobody yet"
    return f"{brief(item.text, LONG)} ({', '.join(part for part in (owner, when) if part)})"


# --- checks and restores ----------------------------------------------------------------------------------------------


def check_row(state: Incident, events: Sequence[ev.Event], number: int, names: Names) -> RestoreRow | None:
    """The row of a check; None when there is none of that number."""
    checked = next((e for e in events if isinstance(e, ev.GateChecked) and e.check == number), None)
    if checked is None:
        return None
    answers = {e.point: e.evidence for e in events if isinstance(e, ev.GateAnswered) and e.check == number}
    confirmed = next((e.by for e in events if isinstance(e, ev.GateConfirmed) and e.check == number), None)
    point = checked.restore_point
    return RestoreRow(
        ref=f"{state.ref} check {number}",
        at=checked.at,
        kind=f"{checked.gate.capitalize()} check{' (drill)' if state.drill else ''}",
        initiator=names.who(checked.by),
        reason=_planned(state, events, checked),
        source=f"restore point {point:%Y-%m-%d %H:%M:%S}" if point else None,
        validation=_validation(checked, answers, confirmed, names),
    )


def _planned(state: Incident, events: Sequence[ev.Event], checked: ev.GateChecked) -> str:
    """What the check was gone through for: the database changes that waited then, or the planned change itself."""
    waiting: dict[int, str] = {}
    for event in events:
        if event is checked:
            break
        if isinstance(event, ev.TaskOpened) and event.gate == checked.gate:
            waiting[event.task] = event.text
        elif isinstance(event, ev.TaskStarted | ev.TaskDone | ev.TaskDropped):
            waiting.pop(event.task, None)
    texts = list(waiting.values()) or ([state.title] if state.kind == "change" else [])
    named = [f'"{brief(text, LONG if len(texts) == 1 else SHORT)}"' for text in texts[:TASKS_NAMED]]
    named += [f"{len(texts) - TASKS_NAMED} more"] if len(texts) > TASKS_NAMED else []
    said = " and ".join(part for part in (", ".join(named[:-1]), *named[-1:]) if part)
    return f"before {said}" if said else ""


def _validation(
    checked: ev.GateChecked, answers: Mapping[int, str], confirmed: str | None, names: Names
) -> str:
    parts = [f"point {n}: {brief(answers.get(n, 'failed'))}" for n in checked.failed]
    parts += [f"point {n} by its exception ({brief(answers.get(n, ''))})" for n in checked.exceptions]
    if confirmed:
        parts.append(f"confirmed by {names.who(confirmed)}")
    elif checked.passed and not checked.confirmed:
        parts.append("not confirmed")
    said = "Passed" if checked.passed else "Failed"
    return f"{said}: {'; '.join(parts)}" if checked.failed else "; ".join([said, *parts])


def restore_row(state: Incident, events: Sequence[ev.Event], number: int, names: Names) -> RestoreRow | None:
    """The row of a restore or a restore drill; None when there is none of that number."""
    restored = next((e for e in events if isinstance(e, ev.RestoreRecorded) and e.number == number), None)
    if restored is None:
        return None
    verdict = "Passed" if restored.passed else "Failed"
    kind = restored.kind[:1].upper() + restored.kind[1:]
    return RestoreRow(
        ref=f"{state.ref} restore {number}",
        at=restored.at,
        kind=f"{kind} (drill)" if state.drill and "drill" not in kind.casefold() else kind,
        initiator=names.who(restored.by),
        reason=brief(restored.reason, LONG),
        source=brief(restored.source, LONG),
        target=brief(restored.target, LONG),
        validation=f"{verdict}: {brief(restored.validation, LONG)}",
        rpo_s=restored.rpo_s,
        rto_s=restored.rto_s,
    )
