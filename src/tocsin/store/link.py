"""One connection, in the few words the shared SQL needs; and what each database must bring besides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from tocsin.store.sql import Bulk, Dialect, Row


def no_probe(_point: str) -> None:
    """Tests put their own here: a probe that raises is a simulated kill at that point."""


class Count(Protocol):
    """How many rows a statement touched."""

    @property
    def rowcount(self) -> int:
        """The number."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """A number that is known already."""

    rowcount: int


NOTHING = Counted(0)


class Link(ABC):
    """A connection inside a transaction, or one for reading. `core` is for ordinary SQLAlchemy statements."""

    dialect: Dialect
    core: Connection
    idle = False
    """Set when nothing was written after all: the transaction ends without waiting for the disk."""

    @abstractmethod
    def rows(self, statement: str, *values: Any) -> list[Row]:
        """Run one statement of `sql` and fetch all its rows."""

    @abstractmethod
    def run(self, statement: str, *values: Any) -> int:
        """Run one statement; how many rows it touched."""

    @abstractmethod
    def bulk(self, statement: Bulk, rows: Sequence[Row]) -> Count:
        """Run a statement for many rows; how many it touched is known after the `together` around it."""

    @abstractmethod
    def together(self) -> AbstractContextManager[object]:
        """Statements that need not wait for each other: one trip to a server instead of one each."""

    @abstractmethod
    def listed(self, values: Sequence[str]) -> Any:
        """Values as the one parameter of `{among}` and `{outside}`."""

    @abstractmethod
    def pairs(self, statement: str, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        """Run a statement that looks up pairs."""

    @abstractmethod
    def last_seq_locked(self) -> int:
        """The newest seq; from here to the commit nobody else adds an event."""


class Database(ABC):
    """What the parts of a store share: transactions, readers and the epoch."""

    epoch: str
    probe: Callable[[str], None]

    @abstractmethod
    def writing(self) -> AbstractContextManager[Link]:
        """A write transaction: leaving it normally commits, an exception rolls back."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Link]:
        """A connection for reading; never blocks writing."""

    @abstractmethod
    def announce(self, link: Link) -> None:
        """Tell other processes, as part of the commit. A hint, never a promise."""
