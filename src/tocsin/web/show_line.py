"""One entry of the timeline as a page shows it; filled by `show_timeline` and `show_timeline_work`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Line:
    """One entry. `k`, `st` and `aud` choose how it looks; `who` is empty for what the machine did.

    `edits`: the version to name when the note is to be changed; 0 for what is no note or was changed already.
    """

    seq: int
    at: datetime
    offset: str
    k: str
    icon: str
    st: str = ""
    who: str = ""
    word: str = ""
    say: str = ""
    meta: str = ""
    details: list[tuple[str, str]] = field(default_factory=list)
    level: str = ""
    mark: tuple[str, str] | None = None
    aud: str = ""
    link: str = ""
    file: str = ""
    points: tuple[tuple[int, str, str], ...] = ()
    edits: int = 0
