"""The table: what was measured, the floor of the same run, the ratio, the aim."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bench.md"
BEGIN, END = "<!-- table -->", "<!-- /table -->"
HEAD = ("What", "tocsin", "floor, same run", "ratio", "aim", "reached")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `reached` is None where there is no aim."""

    what: str
    figure: str
    floor: str = ""
    share: str = ""
    aim: str = ""
    reached: bool | None = None


def markdown(lines: Sequence[Line]) -> str:
    words = {True: "yes", False: "**no**", None: ""}
    rows = [(x.what, x.figure, x.floor, x.share, x.aim, words[x.reached]) for x in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * len(HEAD), *rows))


def write(table: str) -> None:
    """Put the table between its two marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 10 else f"{seconds:.1f} s"
