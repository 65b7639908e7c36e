"""A Markdown file as sections of items, tables, paragraphs and quotes, each with its line.

Here: the walk over markdown-it-py's tokens, nothing about incidents. CRLF and a byte order mark are taken as they
are, YAML front matter is read as metadata. Text is given as a reader sees it, never as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tocsin.handbook.labels import section_kind

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<body>(?:(?:[\w -]+:.*|#.*|[ \t]*)\n)*?)---[ \t]*(?:\n|\Z)")
_WIKI = re.compile(r"\[\[([^\]|#]+)[^\]]*\]\]")


@dataclass(frozen=True, slots=True)
class Inline:
    """A run of text: `text` as read, `bare` without code spans (for blanks), `lead` the bold words at the start."""

    text: str
    bare: str
    line: int
    lead: str | None = None
    rest: str = ""
    codes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def flat(self) -> str:
        """The text on one line."""
        return " ".join(self.text.split())

    def named(self) -> tuple[str | None, str]:
        """`**Name:** text` or `Name: text` as (name, text); without a name (None, text)."""
        if self.lead is not None:
            return self.lead.strip().rstrip(":").strip(), " ".join(self.rest.split()).lstrip(":–—- ").strip()
        name, colon, rest = self.flat.partition(":")
        if colon and len(name) <= 60 and not rest.startswith("//"):
            return name.strip(), rest.strip()
        return None, self.flat


@dataclass(frozen=True, slots=True)
class Item:
    """A point of a list: `number` absent for bullets, `depth` 1 for the outermost list."""

    inline: Inline
    line: int
    depth: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    inline: Inline
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[Inline, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    header: Row
    rows: tuple[Row, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Quote:
    """A block quote: its Markdown text without the `>` marks, and its paragraphs."""

    text: str
    inlines: tuple[Inline, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    info: str
    line: int

    @property
    def is_policy(self) -> bool:
        """Whether its info string says `toml tocsin`."""
        return self.info.casefold().split()[:2] == ["toml", "tocsin"]


@dataclass(frozen=True, slots=True)
class Html:
    text: str
    line: int


Block = Item | Paragraph | Table | Quote | Code | Html


@dataclass(slots=True)
class Section:
    """A heading with what stands below it. A sub-heading of no known kind belongs to the kind above it."""

    title: str
    depth: int
    line: int
    kind: str | None
    blocks: list[Block] = field(default_factory=list)

    def items(self) -> list[Item]:
        return [b for b in self.blocks if isinstance(b, Item)]

    def tables(self) -> list[Table]:
        return [b for b in self.blocks if isinstance(b, Table)]

    def paragraphs(self) -> list[Paragraph]:
        return [b for b in self.blocks if isinstance(b, Paragraph)]

    def spoken(self) -> list[Paragraph | Item]:
        """Paragraphs and points in order: what the section says in sentences."""
        return [b for b in self.blocks if isinstance(b, Paragraph | Item)]


@dataclass(frozen=True, slots=True)
class Document:
    """A file: `name` relative to the repository root, sections in order (the first may have no heading)."""

    name: str
    text: str
    sections: tuple[Section, ...]
    front_matter: tuple[tuple[str, str, int], ...] = ()

    def of_kind(self, kind: str) -> list[Section]:
        """Sections of that kind, in order."""
        return [s for s in self.sections if s.kind == kind]


def parse_document(name: str, text: str) -> Document:
    """Markdown text as a document. Never fails: what is no known block is left out."""
    text = text.removeprefix("\ufeff")
    body, matter = _without_front_matter(text.replace("\r\n", "\n").replace("\r", "\n"))
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    sections = [Section("", 0, 1, None)]
    walk = _Walk(tokens)
    for entry in walk:
        if isinstance(entry, Section):
            entry.kind = section_kind(entry.title) or _inherited(sections, entry.depth)
            sections.append(entry)
        else:
            sections[-1].blocks.append(entry)
    return Document(name, text, tuple(sections), matter)


def _inherited(sections: list[Section], depth: int) -> str | None:
    for section in reversed(sections):
        if section.depth < depth:
            # The title of the whole file does not make every section of it one of its kind.
            return section.kind if section.depth > 1 else None
    return None


def _without_front_matter(text: str) -> tuple[str, tuple[tuple[str, str, int], ...]]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, ()
    entries = []
    for offset, line in enumerate(match["body"].split("\n")):
        key, colon, value = line.partition(":")
        if colon and not key.startswith("#"):
            entries.append((key.strip(), value.strip().strip("'\""), offset + 2))
    return "\n" * match[0].count("\n") + text[match.end() :], tuple(entries)


class _Walk:
    """One pass over the tokens of a file, yielding headings as sections and everything else as blocks."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._numbers: list[int | None] = []
        self._ordered: list[bool] = []

    def __iter__(self) -> Iterator[Section | Block]:
        while self._at < len(self._tokens):
            entry = self._next()
            self._at += 1
            if entry is not None:
                yield entry

    def _next(self) -> Section | Block | None:
        token = self._tokens[self._at]
        line = _line(token)
        match token.type:
            case "heading_open":
                self._at += 1
                inline = read_inline(self._tokens[self._at], line)
                return Section(inline.flat, int(token.tag[1]), line, None)
            case "bullet_list_open" | "ordered_list_open":
                self._ordered.append(token.type.startswith("ordered"))
            case "bullet_list_close" | "ordered_list_close":
                self._ordered.pop()
            case "list_item_open":
                return self._item(token, line)
            case "paragraph_open":
                self._at += 1
                return Paragraph(read_inline(self._tokens[self._at], line), line)
            case "table_open":
                return self._table(line)
            case "blockquote_open":
                return self._quote(line)
            case "fence" | "code_block":
                return Code(token.content, token.info.strip(), line)
            case "html_block":
                return None if token.content.lstrip().startswith("<!--") else Html(token.content, line)
        return None

    def _item(self, token: Token, line: int) -> Item:
        number = int(token.info) if self._ordered[-1] and token.info.isdigit() else None
        following = self._tokens[self._at + 1]
        if following.type != "paragraph_open":
            return Item(Inline("", "", line), line, len(self._ordered), number)
        self._at += 2
        return Item(read_inline(self._tokens[self._at], line), line, len(self._ordered), number)

    def _table(self, line: int) -> Table:
        rows: list[Row] = []
        cells: list[Inline] = []
        row_line = line
        while self._tokens[self._at].type != "table_close":
            token = self._tokens[self._at]
            if token.type == "tr_open":
                cells, row_line = [], _line(token)
            elif token.type == "inline":
                cells.append(read_inline(token, row_line))
            elif token.type == "tr_close":
                rows.append(Row(tuple(cells), row_line))
            self._at += 1
        return Table(rows[0], tuple(rows[1:]), line)

    def _quote(self, line: int) -> Quote:
        depth, inlines, texts = 0, [], []
        while True:
            token = self._tokens[self._at]
            depth += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
            if token.type == "inline":
                inlines.append(read_inline(token, _line(token)))
                texts.append(token.content)
            if depth == 0:
                return Quote("\n\n".join(texts), tuple(inlines), line)
            self._at += 1


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def read_inline(token: Token, line: int) -> Inline:
    """An inline token as text. HTML comments are left out, other raw HTML stays as written."""
    text: list[str] = []
    bare: list[str] = []
    lead_end: int | None = None
    codes: list[str] = []
    links: list[str] = []
    for child in token.children or []:
        if child.type == "strong_close" and lead_end is None and text:
            lead_end = len(text)
        if child.type == "strong_open" and any(part.strip() for part in text):
            lead_end = lead_end if lead_end is not None else -1
        shown, plain = _child_text(child)
        if child.type == "code_inline":
            codes.append(child.content)
        if child.type == "link_open":
            links.append(str(child.attrGet("href") or ""))
        if shown:
            text.append(shown)
            bare.append(plain)
    whole = "".join(text)
    links += _WIKI.findall(whole)
    lead = "".join(text[:lead_end]) if lead_end is not None and lead_end > 0 else None
    rest = "".join(text[lead_end:]) if lead is not None else whole
    return Inline(whole, "".join(bare), line, lead, rest, tuple(codes), tuple(links))


def _child_text(child: Token) -> tuple[str, str]:
    """What a reader sees of an inline token, and the same without code."""
    match child.type:
        case "code_inline":
            return child.content, " "
        case "softbreak" | "hardbreak":
            return "\n", "\n"
        case "html_inline":
            shown = "" if child.content.startswith("<!--") else child.content
            return shown, shown
        case "image":
            return child.content, child.content
        case _:
            return child.content, child.content
