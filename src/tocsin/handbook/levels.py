"""Merges severity drafts into ordered severities, and adds what other sections promise per level.

Cadence comes from sentences like `Update every 15-30m (SEV1/2)`, postmortem deadlines from `Within 48h for SEV1/2,
5d for SEV3`. A level whose deadline no sentence names has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tocsin.domain.policy import Cadence, Severity, Target
from tocsin.domain.source import Source
from tocsin.handbook.findings import Notebook
from tocsin.handbook.grammar import find_durations, find_rhythms, locate_durations, to_promise
from tocsin.handbook.labels import WORD_ORDERS, find_levelset, read_level
from tocsin.handbook.severities import Draft, conflict, same_promise, to_target

_ABOUT_UPDATES = re.compile(r"updat|communicat|inform|status|post", re.I)
_FOR_LEVELS = re.compile(r"\s*(?:\(|for|on|in|if|with|:)?\s*", re.I)
_SEAT = re.compile(r"\b(?:no|without an?|nobody is(?: the)?) IC\b|\bIC (?:seat|role)\b[^.;]*\bempty\b", re.I)
_REOPEN = re.compile(r"\bre-?open", re.I)
_DEFAULT = re.compile(
    r"\b(?:default(?: (?:severity|level|to|is))*|when in doubt|if unsure)\b[^.;]{0,40}", re.I
)


def merge_drafts(drafts: list[Draft], notes: Notebook) -> tuple[Severity, ...]:
    """One severity per level, worst first. Empty when the order of word levels is unknown."""
    merged: dict[str, Draft] = {}
    for draft in drafts:
        known = merged.get(draft.level.label)
        if known is None:
            merged[draft.level.label] = draft
        elif known.place == draft.place and known.source.file == draft.source.file:
            message = f"{draft.level.label} is already defined in line {known.source.line}"
            notes.found("severity-duplicate", draft.source, message, "give each level one definition")
        else:
            _join(known, draft, notes)
    ranks = _ranks(list(merged.values()), notes)
    severities = [_severity(draft, ranks[label]) for label, draft in merged.items() if label in ranks]
    return tuple(sorted(severities, key=lambda s: s.rank))


def _join(known: Draft, more: Draft, notes: Notebook) -> None:
    for clock, target in more.targets.items():
        had = known.targets.setdefault(clock, target)
        if had is not target and not same_promise(had, target):
            conflict(known.level.label, clock, had, target, notes)
    known.criteria += [text for text in more.criteria if text not in known.criteria]
    known.other += [pair for pair in more.other if pair not in known.other]
    known.update = known.update or more.update
    known.calendar = known.calendar or more.calendar
    if known.level.name is None:
        known.level = replace(known.level, name=more.level.name)


def _ranks(drafts: list[Draft], notes: Notebook) -> dict[str, int]:
    digits = [d.level.digit for d in drafts if d.level.digit is not None]
    if not digits:
        return _word_ranks(drafts, notes)
    worst = 0 if 0 in digits else 1
    return {d.level.label: d.level.digit - worst + 1 for d in drafts if d.level.digit is not None}


def _word_ranks(drafts: list[Draft], notes: Notebook) -> dict[str, int]:
    words = [d.level.label.lower() for d in drafts]
    for order in WORD_ORDERS:
        if set(words) <= set(order):
            return {d.level.label: order.index(d.level.label.lower()) + 1 for d in drafts}
    if drafts:
        message = f"which is the worst of {', '.join(d.level.label for d in drafts)}?"
        repair = "number them: SEV1 (Critical), SEV2 (Major), ..."
        notes.found("severity-words", drafts[0].source, message, repair)
    return {}


def _severity(draft: Draft, rank: int) -> Severity:
    return Severity(
        level=draft.level.label,
        rank=rank,
        source=draft.source,
        name=draft.level.name,
        criteria=tuple(draft.criteria),
        ack=draft.targets.get("ack"),
        mitigate=draft.targets.get("mitigate"),
        resolve=draft.targets.get("resolve"),
        update=draft.update,
        postmortem=draft.targets.get("postmortem"),
        calendar=draft.calendar,
        other=tuple(draft.other),
    )


def with_cadence(
    severities: tuple[Severity, ...], lines: Iterable[tuple[str, Source]]
) -> tuple[Severity, ...]:
    """Severities with the update cadence that the sentences promise; a level's own table cell comes first."""
    for text, source in lines:
        if not _ABOUT_UPDATES.search(text):
            continue
        rhythms = find_rhythms(text)
        for at, rhythm in enumerate(rhythms):
            end = rhythms[at + 1].start if at + 1 < len(rhythms) else len(text)
            labels = _levels_near(text[rhythm.end : end], text[: rhythm.start])
            cadence = Cadence(rhythm.remind_s, rhythm.overdue_s, rhythm.text, source)
            severities = tuple(
                replace(s, update=cadence) if s.update is None and _covered(s, labels) else s
                for s in severities
            )
    return severities


def _levels_near(after: str, before: str) -> tuple[str, ...] | None:
    """The levels named right behind a phrase, else right before it; None means all."""
    lead = _FOR_LEVELS.match(after)
    found = find_levelset(after[lead.end() :]) if lead else None
    if found is not None and found.start == 0:
        return found.labels
    ahead = find_levelset(before.rpartition(".")[2])
    if ahead is not None:
        return ahead.labels
    behind = find_levelset(after.partition(".")[0])
    return behind.labels if behind is not None else None


def _covered(severity: Severity, labels: tuple[str, ...] | None) -> bool:
    return labels is None or severity.level in labels


def with_postmortem(
    severities: tuple[Severity, ...], lines: Iterable[tuple[str, Source]], notes: Notebook
) -> tuple[Severity, ...]:
    """Severities with the postmortem deadline that the sentences promise."""
    for text, source in lines:
        for labels, target in _deadlines(text, source, notes):
            severities = tuple(
                replace(s, postmortem=target) if s.postmortem is None and _covered(s, labels) else s
                for s in severities
            )
    return severities


def _deadlines(text: str, source: Source, notes: Notebook) -> list[tuple[tuple[str, ...] | None, Target]]:
    """`Within 48h for SEV1/2, 5d for SEV3`: the comparison of the first holds for those that follow it."""
    found: list[tuple[tuple[str, ...] | None, Target]] = []
    places = locate_durations(text)
    comparison = None
    for at, (start, end, duration) in enumerate(places):
        comparison = duration.comparison or comparison
        before = text[places[at - 1][1] if at else 0 : start]
        after = text[end : places[at + 1][0] if at + 1 < len(places) else len(text)]
        promise = to_promise(replace(duration, comparison=comparison))
        target = to_target(promise, source, "postmortem", notes)
        if target is not None:
            found.append((_levels_near(after, before), target))
    return found


def seat_empty(lines: Iterable[tuple[str, Source]]) -> int | None:
    """Seconds for which the IC seat may stay empty: `The IC seat is empty for 10m`, `No IC after 10m`."""
    for text, _ in lines:
        for sentence in re.split(r"(?<=[.;])\s+", text):
            durations = find_durations(sentence) if _SEAT.search(sentence) else ()
            if durations and durations[0].seconds is not None:
                return durations[0].seconds
    return None


def reopen_time(lines: Iterable[tuple[str, Source]]) -> int | None:
    """Seconds for which a resolved incident can be reopened: `It can be reopened within 24h`, `Reopen up to 2d`."""
    for text, _ in lines:
        for sentence in re.split(r"(?<=[.;])\s+", text):
            durations = find_durations(sentence) if _REOPEN.search(sentence) else ()
            if durations and durations[0].seconds is not None:
                return durations[0].seconds
    return None


def default_level(lines: Iterable[tuple[str, Source]]) -> str | None:
    """The level that the handbook names for doubt: `When in doubt, SEV2`, `Default severity: SEV2`."""
    for text, _ in lines:
        match = _DEFAULT.search(text)
        levels = find_levelset(match[0]) if match else None
        if levels is not None:
            return levels.labels[0]
        if match is not None:
            word = read_level(match[0].rsplit(maxsplit=1)[-1])
            if word is not None:
                return word.label
    return None
