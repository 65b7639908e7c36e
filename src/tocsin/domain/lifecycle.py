"""Decisions that move an incident from stage to stage: declare, severity, mitigate, resolve, reopen, close, dismiss.

Each is a plain function of state, what was asked, and now; it returns events or raises `Refused` (design rule 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tocsin.domain import (
    actions,
    clocks,
    comms,
    crew,
    escalation,
    postmortem,
    promises,
    targets,
    times,
    verdicts,
)
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage
from tocsin.domain.spans import span

TITLE_LIMIT = 300
LEVELS_LIMIT = 50
"""So many changes of severity are kept with an incident; people get no further, an alert always does."""
ENOUGH = 0.5
"""The share of a criterion's words that makes it a match."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new stream is opened with; `policy` is the hash of the handbook that gets pinned."""

    ref: str
    policy: str
    title: str
    level: str
    origin: str
    by: str | None = None
    service: str | None = None
    claim: str | None = None
    detected: datetime | None = None
    impact_start: datetime | None = None
    kind: str = "incident"
    drill: bool = False
    follows: str | None = None
    escalation: str | None = None
    audience: tuple[str, ...] = ()
    """Called by hand: targets (`person:mei`, `schedule:portal`, `role:ic`) instead of the steps."""


RECORDED_KINDS = ("near-miss", "change")
"""What is recorded without severity, clocks and pages."""


def choose_level(title: str, context: Context) -> tuple[str, str]:
    """The level by the handbook's own criteria, in doubt the higher, and why.

    A criterion speaks for its level when at least half of its words stand in the title; where none does, when any
    does. When nothing matches: the handbook's default level, else the second highest.
    """
    words = _words(title)
    half, some = [], []
    for severity in context.policy.severities:
        shares = [len(words & wanted) / len(wanted) for c in severity.criteria if (wanted := _words(c))]
        if max(shares, default=0) >= ENOUGH:
            half.append(severity)
        if any(shares):
            some.append(severity)
    if not some:
        level = context.policy.fallback_level()
        return level, f"no criterion of the handbook matches: {level} by default"
    chosen = min(half or some, key=lambda severity: severity.rank)
    doubt = ", in doubt the higher" if len(half or some) > 1 else ""
    return chosen.level, f"the title matches the criteria of {chosen.level}{doubt}"


def _words(text: str) -> set[str]:
    cleaned = "".join(c if c.isalnum() else " " for c in text.casefold())
    return {w for w in cleaned.split() if len(w) > 2 and w not in _COMMON}


_COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "all",
        "any",
        "are",
        "been",
        "but",
        "can",
        "from",
        "had",
        "has",
        "have",
        "its",
        "may",
        "not",
        "our",
        "some",
        "that",
        "their",
        "there",
        "they",
        "this",
        "user",
        "users",
        "single",
        "was",
        "were",
        "will",
        "with",
    ]
)


def open_declared(opening: Opening, context: Context, now: datetime, *, why: str) -> list[ev.Event]:
    """Open and declare in one step: somebody saw it without an alert."""
    draft = Draft(None, context)
    _open(draft, opening, now)
    _declare(draft, now, opening.by or "", opening.level, opening.title, why)
    return draft.events


def open_triage(opening: Opening, context: Context, now: datetime) -> list[ev.Event]:
    """Open for an alert, or for a call by hand (`audience`), and call in the same commit.

    Raises Refused for a target of a call by hand that can mean nobody.
    """
    targets.refuse_unknown(opening.audience, context)
    draft = Draft(None, context)
    _open(draft, opening, now)
    escalation.start(draft, now)
    return draft.events


def open_recorded(opening: Opening, context: Context, now: datetime) -> list[ev.Event]:
    """Record a near miss or a planned change: nobody is called and no clock runs. Raises Refused for other kinds."""
    if opening.kind not in RECORDED_KINDS:
        raise Refused(
            f"there is no kind {opening.kind!r}", f"known kinds: incident, {', '.join(RECORDED_KINDS)}"
        )
    if opening.level:
        raise Refused(f"a {opening.kind} has no severity", "leave the level out")
    draft = Draft(None, context)
    _open(draft, opening, now)
    return draft.events


def _open(draft: Draft, opening: Opening, now: datetime) -> None:
    _check_title(opening.title)
    level = draft.context.severity(opening.level).level if opening.kind == "incident" else ""
    for name, moment in (("detected", opening.detected), ("impact_start", opening.impact_start)):
        if moment is not None and moment > now:
            raise Refused(f"{name} lies in the future", "give a time that has passed")
    draft.add(
        ev.Opened(
            at=now,
            ref=opening.ref,
            title=one_line(opening.title),
            policy=opening.policy,
            origin=opening.origin,
            level=level,
            by=opening.by,
            service=opening.service,
            claim=opening.claim,
            detected=opening.detected,
            impact_start=opening.impact_start,
            kind=opening.kind,
            drill=opening.drill,
            follows=opening.follows,
            escalation=opening.escalation,
            audience=opening.audience,
        )
    )


def one_line(title: str) -> Text:
    """The title without line breaks and runs of blanks: it stands in subjects, rows and lists."""
    return Text(" ".join(title.split()))


def _check_title(title: str) -> None:
    if not title.strip():
        raise Refused("the title is empty", "one line is enough")
    if len(title) > TITLE_LIMIT:
        raise Refused(f"the title is longer than {TITLE_LIMIT} characters", "put the rest into a note")


def declare(
    state: Incident, context: Context, now: datetime, *, by: str, title: str | None, level: str | None
) -> list[ev.Event]:
    """Make a triage incident a declared one. Raises Refused when it already is, or is over."""
    refuse_test(state)
    if state.stage != Stage.TRIAGE:
        raise Refused(f"{state.ref} is already {state.stage}", _instead_of_declaring(state))
    draft = Draft(state, context)
    words = title or state.title
    if level is None:
        level, why = choose_level(words, context)
        if context.severity(level).rank > context.severity(state.level).rank:
            level, why = state.level, f"the alert said {state.level}; in doubt the higher"
    else:
        why = f"chosen by {by}"
    _declare(draft, now, by, level, words, why)
    return draft.events


def refuse_test(state: Incident) -> None:
    """Raises Refused for a test page: it is no incident, and only waits for its answer."""
    if state.kind == "test":
        raise Refused(f"{state.ref} is a test page", "it can only be acknowledged")


def _instead_of_declaring(state: Incident) -> str:
    if state.stage.declared:
        return "change its severity instead"
    if state.stage == Stage.RECORDED:
        return "declare an incident of its own: tocsin declare"
    return _possible(state)


def _declare(draft: Draft, now: datetime, by: str, level: str, title: str, why: str) -> None:
    _check_title(title)
    before = draft.state
    level = draft.context.severity(level).level
    raised = _worse(level, before.level, draft.context)
    clocks.judge(draft, now)
    if raised:
        promises.end_clock(draft, "ack", now, void=True)
    draft.add(ev.Declared(now, by, level, one_line(title), why, draft.context.warnings))
    seat_by_arrival(draft, now, by, "declared")
    if raised or before.first_page_at is None:
        escalation.start(draft, now)
    actions.from_level(draft, now, by)
    crew.warn(draft, now)


def _worse(level: str, than: str, context: Context) -> bool:
    return context.severity(level).rank < context.severity(than).rank


def seat_by_arrival(draft: Draft, now: datetime, person: str, how: str) -> None:
    """An empty IC seat goes to whoever acknowledges or declares, if the roster lets them be IC.

    So does the seat of somebody who is not active any more. Not to somebody whose change is suspected, nor to a
    shadow: they are not the ones to lead.
    """
    known = draft.context.directory.get(person)
    if known is None or targets.leads(draft.state, draft.context, now):
        return
    if crew.may_lead(draft.state, draft.context, known.handle):
        before = draft.state.holder("ic")
        draft.add(ev.SeatTaken(now, "ic", known.handle, how, known.handle, before))


def set_level(draft: Draft, now: datetime, by: str | None, level: str, reason: str) -> None:
    """Another level. A worse one calls by its ladder from rung 0, earlier ackers included, with a new ack clock."""
    old = draft.state.level
    raised = _worse(level, old, draft.context)
    clocks.judge(draft, now)
    if raised:
        promises.end_clock(draft, "ack", now, void=True)
    draft.add(ev.SeverityChanged(now, by, old, level, Text(reason)))
    if raised:
        escalation.start(draft, now, why="severity raised")
    crew.warn(draft, now)


def change_severity(
    state: Incident, context: Context, now: datetime, *, by: str, level: str, reason: str
) -> list[ev.Event]:
    """Raise (anybody) or lower (the IC, with a reason). Raises Refused otherwise."""
    if not state.stage.running:
        raise Refused(f"{state.ref} is {state.stage}: its severity stands", "")
    refuse_test(state)
    new = context.severity(level).level
    if new == state.level:
        raise Refused(f"{state.ref} already is {new}", "")
    if len(state.levels) >= LEVELS_LIMIT:
        raise Refused(
            f"the severity of {state.ref} was changed {LEVELS_LIMIT} times: it stands", "keep a note instead"
        )
    draft = Draft(state, context)
    raised = _worse(new, state.level, context)
    if not raised and not reason.strip():
        raise Refused("lowering a severity needs a reason", "say why with --because")
    if not raised and state.holder("ic") not in (None, by):
        raise Refused(f"only the IC ({state.holder('ic')}) may lower the severity", "raising is open to all")
    set_level(draft, now, by, new, reason)
    return draft.events


def mitigate(state: Incident, context: Context, now: datetime, *, by: str, evidence: str) -> list[ev.Event]:
    """No further harm: needs a sentence of evidence. Raises Refused when it does not run as declared."""
    if state.stage != Stage.DECLARED:
        raise Refused(f"{state.ref} is {state.stage}: it cannot be mitigated", _possible(state))
    if not evidence.strip():
        raise Refused("mitigated needs evidence", "one sentence: what shows that the harm has stopped?")
    draft = Draft(state, context)
    draft.add(ev.Mitigated(now, by, Text(evidence)))
    promises.end_clock(draft, "mitigate", now)
    if comms.cadence_of(draft.state, context) is not None:
        draft.add(ev.UpdateAsked(now, comms.audience(draft.state), "mitigated"))
    return draft.events


def resolve(
    state: Incident,
    context: Context,
    now: datetime,
    *,
    by: str,
    confirmed: str,
    impact_ended: str,
    errors_normal: str,
    impact_end: datetime | None = None,
) -> list[ev.Event]:
    """Over: the three close points of the handbook, each with evidence, and when the impact ended, if it is known.

    Raises Refused naming what is missing, or an end of the impact that cannot be.
    """
    if not state.stage.declared:
        raise Refused(f"{state.ref} is {state.stage}: it cannot be resolved", _possible(state))
    points = {"confirmed": confirmed, "impact_ended": impact_ended, "errors_normal": errors_normal}
    empty = [name for name, text in points.items() if not text.strip()]
    if empty:
        raise Refused(f"resolve needs evidence for: {', '.join(empty)}", "one sentence each")
    if impact_end is not None and impact_end > now:
        raise Refused(
            "impact_end lies in the future", "give a time that has passed, or resolve it when it has ended"
        )
    ends = impact_end or state.impact_end
    times.refuse_order(state, replace(state, impact_end=ends, resolved_at=now))
    draft = Draft(state, context)
    for name in ("ack", "mitigate", "resolve"):
        promises.end_clock(draft, name, now, fact="resolved")
    escalation.stop(draft, now, by if state.paging == Paging.TRIGGERED else None)
    draft.add(ev.Resolved(now, by, Text(confirmed), Text(impact_ended), Text(errors_normal), impact_end))
    return draft.events


def reopen(
    state: Incident, context: Context, now: datetime, *, by: str, reason: str, firing: int | None = None
) -> list[ev.Event]:
    """It is not over: people are called anew, mitigate and resolve run on from their start.

    `firing` is how many of its alerts fire now, by their rows: recoveries of an incident that is over are no events.

    Raises Refused when it is not over, goes on elsewhere, or when the policy's time for it has passed.
    """
    if state.stage not in {Stage.RESOLVED, Stage.CLOSED, Stage.DISMISSED} or state.kind != "incident":
        raise Refused(f"{state.ref} is {state.stage}: there is nothing to reopen", _possible(state))
    if not reason.strip():
        raise Refused("reopening needs a reason", "say what came back, with --because")
    if now > reopen_until(state, context):
        raise Refused(
            f"{state.ref} has been over for more than {span(context.policy.reopen_s)}",
            f"declare a new one: tocsin declare --from {state.ref}",
        )
    draft = Draft(state, context).add(ev.Reopened(now, by, Text(reason), firing))
    verdicts.judge_anew(draft, now)
    escalation.start(draft, now)
    return draft.events


def reopen_until(state: Incident, context: Context) -> datetime:
    """Until when what is over can be reopened."""
    return _over_since(state) + timedelta(seconds=context.policy.reopen_s)


def _over_since(state: Incident) -> datetime:
    """When it was resolved or dismissed."""
    return state.resolved_at or state.dismissed_at or state.opened_at


def close(state: Incident, context: Context, now: datetime, *, by: str) -> list[ev.Event]:
    """Nothing is owed any more. Raises Refused with everything that still is."""
    if state.stage not in {Stage.RESOLVED, Stage.RECORDED}:
        raise Refused(f"{state.ref} is {state.stage}: it cannot be closed", _possible(state))
    missing = postmortem.missing_for_close(state, context)
    if missing:
        raise Refused("not yet: " + "; ".join(missing), "publish or write what is missing, then close")
    return Draft(state, context).add(ev.Closed(now, by)).events


publish_postmortem = postmortem.publish_postmortem
"""The step between resolve and close; its rules stand with the other duties."""


def under_way(state: Incident) -> list[str]:
    """What somebody would still wait for: open tasks and running legal deadlines, in words."""
    tasks = [f"task {task.number}" for task in state.work.tasks if task.open]
    return tasks + [f"the {legal.regime} deadline" for legal in state.duties.legal if legal.decision is None]


def dismiss(
    state: Incident, context: Context, now: datetime, *, by: str | None, reason: str
) -> list[ev.Event]:
    """A triage incident was none. Raises Refused once declared: then it is resolved, not dismissed."""
    if state.stage != Stage.TRIAGE:
        raise Refused(f"{state.ref} is {state.stage}: only triage can be dismissed", _possible(state))
    if not reason.strip():
        raise Refused("dismissing needs a reason", "say why it is no incident")
    waiting = under_way(state)
    if waiting:
        raise Refused(f"{state.ref} has work under way: {', '.join(waiting)}", "end it first, or declare it")
    refuse_test(state)
    draft = Draft(state, context)
    promises.end_clock(draft, "ack", now, void=True)
    escalation.stop(draft, now, by)
    draft.add(ev.Dismissed(now, by, Text(reason)))
    return draft.events


_NEXT = {
    Stage.TRIAGE: "acknowledge, declare or dismiss it",
    Stage.DECLARED: "mitigate or resolve it",
    Stage.MITIGATED: "resolve it",
    Stage.RESOLVED: "publish the postmortem, then close it; or reopen it",
    Stage.CLOSED: "reopen it, or declare a new one",
    Stage.DISMISSED: "reopen it, or declare a new one",
    Stage.RECORDED: "notes, checks and actions, then close it",
}


def _possible(state: Incident) -> str:
    if state.stage == Stage.MERGED:
        return f"it goes on in {state.merged_into}"
    if state.stage == Stage.CLOSED and state.kind != "incident":
        return "nothing: it is closed"
    return f"possible now: {_NEXT[state.stage]}"
