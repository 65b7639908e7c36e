"""The draft of a postmortem: what the timeline already knows, and a question where only people know.

Pure: facts in, Markdown out, the same facts give the same bytes. Every text that came from outside is inert (see
`inert`). Not here: when it is due and who is reminded (`domain`), writing the file (`documents`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tocsin.handbook.grammar import format_duration, plain_target
from tocsin.handbook.inert import inert_block, inert_line

SUSPECTED = "Changes that were suspected on the day:"
"""What leads their list below the root cause: a list is no answer to why."""
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


_QUESTIONS = (
    (("root cause", "cause"), "What made it possible, and why did it stay unseen until then?"),
    (("blast radius", "impact", "scope"), "Who noticed, what did not work for them, for how long?"),
    (("fix", "resolution", "mitigation", "response"), "What ended it, and what is still provisional?"),
    (("contributing",), "What else had to come together: tools, tests, time of day, what we did not know?"),
    (("went well", "worked"), "What helped, so that we keep it?"),
    (("lucky", "luck"), "Where did it end well only by chance?"),
    (("prevent", "action", "follow"), "What keeps it from happening again? Each with an owner and a date."),
    (("detect",), "How could we have seen it earlier?"),
)
_LEARNING = ("contributing factors", "what went well", "where we were lucky")
"""Sections that every draft has: more than one thing makes an incident."""


def draft(facts: PostmortemFacts) -> str:
    """The postmortem as Markdown: what is known, the handbook's sections, what is asked, promises kept and missed."""
    parts = [f"# {facts.ref}: {inert_line(facts.title)}", *_lead(facts), _head(facts), *_own_timeline(facts)]
    names = [*(facts.sections or DEFAULT_SECTIONS)]
    names += [name for name in _LEARNING if not any(_alike(name, known) for known in names)]
    parts += [f"## {_title(name)}\n\n{_body(name, facts)}" for name in names]
    extras = (
        ("Decisions", _decisions(facts.decisions)),
        ("Told to people outside", _statements(facts.statements)),
        ("Went past the check", _overrides(facts.overrides)),
        ("Promises", _promises(facts)),
        ("Corrected times", _corrections(facts.corrections)),
    )
    parts += [f"## {title}\n\n{body}" for title, body in extras if body]
    return "\n\n".join(parts) + "\n"


def _alike(name: str, known: str) -> bool:
    """Whether the handbook asks for the section already, by whatever words."""
    words = {"contributing factors": "contribut", "what went well": "well", "where we were lucky": "luck"}
    return words[name] in known.casefold()


def _lead(facts: PostmortemFacts) -> list[str]:
    """What somebody reads who reads nothing else; only what is known."""
    said = (
        ["**A drill: nobody outside was affected, and it counts in no statistics.**"] if facts.drill else []
    )
    story = [*_impact_sentence(facts), *_course_sentence(facts)]
    return [*said, *([" ".join(story)] if story else [])]


def _impact_sentence(facts: PostmortemFacts) -> list[str]:
    start, end = facts.impact_start, facts.impact_end
    if start is None:
        return []
    if end is None:
        return [f"Customers felt it from {_utc(start)}."]
    return [f"Customers felt it from {_utc(start)} to {_until(start, end)}, for {_span(start, end)}."]


def _course_sentence(facts: PostmortemFacts) -> list[str]:
    """How long each part took, counted from when it was detected; without an impact start the day is said here."""
    since = facts.detected
    if since is None:
        return []
    first = f"It was detected {_after(facts.impact_start, since)}"
    ways = (("acknowledged", facts.acked), ("mitigated", facts.mitigated), ("resolved", facts.resolved))
    then = [f"{word} {_span(since, at)}" for word, at in ways if at is not None and at >= since]
    return [f"{first}; {_listed(then)} after that." if then else f"{first}."]


def _after(start: datetime | None, at: datetime) -> str:
    return f"{_span(start, at)} later" if start is not None and at > start else f"at {_utc(at)}"


def _listed(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


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
    return [f"## Timeline\n\n{_timeline(facts)}"]


def _title(name: str) -> str:
    text = inert_line(name)
    return text[:1].upper() + text[1:]


def _body(name: str, facts: PostmortemFacts) -> str:
    """What is known of a section, then the question, unless what is known answers it."""
    words = name.casefold()
    if "timeline" in words:
        return _timeline(facts)
    question = next((q for keys, q in _QUESTIONS if any(key in words for key in keys)), None)
    if question is None:
        return _prompt(f"What belongs under {inert_line(name)}?")
    known, answered = _known(question, facts)
    return "\n\n".join([*known, *([] if answered else [_prompt(question)])])


def _known(question: str, facts: PostmortemFacts) -> tuple[list[str], bool]:
    """What stands in the section already, and whether it is an answer."""
    cause, impact, fixes, contributing, _well, _lucky, prevent, _detect = (q for _, q in _QUESTIONS)
    if question == cause:
        said = [inert_block(facts.cause)] if facts.cause else []
        return [*said, *_suspects(facts.suspects)], facts.cause is not None
    if question == impact:
        return ([inert_block(facts.impact)], True) if facts.impact else ([], False)
    if question == fixes:
        return ([inert_block(facts.mitigation)], True) if facts.mitigation else ([], False)
    if question == contributing:
        points = "\n".join(f"- {inert_line(text)}" for text in facts.contributing)
        return ([points] if points else []), False
    if question == prevent:
        return ([_actions(facts.actions)], True) if facts.actions else ([], False)
    return [], False


def _prompt(question: str) -> str:
    return f"_{question}_"


def _suspects(suspects: tuple[SuspectedChange, ...]) -> list[str]:
    lines = [
        f"- {inert_line(s.what)}{f', in place since {_utc(s.happened)}' if s.happened else ''}"
        for s in suspects
    ]
    return [f"{SUSPECTED}\n\n" + "\n".join(lines)] if lines else []


def _timeline(facts: PostmortemFacts) -> str:
    """Oldest first in UTC, the day only where it changes; entries of one instant keep their order."""
    ends = (
        (facts.impact_start, "Impact began"),
        (facts.detected, "Detected"),
        (facts.impact_end, "Impact ended"),
    )
    known = {line.at for line in facts.timeline}
    marks = [TimelineLine(at, "", text) for at, text in ends if at is not None and known and at not in known]
    ordered = sorted([*marks, *facts.timeline], key=lambda line: line.at)
    if not ordered:
        return _prompt("Nothing was noted. What happened, and when (UTC)?")
    rows, day = [], None
    for line in ordered:
        at = line.at.astimezone(UTC)
        shown = f"{at:%H:%M:%S}" if at.date() == day else f"{at:%Y-%m-%d %H:%M:%S}"
        text = inert_line(line.text)
        rows.append(f"| {shown} | {inert_line(line.who) or '-'} | {f'**{text}**' if line.strong else text} |")
        day = at.date()
    return "\n".join(["| Time (UTC) | Who | What |", "|---|---|---|", *rows])


def _actions(actions: tuple[FollowUp, ...]) -> str:
    rows = [_row(a.text, a.kind, a.owner, a.due, _outcome(a)) for a in actions]
    return "\n".join(["| Action | Kind | Owner | Due | Proof |", "|---|---|---|---|---|", *rows])


def _outcome(action: FollowUp) -> str:
    known = {"proven": action.proof, "dropped": f"dropped: {action.proof}"}
    return known.get(action.state, "open")


def _row(*cells: str) -> str:
    return f"| {' | '.join(inert_line(cell) or '-' for cell in cells)} |"


def _decisions(decisions: tuple[DecisionMade, ...]) -> str:
    rows = [_row(_utc(d.at), d.who, d.text, d.why) for d in decisions]
    return "\n".join(["| Time | Who | Decision | Why |", "|---|---|---|---|", *rows]) if rows else ""


def _statements(statements: tuple[Said, ...]) -> str:
    rows = [_row(_utc(s.at), s.audience, s.where, s.text, s.data) for s in statements]
    head = ["| Time | To | Where | Text | On their data |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else ""


def _overrides(overrides: tuple[Override, ...]) -> str:
    return "\n".join(
        f"- **{_utc(o.at)}: {inert_line(o.who)} let the work go on without a passing check: {inert_line(o.task)}.**"
        f" Reason: {inert_line(o.reason)}"
        for o in overrides
    )


def _promises(facts: PostmortemFacts) -> str:
    rows = []
    for promise in sorted(facts.promises, key=lambda promise: (promise.due is None, promise.due or 0)):
        cells = (
            inert_line(promise.name),
            inert_line(plain_target(promise.target)),
            _utc(promise.due),
            _utc(promise.at),
        )
        rows.append(f"| {' | '.join(cells)} | {_verdict(promise)} |")
    table = "\n".join(["| Promise | Target | Due | Answered | Verdict |", "|---|---|---|---|---|", *rows])
    more = "\n".join(f"- {inert_line(text)}" for text in facts.missed)
    said = [table if rows else "The handbook promised nothing at this level."]
    return "\n\n".join([*said, *([f"Also missed:\n\n{more}"] if more else [])])


def _verdict(promise: Promise) -> str:
    if promise.kept is None:
        return "open"
    if promise.kept:
        return "kept"
    if promise.due is not None and promise.at is not None and promise.at > promise.due:
        late = int((promise.at - promise.due).total_seconds())
        return f"missed by {format_duration(late)}"
    return "missed"


def _corrections(corrections: tuple[Correction, ...]) -> str:
    rows = [
        _row(c.name.replace("_", " "), _utc(c.old), _utc(c.new), c.reason, c.who, "; ".join(c.verdicts))
        for c in corrections
    ]
    head = ["| What | Before | Now | Because | Who | Verdicts |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else ""


def _utc(at: datetime | None) -> str:
    return "unknown" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _until(start: datetime, end: datetime) -> str:
    """An end, with its day only when that is another one."""
    same = start.astimezone(UTC).date() == end.astimezone(UTC).date()
    return f"{end.astimezone(UTC):%H:%M:%S}" if same else _utc(end)


def _span(start: datetime, end: datetime) -> str:
    return format_duration(max(0, int((end - start).total_seconds())))
