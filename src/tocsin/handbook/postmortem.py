"""The draft of a postmortem: what the timeline already knows, and a question where only people know.

Pure: facts in, Markdown out, the same facts give the same bytes. Every text that came from outside is inert (see
`inert`). Not here: when it is due and who is reminded (`domain`), writing the file (`documents`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin.handbook.grammar import format_duration
from tocsin.handbook.inert import inert_block, inert_line

DEFAULT_SECTIONS = ("timeline", "root cause", "blast radius", "fixes", "preventions")
"""Sections of a draft when the handbook asks for none."""


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One entry: when it happened (aware), who wrote or did it, what. `who` and `text` are untrusted.

    `strong` entries are set in bold: a gate that was passed by.
    """

    at: datetime
    who: str
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """A clock of the incident: what was promised, when it was due and answered; `kept` is None while it runs."""

    name: str
    target: str
    due: datetime | None = None
    at: datetime | None = None
    kept: bool | None = None


@dataclass(frozen=True, slots=True)
class SuspectedChange:
    """A change that may have caused it. Who made it is left out on purpose: it explains nothing."""

    what: str
    happened: datetime | None = None


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """A decision with its reason; `who` is a name."""

    at: datetime
    who: str
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """An action item. `due` is a day or a phrase as written (`next sprint`), `state` is `open`, `proven` or `dropped`.

    `proof` is what proves it, or why it was dropped.
    """

    text: str
    kind: str
    owner: str = ""
    due: str = ""
    state: str = "open"
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """A gate that was passed by: who (a name), for what work, why."""

    at: datetime
    who: str
    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One of the seven timestamps that was set or corrected: `name` as in `incident.TIMES`, `verdicts` in words."""

    at: datetime
    who: str
    name: str
    old: datetime | None
    new: datetime
    reason: str
    verdicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A statement that was sent to people outside: to whom, where, what, and what it says of their data."""

    at: datetime
    audience: str
    where: str
    text: str
    data: str = ""


@dataclass(frozen=True, slots=True)
class PostmortemFacts:
    """Everything a draft is made of. Instants are aware; absent ones are shown as unknown.

    `sections` are the handbook's own names in its order. People are names, not handles. `contributing` are sentences
    that the timeline already holds (a dead end, an alert that stayed silent); what only people know is asked.
    """

    ref: str
    title: str
    severity: str
    sections: tuple[str, ...] = ()
    impact_start: datetime | None = None
    detected: datetime | None = None
    declared: datetime | None = None
    acked: datetime | None = None
    mitigated: datetime | None = None
    impact_end: datetime | None = None
    resolved: datetime | None = None
    due: datetime | None = None
    roles: tuple[tuple[str, str], ...] = ()
    impact: str | None = None
    cause: str | None = None
    mitigation: str | None = None
    actions: tuple[FollowUp, ...] = ()
    timeline: tuple[TimelineLine, ...] = ()
    promises: tuple[Promise, ...] = ()
    handbook_commit: str | None = None
    contributing: tuple[str, ...] = ()
    suspects: tuple[SuspectedChange, ...] = ()
    decisions: tuple[DecisionMade, ...] = ()
    overrides: tuple[Override, ...] = ()
    corrections: tuple[Correction, ...] = ()
    statements: tuple[Said, ...] = ()
    missed: tuple[str, ...] = ()
    """What the score says was missed beyond the clocks, in words."""
    drill: bool = False


_PROMPTS = (
    (
        "cause",
        ("root cause", "cause", "contributing"),
        "What made it possible, and why did it stay unseen until then?",
    ),
    ("impact", ("blast radius", "impact", "scope"), "Who noticed, what did not work for them, for how long?"),
    (
        "mitigation",
        ("fix", "resolution", "mitigation", "response"),
        "What ended it, and what is still provisional?",
    ),
)


def draft(facts: PostmortemFacts) -> str:
    """The postmortem as Markdown: metadata, the handbook's sections, promises kept and missed."""
    parts = [f"# {facts.ref}: {inert_line(facts.title)}", _head(facts), *_own_timeline(facts)]
    parts += [f"## {_title(name)}\n\n{_body(name, facts)}" for name in facts.sections or DEFAULT_SECTIONS]
    parts.append(f"## Promises\n\n{_promises(facts.promises)}")
    return "\n\n".join(parts) + "\n"


def _head(facts: PostmortemFacts) -> str:
    instants = (
        ("Impact began", facts.impact_start),
        ("Detected", facts.detected),
        ("Declared", facts.declared),
        ("Acknowledged", facts.acked),
        ("Mitigated", facts.mitigated),
        ("Impact ended", facts.impact_end),
        ("Resolved", facts.resolved),
        ("Postmortem due", facts.due),
    )
    lines = ["- Status: draft", f"- Severity: {inert_line(facts.severity)}"]
    lines += [f"- {name}: {_utc(at)}" for name, at in instants]
    lines += [f"- {inert_line(role)}: {inert_line(who)}" for role, who in facts.roles]
    if facts.handbook_commit:
        lines.append(f"- Handbook: {inert_line(facts.handbook_commit)}")
    return "\n".join(lines)


def _own_timeline(facts: PostmortemFacts) -> list[str]:
    """A timeline section of its own when the handbook's sections name none: it is what a reader needs first."""
    if any("timeline" in name.casefold() for name in facts.sections or DEFAULT_SECTIONS):
        return []
    return [f"## Timeline\n\n{_timeline(facts.timeline)}"]


def _title(name: str) -> str:
    text = inert_line(name)
    return text[:1].upper() + text[1:]


def _body(name: str, facts: PostmortemFacts) -> str:
    words = name.casefold()
    if "timeline" in words:
        return _timeline(facts.timeline)
    if any(part in words for part in ("prevent", "action", "follow")):
        return _actions(facts.actions)
    for field, keys, question in _PROMPTS:
        if any(key in words for key in keys):
            known: str | None = getattr(facts, field)
            return inert_block(known) if known else _prompt(question)
    return _prompt(f"What belongs under {inert_line(name)}?")


def _prompt(question: str) -> str:
    return f"_{question}_"


def _timeline(lines: tuple[TimelineLine, ...]) -> str:
    """Oldest first in UTC; entries of one instant keep their order."""
    ordered = sorted(lines, key=lambda line: line.at)
    if not ordered:
        return _prompt("Nothing was noted. What happened, and when (UTC)?")
    rows = [
        f"| {_utc(line.at)} | {inert_line(line.who) or '-'} | {inert_line(line.text)} |" for line in ordered
    ]
    return "\n".join(["| Time | Who | What |", "|---|---|---|", *rows])


def _actions(actions: tuple[FollowUp, ...]) -> str:
    if not actions:
        return _prompt("What keeps it from happening again? Each with an owner and a date.")
    rows = [_row(a.text, a.kind, a.owner, a.due, _outcome(a)) for a in actions]
    return "\n".join(["| Action | Kind | Owner | Due | Proof |", "|---|---|---|---|---|", *rows])


def _outcome(action: FollowUp) -> str:
    known = {"proven": action.proof, "dropped": f"dropped: {action.proof}"}
    return known.get(action.state, "open")


def _row(*cells: str) -> str:
    return f"| {' | '.join(inert_line(cell) or '-' for cell in cells)} |"


def _promises(promises: tuple[Promise, ...]) -> str:
    if not promises:
        return "The handbook promised nothing at this level."
    rows = []
    for promise in promises:
        cells = (inert_line(promise.name), inert_line(promise.target), _utc(promise.due), _utc(promise.at))
        rows.append(f"| {' | '.join(cells)} | {_verdict(promise)} |")
    return "\n".join(["| Promise | Target | Due | Answered | Verdict |", "|---|---|---|---|---|", *rows])


def _verdict(promise: Promise) -> str:
    if promise.kept is None:
        return "open"
    if promise.kept:
        return "kept"
    if promise.due is not None and promise.at is not None and promise.at > promise.due:
        late = int((promise.at - promise.due).total_seconds())
        return f"missed by {format_duration(late)}"
    return "missed"


def _utc(at: datetime | None) -> str:
    return "unknown" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
