"""Prints every message as one line: for trying things out, and for a log of last resort.

The line holds the links, so whoever reads the stream can acknowledge: not for a stream that many people see.
"""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC
from typing import TextIO

from tocsin.channels.port import Message, Receipt
from tocsin.channels.text import clean_line, clean_links
from tocsin.domain.delivery import permanent

_LINE = 2_000
"""Characters of one line: a terminal is no place for a whole postmortem."""


class ConsoleChannel:
    """Writes to `stream` from a thread, so that a reader who stopped reading delays nobody else."""

    kind = "console"

    def __init__(self, name: str, *, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._one_line_at_a_time = threading.Lock()

    def __repr__(self) -> str:
        return f"ConsoleChannel({self._name!r})"

    async def send(self, message: Message) -> Receipt:
        """Print it. A closed stream or broken pipe is permanent; nothing else fails."""
        try:
            await asyncio.to_thread(self._write, _one_line(message))
        except (OSError, ValueError):  # ValueError: the stream is closed
            raise permanent("the console's stream is closed", channel=True) from None
        return Receipt("printed")

    async def aclose(self) -> None:
        """Nothing to do: the stream belongs to who gave it."""

    def _write(self, line: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        printable = line.encode(encoding, "backslashreplace").decode(encoding)
        with self._one_line_at_a_time:
            self._stream.write(printable + "\n")
            self._stream.flush()


def _one_line(message: Message) -> str:
    parts = [
        message.sent_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        "URGENT" if message.urgent else "notice",
        message.ref,
        f"@{message.person} <{message.to}>",
        message.subject,
        message.text,
        *(f"{label}: {url}" for label, url in clean_links(message.links)),
    ]
    return " | ".join(filter(None, (clean_line(part, _LINE) for part in parts)))
