"""How a command ends without success, in one exception: what went wrong, what is possible, which exit code."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any, Final

from tocsin.cli.output import STDERR, plain

REFUSED: Final = 1
"""Refused, findings, or it could not be done."""
MISUSED: Final = 2
"""Wrong use, or input that cannot be used."""
WIDE: Final = 160
"""A refusal that is longer than this is easier to read line by line."""


@dataclass
class Failure(Exception):
    """Ends the command. `possible` says what can be done instead; `problem` is the server's document, if any."""

    message: str
    code: int = REFUSED
    possible: str = ""
    problem: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


def misused(message: str, possible: str = "") -> Failure:
    """The command was called in a way that cannot work."""
    return Failure(message, MISUSED, possible)


def say_failure(failure: Failure, *, as_json: bool) -> int:
    """Print it, as JSON where the command's answer would have stood; returns the exit code."""
    if as_json:
        shape = {"title": failure.message, "detail": failure.message, "possible": failure.possible or None}
        sys.stdout.write(json.dumps({**shape, **failure.problem}, ensure_ascii=False) + "\n")
        return failure.code
    sys.stderr.write(f"{STDERR.style('tocsin:', 'red')} {plain(failure.message)}\n")
    for line in _lines(plain(failure.possible)):
        sys.stderr.write(f"  {line}\n")
    return failure.code


def _lines(possible: str) -> list[str]:
    """What is possible; many things (the points of a check) one below the other."""
    if len(possible) <= WIDE:
        return [possible] if possible else []
    return possible.split("; ")
