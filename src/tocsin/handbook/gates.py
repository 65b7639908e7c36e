"""Reads the check that has to pass before a database change: its points, how long it counts, who does and confirms it.

A section whose heading speaks of such a check counts first, wherever it stands; which of several, `candidates` says.
Without one a step of the process that asks for the backup beforehand is a check of one point, the sentence itself.
Nothing is invented: without a validity the check lets one change start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tocsin.domain.policy import Gate, GatePoint, Role, Step
from tocsin.domain.source import Source
from tocsin.handbook.candidates import Placed
from tocsin.handbook.document import Item, Section
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import DAY, Unread, read_duration
from tocsin.handbook.labels import ROLE_ALIASES, role_key

BACKUP = "backup"
"""The key of the one check there is."""
LONGEST_VALIDITY_S = 7 * DAY
"""A check that counts longer than a week guards nothing: taken for a slip."""

_TASK = re.compile(r"\[[ xX]\]\s*")
_BRACKET = re.compile(
    r"\(\s*(?:or(?: if| when)?|unless|except(?: if| when| that)?)\s+(?P<way>[^()]+?)\s*\)", re.I
)
_UNLESS = re.compile(r",?\s*\b(?:unless|except (?:if|when|that))\s+(?P<way>[^.;()]+)", re.I)
LONGEST_SENTENCE = 500
"""So much of a sentence is looked at for how long a check counts."""
_SENTENCE_END = re.compile(r"(?<=[.;]) ")
_REST = r"(?:[^.;]|\.\d)+"
_VALID = re.compile(
    rf"\b(?:valid|good|counts?|holds?|stands?) (?:for|up to) (?P<a>{_REST})"
    rf"|\b(?:expires?|lapses?|runs? out) after (?P<b>{_REST})"
    rf"|\b(?:ha(?:s|ve) to|needs? to|must) be (?:done|repeated|passed)(?: again| anew)? after (?P<c>{_REST})",
    re.I,
)
_CHECK = re.compile(r"\b(?:check|passed)\b", re.I)
_AGE = re.compile(
    rf"\b(?:(?P<limit>(?:no|not) (?:older|more) than)|(?:with)?in the last) (?P<age>{_REST})", re.I
)
_DEMANDED = re.compile(r"\b(?:must|ha(?:s|ve) to|needs? to|only|no|without|unless)\b", re.I)
_DONE = r"\b(?:done|run|performed|gone through|carried out|made)\s+by\s+(?:the\s+)?(?P<role>{roles})(?!\w)"
_DOES = r"\b(?P<role>{roles})\s+(?:goes through|does|runs|performs|makes|carries)\b"
_CONFIRMED = r"\b(?:confirmed|approved|signed off|released)\s+by\s+(?:the\s+)?(?P<role>{roles})(?!\w)"
_CONFIRMS = r"\b(?P<role>{roles})\s+(?:confirms?|approves?|signs?)\b"
_RULE_OF_THE_CHECK = re.compile(
    r"(?:it (?:is )?)?(?:valid|done by|confirmed by|counts? for|good for)\b", re.I
)

_DATABASE = re.compile(r"\b(?:db|databases?|migrations?|schema)\b", re.I)
_BACKUP = re.compile(r"\b(?:backups?|snapshots?|dumps?|check)\b", re.I)
_BEFOREHAND = re.compile(r"\b(?:before|beforehand|ensure|first|must|ha(?:s|ve) to|make sure|unless)\b", re.I)
_RESTORING = re.compile(r"\brestor", re.I)


def read_gates(
    sections: Iterable[Placed], steps: Iterable[Step], roles: tuple[Role, ...], notes: Notebook
) -> tuple[Gate, ...]:
    """The check of the first section that has points, else that of the step which asks for a backup beforehand.

    `sections` with the likeliest first, as `check_sections` gives them.
    """
    candidates = list(sections)
    for at, (section, file) in enumerate(candidates):
        points = _points(section, file)
        if points:
            _report_others((section, file), candidates[at + 1 :], notes)
            return (_gate(section, file, points, roles, notes),)
        message = f"the check {section.title!r} names no points, so there is nothing to go through"
        repair = "list what has to hold, one point each: `- [ ] The newest backup is at most 1h old.`"
        notes.found("gate-points", Source(file, section.line), message, repair)
    return tuple(_of_step(step, notes) for step in steps if _sentence(step))[:1]


def _report_others(used: Placed, others: list[Placed], notes: Notebook) -> None:
    """Say which section is the check where several could be, each in the place of one that is not used."""
    for section, file in others:
        if not _points(section, file):
            continue
        message = (
            f"{section.title!r} may be the check before a database change as well;"
            f" the one that counts is {used[0].title!r} ({used[1]}:{used[0].line})"
        )
        repair = "keep one of them, or give this one a heading that speaks of no check"
        notes.found("gate-several", Source(file, section.line), message, repair)


def _gate(
    section: Section, file: str, points: tuple[GatePoint, ...], roles: tuple[Role, ...], notes: Notebook
) -> Gate:
    rules = [(b.inline.flat, Source(file, b.line)) for b in section.spoken() if not _is_point(b, section)]
    text = " ".join(said for said, _ in rules)
    source = Source(file, section.line)
    return Gate(
        key=BACKUP,
        name=section.title.partition("(")[0].strip(" :.") or section.title,
        points=points,
        source=source,
        valid_s=_validity(rules, source, notes),
        done_by=_role(text, roles, _DONE, _DOES),
        confirmed_by=_role(text, roles, _CONFIRMED, _CONFIRMS),
    )


def _points(section: Section, file: str) -> tuple[GatePoint, ...]:
    items = [item for item in section.items() if _is_point(item, section) and item.inline.flat]
    return tuple(_point(item, file) for item in items)


def _is_point(block: object, section: Section) -> bool:
    """Boxes to tick are the points; where there are none, every point of the outer list that is no rule itself."""
    if not isinstance(block, Item):
        return False
    if any(_TASK.match(item.inline.flat) for item in section.items()):
        return _TASK.match(block.inline.flat) is not None
    return block.depth == 1 and _RULE_OF_THE_CHECK.match(block.inline.flat) is None


def _point(item: Item, file: str) -> GatePoint:
    text = _TASK.sub("", item.inline.flat, count=1)
    ways = [match["way"].strip(" .") for match in _BRACKET.finditer(text)]
    ways += [match["way"].strip(" .") for match in _UNLESS.finditer(_BRACKET.sub("", text))]
    return GatePoint(text, Source(file, item.line), tuple(ways))


def _validity(rules: list[tuple[str, Source]], source: Source, notes: Notebook) -> int | None:
    """What is said in so many words goes before an age that a sentence demands of the check."""
    sentences = [(part[:LONGEST_SENTENCE], at) for text, at in rules for part in _SENTENCE_END.split(text)]
    for sentence, place in sentences:
        match = _VALID.search(sentence)
        if match is None:
            continue
        seconds = _seconds(next(group for group in match.groups() if group))
        if seconds is None:
            said = f"how long the check counts is {match[0].strip()!r}"
            message = f"{said}, which is no length of time up to a week"
            notes.found("gate-validity", place, message, "write: Valid for 30m.")
        return seconds
    ages = (_demanded_age(sentence) for sentence, _ in sentences)
    age = next((seconds for seconds in ages if seconds is not None), None)
    if age is None:
        message = "how long the check counts is not said, so it lets one change start"
        notes.found("gate-validity", source, message, "write below the heading: Valid for 30m.")
    return age


def _demanded_age(sentence: str) -> int | None:
    """`the check must have passed within the last 30m`; not what is told of some check, nor with words behind it."""
    check = _CHECK.search(sentence)
    age = _AGE.search(sentence, check.end()) if check is not None else None
    if age is None or not (age["limit"] or _DEMANDED.search(sentence)):
        return None
    return _up_to_a_week(re.split(r"[,()]", age["age"])[0])


def _seconds(phrase: str) -> int | None:
    """The duration that a phrase begins with; words behind it do not count."""
    words = phrase.split()
    for count in range(min(len(words), 4), 0, -1):
        beginning = " ".join(words[:count]).strip(" ,")
        if not isinstance(read_duration(beginning), Unread):
            return _up_to_a_week(beginning)
    return None


def _up_to_a_week(phrase: str) -> int | None:
    reading = read_duration(phrase)
    if isinstance(reading, Unread) or reading.seconds is None or reading.seconds > LONGEST_VALIDITY_S:
        return None
    return reading.seconds


def _role(text: str, roles: tuple[Role, ...], *patterns: str) -> str | None:
    names = {name for role in roles for name in (role.name, role.abbreviation or "", role.key)}
    names |= {alias for aliases in ROLE_ALIASES.values() for alias in aliases}
    longest_first = "|".join(re.escape(name) for name in sorted(names - {""}, key=len, reverse=True))
    for pattern in patterns:
        match = re.search(pattern.format(roles=longest_first), text, re.I)
        if match is not None:
            return _key(match["role"], roles)
    return None


def _key(name: str, roles: tuple[Role, ...]) -> str:
    wanted = name.casefold()
    for role in roles:
        if wanted in {role.name.casefold(), (role.abbreviation or "").casefold(), role.key}:
            return role.key
    return role_key(name)


def _sentence(step: Step) -> str | None:
    """The sentence of a step that asks for a backup before the database is changed."""
    for sentence in re.split(r"(?<=[.;])\s+", step.text):
        asks = _DATABASE.search(sentence) and _BACKUP.search(sentence) and _BEFOREHAND.search(sentence)
        if asks and not _RESTORING.search(sentence):
            return sentence.strip()
    return None


def _of_step(step: Step, notes: Notebook) -> Gate:
    sentence = _sentence(step) or step.text
    said = f"step {step.number} alone asks for a check before a database change"
    message = f"{said}: it has one point, and lets one change start"
    repair = (
        "add a section `## Backup check before every DB change` with points, and the line `Valid for 30m.`"
    )
    notes.found("gate-step", step.source, message, repair)
    name = f"Step {step.number}: {step.name}"
    return Gate(BACKUP, name, (GatePoint(sentence, step.source),), step.source)
