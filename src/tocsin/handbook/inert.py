"""Makes untrusted text inert inside Markdown: it is read as written, and never acts as markup.

Per design rule 27 text is escaped per sink; this is the sink "Markdown in the repository". Pipes, newlines, HTML,
comments, links, emphasis, code, bidirectional marks and control characters lose their effect.
"""

from __future__ import annotations

import re
import unicodedata

LIMIT = 2000
"""Characters kept of one text; the rest becomes an ellipsis, so that one alert cannot fill a file."""

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_STARTS_MARKUP = re.compile(r"[&<](?![ 0-9])|(?<=<)<|<(?=[0-9][^ ]*@)|>")
"""All but an ampersand or `<` before a blank or digit: that begins neither tag nor entity (`< 5m`, `R & D`).

What could begin a mail address, stands in a row of its like, or ends the text (nobody knows what comes behind) does.
"""
_ACTIVE = re.compile(r"([\\`*\[\]|~$])")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_LINE_MARK = re.compile(r"([#+\-=:]|\d{1,9}(?=[.)]))")
_INVISIBLE = frozenset("\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff") | {
    chr(code) for start, end in ((0x202A, 0x202F), (0x2066, 0x206A)) for code in range(start, end)
}


def inert_line(text: str, limit: int = LIMIT) -> str:
    """One line that shows the text as written, fit for a table cell, a list point or a paragraph."""
    visible = " ".join("".join(map(_visible, text)).split())
    if len(visible) > limit:
        visible = visible[: limit - 1].rstrip() + "…"
    escaped = _STARTS_MARKUP.sub(lambda found: _HTML[found[0]], _EDGE_UNDERSCORE.sub("\ue000", visible))
    return _ACTIVE.sub(r"\\\1", escaped).replace("\ue000", "\\_")


def inert_block(text: str, limit: int = LIMIT) -> str:
    """Several lines, each inert, none of which begins a heading, list, rule, fence or table."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        inert = inert_line(line, limit)
        mark = _LINE_MARK.match(inert)
        if mark is not None:
            head = mark[1]
            inert = f"{head}\\{inert[len(head) :]}" if head.isdigit() else f"\\{inert}"
        lines.append(inert)
    return "\n".join(lines).strip("\n")


def _visible(ch: str) -> str:
    """A character as it may be shown: blanks for breaks, nothing for marks that only steer the display."""
    if ch in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    if ch in _INVISIBLE or unicodedata.category(ch) in {"Cc", "Co"}:
        return ""
    return "\ufffd" if unicodedata.category(ch) == "Cs" else ch
