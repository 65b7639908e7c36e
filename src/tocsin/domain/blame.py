"""Words that put a person where a cause belongs: hints for whoever writes a postmortem, never a refusal.

English only. Code and quotations are left alone: what a log line or a customer said is theirs.
"""

from __future__ import annotations

import re

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
        r"(?:at|[\w.]+['’]s)\s+fault|to\s+blame|blamed?|culprit",
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
_NAME_AS_CAUSE = re.compile(
    r"^\W*root\s+cause[^\w@]+(?P<name>@?[A-Z][\w-]*(?: +[A-Z][\w-]*)?)[ .]*$", re.I | re.M
)
_PROPER = re.compile(r"@?[A-Z][\w-]*(?: +[A-Z][\w-]*)?|@[\w-]+")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_ASIDE = re.compile(r"`[^`\n]*`|^ {0,3}>[^\n]*|<!--.*?-->", re.M | re.S)
LINES_NAMED = 5


def hints(text: str) -> tuple[str, ...]:
    """One hint for each phrase that judges instead of describing, with its lines and what to write instead."""
    plain = _own_words(text)
    found: dict[str, tuple[list[int], str]] = {}
    for pattern, advice in _HINTS:
        for match in pattern.finditer(plain):
            phrase = " ".join(match[0].casefold().replace("’", "'").split())
            found.setdefault(phrase, ([], advice))[0].append(_line(plain, match.start()))
    for match in _NAME_AS_CAUSE.finditer(plain):
        if _PROPER.fullmatch(match["name"]):
            phrase = f"root cause: {match['name']}"
            advice = "a name is no cause: write what made it possible, and why it stayed unseen"
            found.setdefault(phrase, ([], advice))[0].append(_line(plain, match.start("name")))
    several = "\n" in text.strip()
    ordered = sorted(found.items(), key=lambda entry: min(entry[1][0]))
    return tuple(
        f'"{phrase}"{_places(lines) if several else ""}: {advice}' for phrase, (lines, advice) in ordered
    )


def _own_words(text: str) -> str:
    """The text with code, quotations and comments blanked out, every line where it was."""
    for aside in (_FENCE, _ASIDE):
        text = aside.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _places(lines: list[int]) -> str:
    named = sorted(set(lines))
    more = f" and {len(named) - LINES_NAMED} more" if len(named) > LINES_NAMED else ""
    return f" (line {', '.join(map(str, named[:LINES_NAMED]))}{more})"
