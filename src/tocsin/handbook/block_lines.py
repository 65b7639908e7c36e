"""On which line each key of a TOML text stands.

`tomllib` gives values without places, and the libraries that keep a text's form do not give lines either. This is no
second parser: it runs after `tomllib` has accepted the text and only follows keys, brackets and strings.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

Path = tuple[str | int, ...]
"""Keys from the top, places in a list counted from 0: `("schedule", "platform", "layer", 0, "name")`."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")
_TEXT = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\]|\\.)*"|'[^']*'|[^\[\]{},\n#"']+''', re.DOTALL
)
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([btnfr"\\]))')
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class _Lost(Exception):
    """The text is not what it seemed; the lines found so far still count."""


def lines_of(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every key, table and place in a list; `text` is TOML that `tomllib` accepts.

    Raises RecursionError when lists are nested too deep.
    """
    scan = _Scan(text)
    with contextlib.suppress(_Lost):
        scan.run()
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0
        self._lists: dict[Path, int] = {}

    def run(self) -> None:
        table: Path = ()
        while self._next():
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text.startswith("[", self._at):
                table = self._header(1)
            else:
                self._pair(table)

    def _next(self) -> str:
        """The next sign that counts; empty at the end."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _note(self, path: Path) -> None:
        self.lines.setdefault(path, self._here())

    def _header(self, brackets: int) -> Path:
        self._at += brackets
        path: Path = ()
        keys = list(self._keys())
        self._at += brackets
        for key in keys[:-1]:
            path = self._entered((*path, key))
        path = (*path, keys[-1])
        if brackets == 1:
            return self._entered(path)
        self._note(path)
        self._lists[path] = self._lists.get(path, -1) + 1
        return self._entered(path)

    def _entered(self, path: Path) -> Path:
        """The table of that name; of a list of tables the one that was begun last."""
        self._note(path)
        if path in self._lists:
            path = (*path, self._lists[path])
            self._note(path)
        return path

    def _keys(self) -> Iterator[str]:
        while True:
            found = _KEY.match(self._text, self._at)
            if found is None:
                raise _Lost
            self._at = found.end()
            quoted, literal, bare = found.groups()
            yield _unescaped(quoted) if quoted is not None else (literal if literal is not None else bare)
            if self._text[self._at : self._at + 1] != ".":
                return
            self._at += 1

    def _pair(self, path: Path) -> None:
        start = self._here()
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, start)
        if self._next() != "=":
            raise _Lost
        self._at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        sign = self._next()
        if sign == "[":
            self._list(path)
        elif sign == "{":
            self._inline(path)
        else:
            found = _TEXT.match(self._text, self._at)
            if found is None:
                raise _Lost
            self._at = found.end()

    def _list(self, path: Path) -> None:
        self._at += 1
        index = 0
        while (sign := self._next()) != "]":
            if sign == ",":
                self._at += 1
                continue
            self._note((*path, index))
            self._value((*path, index))
            index += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while (sign := self._next()) != "}":
            if sign == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1


def _unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        short, long, sign = found.groups()
        return _ESCAPED[sign] if sign else chr(int(short or long, 16))

    return _ESCAPE.sub(plain, text)


def nearest_line(lines: dict[Path, int], path: Path) -> int:
    """The line of the path, else of the table that it stands in, else 1."""
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 1
