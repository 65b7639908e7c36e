"""Reads what stays text: steps, channels, templates, runbooks, postmortem sections, notes and metadata."""

from __future__ import annotations

import re
from collections.abc import Callable

from tocsin.domain.policy import Channel, Metadata, Note, Runbook, Step, Template
from tocsin.domain.source import Source
from tocsin.handbook.blanks import find_blank, is_empty
from tocsin.handbook.document import Code, Document, Inline, Item, Paragraph, Quote, Section
from tocsin.handbook.findings import Notebook
from tocsin.handbook.people import report_blank
from tocsin.handbook.severities import split_pieces

Resolver = Callable[[Inline], tuple[str, ...]]
"""Gives the repository paths that a piece of text names."""

_CHAT_CHANNEL = re.compile(r"(?<![\w&/])#[a-z][\w-]*")
_FIELD = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_INCLUDE = re.compile(r"\b(?:must )?includ(?:es|e|ing)\b|\bcovers?\b|\bcontains?\b", re.I)
_NOTHING = re.compile(r"(?:none|nothing|n/a|no open items)\b", re.I)
_DONE = re.compile(r"\[x\]\s*", re.I)
_TASK = re.compile(r"\[[ xX]\]\s*")
_METADATA = re.compile(
    r"(?P<key>status|owners?|last (?:validated|reviewed|updated)|version|reviewers?|review cycle)\s*:\s*(?P<value>.*)",
    re.I,
)


def read_steps(section: Section, file: str, paths: Resolver) -> list[Step]:
    """Numbered points with whole texts; bullets count when no point has a number."""
    items = [item for item in section.items() if item.depth == 1]
    numbered = [item for item in items if item.number is not None]
    steps = []
    for count, item in enumerate(numbered or items, start=1):
        name, text = item.inline.named()
        number = item.number if item.number is not None else count
        whole = " ".join([text, *_nested(section, item)])
        steps.append(
            Step(number, name or text.split(".")[0], whole, Source(file, item.line), paths(item.inline))
        )
    return steps


def _nested(section: Section, parent: Item) -> list[str]:
    """Texts of the points that stand below a point, up to its next neighbour."""
    items = section.items()
    texts = []
    for item in items[items.index(parent) + 1 :]:
        if item.depth <= parent.depth:
            break
        texts.append(item.inline.flat)
    return texts


def read_channels(section: Section, file: str, notes: Notebook) -> list[Channel]:
    """Points like `Primary: Slack #incidents`; an undecided one keeps its blank and is reported."""
    channels = []
    for item in section.items():
        source = Source(file, item.line)
        name, text = item.inline.named()
        where = f"channel {name!r}" if name else "a channel"
        blank = report_blank(item.inline.bare, source, where, notes)
        if name and is_empty(text):
            notes.found("placeholder", source, f"{where} is empty", "write the real name, number or address")
            blank = blank or text
        handles = tuple(dict.fromkeys(_CHAT_CHANNEL.findall(item.inline.flat)))
        channels.append(Channel(name or text, text, source, blank, handles))
    return channels


def read_templates(section: Section, file: str) -> list[Template]:
    """Quotes and code blocks, each named by the text that introduces it, else by the heading."""
    templates, name = [], section.title
    for block in section.blocks:
        if isinstance(block, Paragraph | Item):
            name = block.inline.flat.rstrip(":").strip() or name
        elif isinstance(block, Quote) or (isinstance(block, Code) and not block.is_policy):
            text = block.text.strip("\n")
            fields = tuple(dict.fromkeys(_FIELD.findall(text)))
            templates.append(Template(name, text, fields, Source(file, block.line)))
    return templates


def read_runbooks(section: Section, file: str, paths: Resolver) -> list[Runbook]:
    """Points of a runbook section: the name up to a bracket, and the paths it names."""
    return [
        Runbook(_before_bracket(item.inline.flat), paths(item.inline), Source(file, item.line))
        for item in section.items()
        if item.inline.flat
    ]


def _before_bracket(text: str) -> str:
    return (text.partition("(")[0].strip(" .:") or text).strip()


def read_notes(section: Section, file: str, paths: Resolver) -> list[Note]:
    """Points kept as text, without their check box."""
    return [
        Note(_TASK.sub("", item.inline.flat, count=1), Source(file, item.line), paths(item.inline))
        for item in section.items()
        if item.inline.flat
    ]


def read_open_items(section: Section, file: str, paths: Resolver) -> list[Note]:
    """Open items that are open: `None.` and ticked points are not."""
    open_points = [
        item
        for item in section.items()
        if item.inline.flat and not _NOTHING.match(item.inline.flat) and not _DONE.match(item.inline.flat)
    ]
    return [
        Note(_TASK.sub("", i.inline.flat, count=1), Source(file, i.line), paths(i.inline))
        for i in open_points
    ]


def read_required_sections(text: str, source: Source) -> list[Note]:
    """What a postmortem must hold, from a sentence like `Include timeline, root cause and fixes.`"""
    for sentence in re.split(r"(?<=\.)\s+", text):
        match = _INCLUDE.search(sentence)
        if match is None:
            continue
        listed = sentence[match.end() :].strip(" :.")
        names = [re.sub(r"^and\s+", "", piece) for piece in split_pieces(listed)]
        last = names.pop() if names else ""
        names += re.split(r"\s+and\s+", last)
        return [Note(name.strip(), source) for name in names if name.strip()]
    return []


def read_metadata(document: Document, notes: Notebook) -> list[Metadata]:
    """`Key: value` lines before the first section, in a metadata section, a quote or the front matter."""
    entries = [Metadata(k, v, Source(document.name, line)) for k, v, line in document.front_matter]
    for inline in _head(document):
        for offset, line in enumerate(inline.text.split("\n")):
            match = _METADATA.fullmatch(line.strip().strip("*"))
            if match is not None:
                value = match["value"].strip("* ")
                entries.append(
                    Metadata(match["key"].strip(), value, Source(document.name, inline.line + offset))
                )
    for entry in entries:
        _check_owner(entry, notes)
    return entries


def _check_owner(entry: Metadata, notes: Notebook) -> None:
    if entry.key.casefold().startswith("owner") and (find_blank(entry.value) or is_empty(entry.value)):
        message = f"the owner is {entry.value!r}" if entry.value else "the owner is empty"
        notes.found("placeholder", entry.source, message, "write the team or person that owns this document")


def _head(document: Document) -> list[Inline]:
    """Text before the first second-level heading and in a metadata section."""
    inlines: list[Inline] = []
    for at, section in enumerate(document.sections):
        if section.depth >= 2 and section.kind != "metadata":
            break
        if at and section.depth <= 1 and section.kind is not None and inlines:
            break
        for block in section.blocks:
            if isinstance(block, Paragraph | Item):
                inlines.append(block.inline)
            elif isinstance(block, Quote):
                inlines += block.inlines
    return inlines
