"""Reads the check that has to pass before a database change: its points, how long it counts, who does and confirms it.

A section whose heading speaks of such a check counts first, wherever it stands. Without one a step of the process
that asks for the backup beforehand is a check of one point, the sentence itself. Nothing is invented: without a
validity the check lets one change start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tocsin.domain.policy import Gate, GatePoint, Role, Source, Step
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
_VALID = re.compile(
    r"\b(?:valid|good|counts?|holds?|stands?)\s+(?:for|up to)\s+(?P<a>[^.;]+)"
    r"|\b(?:expires?|lapses?|runs? out)\s+after\s+(?P<b>[^.;]+)"
    r"|\b(?:ha(?:s|ve) to|needs? to|must) be (?:done|repeated|passed)(?: again| anew)?\s+after\s+(?P<c>[^.;]+)"
    r"|\b(?:check|passed)\b[^.;]*?\b(?:(?:no|not) (?:older|more) than|(?:with)?in the last)\s+(?P<d>[^.;]+)",
    re.I,
)
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

Placed = tuple[Section, str]


def read_gates(
    sections: Iterable[Placed], steps: Iterable[Step], roles: tuple[Role, ...], notes: Notebook
) -> tuple[Gate, ...]:
    """The check of the first section that has points, else that of the step which asks for a backup beforehand."""
    for section, file in _joined(sections):
        points = _points(section, file)
        if points:
            return (_gate(section, file, points, roles, notes),)
        message = f"the check {section.title!r} names no points, so there is nothing to go through"
        repair = "list what has to hold, one point each: `- [ ] The newest backup is at most 1h old.`"
        notes.found("gate-points", Source(file, section.line), message, repair)
    return tuple(_of_step(step, notes) for step in steps if _sentence(step))[:1]


def _joined(sections: Iterable[Placed]) -> list[Placed]:
    """Each section with what stands below its own sub-headings."""
    found: list[Placed] = []
    for section, file in sections:
        if found and file == found[-1][1] and section.depth > found[-1][0].depth:
            found[-1] = (replace(found[-1][0], blocks=[*found[-1][0].blocks, *section.blocks]), file)
        else:
            found.append((section, file))
    return found


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
    for text, place in rules:
        for match in _VALID.finditer(text):
            phrase = next(group for group in match.groups() if group)
            seconds = _seconds(phrase)
            if seconds is not None:
                return seconds
            message = (
                f"how long the check counts is {match[0].strip()!r}, which is no length of time up to a week"
            )
            notes.found("gate-validity", place, message, "write: Valid for 30m.")
            return None
    message = "how long the check counts is not said, so it lets one change start"
    notes.found("gate-validity", source, message, "write below the heading: Valid for 30m.")
    return None


def _seconds(phrase: str) -> int | None:
    """The duration that a phrase begins with; words behind it do not count."""
    words = phrase.split()
    for count in range(min(len(words), 4), 0, -1):
        reading = read_duration(" ".join(words[:count]).strip(" ,"))
        if not isinstance(reading, Unread):
            known = reading.seconds is not None and reading.seconds <= LONGEST_VALIDITY_S
            return reading.seconds if known else None
    return None


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
