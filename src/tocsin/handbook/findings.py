"""What can be wrong with a handbook: the stable names of the rules, and one finding with its place and repair.

Only findings of level `error` keep a handbook from being activated; nothing here ever keeps an incident from being
declared. docs/reference/findings.md shows a bad and a good example of every rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tocsin.domain.source import Source


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its stable name, `error`, `warning` or `info`, and why it exists."""

    name: str
    level: str
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule. `line` counts from 1; `message` says what, `repair` what to write instead."""

    file: str
    line: int
    rule: str
    level: str
    message: str
    repair: str

    @property
    def why(self) -> str:
        """The rule's reason."""
        return RULES[self.rule].why


_ALL = (
    Rule("severity-missing", "error", "without severities there is nothing to promise and nobody to page"),
    Rule("severity-duplicate", "error", "two definitions of one level cannot both hold"),
    Rule("severity-conflict", "error", "one promise with two numbers cannot be kept"),
    Rule("severity-order", "error", "a worse incident must not be answered later than a lesser one"),
    Rule("severity-words", "error", "which of these words is worse cannot be guessed"),
    Rule("severity-gap", "warning", "a level that is skipped is usually a slip"),
    Rule("duration-unit", "error", "a number without a known unit of time is no promise"),
    Rule("html-table", "error", "a table in HTML or drawn in a code block cannot be read line by line"),
    Rule("zone-unknown", "error", "a hand-over in an unknown time zone would page the wrong person"),
    Rule("block-syntax", "error", "a block that is no TOML says nothing at all"),
    Rule("block-key", "error", "a key that nothing reads promises nothing"),
    Rule("block-value", "error", "a value that cannot be meant must not be guessed at"),
    Rule("block-time", "error", "an hour that cannot be placed would page the wrong person"),
    Rule("block-duplicate", "error", "two definitions of one name cannot both hold"),
    Rule("block-person", "error", "a handle that the roster does not hold cannot be paged"),
    Rule("block-target", "error", "what is named has to exist when somebody has to be called"),
    Rule("block-fallback", "error", "what a service sends must end with somebody"),
    Rule("block-disagrees", "warning", "two documents that differ mislead whoever reads the other one"),
    Rule("fallback-missing", "warning", "an escalation has to end with somebody"),
    Rule("method-unknown", "warning", "a rule whose method nobody has is passed over"),
    Rule("rule-unreachable", "warning", "a rule that never comes to be is no way to be reached"),
    Rule("route-shadowed", "warning", "a route behind one that takes everything routes nothing"),
    Rule("one-person-rota", "warning", "one person cannot be on call for ever"),
    Rule("handoff-in-window", "info", "a change in the middle of a night is rarely meant"),
    Rule("holidays-end", "info", "behind the last holiday every day is an ordinary one"),
    Rule("encoding", "error", "a file that is not UTF-8 cannot be read faithfully"),
    Rule("immediate-no-number", "warning", "`Immediate` without a number starts no clock"),
    Rule("prose-duration", "warning", "a duration in free text is not used as a target"),
    Rule("calendar-unconfigured", "warning", "a target in calendar words needs a calendar to become a clock"),
    Rule("update-without-ack", "warning", "updates are demanded from nobody when nobody has to answer"),
    Rule("column-unknown", "info", "a column without a known meaning is kept as text only"),
    Rule("placeholder", "warning", "nobody can be reached at a blank"),
    Rule("open-item", "warning", "the handbook itself says that it is not finished"),
    Rule("link-missing", "warning", "a document that is needed at night has to exist"),
    Rule("link-outside", "warning", "a handbook must not lead out of its repository"),
    Rule("stale", "warning", "a process nobody has looked at for 90 days has drifted from reality"),
    Rule("handover-unclear", "warning", "who is on call at the hour of the hand-over must not be a guess"),
    Rule("rotation-row", "warning", "a row without a date or a person leaves the pager with nobody"),
    Rule("rotation-ended", "warning", "after the last row nobody is on call"),
    Rule("rotation-without-ic", "warning", "somebody who is called has to be able to lead"),
    Rule("unknown-person", "warning", "a name that the roster does not hold cannot be paged"),
    Rule("duplicate-person", "error", "two people under one handle cannot be told apart"),
    Rule("unreachable", "warning", "a person without an e-mail address gets no page"),
    Rule("escalation-unread", "info", "a ladder that is not understood is not climbed"),
    Rule("gate-points", "warning", "a check without points is answered with one word"),
    Rule("gate-several", "warning", "which check has to pass before a database change must not be a guess"),
    Rule("gate-validity", "warning", "a check has to say how long it counts"),
    Rule("gate-step", "info", "a step alone says neither the points of its check nor how long it counts"),
    Rule("sprint-row", "warning", "a sprint without its days gives no due date"),
    Rule("checklist-log", "warning", "the validation checklist asks for a log"),
    Rule("checklist-runbooks", "warning", "the validation checklist asks for current runbooks"),
    Rule(
        "checklist-channels",
        "warning",
        "the validation checklist asks for channels and on-call without blanks",
    ),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""


@dataclass(slots=True)
class Notebook:
    """Collects findings and remarks while a handbook is read, in any order; sorted when taken out."""

    _findings: list[Finding] = field(default_factory=list)
    _remarks: list[tuple[Source, str]] = field(default_factory=list)

    def found(self, rule: str, source: Source, message: str, repair: str) -> None:
        """Note a finding; the same one twice counts once."""
        finding = Finding(source.file, source.line, rule, RULES[rule].level, message, repair)
        if finding not in self._findings:
            self._findings.append(finding)

    def remark(self, source: Source, text: str) -> None:
        """Note how something was understood."""
        self._remarks.append((source, text))

    def findings(self) -> tuple[Finding, ...]:
        """All findings by file, line and rule."""
        return tuple(sorted(self._findings, key=lambda f: (f.file, f.line, f.rule, f.message)))

    def remarks(self) -> tuple[tuple[Source, str], ...]:
        """How things were understood, each once, in the order noted."""
        return tuple(dict.fromkeys(self._remarks))
