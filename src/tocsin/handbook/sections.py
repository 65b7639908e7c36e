"""Whether a postmortem is written: each section that the handbook asks for has an answer of a person below its heading.

Pure: Markdown in, the names of what is missing out. Not here: the draft with its questions (`postmortem`), where the
text was read (`documents`), whether it may be published (`domain.postmortem`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt

from tocsin.handbook.blanks import find_blank, is_empty
from tocsin.handbook.document import read_inline
from tocsin.handbook.postmortem import DEFAULT_SECTIONS

_QUESTION = re.compile(
    r"(?<![*_\w\\])(?P<mark>[*_])(?![*_\s])"
    r"(?:\\.|(?!(?P=mark))[^\\?])*\?(?:\\.|(?!(?P=mark))[^\\])*"
    r"(?P=mark)(?![*_\w])"
)
"""A question of the draft: set in italics, with a question mark."""
_MARKS = re.compile(r"^\s*(?:>\s*)*(?:(?:[-*+]|\d{1,9}[.)])(?:\s+|$))?(?:\[[ xX]\])?\s*")
_CELLS = re.compile(r"(?<!\\)\|")
_SILENT = {"html_block", "hr"}


@dataclass(slots=True)
class _Part:
    """A heading and what stands directly below it: `question`, `answer`, or nothing that counts."""

    title: str
    depth: int
    says: list[str] = field(default_factory=list)


def incomplete(markdown: str, sections: tuple[str, ...]) -> tuple[str, ...]:
    """The sections, by the handbook's names and in its order, that nobody has written yet.

    Written means: the heading is there, something else than the draft's own question stands below it (sub-headings
    included), and no question stands there unanswered: it has an answer below it, or is gone. An empty table, a
    comment and `TBD` are no answer. Without sections of the handbook the draft's own ones count.
    """
    parts = _parts(markdown)
    return tuple(name for name in sections or DEFAULT_SECTIONS if not _written(name, parts))


def _written(name: str, parts: list[_Part]) -> bool:
    wanted = _words(name)
    for at, part in enumerate(parts):
        words = _words(part.title)
        # The title of the whole file may hold the same words by chance.
        if words != wanted and (part.depth == 1 or not _within(wanted, words)):
            continue
        if part.says[-1:] == ["answer"] or _answered_below(at, parts):
            return True
    return False


def _answered_below(at: int, parts: list[_Part]) -> bool:
    below = at + 1
    while below < len(parts) and parts[below].depth > parts[at].depth:
        if "answer" in parts[below].says:
            return True
        below += 1
    return False


def _within(wanted: list[str], words: list[str]) -> bool:
    size = len(wanted)
    return size > 0 and any(words[n : n + size] == wanted for n in range(len(words) - size + 1))


def _words(title: str) -> list[str]:
    return [_one(word) for word in re.findall(r"[^\W_]+", title.casefold())]


def _one(word: str) -> str:
    """Without the plural: `Fix` is the section `fixes`."""
    if word.endswith("xes"):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _parts(markdown: str) -> list[_Part]:
    text = markdown.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    parts: list[_Part] = []
    for at, token in enumerate(tokens):
        if token.level != 0 or token.map is None:
            continue
        if token.type == "heading_open":
            title = read_inline(tokens[at + 1], 0).flat
            parts.append(_Part(title, int(token.tag[1])))
        elif parts and token.type not in _SILENT:
            says = _says(token.type, lines[slice(*token.map)])
            parts[-1].says += [says] if says else []
    return parts


def _says(kind: str, lines: list[str]) -> str:
    """`question` when only the draft's own stands there, `answer` when a person's words do, else nothing."""
    if kind == "table_open":
        cells = [cell for line in lines[2:] for cell in _CELLS.split(line)]
        return "answer" if any(not _blank(cell) for cell in cells) else ""
    if kind in {"fence", "code_block"}:
        return "answer"
    whole = " ".join(_MARKS.sub("", line).strip() for line in lines)
    rest, asked = _QUESTION.subn("", whole)
    if not _blank(_without_comments(rest)):
        return "answer"
    return "question" if asked else ""


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])


def _blank(text: str) -> bool:
    """Nothing, a dash, or only a sign that it is undecided."""
    said = text.strip().strip(".:;*_` ")
    return is_empty(said) or find_blank(said) == said
