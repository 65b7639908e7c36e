"""Which sections may be the check before a database change: each with what stands below it, the likeliest first.

Here: what belongs together and what goes before what. What such a section says is read by `gates`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tocsin.handbook.document import Block, Document, Inline, Item, Paragraph, Quote, Section, Table
from tocsin.handbook.labels import LONGEST_HEADING, section_kind
from tocsin.handbook.links import named_paths, resolve

Placed = tuple[Section, str]
"""A section and the file it stands in."""

_DATABASE = re.compile(r"\b(?:db|databases?|migrations?|schema)\b", re.I)
_CHANGED = re.compile(r"\bbefore\b|\bchang|\bgates?\b", re.I)
_BACKUP_GATE = re.compile(r"\bbackup gates?\b", re.I)


def check_sections(documents: Iterable[Document], main: list[Document], root: Path) -> list[Placed]:
    """The sections whose headings speak of such a check.

    One that names the database change or the backup gate goes before one that only says backup check; then those of
    the policy documents and of files that these link to; then by file and line.
    """
    near = {document.name for document in main} | set(_linked(main, root))
    placed = [(section, document.name) for document in documents for section in _of(document)]
    return sorted(placed, key=lambda entry: (not _names_the_change(entry[0].title), entry[1] not in near))


def _names_the_change(heading: str) -> bool:
    words = heading[:LONGEST_HEADING]
    change = _DATABASE.search(words) and _CHANGED.search(words)
    return bool(change or _BACKUP_GATE.search(words))


def _of(document: Document) -> list[Section]:
    groups = _grouped(document.sections)
    if any(group[0].depth == 1 and _own_names(group[1:]) > 1 for group in groups):
        # Two checks below the title of a file are two checks: the title does not make them one.
        titles = [[s] for s in document.sections if s.depth == 1 and s.kind == "gate" and s.items()]
        below = [replace(s, kind=None) if s.depth == 1 else s for s in document.sections]
        groups = titles + _grouped(below)
    return [replace(group[0], blocks=[b for s in group for b in s.blocks]) for group in groups]


def _own_names(sections: list[Section]) -> int:
    return sum(section_kind(section.title) == "gate" for section in sections)


def _grouped(sections: Iterable[Section]) -> list[list[Section]]:
    """Each such section with its own sub-headings, as far as they are not about something else."""
    groups: list[list[Section]] = []
    inside = False
    for section in sections:
        below = inside and section.depth > groups[-1][0].depth
        inside = below or section.kind == "gate"
        if section.kind == "gate":
            groups += [] if below else [[]]
            groups[-1].append(section)
    return groups


def _linked(documents: Iterable[Document], root: Path) -> Iterator[str]:
    for document in documents:
        folder = (root / document.name).parent
        for section in document.sections:
            for inline in (i for block in section.blocks for i in _inlines(block)):
                yield from (resolve(written, root, folder).path for written in named_paths(inline))


def _inlines(block: Block) -> Iterable[Inline]:
    match block:
        case Item() | Paragraph():
            return (block.inline,)
        case Table():
            return (cell for row in block.rows for cell in row.cells)
        case Quote():
            return block.inlines
        case _:
            return ()
