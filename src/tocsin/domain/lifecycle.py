"""Decisions that move an incident from stage to stage: declare, severity, mitigate, resolve, close, dismiss.

Each is a plain function of state, what was asked, and now; it returns events or raises `Refused` (design rule 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.domain import clocks, comms, escalation, postmortem
from tocsin.domain import events as ev
from tocsin.domain.context import Context, Draft, Refused
from tocsin.domain.events import Text
from tocsin.domain.incident import Incident, Paging, Stage

TITLE_LIMIT = 300
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
    """Open for an alert and call rung 0 in the same commit."""
    draft = Draft(None, context)
    _open(draft, opening, now)
    escalation.start(draft, now)
    return draft.events


def _open(draft: Draft, opening: Opening, now: datetime) -> None:
    _check_title(opening.title)
    severity = draft.context.severity(opening.level)
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
            level=severity.level,
            by=opening.by,
            service=opening.service,
            claim=opening.claim,
            detected=opening.detected,
            impact_start=opening.impact_start,
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
    if state.stage != Stage.TRIAGE:
        raise Refused(f"{state.ref} is already {state.stage}", "change its severity instead")
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


def _declare(draft: Draft, now: datetime, by: str, level: str, title: str, why: str) -> None:
    _check_title(title)
    before = draft.state
    level = draft.context.severity(level).level
    raised = _worse(level, before.level, draft.context)
    clocks.judge(draft, now)
    if raised:
        end_clock(draft, "ack", now, void=True)
    draft.add(ev.Declared(now, by, level, one_line(title), why, draft.context.warnings))
    seat_by_arrival(draft, now, by, "declared")
    if raised or before.first_page_at is None:
        escalation.start(draft, now)


def _worse(level: str, than: str, context: Context) -> bool:
    return context.severity(level).rank < context.severity(than).rank


def seat_by_arrival(draft: Draft, now: datetime, person: str, how: str) -> None:
    """An empty IC seat goes to whoever acknowledges or declares, if the roster lets them be IC."""
    known = draft.context.directory.get(person)
    if draft.state.holder("ic") is None and known is not None and known.may_be("ic"):
        draft.add(ev.SeatTaken(now, "ic", known.handle, how, known.handle))


def set_level(draft: Draft, now: datetime, by: str | None, level: str, reason: str) -> None:
    """Another level. A worse one calls by its ladder from rung 0, earlier ackers included, with a new ack clock."""
    old = draft.state.level
    raised = _worse(level, old, draft.context)
    clocks.judge(draft, now)
    if raised:
        end_clock(draft, "ack", now, void=True)
    draft.add(ev.SeverityChanged(now, by, old, level, Text(reason)))
    if raised:
        escalation.start(draft, now)


def change_severity(
    state: Incident, context: Context, now: datetime, *, by: str, level: str, reason: str
) -> list[ev.Event]:
    """Raise (anybody) or lower (the IC, with a reason). Raises Refused otherwise."""
    if not state.stage.running:
        raise Refused(f"{state.ref} is {state.stage}: its severity stands", "")
    new = context.severity(level).level
    if new == state.level:
        raise Refused(f"{state.ref} already is {new}", "")
    draft = Draft(state, context)
    raised = _worse(new, state.level, context)
    if not raised and not reason.strip():
        raise Refused("lowering a severity needs a reason", "say why with --because")
    if not raised and state.holder("ic") not in (None, by):
        raise Refused(f"only the IC ({state.holder('ic')}) may lower the severity", "raising is open to all")
    set_level(draft, now, by, new, reason)
    return draft.events


def end_clock(draft: Draft, name: str, at: datetime, *, void: bool = False) -> None:
    """Stop the newest clock of that name, if it runs, with its verdict; a miss is always also a breach.

    `void`: nobody answered and nobody need any more; a promise that was already broken stays missed.
    """
    clock = draft.state.clock(name)
    if clock is None or not clock.open:
        return
    target = clocks.target_of(draft.context.severity(clock.level), name)
    due = clocks.limit_of(clock, draft.context)
    took = max(0, int((at - clock.start).total_seconds()))
    missed = clock.breached or (target is not None and not target.met(clock.start, at))
    if missed and not clock.breached and due is not None:
        draft.add(ev.ClockBreached(at, name, clock.level, due))
    verdict = "missed" if missed else "void" if void or due is None else "met"
    draft.add(ev.ClockEnded(at, name, clock.level, verdict, took, due))


def mitigate(state: Incident, context: Context, now: datetime, *, by: str, evidence: str) -> list[ev.Event]:
    """No further harm: needs a sentence of evidence. Raises Refused when it does not run as declared."""
    if state.stage != Stage.DECLARED:
        raise Refused(f"{state.ref} is {state.stage}: it cannot be mitigated", _possible(state))
    if not evidence.strip():
        raise Refused("mitigated needs evidence", "one sentence: what shows that the harm has stopped?")
    draft = Draft(state, context)
    draft.add(ev.Mitigated(now, by, Text(evidence)))
    end_clock(draft, "mitigate", now)
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
) -> list[ev.Event]:
    """Over: the three close points of the handbook, each with evidence. Raises Refused naming what is missing."""
    if not state.stage.declared:
        raise Refused(f"{state.ref} is {state.stage}: it cannot be resolved", _possible(state))
    points = {"confirmed": confirmed, "impact_ended": impact_ended, "errors_normal": errors_normal}
    empty = [name for name, text in points.items() if not text.strip()]
    if empty:
        raise Refused(f"resolve needs evidence for: {', '.join(empty)}", "one sentence each")
    draft = Draft(state, context)
    for name in ("ack", "mitigate", "resolve"):
        end_clock(draft, name, now)
    escalation.stop(draft, now, by if state.paging == Paging.TRIGGERED else None)
    draft.add(ev.Resolved(now, by, Text(confirmed), Text(impact_ended), Text(errors_normal)))
    return draft.events


def close(state: Incident, context: Context, now: datetime, *, by: str) -> list[ev.Event]:
    """Nothing is owed any more. Raises Refused with everything that still is."""
    if state.stage != Stage.RESOLVED:
        raise Refused(f"{state.ref} is {state.stage}: it cannot be closed", _possible(state))
    missing = postmortem.missing_for_close(state, context)
    if missing:
        raise Refused("not yet: " + "; ".join(missing), "publish or write what is missing, then close")
    return Draft(state, context).add(ev.Closed(now, by)).events


def publish_postmortem(
    state: Incident, context: Context, now: datetime, *, by: str, where: str
) -> list[ev.Event]:
    """The postmortem is published at `where` (a link or path). Raises Refused before resolve or when empty."""
    if state.stage not in {Stage.RESOLVED, Stage.CLOSED}:
        raise Refused(
            f"{state.ref} is {state.stage}: there is no postmortem to publish yet", _possible(state)
        )
    if not where.strip():
        raise Refused("say where it is published", "a link or a path in the repository")
    return Draft(state, context).add(ev.PostmortemPublished(now, by, Text(where))).events


def dismiss(
    state: Incident, context: Context, now: datetime, *, by: str | None, reason: str
) -> list[ev.Event]:
    """A triage incident was none. Raises Refused once declared: then it is resolved, not dismissed."""
    if state.stage != Stage.TRIAGE:
        raise Refused(f"{state.ref} is {state.stage}: only triage can be dismissed", _possible(state))
    if not reason.strip():
        raise Refused("dismissing needs a reason", "say why it is no incident")
    draft = Draft(state, context)
    end_clock(draft, "ack", now, void=True)
    escalation.stop(draft, now, by)
    draft.add(ev.Dismissed(now, by, Text(reason)))
    return draft.events


_NEXT = {
    Stage.TRIAGE: "acknowledge, declare or dismiss it",
    Stage.DECLARED: "mitigate or resolve it",
    Stage.MITIGATED: "resolve it",
    Stage.RESOLVED: "publish the postmortem, then close it",
    Stage.CLOSED: "nothing: it is closed",
    Stage.DISMISSED: "nothing: it was dismissed",
}


def _possible(state: Incident) -> str:
    return f"possible now: {_NEXT[state.stage]}"
