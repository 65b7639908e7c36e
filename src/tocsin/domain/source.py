"""Where a value of the handbook was read. Apart from `policy`, so that schedules can say it too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was read: `file` relative to the repository root, `line` counted from 1."""

    file: str
    line: int


BUILT_IN = Source("built-in", 0)
