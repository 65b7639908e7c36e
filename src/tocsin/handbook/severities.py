"""Reads severities with their criteria and targets from bullets, numbered points and tables.

Each shape is a small reader `(section, file, notes) -> drafts`, listed in `SHAPES`; drafts of one level from several
places are merged. What is promised nowhere stays absent. Not here: judging the result (`check`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin.domain.policy import Cadence, Target, Window
from tocsin.domain.source import Source
from tocsin.handbook.blanks import find_blank, is_empty
from tocsin.handbook.document import Code, Html, Inline, Item, Section, Table
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import (
    Promise,
    Unread,
    find_durations,
    find_rhythms,
    read_cadence,
    read_calendar,
    read_promise,
)
from tocsin.handbook.labels import Level, find_levelset, leading_clock, read_level

_TARGET_MARK = re.compile(r"(?:^|(?<=[.;,)\s]))(?:targets?|slas?|slos?)\s*:\s*", re.I)
_UPDATE = re.compile(r"\bupdates?\b", re.I)
_PIECE_END = re.compile(r"[,;](?:\s+|$)|\.(?=\s|$)\s*")
CLOCK_FIELDS = {"ack": "ack", "respond": "ack", "mitigate": "mitigate", "resolve": "resolve"}
"""Which promise a clock name fills; `inform` is kept as text."""


@dataclass(slots=True)
class Draft:
    """A level while it is read; `place` tells lists and tables apart, so that a repeat in one is a duplicate."""

    level: Level
    source: Source
    place: int
    criteria: list[str] = field(default_factory=list)
    targets: dict[str, Target] = field(default_factory=dict)
    update: Cadence | None = None
    calendar: str | None = None
    other: list[tuple[str, str]] = field(default_factory=list)


ShapeReader = Callable[[Section, str, Notebook], list[Draft]]


def read_drafts(section: Section, file: str, notes: Notebook) -> list[Draft]:
    """Every level that a severity section defines, in order, through all known shapes."""
    drafts = [draft for shape in SHAPES for draft in shape(section, file, notes)]
    _report_unreadable(section, file, notes)
    for paragraph in section.paragraphs():
        _warn_prose(paragraph.inline.flat, Source(file, paragraph.line), notes)
    return drafts


def _read_items(items: list[Item], place: int, file: str, notes: Notebook) -> list[Draft]:
    drafts: list[Draft] = []
    depth = 0
    for item in items:
        source = Source(file, item.line)
        opened = _level_of(item.inline)
        if opened is not None and (not drafts or item.depth <= depth):
            level, text = opened
            drafts.append(Draft(level, source, place))
            depth = item.depth
            _fill(drafts[-1], text, source, notes)
        elif drafts and item.depth > depth:
            _fill(drafts[-1], item.inline.flat, source, notes)
    return drafts


def read_bullets(section: Section, file: str, notes: Notebook) -> list[Draft]:
    """`- **SEV1:** criteria. Target: ack < 5m, ...`, with or without nested points."""
    items = section.items()
    if any(item.number is not None and item.depth == 1 for item in items):
        return []
    return _read_items(items, section.line, file, notes)


def read_numbered(section: Section, file: str, notes: Notebook) -> list[Draft]:
    """`1. **P1 - Critical:** ...`; the number of the point itself means nothing."""
    items = section.items()
    if not any(item.number is not None and item.depth == 1 for item in items):
        return []
    return _read_items(items, section.line, file, notes)


def _level_of(inline: Inline) -> tuple[Level, str] | None:
    name, text = inline.named()
    level = read_level(name) if name else None
    if level is not None:
        return level, text
    head, *rest = re.split(r"\s[-–—]\s", inline.flat, maxsplit=1)
    level = read_level(head) if rest else None
    return (level, rest[0]) if level is not None else None


def _fill(draft: Draft, text: str, source: Source, notes: Notebook) -> None:
    """Sort the pieces of a point into targets, calendar and criteria."""
    described, promised = _split_at_mark(text)
    for piece in split_pieces(described):
        if not _take_clock(draft, piece, source, notes):
            draft.criteria.append(piece)
            _warn_prose(piece, source, notes)
    for piece in split_pieces(promised):
        if _take_clock(draft, piece, source, notes):
            continue
        calendar = read_calendar(piece)
        if calendar is not None:
            draft.calendar = draft.calendar or calendar
        elif not _blank_target(piece, source, notes):
            _warn_prose(piece, source, notes)


def _split_at_mark(text: str) -> tuple[str, str]:
    match = _TARGET_MARK.search(text)
    return (text, "") if match is None else (text[: match.start()], text[match.end() :])


def split_pieces(text: str) -> list[str]:
    """Text split at commas, semicolons and full stops outside brackets."""
    pieces, start, depth, at = [], 0, 0, 0
    while at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        match = _PIECE_END.match(text, at) if depth <= 0 else None
        if match is not None:
            pieces.append(text[start:at])
            start = at = match.end()
        else:
            at += 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _take_clock(draft: Draft, piece: str, source: Source, notes: Notebook) -> bool:
    if _UPDATE.search(piece) and find_rhythms(piece):
        _take_cadence(draft, piece)
        return True
    phrase = leading_clock(piece)
    if phrase is None or not phrase.rest:
        return False
    promise = read_promise(phrase.rest)
    if isinstance(promise, Unread) and not promise.unit_missing:
        return False
    if phrase.clock == "inform":
        draft.other.append((phrase.word, phrase.rest))
        return True
    if phrase.by_alias:
        notes.remark(source, f'"{phrase.word}" read as acknowledge')
    _promise(draft, CLOCK_FIELDS[phrase.clock], promise, source, notes)
    return True


def _promise(draft: Draft, clock: str, promise: Promise | Unread, source: Source, notes: Notebook) -> None:
    target = to_target(promise, source, f"{draft.level.label} {clock}", notes)
    if target is None:
        return
    known = draft.targets.get(clock)
    if known is not None and not same_promise(known, target):
        conflict(draft.level.label, clock, known, target, notes)
        return
    draft.targets.setdefault(clock, target)


def to_target(promise: Promise | Unread, source: Source, what: str, notes: Notebook) -> Target | None:
    """A promise as the policy's target; what starts no clock is reported and absent."""
    if isinstance(promise, Unread):
        notes.found("duration-unit", source, f"{what}: {promise.reason}", "write a unit: 15m, 4h, 2d")
        return None
    if promise.immediate:
        repair = "write the bound beside it: Immediate (< 5m)"
        notes.found(
            "immediate-no-number", source, f"{what}: {promise.text!r} has no number, so no clock", repair
        )
        return None
    if promise.calendar is not None or promise.business_days is not None:
        repair = "write a plain duration beside it, or accept that no clock runs"
        notes.found("calendar-unconfigured", source, f"{what}: {promise.text!r} needs a calendar", repair)
    window = Window(*promise.window) if promise.window is not None else None
    return Target(
        text=promise.text,
        source=source,
        seconds=promise.seconds,
        inclusive=promise.inclusive,
        calendar=promise.calendar,
        business_days=promise.business_days,
        window=window,
    )


def same_promise(one: Target, other: Target) -> bool:
    """Whether two targets promise the same, however written."""
    return (one.seconds, one.inclusive, one.calendar, one.business_days, one.window) == (
        other.seconds, other.inclusive, other.calendar, other.business_days, other.window,
    )  # fmt: skip


def conflict(label: str, clock: str, known: Target, other: Target, notes: Notebook) -> None:
    """Report one promise given twice with different values, with both places."""
    first, second = known.source, other.source
    where = f"line {first.line}" if first.file == second.file else f"{first.file}:{first.line}"
    message = f"{label} {clock} is {other.text!r} here and {known.text!r} in {where}"
    notes.found("severity-conflict", second, message, "keep one of the two")


def _blank_target(text: str, source: Source, notes: Notebook) -> bool:
    blank = find_blank(text)
    if blank is not None:
        notes.found("placeholder", source, f"target is still {blank!r}", "write the target, e.g. ack < 15m")
    return blank is not None


def _warn_prose(text: str, source: Source, notes: Notebook) -> None:
    durations = find_durations(text)
    if durations:
        message = f"{durations[0].text!r} found in free text, not used"
        notes.found("prose-duration", source, message, "write it as a target: Target: ack < 15m")


_COLUMNS = (
    ("level", r"level|severity|sev|priority|label|class"),
    ("name", r"name|title"),
    ("criteria", r"definition|description|impact|criteria|meaning|when(?: to use)?|what|business impact"),
    ("criteria", r"examples?"),
    (
        "update",
        r"(?:status )?updates?(?: (?:frequency|cadence|every|interval))?|cadence|communication(?: cadence)?",
    ),
    ("postmortem", r"post[- ]?mortem(?: (?:due|within))?"),
    ("page", r"escalation|escalate|page|paging|pages?|who|owner|notes?"),
)


def column_meaning(header: str) -> str | None:
    """What a column of a severity table holds, by its header; None when unknown."""
    words = " ".join(header.replace("**", "").split())
    for meaning, pattern in _COLUMNS:
        if re.fullmatch(pattern, words, re.I):
            return meaning
    phrase = leading_clock(words)
    return f"clock:{phrase.clock}" if phrase is not None and not phrase.rest else None


def read_tables(section: Section, file: str, notes: Notebook) -> list[Draft]:
    """Tables with a level column; the other columns by the synonyms of their headers."""
    drafts = []
    for table in section.tables():
        meanings = [column_meaning(cell.flat) for cell in table.header.cells]
        if "level" not in meanings and "name" in meanings:
            meanings[meanings.index("name")] = "level"
        if "level" in meanings:
            _remark_columns(table, meanings, file, notes)
            drafts += _read_rows(table, meanings, file, notes)
    return drafts


def _remark_columns(table: Table, meanings: list[str | None], file: str, notes: Notebook) -> None:
    source = Source(file, table.line)
    for cell, meaning in zip(table.header.cells, meanings, strict=True):
        if meaning == "clock:respond":
            notes.remark(source, f'"{cell.flat}" read as acknowledge')
        elif meaning is None and cell.flat:
            repair = f"rename the column to map it, e.g. `| Ack |` instead of `| {cell.flat} |`"
            notes.found("column-unknown", source, f"column {cell.flat!r} is kept as text", repair)


def _read_rows(table: Table, meanings: list[str | None], file: str, notes: Notebook) -> list[Draft]:
    drafts = []
    for row in table.rows:
        level = read_level(row.cells[meanings.index("level")].flat)
        if level is None:
            continue
        draft = Draft(level, Source(file, row.line), table.line)
        for cell, header, meaning in zip(row.cells, table.header.cells, meanings, strict=True):
            if meaning != "level" and not is_empty(cell.flat):
                _take_cell(draft, meaning, header.flat, cell.flat, notes)
        drafts.append(draft)
    return drafts


def _take_cell(draft: Draft, meaning: str | None, header: str, text: str, notes: Notebook) -> None:
    if meaning == "name":
        draft.level = Level(draft.level.label, draft.level.digit, text)
    elif meaning == "criteria":
        draft.criteria += split_pieces(text)
    elif meaning == "update":
        _take_cadence(draft, text)
    elif meaning == "postmortem" or (meaning or "").startswith("clock:"):
        _take_target_cell(draft, meaning or "", header, text, notes)
    else:
        draft.other.append((header, text))


def _take_cadence(draft: Draft, text: str) -> None:
    rhythm = read_cadence(text)
    if isinstance(rhythm, Unread):
        draft.other.append(("update", text))
    else:
        draft.update = Cadence(rhythm.remind_s, rhythm.overdue_s, rhythm.text, draft.source)


def _take_target_cell(draft: Draft, meaning: str, header: str, text: str, notes: Notebook) -> None:
    clock = CLOCK_FIELDS.get(meaning.removeprefix("clock:"), "postmortem" if meaning == "postmortem" else "")
    promise = read_promise(text)
    if not clock or (isinstance(promise, Unread) and not promise.unit_missing):
        draft.other.append((header, text))
        if clock and not _blank_target(text, draft.source, notes):
            _warn_prose(text, draft.source, notes)
        return
    _promise(draft, clock, promise, draft.source, notes)


def _report_unreadable(section: Section, file: str, notes: Notebook) -> None:
    for block in section.blocks:
        if isinstance(block, Html) and "<t" in block.text.lower():
            message = "severities in an HTML table are not read"
        elif isinstance(block, Code) and not block.is_policy and find_levelset(block.text):
            message = "severities drawn in a code block are not read"
        else:
            continue
        repair = "rewrite as a Markdown table: | Level | Criteria | Ack | Mitigate | Resolve |"
        notes.found("html-table", Source(file, block.line), message, repair)


SHAPES: tuple[ShapeReader, ...] = (read_bullets, read_numbered, read_tables)
"""The shapes of a severity section that are read; a further shape is one more reader here."""
