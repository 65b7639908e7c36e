"""An incident as a page shows it: severity, seats, who is called, what tocsin does next, what can be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tocsin.domain import clocks, comms, crew, escalation, postmortem
from tocsin.domain.context import Context
from tocsin.domain.due import Deadline
from tocsin.domain.incident import ASKED, Incident, Page, Paging, Stage
from tocsin.domain.people import Person
from tocsin.domain.policy import Severity
from tocsin.domain.spans import span
from tocsin.web.auth import Caller
from tocsin.web.show_calling import WayShow, ways_of
from tocsin.web.show_clocks import NAMES, named
from tocsin.web.templating import near

PAGES_SHOWN = 8
NEXT_SHOWN = 6
CANDIDATES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Badge:
    """A severity: shape and colour by rank, the digit as the handbook writes it, always with the word."""

    level: str
    shape: int
    digit: str
    name: str = ""


KIND_NAMES = {"near-miss": "Near miss", "change": "Planned change", "test": "Test page"}


def badge_of(state: Incident, context: Context) -> Badge:
    """The badge of an incident; a near miss or a planned change has its kind instead of a level."""
    return kind_badge(state.kind) if state.kind in KIND_NAMES else badge(state.level, context)


def kind_badge(kind: str) -> Badge:
    """The badge of what has no severity."""
    return Badge(KIND_NAMES.get(kind, kind), 0, {"near-miss": "~", "change": "Δ", "test": "T"}.get(kind, "·"))


def badge(level: str, context: Context) -> Badge:
    """The badge of a level; one that the handbook does not know looks like the least."""
    severity = context.policy.severity(level)
    rank = severity.rank if severity else 4
    digits = "".join(c for c in level if c.isdigit())[:2] or str(rank)
    return Badge(level, min(rank, 4), digits, (severity.name or "") if severity else "")


@dataclass(frozen=True, slots=True)
class Seat:
    """A role and who holds it; `mine` when whoever looks may take it."""

    key: str
    name: str
    holder: str | None = None
    holder_name: str = ""
    offered_to: str = ""
    takes: bool = False
    accepts: bool = False
    wanted: bool = False
    note: str = ""


def seats_of(state: Incident, context: Context, caller: Caller) -> list[Seat]:
    """Every role of the handbook, in its order."""
    me = context.directory.get(caller.handle)
    return [_seat(role.key, role.name, state, context, me) for role in context.policy.roles]


def _seat(key: str, name: str, state: Incident, context: Context, me: Person | None) -> Seat:
    holder, offer = state.holder(key), state.offer(key)
    proposed = crew.candidates(state, context)[:CANDIDATES_SHOWN] if key == "ic" and holder is None else ()
    may = me is not None and (me.may_be(key) or not me.can_act_as)
    return Seat(
        key,
        name,
        holder,
        named(context, holder) if holder else "",
        named(context, offer.to) if offer else "",
        takes=state.stage.running and holder is None and may,
        accepts=offer is not None and me is not None and offer.to == me.handle,
        wanted=state.stage.declared,
        note=f"tocsin proposes {_names(proposed, context)}" if proposed and state.stage.running else "",
    )


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody who is or was called, or will be. `st`: met, late, now, next, off; `ways` only while she is called."""

    at: datetime
    st: str
    who: str
    what: str
    ways: tuple[WayShow, ...] = ()


_OUTCOMES = {
    "acked": ("met", "acknowledged"),
    "stopped": ("off", "called off"),
    "superseded": ("off", "called again"),
    "unreachable": ("late", "could not be reached"),
    "expired": ("late", "did not answer in time"),
}


def calls_of(state: Incident, context: Context) -> list[Call]:
    """The newest pages, oldest first, then what waits for the end of quiet hours, then the next step of the ladder."""
    kept = [page for page in state.pages if page.outcome != "superseded"][-PAGES_SHOWN:]
    kept.sort(key=lambda page: page.until is not None)
    return [*(_call(page, state, context) for page in kept), *_to_come(state, context)]


def _call(page: Page, state: Incident, context: Context) -> Call:
    who = named(context, page.person)
    if page.until is not None:
        return Call(page.until, "next", who, "not before: quiet hours, and it is of low urgency")
    ways = ways_of(page)
    by = ", ".join(way.channel for way in ways if way.st in ("under way", "taken")) or "no channel"
    waiting = ("now", f"called by {by}, no answer yet" if page.sent else f"being called by {by}")
    st, what = _OUTCOMES.get(page.outcome or "", waiting)
    if page.outcome == "stopped" and state.paging == Paging.ACKED:
        what += ": somebody else took it"
    if page.rung == ASKED:
        what = "was called in, and joined" if page.outcome == "acked" else f"{what}; called in to help"
    elif page.shadow:
        what = f"{what}; learns along"
    return Call(page.at, st, who, what, ways)


def _to_come(state: Incident, context: Context) -> list[Call]:
    due = escalation.due(state, context)
    if due is None:
        return []
    people, again = _rung_people(state, context)
    return [Call(due, "next", people, f"called{again} if nobody acknowledges")]


def _names(people: tuple[str, ...], context: Context) -> str:
    return ", ".join(named(context, handle) for handle in people) or "nobody on call for it"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What tocsin does at `at` if nobody acts."""

    at: datetime
    what: str


def next_steps(state: Incident, context: Context) -> list[NextStep]:
    """The next few, soonest first."""
    found = sorted(clocks.deadlines(state, context), key=lambda d: (d.due, d.kind))
    return [NextStep(d.due, _will(d, state, context)) for d in found[:NEXT_SHOWN]]


def _will(deadline: Deadline, state: Incident, context: Context) -> str:
    ic = named(context, state.holder("ic")) if state.holder("ic") else "every IC"
    audience = _names(comms.audience(state), context)
    offer = state.offer(deadline.key) if deadline.kind == "handover" else None
    words = {
        "breach": f"record that {NAMES.get(deadline.key, deadline.key).lower()} missed its limit, tell {ic}",
        "rung": f"call {''.join(_rung_people(state, context))}",
        "way": _next_way(deadline, state, context),
        "quiet-end": f"call {_paged(deadline, state, context)}: the quiet hours are over",
        "gone": f"note that {_paged(deadline, state, context)} is gone",
        "asked": f"call {_paged(deadline, state, context)} again, who was asked to help",
        "snooze-end": "call people again: the silence ends",
        "ack-reminder": f"ask {named(context, state.acked_by or '')} whether she is still on it",
        "ack-timeout": "call people anew: nothing was heard of whoever acknowledged",
        "ack-owner": "remind the administrators of what was acknowledged long ago",
        "test-end": "end the test page",
        "seat": "tell every IC that the IC seat is empty",
        "update-reminder": f"remind {audience} of the next update",
        "update-overdue": f"record the update as overdue, tell {audience}",
        "time-left": f"tell {ic} that {deadline.key} minutes are left to resolve",
        "postmortem": f"tell {_names(postmortem.owners(state), context)} that the postmortem is due",
        "task": f"ask how task {deadline.key} stands: its time is over",
        "gate-lapsing": f"remind whoever did check {deadline.key} that it runs out soon",
        "gate-lapsed": f"record that check {deadline.key} ran out",
        "long": f"propose to {ic} to hand over",
        "legal-reminder": f"remind its owner of the {deadline.key} deadline",
        "legal-overdue": f"record that the {deadline.key} deadline passed without a decision",
        "action": f"tell its owner of action {deadline.key}",
    }
    if offer is not None:
        return (
            f"withdraw the offer to {named(context, offer.to)}"
            if offer.reminded
            else f"remind {named(context, offer.to)} of the offered seat"
        )
    return words.get(deadline.kind, deadline.kind)


def _paged(deadline: Deadline, state: Incident, context: Context) -> str:
    """Whose page it is that the deadline is about."""
    page = state.page(int(deadline.key)) if deadline.key.isdecimal() else None
    return named(context, page.person) if page is not None else "whoever is called"


def _next_way(deadline: Deadline, state: Incident, context: Context) -> str:
    page = state.page(int(deadline.key)) if deadline.key.isdecimal() else None
    waiting = next((way for way in ways_of(page) if way.st == "waits"), None) if page is not None else None
    by = f"by {waiting.channel} too" if waiting else "by the next way"
    return f"call {_paged(deadline, state, context)} {by}"


def _rung_people(state: Incident, context: Context) -> tuple[str, str]:
    """Who the ladder calls then, and ` again` when it does not climb: exhausted, or of low urgency."""
    coming = escalation.coming(state, context)
    if coming is None:
        return _names((), context), ""
    return _names(coming.people, context), " again" if coming.again else ""


@dataclass(frozen=True, slots=True)
class StageStep:
    """A step of the way an incident goes; `s`: done, now, or empty for to come."""

    name: str
    s: str
    note: str


def stage_steps(state: Incident, context: Context, now: datetime) -> list[StageStep]:
    """Where it stands."""
    reached = [
        ("Called", state.first_page_at or state.opened_at),
        ("Declared", state.declared_at),
        ("Mitigated", state.mitigated_at),
        ("Resolved", state.resolved_at),
        ("Closed", state.closed_at),
    ]
    if state.kind == "test":
        reached = [("Called", state.opened_at), ("Over", None)]
    elif state.kind != "incident":
        reached = [("Recorded", state.opened_at), ("Closed", state.closed_at)]
    ended = _ended_early(state)
    if ended is not None:
        begun = [StageStep(name, "done", near(at, now)) for name, at in reached if at is not None]
        return [*begun, ended]
    last = max(i for i, (_, at) in enumerate(reached) if at is not None)
    return [
        StageStep(
            name,
            "now" if i == last else "done" if at or i < last else "",
            _when(name, at, state, context, now),
        )
        for i, (name, at) in enumerate(reached)
    ]


def _ended_early(state: Incident) -> StageStep | None:
    match state.stage:
        case Stage.DISMISSED:
            over = StageStep("Over", "now", "the test has ended")
            return over if state.kind == "test" else StageStep("Dismissed", "now", "it was none")
        case Stage.MERGED:
            return StageStep("Merged", "now", f"goes on in {state.merged_into}")
        case _:
            return None


def _when(name: str, at: datetime | None, state: Incident, context: Context, now: datetime) -> str:
    if at is not None:
        by = f" by {named(context, state.declared_by)}" if name == "Declared" and state.declared_by else ""
        return f"{near(at, now)}{by}"
    wanted = {"Mitigated": "mitigate", "Resolved": "resolve"}.get(name, "")
    clock = state.clock(wanted) if wanted else None
    due = clocks.limit_of(clock, context) if clock else None
    if due is not None:
        return f"by {near(due, now)}"
    return {"Declared": "a person's decision", "Closed": "when nothing is owed"}.get(name, "to come")


def is_called(state: Incident) -> bool:
    """Whether somebody is being called: an acknowledgement ends it."""
    tried = state.kind == "test" and bool(state.open_pages())
    return state.stage.running and (state.paging == Paging.TRIGGERED or tried)


def may_answer(state: Incident, handle: str) -> bool:
    """Whether her acknowledgement would mean something: a test page is answered only by whoever is tested."""
    return is_called(state) and (state.kind != "test" or any(p.person == handle for p in state.open_pages()))


def role_name(context: Context, key: str) -> str:
    """How the handbook calls the role, in short."""
    role = context.policy.role(key)
    return (role.abbreviation or role.name) if role else key


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who would be called: how long after the first page, and who as of now."""

    after: str
    words: str
    who: str
    unreachable: str
    condition: str


def urgent_levels(context: Context) -> str:
    """The levels whose ladder is climbed."""
    return " and ".join(s.level for s in context.policy.severities if s.urgent)


def plan_of(context: Context, severity: Severity | None, now: datetime) -> list[Ladder]:
    """The ladder as it would be climbed now; a level of low urgency stays on the first step."""
    chosen = escalation.escalation_for(context)
    rungs, offsets = chosen.steps, escalation.offsets(chosen, context)
    if severity is not None and not severity.urgent:
        rungs = rungs[:1]
    early = escalation.first_with_ic(replace(chosen, steps=rungs), 1, context, now)
    found = []
    for index, rung in enumerate(rungs):
        people = escalation.people_for(rung, context, now)
        mute = tuple(p for p in people if not context.directory.methods_of(p))
        after = span(offsets[index]).removesuffix("00s")
        mark, words = (f"+{after}", f"after {after}") if offsets[index] else ("now", "at once")
        condition = "if nobody has acknowledged by then" if index else "at once"
        if index == early:
            levels = "" if severity else f" ({urgent_levels(context)})"
            condition = f"at once too{levels}: nobody before may lead"
        unreachable = _names(mute, context) if mute else ""
        found.append(Ladder(mark, words, _names(people, context), unreachable, condition))
    return found
