"""Undecided blanks: `TBD`, `[To be decided]`, `<name>` and their kin, where a handbook must say something.

The same signs are fields in a template and parameters in a command; callers scan decided places only, and give the
text without code spans.
"""

from __future__ import annotations

import re

_BLANK = re.compile(
    r"\b(?:TBD|TBA|TODO|XXX|FIXME|REPLACE_ME|CHANGE_?ME|REDACTED)\b"
    r"|\[(?:to be|your|insert|internal|name|redacted|tbd)[^\]]{0,200}\]"
    r"|<(?!https?:|mailto:)[A-Za-z][\w .-]*>"
    r"|(?<![\w@])@(?:persona|handle|name|username|someone|nobody|your[\w-]*)\b",
    re.I,
)
_REPLACE = re.compile(r"#[\w-]+(?=[^.;]{0,80}\breplace with\b)|\breplace with actual\b[^.;)]*", re.I)
_EMPTY = frozenset({"", "-", "–", "—", "?", "...", "…", "n/a"})


def find_blank(text: str) -> str | None:
    """The first blank in the text as written, or None."""
    match = _BLANK.search(text) or _REPLACE.search(text)
    return match[0] if match else None


def is_empty(text: str) -> bool:
    """Whether a cell says nothing: empty, a dash, a question mark."""
    return text.strip().strip("*`").casefold() in _EMPTY
