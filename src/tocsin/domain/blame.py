"""Words that put a person where a cause belongs: hints for whoever writes a postmortem, never a refusal.

English only. Code and quotations are left alone: what a log line or a customer said is theirs. A page that shows a
postmortem asks anew each time, so a text is looked at once, only up to LONGEST, and by patterns that pass over it once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"(?:should|ought\s+to)(?:n['’]t|\s+not)?(?:\s+have\b|['’]ve\b)|\bif\s+only",
        "write what was known at that moment and why it made sense then",
    ),
    (
        r"(?:human|operator|user|pilot)\s+errors?",
        "write what made the slip possible and what did not catch it",
    ),
    (
        r"careless(?:ly|ness)?|negligen(?:t|ce)|reckless(?:ly)?|sloppy|lazy|incompeten(?:t|ce)|stupid(?:ly|ity)?",
        "leave the judgement out: write what the person saw and did",
    ),
    (
        r"failed\s+to|neglected\s+to|forg[eo]t(?:ten)?\s+to|did(?:n['’]t|\s+not)\s+bother\s+to",
        "of a person, write what she did instead and what would have shown her the other way",
    ),
    (
        r"(?:at|[\w.]{1,60}['’]s)\s+fault|to\s+blame|blamed?|culprit",
        "write how the system let it happen, without naming who was near",
    ),
    (r"mistakes?|mistakenly", "say what was done (rotated, deleted, merged) instead of judging it"),
    (
        r"obvious(?:ly)?|clearly\s+should|simply\s+(?:did|had|needed)|common\s+sense",
        "it is plain now: write what it looked like then",
    ),
)
"""What to look for, and what to write instead; the first one that fits a place speaks."""
_HINTS = tuple((re.compile(rf"\b(?:{pattern})\b", re.I), advice) for pattern, advice in _ADVICE)
_CAUSE = re.compile(r"\broot\s{1,9}cause(?=[^\w@])", re.I)
_BEFORE = 40
"""Signs that may stand before these words in their line: a heading's, a list's, emphasis."""
_NAME = re.compile(
    r"[^\w@]{1,80}(?P<name>@?[A-Z][\w-]{0,60}(?: {1,9}[A-Z][\w-]{0,60})?|@[\w-]{1,60})[ .]{0,20}(?:\n|\Z)"
)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_ASIDE = re.compile(r"`[^`\n]*`|^ {0,3}>[^\n]*|<!--(?:(?!<!--).)*?-->", re.M | re.S)
LINES_NAMED = 5
LONGEST = 200_000
"""Characters of a text that are looked at; no postmortem that anybody reads is longer."""
_TEXTS_KEPT = 16


def hints(text: str) -> tuple[str, ...]:
    """One hint for each phrase that judges instead of describing, with its lines and what to write instead."""
    return _hints(text[:LONGEST])


@lru_cache(maxsize=_TEXTS_KEPT)
def _hints(text: str) -> tuple[str, ...]:
    plain = _own_words(text)
    starts = [0, *(match.end() for match in re.finditer("\n", plain))]
    found: dict[str, tuple[list[int], str]] = {}
    for phrase, advice, at in _judgements(plain):
        found.setdefault(phrase, ([], advice))[0].append(bisect_right(starts, at))
    several = "\n" in text.strip()
    ordered = sorted(found.items(), key=lambda entry: min(entry[1][0]))
    return tuple(
        f'"{phrase}"{_places(lines) if several else ""}: {advice}' for phrase, (lines, advice) in ordered
    )


def _judgements(plain: str) -> Iterator[tuple[str, str, int]]:
    """Each phrase with its advice and where it stands."""
    for pattern, advice in _HINTS:
        for match in pattern.finditer(plain):
            yield " ".join(match[0].casefold().replace("’", "'").split()), advice, match.start()
    for cause in _CAUSE.finditer(plain):
        name = _NAME.match(plain, cause.end())
        if name is not None and _begins_its_line(plain, cause.start()):
            advice = "a name is no cause: write what made it possible, and why it stayed unseen"
            yield f"root cause: {name['name']}", advice, name.start("name")


def _begins_its_line(plain: str, at: int) -> bool:
    before = plain[max(at - _BEFORE - 1, 0) : at]
    line = before.rpartition("\n")
    return (bool(line[1]) or len(before) <= _BEFORE) and not re.search(r"\w", line[2])


def _own_words(text: str) -> str:
    """The text with code, quotations and comments blanked out, every line where it was."""
    for aside in (_FENCE, _ASIDE):
        text = aside.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def _places(lines: list[int]) -> str:
    named = sorted(set(lines))
    more = f" and {len(named) - LINES_NAMED} more" if len(named) > LINES_NAMED else ""
    return f" (line {', '.join(map(str, named[:LINES_NAMED]))}{more})"
