"""What the engine is handed from outside: lanes, on which effects are carried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tocsin.store.contract import DocumentMemory, Taken


@dataclass(frozen=True, slots=True)
class Carried:
    """It was carried out: the other side's receipt; for a document what was written."""

    receipt: str
    document: DocumentMemory | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A road out: one per channel, plus documents. `slots` sends run at once, none longer than `timeout_s`.

    `waits_s` are the pauses before each repeat; when they are used up, `for_ever` repeats at the last pause
    (documents stay owed), otherwise the effect fails for good (docs/reference/oncall.md N7).
    """

    name: str
    carry: Callable[[Taken], Awaitable[Carried]]
    slots: int = 4
    timeout_s: float = 10.0
    lease_s: float = 30.0
    waits_s: tuple[float, ...] = (5, 20, 60, 60, 60, 120, 120, 120)
    for_ever: bool = False


class Companion(Protocol):
    """Something that runs beside the courier, on the nodes where that runs."""

    def start(self) -> None:
        """Begin, in a thread of its own."""
        ...

    def stop(self) -> None:
        """End."""
        ...

    def trouble(self) -> str:
        """Why it does not do its work, in words for everybody; empty when it does."""
        ...
