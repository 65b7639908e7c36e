"""What is printed: text made harmless, columns, a little colour that never carries meaning by itself.

Titles, notes and answers of other programs are untrusted: nothing in them may drive the terminal (design rule 27).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TextIO

from tocsin.config import client_environment

_COLOURS: Final = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}
_DANGEROUS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


class Terminal:
    """One of the two streams; colours only on a terminal, and never with NO_COLOR."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def stream(self) -> TextIO:
        """The stream as it is now (tests replace it)."""
        found: TextIO = getattr(sys, self._name)
        return found

    def style(self, text: str, colour: str) -> str:
        """The text in a colour, if colours are wanted."""
        if not self.stream.isatty() or client_environment().no_color:
            return text
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"

    def line(self, text: str = "") -> None:
        """Print one line that has been made harmless."""
        self.stream.write(f"{text}\n")


STDOUT: Final = Terminal("stdout")
STDERR: Final = Terminal("stderr")


def open_closed_streams() -> None:
    """A command that was started without its streams has nobody to tell, and works all the same."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def flush_or_give_up() -> None:
    """Write what is still held back; where nobody reads any more, the interpreter's own try at it stays silent."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def plain(text: object, *, lines: bool = False) -> str:
    """Untrusted text for a terminal: control and invisible characters are spelled out, line breaks become spaces.

    `lines` keeps line breaks.
    """
    words = _DANGEROUS.sub(_visible, str(text).replace("\r\n", "\n").replace("\t", " "))
    return words if lines else words.replace("\n", " ")


def emit_json(value: Any) -> None:
    """One JSON document on standard output; every control character is escaped by the encoder."""
    shown = json.dumps(value, ensure_ascii=False, indent=2)
    STDOUT.line(_DANGEROUS.sub(lambda found: json.dumps(found.group())[1:-1], shown))


def columns(rows: Iterable[Sequence[object]], gap: str = "  ") -> list[str]:
    """Rows as aligned lines, every cell made harmless; the last column is not padded."""
    cells = [[plain(cell) for cell in row] for row in rows]
    widths: dict[int, int] = {}
    for row in cells:
        for index, cell in enumerate(row[:-1]):
            widths[index] = max(widths.get(index, 0), len(cell))
    return [
        gap.join([*(cell.ljust(widths[i]) for i, cell in enumerate(row[:-1])), *row[-1:]]).rstrip()
        for row in cells
    ]


def clock_time(text: str | None) -> str:
    """An instant of the API as `13:05:00`, with the date where it matters to read it in full."""
    moment = parse_instant(text)
    return moment.strftime("%H:%M:%S") if moment else "-"


def day_time(text: str | None, *, exact: bool = False) -> str:
    """An instant of the API as `2026-11-24 13:05 UTC`, to the second when `exact`."""
    moment = parse_instant(text)
    return moment.strftime(f"%Y-%m-%d %H:%M{':%S' if exact else ''} UTC") if moment else "-"


def parse_instant(text: str | None) -> datetime | None:
    """An instant of the API, or None."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
