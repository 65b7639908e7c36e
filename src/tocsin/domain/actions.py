"""Action items: what is done afterwards, by whom, until when, and the proof that it holds.

Here: adding, changing, proving, dropping, the reminders, what closing still wants. Not here: the work during the
incident (`tasks`), what the log row says of them (`wiring.records`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.due import Deadline, Fire
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Stage
from tocsin.domain.work import MOST, ActionItem

KINDS = ("prevent", "detect", "mitigate", "process")
TEXT_LIMIT = 300
"""An action stands in a row and in a notice: one line. The rest belongs into the postmortem."""
REMINDED_AT = time(8, tzinfo=UTC)
"""When in the day an owner hears of an action."""
AGAIN_EVERY = timedelta(weeks=1)
LATEST = timedelta(days=3660)
"""Ten years: a later day is a slip of the keyboard."""
_NOT_YET = {Stage.TRIAGE: "declare it first", Stage.DISMISSED: "declare a new incident"}


def add(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    text: str,
    kind: str = "prevent",
    owner: str | None = None,
    due: date | None = None,
) -> list[ev.Event]:
    """Something to do afterwards, from the declare on and also when it is closed. Owner and day may come later.

    Raises Refused before the declare, when the text is empty, or when kind, owner or day cannot be.
    """
    if state.stage == Stage.MERGED:
        raise Refused(f"{state.ref} was merged into {state.merged_into}", f"add it to {state.merged_into}")
    if state.stage in _NOT_YET:
        raise Refused(f"{state.ref} is {state.stage}: it has no actions", _NOT_YET[state.stage])
    if not text.strip():
        raise Refused("the action is empty", "one line: what shall be different?")
    if len(text) > TEXT_LIMIT:
        raise Refused(
            f"the action is longer than {TEXT_LIMIT} characters", "put the rest into the postmortem"
        )
    if len(state.duties.actions) >= MOST:
        raise Refused(f"{state.ref} has {MOST} actions already", "link a ticket that holds the others")
    number = state.duties.action_count + 1
    added = ev.ActionAdded(
        at=now,
        by=by,
        action=number,
        text=Text(" ".join(text.split())),
        kind=_kind(kind),
        owner=_known(owner, context),
        due=_day(due, now),
    )
    return Draft(state, context).add(added).events


def change(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    action: int,
    owner: str | None = None,
    due: date | None = None,
    kind: str | None = None,
) -> list[ev.Event]:
    """Another owner, day or kind; what is None stays. Raises Refused when nothing would change or it is over."""
    item = _open(state, action)
    new = (
        _kind(kind) if kind is not None else item.kind,
        _known(owner, context) or item.owner,
        _day(due, now) or item.due,
    )
    if new == (item.kind, item.owner, item.due):
        raise Refused(f"action {action} says so already", "give another owner, due day or kind")
    return Draft(state, context).add(ev.ActionChanged(now, by, action, *new)).events


def prove(
    state: Incident, context: Context, now: datetime, *, by: str, action: int, proof: str
) -> list[ev.Event]:
    """It is done and holds, with the proof. Raises Refused without one, or when the action is over."""
    _open(state, action)
    if not proof.strip():
        raise Refused(
            f"action {action} needs a proof",
            "what shows in production that it holds: a test, an alert that fired, a link to it?",
        )
    return Draft(state, context).add(ev.ActionProven(now, by, action, Text(proof))).events


def drop(
    state: Incident, context: Context, now: datetime, *, by: str, action: int, reason: str
) -> list[ev.Event]:
    """It will not be done. Raises Refused without a reason, or when the action is over."""
    _open(state, action)
    if not reason.strip():
        raise Refused(f"dropping action {action} needs a reason", "say why it will not be done")
    return Draft(state, context).add(ev.ActionDropped(now, by, action, Text(reason))).events


def from_level(draft: Draft, now: datetime, by: str) -> None:
    """A level that promises a plan instead of times becomes an action: `plan fix in next sprint`.

    Its day is the last one of the next sprint, if the handbook has a calendar of them; else the phrase stands alone.
    """
    state = draft.state
    level = draft.context.severity(state.level)
    if level.calendar is None or level.ack or level.mitigate or level.resolve:
        return
    due = next_sprint(draft.context, now.date()) if "sprint" in level.calendar.casefold() else None
    number = state.duties.action_count + 1
    text = Text(state.title)
    draft.add(ev.ActionAdded(now, by, number, text, "mitigate", due=due, calendar=level.calendar))


def next_sprint(context: Context, today: date) -> date | None:
    """The last day of the first sprint that begins after today; None where the calendar has none."""
    coming = sorted((s.starts, s.ends) for s in context.policy.sprints if s.starts > today.isoformat())
    return date.fromisoformat(coming[0][1]) if coming else None


def missing(state: Incident) -> list[str]:
    """What closing still wants: every open action has an owner and a day, or the handbook's phrase for one."""
    found = []
    for item in state.duties.actions:
        lacks = ["owner"] if item.owner is None else []
        if item.due is None and item.calendar is None:
            lacks.append("due day")
        if item.state == "open" and lacks:
            found.append(f"action {item.number} has no {' and no '.join(lacks)}")
    return found


def end_of(due: date) -> datetime:
    """The instant at which the due day is over: midnight UTC after it."""
    return datetime.combine(due + timedelta(days=1), time(tzinfo=UTC))


def deadlines(state: Incident, _: Context) -> list[Deadline]:
    """A reminder on the due day; overdue the morning after, and again every week. In every stage, closed too."""
    return [
        Deadline(due, "action", str(item.number))
        for item in state.duties.actions
        if (due := _next_word(item)) is not None
    ]


def _next_word(item: ActionItem) -> datetime | None:
    if item.state != "open" or item.due is None:
        return None
    if not item.reminded and not item.overdue:
        return datetime.combine(item.due, REMINDED_AT)
    return _late_since(item.due) + AGAIN_EVERY * item.overdue


def _late_since(due: date) -> datetime:
    return datetime.combine(due + timedelta(days=1), REMINDED_AT)


def _fire(draft: Draft, deadline: Deadline, at: datetime) -> None:
    """Say what is true at `at`: a reminder that comes a day late would not be, so it is overdue at once."""
    item = draft.state.duties.action(int(deadline.key))
    if item is None or item.due is None:
        return
    late = _late_since(item.due)
    if at < late:
        draft.add(ev.ActionReminded(at, item.number, deadline.due, _told(draft.state, item)))
        return
    times = max(item.overdue, (at - late) // AGAIN_EVERY) + 1
    draft.add(ev.ActionOverdue(at, item.number, max(deadline.due, late), _told(draft.state, item), times))


FIRE: dict[str, Fire] = {"action": _fire}


def _told(state: Incident, item: ActionItem) -> tuple[str, ...]:
    """The owner; where there is none, whoever led the incident has to find one."""
    found = item.owner or state.holder("ic") or state.acked_by or state.declared_by
    return (found,) if found else ()


def _open(state: Incident, number: int) -> ActionItem:
    item = state.duties.action(number)
    if item is None:
        known = ", ".join(str(a.number) for a in state.duties.actions) or "none"
        raise Refused(f"{state.ref} has no action {number}", f"its actions: {known}")
    if item.state != "open":
        raise Refused(f"action {number} is {item.state}", "add another one if more is to do")
    return item


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise Refused(f"an action of the kind {kind!r} is not known", f"kinds: {', '.join(KINDS)}")
    return kind


def _known(owner: str | None, context: Context) -> str | None:
    if owner is None:
        return None
    person = context.directory.get(owner)
    if person is None:
        raise Refused(f"nobody is known as {owner!r}", "see tocsin oncall")
    return person.handle


def _day(due: date | None, now: datetime) -> date | None:
    if due is None:
        return None
    today = now.date()
    if not today <= due <= today + LATEST:
        why = "has passed" if due < today else "is more than ten years away"
        raise Refused(f"{due} {why}", f"a due day is today ({today}) or later")
    return due
