"""Reads the policy blocks of a handbook: what prose cannot say exactly, fenced as `toml tocsin`.

Here: the blocks of all documents, their syntax, what they define between them. Every finding names the line of the key
in the Markdown document. What is wrong is left out of the policy and keeps the reading from being activated; the last
good schedule stays in force. Not here: single values (`block_values`), whole things (`block_schedules`,
`block_paging`), what is unwise though possible (`block_check`), what the prose says otherwise (`block_prose`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from tocsin.domain.policy import Policy
from tocsin.domain.source import Source
from tocsin.handbook.block_check import Places, judge_blocks
from tocsin.handbook.block_lines import lines_of
from tocsin.handbook.block_paging import (
    read_escalation,
    read_person,
    read_route,
    read_service,
    squashed,
)
from tocsin.handbook.block_prose import compare_prose
from tocsin.handbook.block_schedules import read_schedule
from tocsin.handbook.block_values import Known, Page, Table, dotted
from tocsin.handbook.document import Code, Document
from tocsin.handbook.findings import Notebook
from tocsin.handbook.labels import ROLE_ALIASES

TOP_KEYS = ("schedule", "person", "escalation", "service", "route")
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Block:
    """One block as TOML understood it."""

    file: str
    code: Code
    values: dict[str, Any]
    table: Table


def with_blocks(
    policy: Policy,
    documents: list[Document],
    now: datetime | None,
    notes: Notebook,
    channels: Collection[str] = (),
) -> Policy:
    """The policy with what the blocks of the documents define; everything that is wrong with them is noted.

    `now` (aware) judges what changes with time; without it those rules say nothing. `channels`: the names of
    configured channels, which personal rules may use.
    """
    parsed = [
        (document.name, code, values)
        for document in documents
        for code in _codes(document)
        if (values := _values(document.name, code, notes)) is not None
    ]
    if not parsed:
        return policy
    known = _known(policy, [values for _, _, values in parsed])
    blocks = [_block(file, code, values, known, notes) for file, code, values in parsed]
    for block in blocks:
        block.table.only(TOP_KEYS)
    full = _compiled(policy, blocks)
    places = Places.of([block.table.page for block in blocks])
    judge_blocks(full, places, now, notes, channels)
    compare_prose(full, now, notes)
    return full


def _codes(document: Document) -> Iterator[Code]:
    for section in document.sections:
        yield from (block for block in section.blocks if isinstance(block, Code) and block.is_policy)


def _values(file: str, code: Code, notes: Notebook) -> dict[str, Any] | None:
    """What TOML makes of a block, or None with a finding at the line that it stumbles over."""
    try:
        return tomllib.loads(code.text)
    except (ValueError, RecursionError) as error:
        # A number too long for Python is a plain ValueError, and has no line of its own.
        said = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
    place = _PLACE.search(said)
    last = max(1, code.text.count("\n"))
    line = int(place["line"]) if place and place["line"] else (last if place else 1)
    told = _PLACE.sub("", said)[:200]
    repair = "correct the TOML of this block; until then nothing in it holds"
    notes.found("block-syntax", Source(file, code.line + line), f"no TOML: {told}", repair)
    return None


def _block(file: str, code: Code, values: dict[str, Any], known: Known, notes: Notebook) -> _Block:
    page = Page(file, code.line, lines_of(code.text), known, notes)
    return _Block(file, code, values, Table(page, (), values))


def _known(policy: Policy, found: list[dict[str, Any]]) -> Known:
    """What may be named: everything that any block defines, whether it turns out to be right or not."""
    acting: dict[str, set[str]] = {role.key: set() for role in policy.roles}
    for person in policy.roster:
        for key in person.can_act_as:
            acting.setdefault(key, set()).add(person.handle)
    words = {alias: key for key, aliases in ROLE_ALIASES.items() if key in acting for alias in aliases}
    words |= {key: key for key in acting}
    for role in policy.roles:
        words |= {word.casefold(): role.key for word in (role.name, role.abbreviation) if word}
    return Known(
        handles=frozenset(person.handle for person in policy.roster),
        roles={key: frozenset(people) for key, people in acting.items()},
        role_words=words,
        levels={squashed(s.level): s.level for s in policy.severities},
        seats=frozenset(seat for table in policy.rotations for row in table.rows for seat, _ in row.people),
        schedules=frozenset(_names(found, "schedule")),
        escalations=frozenset(_names(found, "escalation")),
        services={name.casefold(): name for name in reversed(_names(found, "service"))},
    )


def _names(found: list[dict[str, Any]], kind: str) -> list[str]:
    tables = [values.get(kind) for values in found]
    return [name for table in tables if isinstance(table, dict) for name in table]


def _compiled(policy: Policy, blocks: list[_Block]) -> Policy:
    """Everything that was read without a fault; schedules first, since their zone is the home of the rest."""
    schedules = _all(blocks, "schedule", read_schedule)
    tables = [table.tz for table in policy.rotations]
    home = next(iter([schedule.tz for schedule in schedules] + tables), None)
    for block in blocks:
        block.table.page.home = home
    routes = [
        route
        for block in blocks
        for entry in block.table.tables("route")
        if (route := _whole(entry, read_route)) is not None
    ]
    return replace(
        policy,
        schedules=tuple(schedules),
        people=tuple(_all(blocks, "person", read_person)),
        escalations=tuple(_all(blocks, "escalation", read_escalation)),
        services=tuple(_all(blocks, "service", read_service)),
        routes=tuple(routes),
    )


def _all(blocks: list[_Block], kind: str, read: Callable[[str, Table], _T]) -> list[_T]:
    """The things of a kind by their names; a name that is defined twice holds as it stood first."""
    found: list[_T] = []
    first: dict[str, Source] = {}
    for block in blocks:
        for name, table in block.table.named(kind):
            key = name.casefold() if kind == "service" else name
            if key in first:
                what = (
                    f"{kind} {dotted((name,))} is defined in {first[key].file} line {first[key].line} already"
                )
                table.wrong("block-duplicate", (), what, "keep one of the two")
                continue
            first[key] = table.source()
            thing = _whole(table, lambda entry, name=name: read(name, entry))  # type: ignore[misc]
            found += [] if thing is None else [thing]
    return found


def _whole(table: Table, read: Callable[[Table], _T]) -> _T | None:
    """What was read, or None when anything about it was wrong."""
    before = table.page.wrongs
    thing = read(table)
    return thing if table.page.wrongs == before else None
